// TUN devices against the kernel itself: what may be opened, shared and adopted, and how many queues come of it.

#include "io/tun.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <netinet/in.h>
#include <poll.h>

#include <array>

#include "io/own_namespace.h"

namespace wgu::io {
namespace {

using test::Namespace;
using test::run_in_own_namespace;

// A TUN made with other flags than ours.
FileDescriptor attach(const char* name, int flags) {
  FileDescriptor fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq request{};
  std::strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  request.ifr_flags = static_cast<short>(flags);
  if (::ioctl(fd.get(), TUNSETIFF, &request) != 0) return {};
  return fd;
}

FileDescriptor make_persistent(const char* name, int flags) {
  FileDescriptor fd = attach(name, flags);
  EXPECT_TRUE(fd);
  EXPECT_EQ(::ioctl(fd.get(), TUNSETPERSIST, 1), 0);
  return fd;
}

template <class... Fds>
Result<Tun> adopt(Fds&&... fds) {
  std::vector<FileDescriptor> queues;
  (queues.push_back(std::forward<Fds>(fds)), ...);
  return adopt_tun(std::move(queues));
}

template <class T>
std::string failure(const Result<T>& result) {
  return result ? "none" : result.error().message;
}
template <class T>
int code(const Result<T>& result) {
  return result ? 0 : result.error().code;
}

std::uint32_t queue_length(const char* name) {
  FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strncpy(request.ifr_name, name, sizeof request.ifr_name - 1);
  EXPECT_EQ(::ioctl(socket.get(), SIOCGIFTXQLEN, &request), 0);
  return static_cast<std::uint32_t>(request.ifr_qlen);
}

TEST(Tun, ShortQueuesGrowAndLongOnesStay) {
  run_in_own_namespace([] {
    const auto fresh = open_tun("wgtest0", 1);
    ASSERT_TRUE(fresh.ok()) << failure(fresh);
    EXPECT_EQ(fresh->queue_length, 1000U);
    EXPECT_EQ(queue_length("wgtest0"), 1000U);

    make_persistent("wgtest1", IFF_TUN | IFF_NO_PI);
    FileDescriptor socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::strncpy(request.ifr_name, "wgtest1", sizeof request.ifr_name - 1);
    request.ifr_qlen = 5000;
    ASSERT_EQ(::ioctl(socket.get(), SIOCSIFTXQLEN, &request), 0);
    const auto longer = open_tun("wgtest1", 1);
    ASSERT_TRUE(longer.ok()) << failure(longer);
    EXPECT_EQ(longer->queue_length, 5000U) << "somebody wanted it so";
    EXPECT_EQ(queue_length("wgtest1"), 5000U);
  });
}

TEST(Tun, RefusesNamesTheKernelCannotHave) {
  struct Row {
    std::string name;
    const char* says;
  };
  const Row rows[] = {{"", "empty"},
                      {"0123456789abcdef", "longer than 15"},
                      {".", "not a name"},
                      {"..", "not a name"},
                      {"a/b", "'/'"},
                      {"a b", "blank"},
                      {"a:b", "':'"},
                      {"a\tb", "control"},
                      {std::string("a\0b", 3), "control"},
                      {"wg%s", "%d"},
                      {"wg%", "%d"},
                      {"wg%d%d", "%d"}};
  for (const auto& row : rows) {
    const auto tun = open_tun(row.name, 1);
    EXPECT_EQ(code(tun), EINVAL) << row.name;
    EXPECT_NE(failure(tun).find(row.says), std::string::npos) << row.name << ": " << failure(tun);
  }
}

TEST(Tun, OpensAsManyQueuesAsAskedFor) {
  run_in_own_namespace([] {
    for (const unsigned queues : {1U, 2U, 4U}) {
      const auto tun = open_tun("wgtest0", queues);
      ASSERT_TRUE(tun) << failure(tun);
      EXPECT_EQ(tun->name, "wgtest0");
      EXPECT_EQ(tun->queues.size(), queues);
      for (const auto& queue : tun->queues) {
        EXPECT_NE(::fcntl(queue.get(), F_GETFL) & O_NONBLOCK, 0);
        EXPECT_NE(::fcntl(queue.get(), F_GETFD) & FD_CLOEXEC, 0);
        EXPECT_EQ(*device_name(queue.get()), "wgtest0");
      }
    }
    EXPECT_EQ(code(open_tun("wgtest0", 0)), EINVAL);
    const auto longest = open_tun("0123456789abcde", 1);
    ASSERT_TRUE(longest) << failure(longest);
    EXPECT_EQ(longest->name, "0123456789abcde");
  });
}

TEST(Tun, OpensNoMoreQueuesThanTheKernelHas) {
  run_in_own_namespace([] {
    const auto tun = open_tun("wgtest0", 300);
    ASSERT_TRUE(tun) << failure(tun);
    EXPECT_EQ(tun->queues.size(), 256U);  // MAX_TAP_QUEUES
  });
}

TEST(Tun, LetsTheKernelChooseANumber) {
  run_in_own_namespace([] {
    const auto first = open_tun("wgtest%d", 2);
    const auto second = open_tun("wgtest%d", 1);
    ASSERT_TRUE(first) << failure(first);
    ASSERT_TRUE(second) << failure(second);
    EXPECT_EQ(first->name, "wgtest0");
    EXPECT_EQ(second->name, "wgtest1");
  });
}

TEST(Tun, CarriesBareIpPackets) {
  run_in_own_namespace([] {
    const auto tun = open_tun("wgtest0", 1);
    ASSERT_TRUE(tun) << failure(tun);
    const auto here = Namespace::current();
    ifreq address = here.request("wgtest0");
    auto* in = reinterpret_cast<sockaddr_in*>(&address.ifr_addr);
    in->sin_family = AF_INET;
    in->sin_addr.s_addr = htonl(0xc0000201);  // 192.0.2.1
    ASSERT_EQ(::ioctl(here.control.get(), SIOCSIFADDR, &address), 0);
    in->sin_addr.s_addr = htonl(0xc0000202);  // the other end of a point-to-point link
    ASSERT_EQ(::ioctl(here.control.get(), SIOCSIFDSTADDR, &address), 0);
    here.set_up("wgtest0", true);
    sockaddr_in to = *in;
    to.sin_port = htons(9);
    ASSERT_EQ(::sendto(here.control.get(), "wgu", 3, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 3) << std::strerror(errno);
    // The kernel may say something of its own (IPv6) first.
    std::array<std::uint8_t, 2000> packet{};
    ssize_t size = 0;
    for (int tries = 0; tries < 20 && packet[0] != 0x45; ++tries) {
      pollfd readable{tun->queues[0].get(), POLLIN, 0};
      ASSERT_EQ(::poll(&readable, 1, 2000), 1);
      size = ::read(tun->queues[0].get(), packet.data(), packet.size());
    }
    ASSERT_EQ(size, 20 + 8 + 3);
    EXPECT_EQ(packet[0], 0x45);
    EXPECT_EQ(std::string(packet.begin() + 28, packet.begin() + 31), "wgu");
  });
}

// The kernel would attach a second daemon to a multi-queue device without a word.
TEST(Tun, IsNotSharedWithAnotherOwner) {
  run_in_own_namespace([] {
    for (const unsigned queues : {1U, 4U}) {
      const auto first = open_tun("wgtest0", queues);
      ASSERT_TRUE(first) << failure(first);
      EXPECT_EQ(code(open_tun("wgtest0", 1)), EBUSY);
      EXPECT_EQ(code(open_tun("wgtest0", 4)), EBUSY);
    }
    for (const int flags : {0, IFF_MULTI_QUEUE}) {
      const auto holder = make_persistent("wgtest1", IFF_TUN | IFF_NO_PI | flags);
      EXPECT_EQ(code(open_tun("wgtest1", 1)), EBUSY);
      EXPECT_EQ(code(open_tun("wgtest1", 4)), EBUSY);
      ASSERT_EQ(::ioctl(holder.get(), TUNSETPERSIST, 0), 0);
    }
    // A queue that was switched off belongs to somebody all the same.
    const auto holder = make_persistent("wgtest2", IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE);
    ifreq request{};
    request.ifr_flags = IFF_DETACH_QUEUE;
    ASSERT_EQ(::ioctl(holder.get(), TUNSETQUEUE, &request), 0);
    EXPECT_EQ(code(open_tun("wgtest2", 2)), EBUSY);
    const auto loopback = open_tun("lo", 1);
    EXPECT_EQ(code(loopback), EBUSY);
    EXPECT_NE(failure(loopback).find("not a TUN"), std::string::npos) << failure(loopback);
  });
}

TEST(Tun, AttachesToAPersistentDeviceThatIsFree) {
  run_in_own_namespace([] {
    struct Row {
      int flags;
      unsigned asked_for, granted;
    };
    for (const auto& row : {Row{0, 1, 1}, Row{0, 4, 1}, Row{IFF_MULTI_QUEUE, 1, 1}, Row{IFF_MULTI_QUEUE, 4, 4}}) {
      make_persistent("wgtest0", IFF_TUN | IFF_NO_PI | row.flags).reset();
      const auto tun = open_tun("wgtest0", row.asked_for);
      ASSERT_TRUE(tun) << failure(tun);
      EXPECT_EQ(tun->queues.size(), row.granted);
      ASSERT_EQ(::ioctl(tun->queues[0].get(), TUNSETPERSIST, 0), 0);
    }
    make_persistent("wgtap0", IFF_TAP | IFF_NO_PI).reset();
    EXPECT_EQ(code(open_tun("wgtap0", 1)), EINVAL);
  });
}

TEST(Tun, TakesOverPersistentDeviceWithoutTheOffloadsOfItsLastOwner) {
  run_in_own_namespace([] {
    {
      const auto last_owner = make_persistent("wgtest0", IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
      ASSERT_EQ(::ioctl(last_owner.get(), TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6), 0);
    }
    const auto tun = open_tun("wgtest0", 1);
    ASSERT_TRUE(tun) << failure(tun);
    ifreq request{};
    ASSERT_EQ(::ioctl(tun->queues[0].get(), TUNGETIFF, &request), 0);
    EXPECT_EQ(request.ifr_flags & (IFF_VNET_HDR | IFF_NO_PI), IFF_NO_PI);
    // ETHTOOL_GTSO: segmentation offload would hand us packets above the MTU.
    struct {
      std::uint32_t command, value;
    } tso{0x1e, 1};
    const auto here = Namespace::current();
    request = here.request("wgtest0");
    request.ifr_data = reinterpret_cast<char*>(&tso);
    ASSERT_EQ(::ioctl(here.control.get(), 0x8946 /* SIOCETHTOOL */, &request), 0) << std::strerror(errno);
    EXPECT_EQ(tso.value, 0U);
  });
}

TEST(Tun, AdoptsOpenQueues) {
  run_in_own_namespace([] {
    const auto single = adopt(attach("wgtest0", IFF_TUN | IFF_NO_PI));
    ASSERT_TRUE(single) << failure(single);
    EXPECT_EQ(single->name, "wgtest0");
    ASSERT_EQ(single->queues.size(), 1U);
    EXPECT_NE(::fcntl(single->queues[0].get(), F_GETFL) & O_NONBLOCK, 0);
    EXPECT_NE(::fcntl(single->queues[0].get(), F_GETFD) & FD_CLOEXEC, 0);

    constexpr int kMulti = IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE;
    const auto several = adopt(attach("wgtest1", kMulti), attach("wgtest1", kMulti));
    ASSERT_TRUE(several) << failure(several);
    EXPECT_EQ(several->name, "wgtest1");
    EXPECT_EQ(several->queues.size(), 2U);
  });
}

TEST(Tun, AdoptsOnlyWhatItCanRead) {
  run_in_own_namespace([] {
    struct Row {
      int flags;
      const char* says;
    };
    const Row rows[] = {{IFF_TUN, "IFF_NO_PI"}, {IFF_TAP | IFF_NO_PI, "TAP"}};
    for (const auto& row : rows) {
      const auto tun = adopt(attach("wgtest0", row.flags));
      EXPECT_EQ(code(tun), EINVAL) << row.says;
      EXPECT_NE(failure(tun).find(row.says), std::string::npos) << failure(tun);
    }
    {  // packet information switched on, in another namespace
      const auto there = Namespace::make();
      auto queue = attach("wgtest0", IFF_TUN);
      Namespace::current().move("wgtest0", there);
      const auto good = attach("wgtest0", IFF_TUN | IFF_NO_PI);
      EXPECT_EQ(code(adopt(std::move(queue))), EINVAL);
    }
    EXPECT_EQ(code(adopt(attach("wgtest0", IFF_TUN | IFF_NO_PI), attach("wgtest1", IFF_TUN | IFF_NO_PI))), EINVAL);
    EXPECT_EQ(code(adopt(FileDescriptor(::open("/dev/net/tun", O_RDWR)))), EBADFD);  // never attached
    auto deleted = attach("wgtest2", IFF_TUN | IFF_NO_PI);
    Namespace::current().remove("wgtest2");
    EXPECT_EQ(code(adopt(std::move(deleted))), EBADFD);
  });
}

TEST(Tun, AdoptsDatagramSocketsAsANamelessDevice) {
  for (const int type : {SOCK_DGRAM, SOCK_SEQPACKET}) {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, type, 0, ends), 0);
    const FileDescriptor other(ends[1]);
    const auto tun = adopt(FileDescriptor(ends[0]));
    ASSERT_TRUE(tun) << failure(tun);
    EXPECT_EQ(tun->name, "");
    EXPECT_NE(::fcntl(tun->queues[0].get(), F_GETFL) & O_NONBLOCK, 0);
  }
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const FileDescriptor other(ends[1]);
  EXPECT_EQ(code(adopt(FileDescriptor(ends[0]))), EINVAL);
  EXPECT_EQ(code(adopt(FileDescriptor(::open("/dev/null", O_RDWR)))), EINVAL);
  EXPECT_EQ(code(adopt(FileDescriptor())), EBADF);
  EXPECT_EQ(code(adopt_tun({})), EINVAL);
}

TEST(Tun, SetsTheMtu) {
  run_in_own_namespace([] {
    const auto tun = open_tun("wgtest0", 1);
    ASSERT_TRUE(tun) << failure(tun);
    const auto here = Namespace::current();
    for (const std::uint32_t mtu : {1420U, 9000U, 65535U, 68U}) {
      const auto set = set_mtu("wgtest0", mtu);
      ASSERT_TRUE(set) << failure(set);
      EXPECT_EQ(here.mtu("wgtest0"), static_cast<int>(mtu));
    }
    for (const std::uint32_t mtu : {0U, 67U, 65536U, 0xffffffffU}) {
      const auto set = set_mtu("wgtest0", mtu);
      EXPECT_EQ(code(set), EINVAL) << mtu;
      EXPECT_NE(failure(set).find(std::to_string(mtu)), std::string::npos) << failure(set);
      EXPECT_EQ(here.mtu("wgtest0"), 68);
    }
    EXPECT_EQ(code(set_mtu("wgtest9", 1420)), ENODEV);
    EXPECT_EQ(code(set_mtu("", 1420)), EINVAL);
  });
}

TEST(Tun, NeedsPrivilege) {
  run_in_own_namespace([] {
    test::keep_capabilities(0);
    const auto tun = open_tun("wgtest0", 2);
    EXPECT_TRUE(code(tun) == EPERM || code(tun) == EACCES) << failure(tun);
  });
}

}  // namespace
}  // namespace wgu::io
