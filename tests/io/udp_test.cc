#include "io/udp.h"

#include <linux/bpf_common.h>
#include <linux/filter.h>
#include <poll.h>

#include "io/loop_fixture.h"

namespace wgu::io {
namespace {

template <class T>
T option(int fd, int level, int name) {
  T value{};
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &length), 0);
  return value;
}

bool is_readable(const FileDescriptor& socket, int milliseconds) {
  pollfd entry{socket.get(), POLLIN, 0};
  return ::poll(&entry, 1, milliseconds) == 1;
}

std::uint16_t local_port(const FileDescriptor& socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  EXPECT_EQ(::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
  return decode_address(address).port;
}

TEST(BindUdp, ASecondBindingOfThePortIsRefusedWhateverTheWorkers) {
  for (const unsigned first : {1u, 4u}) {
    for (const unsigned second : {1u, 4u}) {
      auto held = bind_udp(0, 0, first, {});
      ASSERT_TRUE(held.ok()) << held.error().message;
      auto refused = bind_udp(held->port, 0, second, {});
      ASSERT_FALSE(refused.ok()) << first << " then " << second;
      EXPECT_EQ(refused.error().code, EADDRINUSE);
      EXPECT_NE(refused.error().message.find(std::to_string(held->port)), std::string::npos) << refused.error().message;
      const std::uint16_t port = held->port;
      *held = UdpBinding{};
      EXPECT_TRUE(bind_udp(port, 0, second, {}).ok());
    }
  }
}

TEST(BindUdp, AForeignSocketCannotJoinASingleWorker) {
  auto held = bind_udp(0, 0, 1, {});
  ASSERT_TRUE(held.ok());
  FileDescriptor thief(::socket(AF_INET, SOCK_DGRAM, 0));
  const int one = 1;
  ASSERT_EQ(::setsockopt(thief.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), 0);
  sockaddr_storage address;
  const socklen_t length = encode_address({IpAddress::v4(0, 0, 0, 0), held->port, 0}, address);
  EXPECT_EQ(::bind(thief.get(), reinterpret_cast<sockaddr*>(&address), length), -1);
  EXPECT_EQ(errno, EADDRINUSE);
}

TEST(BindUdp, AForeignHolderThatAllowsSharingIsNotShared) {
  FileDescriptor holder(::socket(AF_INET, SOCK_DGRAM, 0));
  const int one = 1;
  ASSERT_EQ(::setsockopt(holder.get(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof one), 0);
  sockaddr_storage address;
  const socklen_t length = encode_address({IpAddress::v4(0, 0, 0, 0), 0, 0}, address);
  ASSERT_EQ(::bind(holder.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
  auto refused = bind_udp(local_port(holder), 0, 4, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, EADDRINUSE);
}

TEST(BindUdp, PortZeroIsOneNumberForBothFamiliesAndAllWorkers) {
  auto binding = bind_udp(0, 0, 4, {});
  ASSERT_TRUE(binding.ok()) << binding.error().message;
  EXPECT_NE(binding->port, 0);
  ASSERT_EQ(binding->workers.size(), 4u);
  for (const UdpSockets& sockets : binding->workers) {
    EXPECT_EQ(local_port(sockets.v4), binding->port);
    if (sockets.v6) {
      EXPECT_EQ(local_port(sockets.v6), binding->port);
    }
  }
  EXPECT_NE(binding->notes.find("IPv4 buffers asked 4194304, granted "), std::string::npos) << binding->notes;
}

TEST(BindUdp, AForeignHolderOfTheIpv6PortAloneIsNoticed) {
  PlainSocket foreign(Family::kIpv6);
  if (!foreign.is_bound) GTEST_SKIP() << "no IPv6";
  auto refused = bind_udp(foreign.endpoint().port, 0, 2, {});
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, EADDRINUSE);
  EXPECT_NE(refused.error().message.find("IPv6"), std::string::npos);
  // Nothing of the failed attempt stays behind.
  EXPECT_TRUE(PlainSocket(Family::kIpv4, foreign.endpoint().port).is_bound);
}

TEST(BindUdp, OptionsAreSet) {
  auto binding = bind_udp(0, 0, 2, {});
  ASSERT_TRUE(binding.ok());
  for (const UdpSockets& sockets : binding->workers) {
    const int v4 = sockets.v4.get();
    EXPECT_EQ(option<int>(v4, IPPROTO_IP, IP_PKTINFO), 1);
    EXPECT_EQ(option<int>(v4, IPPROTO_IP, IP_RECVTOS), 1);
    EXPECT_EQ(option<int>(v4, IPPROTO_IP, IP_MTU_DISCOVER), IP_PMTUDISC_DONT);
    EXPECT_EQ(option<int>(v4, SOL_SOCKET, SO_REUSEPORT), 1);
    if (!sockets.v6) continue;
    const int v6 = sockets.v6.get();
    EXPECT_EQ(option<int>(v6, IPPROTO_IPV6, IPV6_V6ONLY), 1);
    EXPECT_EQ(option<int>(v6, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
    EXPECT_EQ(option<int>(v6, IPPROTO_IPV6, IPV6_RECVTCLASS), 1);
    EXPECT_EQ(option<int>(v6, IPPROTO_IPV6, IPV6_MTU_DISCOVER), IPV6_PMTUDISC_DONT);
  }
}

TEST(BindUdp, MarkIsSetAtOnceAndLater) {
  auto binding = bind_udp(0, 51820, 2, {});
  if (!binding.ok() && binding.error().code == EPERM) GTEST_SKIP() << "marks need CAP_NET_ADMIN";
  ASSERT_TRUE(binding.ok()) << binding.error().message;
  const auto expect_mark = [&](std::uint32_t mark) {
    for (const UdpSockets& sockets : binding->workers) {
      EXPECT_EQ(option<std::uint32_t>(sockets.v4.get(), SOL_SOCKET, SO_MARK), mark);
      if (sockets.v6) {
        EXPECT_EQ(option<std::uint32_t>(sockets.v6.get(), SOL_SOCKET, SO_MARK), mark);
      }
    }
  };
  expect_mark(51820);
  ASSERT_TRUE(set_mark(*binding, 0xffffffff).ok());
  expect_mark(0xffffffff);
  ASSERT_TRUE(set_mark(*binding, 0).ok());
  expect_mark(0);
}

// The program sees the datagram from its payload on; what it returns is the index in the group, so the order of the workers.
TEST(BindUdp, SteeringProgramPicksTheWorkerInOrder) {
  SocketSteering by_first_byte{{{BPF_LD | BPF_B | BPF_ABS, 0, 0, 0}, {BPF_RET | BPF_A, 0, 0, 0}}};
  auto binding = bind_udp(0, 0, 4, by_first_byte);
  ASSERT_TRUE(binding.ok()) << binding.error().message;
  EXPECT_EQ(binding->notes.find("refused"), std::string::npos) << binding->notes;
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const auto member = family == Family::kIpv4 ? &UdpSockets::v4 : &UdpSockets::v6;
    if (!(binding->workers[0].*member)) continue;
    for (int round = 0; round < 5; ++round) {
      PlainSocket sender(family);  // another source port, so that a hash would scatter them
      for (unsigned wanted = 0; wanted < 4; ++wanted) {
        ASSERT_TRUE(sender.send_to({loopback(family), binding->port, 0}, std::string(1, static_cast<char>(wanted)) + "payload"));
        for (unsigned worker = 0; worker < 4; ++worker)
          ASSERT_EQ(is_readable(binding->workers[worker].*member, worker == wanted ? 1000 : 0), worker == wanted) << worker;
        char buffer[16];
        ASSERT_EQ(::recv((binding->workers[wanted].*member).get(), buffer, sizeof buffer, 0), 8);
      }
    }
  }
}

TEST(BindUdp, ARefusedSteeringProgramIsANote) {
  SocketSteering invalid{{{0xffff, 0, 0, 0}}};
  auto binding = bind_udp(0, 0, 2, invalid);
  ASSERT_TRUE(binding.ok()) << binding.error().message;
  EXPECT_NE(binding->notes.find("IPv4 steering refused"), std::string::npos) << binding->notes;
}

TEST(BindUdp, NoWorkersIsAnError) { EXPECT_EQ(bind_udp(0, 0, 0, {}).error().code, EINVAL); }

TEST(Address, RoundTrips) {
  for (const Endpoint& endpoint : {Endpoint{IpAddress::v4(192, 0, 2, 1), 51820, 0}, Endpoint{loopback(Family::kIpv6), 65535, 0},
                                   Endpoint{*IpAddress::parse("fe80::1"), 1, 7}}) {
    sockaddr_storage address;
    encode_address(endpoint, address);
    EXPECT_EQ(decode_address(address), endpoint);
  }
  EXPECT_FALSE(decode_address(sockaddr_storage{}).is_set());
}

TEST(Control, NothingToSayTakesNoRoom) {
  alignas(cmsghdr) std::uint8_t buffer[kControlSize];
  EXPECT_EQ(encode_control(Family::kIpv4, {}, 0, 0, buffer), 0u);
  // Of the other family: not a source for this remote.
  EXPECT_EQ(encode_control(Family::kIpv4, {loopback(Family::kIpv6), 0}, 0, 0, buffer), 0u);
}

TEST(Control, InterfaceGoesAlongOnlyWithLinkLocalAddresses) {
  struct Row {
    const char* local;
    int interface_index;
  };
  for (const Row& row : {Row{"fe80::1", 7}, Row{"febf::1", 7}, Row{"fec0::1", 0}, Row{"2001:db8::1", 0}}) {
    alignas(cmsghdr) std::uint8_t buffer[kControlSize];
    const LocalAddress local{*IpAddress::parse(row.local), 7};
    msghdr message{};
    message.msg_control = buffer;
    message.msg_controllen = encode_control(Family::kIpv6, local, 0x88, 1452, buffer);
    EXPECT_LE(message.msg_controllen, kControlSize);
    Datagram decoded;
    EXPECT_EQ(decode_control(message, decoded).segment, 0u) << "UDP_SEGMENT is for sending; only UDP_GRO names a size on receipt";
    EXPECT_EQ(decoded.local.address, local.address);
    EXPECT_EQ(decoded.local.interface_index, static_cast<std::uint32_t>(row.interface_index)) << row.local;
    EXPECT_EQ(decoded.traffic_class, 0x88);
  }
}

}  // namespace
}  // namespace wgu::io
