// Path MTUs on real sockets: what the wire shows with and without discovery, and what loops make of ICMP errors. Each test has a network
// namespace of its own, where 192.0.2.2 and 2001:db8::2 are beyond a link that leads nowhere, and routers are played by raw sockets.

#include "io/path_mtu.h"

#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "io/loop_fixture.h"
#include "io/own_namespace.h"

namespace wgu::io {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

void run(const std::string& command) { ASSERT_EQ(std::system(command.c_str()), 0) << command; }

void make_links() {
  run("ip link set lo up && ip link add wire type veth peer name nowhere && ip link set wire mtu 1500 up && ip link set nowhere mtu 1500 "
      "up && "
      "ip addr add 192.0.2.1/24 dev wire && ip addr add 2001:db8::1/64 dev wire nodad && "
      "ip neigh add 192.0.2.2 lladdr 02:00:00:00:00:02 dev wire && ip neigh add 2001:db8::2 lladdr 02:00:00:00:00:02 dev wire");
}

IpAddress ours(Family family) { return IpAddress::parse(family == Family::kIpv4 ? "192.0.2.1" : "2001:db8::1").value(); }
Endpoint beyond(Family family, std::uint16_t port = 4242) {
  return {IpAddress::parse(family == Family::kIpv4 ? "192.0.2.2" : "2001:db8::2").value(), port, 0};
}

void store16(Bytes& bytes, std::size_t at, std::size_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value);
}

std::uint16_t checksum(const Bytes& bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? bytes[i] * 256U : bytes[i];
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

// The error of a router on the way of a datagram from our `port` to `remote`. `mtu` 0: nobody listens there, instead.
void play_router(std::uint16_t port, const Endpoint& remote, std::uint16_t mtu) {
  const Family family = remote.address.family;
  const bool is_v4 = family == Family::kIpv4;
  const std::size_t header = is_v4 ? 20 : 40;
  const std::size_t address_size = is_v4 ? 4 : 16;
  Bytes message(8 + header + 8);
  if (is_v4) {
    message[0] = ICMP_DEST_UNREACH;
    message[1] = mtu == 0 ? ICMP_PORT_UNREACH : ICMP_FRAG_NEEDED;
    message[8] = 0x45;
    message[8 + 8] = 64;
    message[8 + 9] = IPPROTO_UDP;
    store16(message, 8 + 2, 1500);
  } else {
    message[0] = mtu == 0 ? ICMP6_DST_UNREACH : ICMP6_PACKET_TOO_BIG;
    message[1] = mtu == 0 ? ICMP6_DST_UNREACH_NOPORT : 0;
    message[8] = 0x60;
    message[8 + 6] = IPPROTO_UDP;
    message[8 + 7] = 64;
    store16(message, 8 + 4, 1460);
  }
  store16(message, 6, mtu);
  const std::size_t addresses = 8 + header - 2 * address_size;
  const IpAddress from = ours(family);
  std::copy_n(from.bytes.begin(), address_size, message.begin() + static_cast<std::ptrdiff_t>(addresses));
  std::copy_n(remote.address.bytes.begin(), address_size, message.begin() + static_cast<std::ptrdiff_t>(addresses + address_size));
  store16(message, 8 + header, port);
  store16(message, 8 + header + 2, remote.port);
  store16(message, 8 + header + 4, 1480);
  if (is_v4) store16(message, 2, checksum(message));  // of ICMPv6 the kernel fills it in
  const FileDescriptor raw(::socket(is_v4 ? AF_INET : AF_INET6, SOCK_RAW | SOCK_CLOEXEC, is_v4 ? int{IPPROTO_ICMP} : int{IPPROTO_ICMPV6}));
  ASSERT_TRUE(raw) << std::strerror(errno);
  sockaddr_storage address{};
  const socklen_t length = encode_address({from, 0, 0}, address);
  ASSERT_EQ(::sendto(raw.get(), message.data(), message.size(), 0, reinterpret_cast<sockaddr*>(&address), length),
            static_cast<ssize_t>(message.size()))
      << std::strerror(errno);
}

// What leaves by `wire`, seen at its other end: the UDP of one family.
class Capture {
 public:
  explicit Capture(Family family) : is_v4_(family == Family::kIpv4) {
    const auto protocol = htons(is_v4_ ? ETH_P_IP : ETH_P_IPV6);
    socket_ = FileDescriptor(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, protocol));
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = protocol;
    address.sll_ifindex = static_cast<int>(test::Namespace::current().index("nowhere"));
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0) << std::strerror(errno);
  }
  struct Seen {
    std::size_t size = 0;
    bool has_df = false;
    bool is_fragment = false;
  };
  std::vector<Seen> take() const {
    std::vector<Seen> seen;
    Bytes frame(1 << 17);
    for (ssize_t size = 0; (size = ::recv(socket_.get(), frame.data(), frame.size(), MSG_DONTWAIT)) >= 0;) {
      const int next = is_v4_ ? frame[9] : frame[6];
      if (next != IPPROTO_UDP && next != 44) continue;
      seen.push_back(
          {static_cast<std::size_t>(size), is_v4_ && (frame[6] & 0x40) != 0, is_v4_ ? ((frame[6] & 0x3f) | frame[7]) != 0 : next == 44});
    }
    return seen;
  }

 private:
  bool is_v4_;
  FileDescriptor socket_;
};

class PathMtuTest : public LoopTest {
 protected:
  void open_discovering(bool discovers = true) {
    discovers_ = discovers;
    open();
    open_sockets();
    if (discovers) {
      ASSERT_TRUE(discover_path_mtu(binding_).ok());
    }
  }
  Result<std::unique_ptr<Loop>> open_another(std::size_t max_batch) override {
    LoopOptions options{.pool = &*pool_,
                        .receive_headroom = kReceiveHeadroom,
                        .device_headroom = kDeviceHeadroom,
                        .device_tailroom = kDeviceTailroom,
                        .max_batch = max_batch,
                        .discovers_path_mtu = discovers_,
                        .plain_device_calls = GetParam().plain_device_calls};
    return GetParam().is_ring ? open_ring(options) : open_poller(options);
  }
  void send_alike(const Endpoint& remote, std::size_t count, std::size_t size) {
    std::vector<Datagram> batch;
    for (std::size_t i = 0; i < count; ++i) batch.push_back(datagram(std::string(size, 'x'), remote));
    loop_->send(batch);
    loop_->wait(0s, arrivals_);
  }
  bool discovers_ = true;
};

INSTANTIATE_TEST_SUITE_P(Backends, PathMtuTest, ::testing::ValuesIn(kBackends),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(PathMtuTest, TheWireShowsDfOnlyWithDiscoveryAndFragmentsOfWhatIsTooLarge) {
  test::run_in_own_namespace([this] {
    make_links();
    for (const bool discovers : {false, true}) {
      open_discovering(discovers);
      const Capture capture(Family::kIpv4);
      send_alike(beyond(Family::kIpv4), 1, 1472);
      auto seen = capture.take();
      ASSERT_EQ(seen.size(), 1u);
      EXPECT_EQ(seen[0].size, 1500u);
      EXPECT_EQ(seen[0].has_df, discovers);

      send_alike(beyond(Family::kIpv4), 10, 1400);
      seen = capture.take();
      ASSERT_FALSE(seen.empty());
      for (const auto& each : seen) EXPECT_EQ(each.has_df, discovers) << "in a train";

      send_alike(beyond(Family::kIpv4), 1, 2000);
      seen = capture.take();
      ASSERT_EQ(seen.size(), 2u);
      for (const auto& each : seen) {
        EXPECT_FALSE(each.has_df);
        EXPECT_TRUE(each.is_fragment);
      }
      EXPECT_TRUE(arrivals_.send_failures.empty());
    }
  });
}

TEST_P(PathMtuTest, IcmpIsReportedAndNothingIsLostForIt) {
  test::run_in_own_namespace([this] {
    make_links();
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      arrivals_.clear();
      open_discovering();
      const Endpoint remote = beyond(family);
      EXPECT_EQ(loop_->ask_path_mtu(remote), 1500u);
      loop_->wait(0s, arrivals_);
      play_router(binding_.port, remote, 1300);
      ASSERT_TRUE(wait_until([&] { return !arrivals_.narrow_paths.empty(); }));
      ASSERT_EQ(arrivals_.narrow_paths.size(), 1u);
      EXPECT_EQ(arrivals_.narrow_paths[0].remote, remote);
      EXPECT_EQ(arrivals_.narrow_paths[0].mtu, 1300u);
      EXPECT_EQ(loop_->ask_path_mtu(remote), 1300u);
      EXPECT_EQ(loop_->ask_path_mtu(beyond(family, 1)), 1300u) << "paths lead to addresses, not to ports";

      // A train of datagrams beyond it is refused as such, leaves in fragments, and is no reason to send smaller ones one by one.
      arrivals_.clear();
      const Capture capture(family);
      send_alike(remote, 20, 1400);
      EXPECT_TRUE(arrivals_.send_failures.empty());
      EXPECT_EQ(arrivals_.refused_trains, 1u);
      ASSERT_FALSE(arrivals_.narrow_paths.empty());
      EXPECT_EQ(arrivals_.narrow_paths[0].mtu, 1300u);
      auto seen = capture.take();
      EXPECT_EQ(seen.size(), 40u);
      for (const auto& each : seen) EXPECT_TRUE(each.is_fragment && !each.has_df && each.size <= 1300);
      send_alike(remote, 20, 1200);
      EXPECT_EQ(arrivals_.refused_trains, 1u);
      seen = capture.take();
      EXPECT_TRUE(std::none_of(seen.begin(), seen.end(), [](const auto& each) { return each.is_fragment; }));

      // Receiving goes on: no pause after an error that was somebody else's.
      const PlainSocket sender(family);
      for (int i = 0; i < 50; ++i) {
        arrivals_.clear();
        play_router(binding_.port, remote, 1300);
        ASSERT_TRUE(sender.send_to(self(family), "hello"));
        ASSERT_TRUE(wait_until([&] { return !arrivals_.from_network.empty(); }));
        EXPECT_TRUE(arrivals_.send_failures.empty());
      }
    }
  });
}

TEST_P(PathMtuTest, AnErrorOfOneDestinationFailsNoneOfAnother) {
  test::run_in_own_namespace([this] {
    make_links();
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      arrivals_.clear();
      open_discovering();
      const PlainSocket receiver(family);
      for (int round = 0; round < 50; ++round) {
        play_router(binding_.port, beyond(family), round % 2 == 0 ? 0 : 1400);
        std::vector<Datagram> batch;
        for (int i = 0; i < 10; ++i) batch.push_back(datagram(std::to_string(round * 10 + i + 1000), receiver.endpoint()));
        loop_->send(batch);
        loop_->wait(0s, arrivals_);
        for (int i = 0; i < 10; ++i) {
          const auto received = receiver.receive();
          ASSERT_TRUE(received.has_value());
          ASSERT_EQ(received->text, std::to_string(round * 10 + i + 1000));
        }
      }
      EXPECT_TRUE(arrivals_.send_failures.empty());
      EXPECT_EQ(arrivals_.refused_trains, 0u);
    }
  });
}

TEST_P(PathMtuTest, ManyErrorsAtOnceAreOneReport) {
  test::run_in_own_namespace([this] {
    make_links();
    open_discovering();
    loop_->wait(0s, arrivals_);
    for (std::uint16_t i = 0; i < 44; ++i) play_router(binding_.port, beyond(Family::kIpv4), static_cast<std::uint16_t>(1400 - i));
    play_router(binding_.port, beyond(Family::kIpv4), 0);
    ASSERT_TRUE(wait_until([&] { return !arrivals_.narrow_paths.empty(); }));
    loop_->wait(50ms, arrivals_);
    EXPECT_LE(arrivals_.narrow_paths.size(), 3u);
    EXPECT_EQ(arrivals_.narrow_paths.back().mtu, 1400u - 43);
    const auto before = std::chrono::steady_clock::now();
    arrivals_.clear();
    loop_->wait(200ms, arrivals_);
    EXPECT_GE(std::chrono::steady_clock::now() - before, 190ms) << "a queue read empty lets the loop sleep";
  });
}

// What is in the error queue must not keep a loop from noticing what arrives.
TEST_P(PathMtuTest, RefusalsByTheKernelDelayNoArrival) {
  test::run_in_own_namespace([this] {
    make_links();
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      arrivals_.clear();
      open_discovering();
      const PlainSocket sender(family);
      loop_->wait(0s, arrivals_);
      for (int round = 0; round < 10; ++round) {
        for (const std::size_t count : {1u, 5u}) {
          send_alike(beyond(family), count, 2000);
          arrivals_.clear();
          loop_->wait(0s, arrivals_);
          std::thread later([&] {
            std::this_thread::sleep_for(20ms);
            EXPECT_TRUE(sender.send_to(self(family), "hello"));
          });
          const auto before = std::chrono::steady_clock::now();
          while (arrivals_.from_network.empty() && std::chrono::steady_clock::now() - before < 2s) loop_->wait(2s, arrivals_);
          later.join();
          ASSERT_EQ(arrivals_.from_network.size(), 1u);
          ASSERT_LT(std::chrono::steady_clock::now() - before, 1s) << round << ' ' << count;
        }
      }
    }
  });
}

TEST_P(PathMtuTest, WhatIsTooLargeDoesNotWaitForAnotherEvent) {
  test::run_in_own_namespace([this] {
    make_links();
    open_discovering();
    const Capture capture(Family::kIpv4);
    loop_->wait(0s, arrivals_);
    send(datagram(std::string(2000, 'x'), beyond(Family::kIpv4)));
    std::size_t seen = 0;
    std::thread watcher([&] {
      std::this_thread::sleep_for(300ms);
      seen = capture.take().size();
      loop_->wake();
    });
    loop_->wait(2s, arrivals_);  // comes back with what the kernel says of the path
    loop_->wait(2s, arrivals_);
    watcher.join();
    EXPECT_EQ(seen, 2u);
  });
}

TEST_P(PathMtuTest, ForgedAbsurditiesAreBoundedByTheKernel) {
  test::run_in_own_namespace([this] {
    make_links();
    open_discovering();
    loop_->wait(0s, arrivals_);
    play_router(binding_.port, beyond(Family::kIpv4), 9000);
    loop_->wait(100ms, arrivals_);
    for (const PathMtu& path : arrivals_.narrow_paths) EXPECT_LE(path.mtu, 1500u) << "never above the interface's";
    play_router(binding_.port, beyond(Family::kIpv4), 1);
    loop_->wait(100ms, arrivals_);
    EXPECT_EQ(loop_->ask_path_mtu(beyond(Family::kIpv4)), 552u) << "net.ipv4.route.min_pmtu";
  });
}

TEST_P(PathMtuTest, WithoutDiscoveryTheSocketHearsNothing) {
  test::run_in_own_namespace([this] {
    make_links();
    open_discovering(false);
    loop_->wait(0s, arrivals_);
    play_router(binding_.port, beyond(Family::kIpv4), 1300);
    play_router(binding_.port, beyond(Family::kIpv6), 1300);
    play_router(binding_.port, beyond(Family::kIpv4), 0);
    loop_->wait(50ms, arrivals_);
    EXPECT_FALSE(arrivals_.from_network.size() + arrivals_.narrow_paths.size() + arrivals_.send_failures.size() > 0);
    send_alike(beyond(Family::kIpv4), 20, 1400);
    send_alike(beyond(Family::kIpv6), 20, 1400);
    EXPECT_TRUE(arrivals_.send_failures.empty());
  });
}

TEST_P(PathMtuTest, NoRouteIsNoAnswer) {
  test::run_in_own_namespace([this] {
    make_links();
    open_discovering();
    EXPECT_EQ(loop_->ask_path_mtu({IpAddress::v4(198, 51, 100, 1), 1, 0}), 0u);
    EXPECT_EQ(loop_->ask_path_mtu({IpAddress::v4(127, 0, 0, 1), 1, 0}), 65'535u) << "what an IP packet can have";
    run("ip route add 198.51.100.0/24 via 192.0.2.2 mtu 1234");
    EXPECT_EQ(loop_->ask_path_mtu({IpAddress::v4(198, 51, 100, 1), 1, 0}), 1234u) << "what the route says";
    // The mark of the sockets goes with the question.
    run("ip rule add fwmark 7 lookup 77 && ip route add 198.51.100.0/24 via 192.0.2.2 mtu 1111 table 77");
    ASSERT_TRUE(set_mark(binding_, 7).ok());
    EXPECT_EQ(loop_->ask_path_mtu({IpAddress::v4(198, 51, 100, 1), 1, 0}), 1111u);
  });
}

}  // namespace
}  // namespace wgu::io
