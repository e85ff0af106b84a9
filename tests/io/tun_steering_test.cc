// Packets that the kernel sends through a TUN, and the queue each comes out of: against the kernel's own program and maps.

#include "io/tun_steering.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/if_tun.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <cstddef>
#include <optional>

#include "io/own_namespace.h"
#include "io/tun.h"

namespace wgu::io {
namespace {

using test::run_in_own_namespace;

constexpr unsigned kQueues = 4;

Prefix prefix(const char* text) { return Prefix::parse(text).value(); }

// A device with some queues to which everything goes, in a namespace of its own.
class Device {
 public:
  Device() : tun_(open_tun("steer0", kQueues).value()) {
    configure("ip link set lo up");
    configure("ip link set steer0 up");
    configure("ip route add default dev steer0");
    configure("ip -6 addr add fd00::1/64 dev steer0 nodad");
    configure("ip -6 route add default dev steer0");
    while (queue_of_next(0)) {  // router solicitations and the like
    }
  }
  [[nodiscard]] int fd() const { return tun_.queues[0].get(); }

  // Sends a datagram there and says which queue it came out of.
  std::optional<unsigned> queue_of(const char* address) {
    const bool is_v6 = std::string_view(address).find(':') != std::string_view::npos;
    FileDescriptor socket(::socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(9);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(9);
    EXPECT_EQ(::inet_pton(is_v6 ? AF_INET6 : AF_INET, address, is_v6 ? static_cast<void*>(&v6.sin6_addr) : &v4.sin_addr), 1);
    const auto* to = is_v6 ? reinterpret_cast<const sockaddr*>(&v6) : reinterpret_cast<const sockaddr*>(&v4);
    EXPECT_EQ(::sendto(socket.get(), kText, sizeof kText, 0, to, is_v6 ? sizeof v6 : sizeof v4), static_cast<ssize_t>(sizeof kText))
        << address;
    while (auto queue = queue_of_next(1000)) {
      if (was_ours_) return queue;
    }
    return std::nullopt;
  }

 private:
  static constexpr char kText[] = "steer me";

  static void configure(const char* command) { EXPECT_EQ(std::system(command), 0) << command; }
  std::optional<unsigned> queue_of_next(int milliseconds) {
    pollfd waits[kQueues];
    for (unsigned i = 0; i < kQueues; ++i) waits[i] = {tun_.queues[i].get(), POLLIN, 0};
    if (::poll(waits, kQueues, milliseconds) <= 0) return std::nullopt;
    for (unsigned i = 0; i < kQueues; ++i) {
      if (waits[i].revents == 0) continue;
      char packet[2048];
      const ssize_t size = ::read(waits[i].fd, packet, sizeof packet);
      was_ours_ = size > static_cast<ssize_t>(sizeof kText) && std::memcmp(packet + size - sizeof kText, kText, sizeof kText) == 0;
      return i;
    }
    return std::nullopt;
  }

  Tun tun_;
  bool was_ours_ = false;
};

// Some machines keep bpf(2) for themselves.
std::string missing_bpf() {
  std::string why;
  if (const long map = ::syscall(SYS_bpf, 0, nullptr, 0); map < 0 && (errno == EPERM || errno == ENOSYS)) why = std::strerror(errno);
  return why;
}

#define SKIP_WITHOUT_BPF() \
  if (const auto why = missing_bpf(); !why.empty()) GTEST_SKIP() << "bpf(2): " << why

TEST(TunSteering, MostSpecificPrefixDecides) {
  SKIP_WITHOUT_BPF();
  run_in_own_namespace([] {
    Device device;
    auto steering = TunSteering::attach(device.fd(), 64);
    ASSERT_TRUE(steering) << steering.error().message;
    struct Row {
      const char* prefix;
      unsigned queue;
    };
    for (const Row& row :
         {Row{"10.0.0.0/8", 1}, {"10.1.0.0/16", 2}, {"10.1.1.1/32", 3}, {"fd01::/16", 1}, {"fd01:1::/32", 2}, {"fd01:1::5/128", 3}}) {
      ASSERT_TRUE(steering->set(prefix(row.prefix), row.queue)) << row.prefix;
    }
    const Row sent[] = {{"10.2.0.1", 1},  {"10.1.2.3", 2},  {"10.1.1.1", 3},  {"192.0.2.1", 0},  {"10.1.1.2", 2},
                        {"fd01:2::1", 1}, {"fd01:1::1", 2}, {"fd01:1::5", 3}, {"2001:db8::1", 0}};
    for (int again = 0; again < 3; ++again) {  // the same each time: no flow is remembered
      for (const Row& row : sent) EXPECT_EQ(device.queue_of(row.prefix), row.queue) << row.prefix;
    }
  });
}

TEST(TunSteering, FollowsChanges) {
  SKIP_WITHOUT_BPF();
  run_in_own_namespace([] {
    Device device;
    auto steering = TunSteering::attach(device.fd(), 64);
    ASSERT_TRUE(steering) << steering.error().message;
    ASSERT_TRUE(steering->set(prefix("0.0.0.0/0"), 1));
    ASSERT_TRUE(steering->set(prefix("::/0"), 2));
    EXPECT_EQ(device.queue_of("198.51.100.7"), 1u);
    EXPECT_EQ(device.queue_of("2001:db8::7"), 2u);
    ASSERT_TRUE(steering->set(prefix("0.0.0.0/0"), 3));
    EXPECT_EQ(device.queue_of("198.51.100.7"), 3u);
    steering->remove(prefix("0.0.0.0/0"));
    steering->remove(prefix("::/0"));
    steering->remove(prefix("203.0.113.0/24"));  // was never there
    EXPECT_EQ(device.queue_of("198.51.100.7"), 0u);
    EXPECT_EQ(device.queue_of("2001:db8::7"), 0u);
  });
}

TEST(TunSteering, QueueBeyondTheLastIsOneOfThem) {
  SKIP_WITHOUT_BPF();
  run_in_own_namespace([] {
    Device device;
    auto steering = TunSteering::attach(device.fd(), 64);
    ASSERT_TRUE(steering) << steering.error().message;
    ASSERT_TRUE(steering->set(prefix("0.0.0.0/0"), kQueues + 1));
    EXPECT_EQ(device.queue_of("198.51.100.7"), 1u);
  });
}

// The device's own way again: a flow stays with the queue that last wrote packets of it.
TEST(TunSteering, EndsWithDetach) {
  SKIP_WITHOUT_BPF();
  run_in_own_namespace([] {
    Device device;
    auto steering = TunSteering::attach(device.fd(), 64);
    ASSERT_TRUE(steering) << steering.error().message;
    ASSERT_TRUE(steering->set(prefix("0.0.0.0/0"), 2));
    for (int i = 0; i < 32; ++i) ASSERT_EQ(device.queue_of("198.51.100.7"), 2u);
    TunSteering::detach(device.fd());
    bool any_elsewhere = false;  // each datagram is a flow of its own
    for (int i = 0; i < 32; ++i) any_elsewhere |= device.queue_of("198.51.100.7") != 2u;
    EXPECT_TRUE(any_elsewhere);
  });
}

TEST(TunSteering, FullMapSaysSoAndGoesOn) {
  SKIP_WITHOUT_BPF();
  run_in_own_namespace([] {
    Device device;
    auto steering = TunSteering::attach(device.fd(), 2);
    ASSERT_TRUE(steering) << steering.error().message;
    ASSERT_TRUE(steering->set(prefix("10.0.0.0/8"), 1));
    ASSERT_TRUE(steering->set(prefix("11.0.0.0/8"), 2));
    const auto refused = steering->set(prefix("12.0.0.0/8"), 3);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ENOSPC);
    EXPECT_TRUE(steering->set(prefix("fd00::/8"), 3)) << "the other family has a map of its own";
    EXPECT_EQ(device.queue_of("10.0.0.1"), 1u);
    EXPECT_EQ(device.queue_of("12.0.0.1"), 0u);
    steering->remove(prefix("11.0.0.0/8"));
    EXPECT_TRUE(steering->set(prefix("12.0.0.0/8"), 3));
    EXPECT_EQ(device.queue_of("12.0.0.1"), 3u);
  });
}

// From here on this thread cannot add or replace: what a full trie answers, before Linux 6.13 also to a prefix that is there.
void refuse_updates() {
  constexpr auto kAt = [](std::size_t offset) { return static_cast<std::uint32_t>(offset); };
  sock_filter program[] = {
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, kAt(offsetof(seccomp_data, nr))},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 3, SYS_bpf},
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, kAt(offsetof(seccomp_data, args))},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, BPF_MAP_UPDATE_ELEM},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | ENOSPC},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  };
  const sock_fprog filter{static_cast<unsigned short>(std::size(program)), program};
  ASSERT_EQ(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0) << std::strerror(errno);
}

TEST(TunSteering, WhatCannotBeReplacedIsSentNowhereOld) {
  SKIP_WITHOUT_BPF();
  run_in_own_namespace([] {
    Device device;
    auto steering = TunSteering::attach(device.fd(), 3);
    ASSERT_TRUE(steering) << steering.error().message;
    ASSERT_TRUE(steering->set(prefix("0.0.0.0/0"), 2));
    ASSERT_TRUE(steering->set(prefix("10.0.0.0/8"), 1));
    ASSERT_TRUE(steering->set(prefix("11.0.0.0/8"), 1));
    ASSERT_TRUE(steering->set(prefix("11.0.0.0/8"), 3)) << "full, but it has its place";
    EXPECT_EQ(device.queue_of("11.0.0.1"), 3u);
    EXPECT_EQ(device.queue_of("10.0.0.1"), 1u);
    refuse_updates();
    const auto refused = steering->set(prefix("10.0.0.0/8"), 3);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ENOSPC);
    EXPECT_EQ(device.queue_of("10.0.0.1"), 2u) << "where the less specific one says";
  });
}

TEST(TunSteering, RefusesWhatIsNoTun) {
  SKIP_WITHOUT_BPF();
  FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  EXPECT_FALSE(TunSteering::attach(socket.get(), 2));
  EXPECT_FALSE(TunSteering::attach(-1, 2));
}

}  // namespace
}  // namespace wgu::io
