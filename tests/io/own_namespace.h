#pragma once
// Network namespaces for tests, without names and without privileges left over: a test body runs in a forked child that has
// its own namespace; whatever it makes, also when it crashes, goes with the child.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/if.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "io/file_descriptor.h"

namespace wgu::io::test {

// Why TUNs and namespaces cannot be had here; empty when they can.
inline std::string missing_privilege() {
  if (::access("/dev/net/tun", R_OK | W_OK) != 0) return std::string("/dev/net/tun: ") + std::strerror(errno);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(::unshare(CLONE_NEWNET) == 0 ? 0 : 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status == 0 ? "" : "unshare(CLONE_NEWNET) is refused: run as root";
}

template <class Body>
void run_in_own_namespace(Body&& body) {
  if (const auto reason = missing_privilege(); !reason.empty()) GTEST_SKIP() << reason;
  std::fflush(nullptr);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::alarm(30);  // a hang ends here, and not at the time limit of the whole run
    if (::unshare(CLONE_NEWNET) != 0) ::_exit(2);
    body();
    std::fflush(nullptr);
    ::_exit(testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0) << "the test's child failed (its messages stand above) or was ended by a signal";
}

// A namespace that can be worked in from outside, also after CAP_SYS_ADMIN (and so setns) is gone: sockets stay where they
// were made.
struct Namespace {
  FileDescriptor fd;
  FileDescriptor control;  // for interface ioctls
  FileDescriptor route;    // for rtnetlink

  static Namespace current() {
    Namespace made;
    made.fd = FileDescriptor(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    made.control = FileDescriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    made.route = FileDescriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    return made;
  }
  // Makes one and comes back.
  static Namespace make() {
    FileDescriptor here(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    EXPECT_EQ(::unshare(CLONE_NEWNET), 0);
    Namespace made = current();
    EXPECT_EQ(::setns(here.get(), CLONE_NEWNET), 0);
    return made;
  }

  [[nodiscard]] ifreq request(const std::string& name) const {
    ifreq made{};
    std::strncpy(made.ifr_name, name.c_str(), sizeof made.ifr_name - 1);
    return made;
  }
  void set_up(const std::string& name, bool up) const {
    ifreq flags = request(name);
    ASSERT_EQ(::ioctl(control.get(), SIOCGIFFLAGS, &flags), 0) << name << ": " << std::strerror(errno);
    flags.ifr_flags = static_cast<short>(up ? flags.ifr_flags | IFF_UP : flags.ifr_flags & ~IFF_UP);
    ASSERT_EQ(::ioctl(control.get(), SIOCSIFFLAGS, &flags), 0) << name << ": " << std::strerror(errno);
  }
  void set_mtu(const std::string& name, int mtu) const {
    ifreq change = request(name);
    change.ifr_mtu = mtu;
    ASSERT_EQ(::ioctl(control.get(), SIOCSIFMTU, &change), 0) << name << ": " << std::strerror(errno);
  }
  [[nodiscard]] int mtu(const std::string& name) const {
    ifreq question = request(name);
    return ::ioctl(control.get(), SIOCGIFMTU, &question) == 0 ? question.ifr_mtu : -1;
  }
  [[nodiscard]] unsigned index(const std::string& name) const {
    ifreq question = request(name);
    return ::ioctl(control.get(), SIOCGIFINDEX, &question) == 0 ? static_cast<unsigned>(question.ifr_ifindex) : 0;
  }
  void rename(const std::string& name, const std::string& to) const {
    ifreq change = request(name);
    std::strncpy(change.ifr_newname, to.c_str(), sizeof change.ifr_newname - 1);
    ASSERT_EQ(::ioctl(control.get(), SIOCSIFNAME, &change), 0) << name << ": " << std::strerror(errno);
  }
  void move(const std::string& name, const Namespace& to) const { change_link(RTM_NEWLINK, name, IFLA_NET_NS_FD, to.fd.get()); }
  void remove(const std::string& name) const { change_link(RTM_DELLINK, name, 0, 0); }
  // Gives `other` an id here, as `ip netns set` does.
  void name_namespace(const Namespace& other, int id) const {
    struct {
      nlmsghdr header{};
      rtgenmsg message{};
      std::uint8_t padding[3]{};
      rtattr fd_header{sizeof(rtattr) + 4, NETNSA_FD};
      int fd = 0;
      rtattr id_header{sizeof(rtattr) + 4, NETNSA_NSID};
      int id = 0;
    } request;
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = RTM_NEWNSID;
    request.fd = other.fd.get();
    request.id = id;
    exchange(request.header);
  }

 private:
  static constexpr unsigned short NETNSA_NSID = 1, NETNSA_FD = 3;  // of linux/net_namespace.h

  void change_link(std::uint16_t type, const std::string& name, unsigned short attribute, int value) const {
    struct {
      nlmsghdr header{};
      ifinfomsg info{};
      rtattr attribute_header{};
      int value = 0;
    } request;
    request.header.nlmsg_len = attribute == 0 ? offsetof(decltype(request), attribute_header) : sizeof request;
    request.header.nlmsg_type = type;
    request.info.ifi_index = static_cast<int>(index(name));
    request.attribute_header = {sizeof(rtattr) + sizeof(int), attribute};
    request.value = value;
    ASSERT_NE(request.info.ifi_index, 0) << "no interface " << name;
    exchange(request.header);
  }
  void exchange(nlmsghdr& header) const {
    header.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
    ASSERT_EQ(::send(route.get(), &header, header.nlmsg_len, 0), static_cast<ssize_t>(header.nlmsg_len)) << std::strerror(errno);
    struct {
      nlmsghdr header;
      nlmsgerr error;
      char rest[512];
    } answer;
    ASSERT_GT(::recv(route.get(), &answer, sizeof answer, 0), 0);
    ASSERT_EQ(answer.error.error, 0) << std::strerror(-answer.error.error);
  }
};

// Keeps these capabilities only; for the rest of the process's life.
inline void keep_capabilities(std::uint32_t mask) {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct data[2]{};
  data[0].effective = data[0].permitted = mask;
  ASSERT_EQ(::syscall(SYS_capset, &header, data), 0) << std::strerror(errno);
}

}  // namespace wgu::io::test
