// Split and merge against a real kernel: two namespaces, each with a TUN that has every offload on, and between them a wire that
// splits what one kernel says, checks every packet, merges what it can and writes that to the other kernel. Sockets at both ends say
// whether the bytes are right.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <linux/ipv6.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <chrono>
#include <functional>
#include <string>

#include "io/merged.h"
#include "io/own_namespace.h"
#include "io/split.h"

namespace wgu::io {
namespace {

using test::Bytes;
using test::Namespace;

constexpr int kMtu = 1420;
constexpr std::size_t kTransfer = 4 << 20;  // bytes of a TCP stream
constexpr unsigned kUso4 = 0x20, kUso6 = 0x40;  // TUN_F_USO4 and TUN_F_USO6 of Linux 6.2, which Debian 12's headers lack
constexpr int kUdpSegment = 103, kUdpGro = 104;  // UDP_SEGMENT, UDP_GRO of linux/udp.h

// One end: a namespace with a TUN. Its address is 10.9.0.`host` and fd09::`host`.
class End {
 public:
  explicit End(std::uint8_t host)
      : host_(host), here_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)), netns_(Namespace::make()) {
    inside([&] {
      tun_ = FileDescriptor(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
      ifreq request = netns_.request("wgoff");
      request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
      ASSERT_EQ(::ioctl(tun_.get(), TUNSETIFF, &request), 0) << std::strerror(errno);
      constexpr unsigned kTso = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN;
      has_uso_ = ::ioctl(tun_.get(), TUNSETOFFLOAD, kTso | kUso4 | kUso6) == 0;
      if (!has_uso_) {
        ASSERT_EQ(::ioctl(tun_.get(), TUNSETOFFLOAD, kTso), 0) << std::strerror(errno);
      }
      netns_.set_mtu("wgoff", kMtu);
      netns_.set_up("wgoff", true);
      ifreq change = netns_.request("wgoff");
      const auto set = [&](unsigned long what, std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(std::uint32_t{a} << 24 | std::uint32_t{b} << 16 | std::uint32_t{c} << 8 | d);
        std::memcpy(&change.ifr_addr, &address, sizeof address);
        ASSERT_EQ(::ioctl(netns_.control.get(), what, &change), 0) << std::strerror(errno);
      };
      set(SIOCSIFADDR, 10, 9, 0, host_);
      set(SIOCSIFNETMASK, 255, 255, 255, 0);
      struct {
        in6_addr address{};
        std::uint32_t prefix = 64;
        int index = 0;
      } v6;  // struct in6_ifreq, whose header excludes netinet/in.h
      v6.address = reinterpret_cast<const sockaddr_in6&>(*address(6, 0).get()).sin6_addr;
      v6.index = static_cast<int>(netns_.index("wgoff"));
      const FileDescriptor control(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      ASSERT_EQ(::ioctl(control.get(), SIOCSIFADDR, &v6), 0) << std::strerror(errno);
      // The kernel finds out elsewhere, and a little later, that nobody on a TUN can have the same address.
      const Address own = address(6, 0);
      for (int i = 0; i < 2000 && ::bind(control.get(), own.get(), own.size) != 0; ++i) ::usleep(1000);
    });
  }

  void inside(const std::function<void()>& body) {
    ASSERT_EQ(::setns(netns_.fd.get(), CLONE_NEWNET), 0);
    body();
    ASSERT_EQ(::setns(here_.get(), CLONE_NEWNET), 0);
  }
  void set_sysctl(const std::string& name, const std::string& value) {
    inside([&] {
      const FileDescriptor file(::open(("/proc/sys/net/" + name).c_str(), O_WRONLY | O_CLOEXEC));
      ASSERT_EQ(::write(file.get(), value.data(), value.size()), static_cast<ssize_t>(value.size())) << std::strerror(errno);
    });
  }
  FileDescriptor socket(int version, int type) {
    FileDescriptor made;
    inside([&] { made = FileDescriptor(::socket(version == 4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)); });
    EXPECT_TRUE(static_cast<bool>(made)) << std::strerror(errno);
    return made;
  }

  struct Address {
    sockaddr_storage storage{};
    socklen_t size = 0;
    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  };
  [[nodiscard]] Address address(int version, std::uint16_t port) const {
    Address made;
    if (version == 4) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(made.storage);
      v4.sin_family = AF_INET;
      v4.sin_port = htons(port);
      v4.sin_addr.s_addr = htonl(std::uint32_t{10} << 24 | std::uint32_t{9} << 16 | host_);
      made.size = sizeof v4;
    } else {
      auto& v6 = reinterpret_cast<sockaddr_in6&>(made.storage);
      v6.sin6_family = AF_INET6;
      v6.sin6_port = htons(port);
      v6.sin6_addr.s6_addr[0] = 0xfd;
      v6.sin6_addr.s6_addr[1] = 0x09;
      v6.sin6_addr.s6_addr[15] = host_;
      made.size = sizeof v6;
    }
    return made;
  }

  [[nodiscard]] int tun() const { return tun_.get(); }
  [[nodiscard]] bool has_uso() const { return has_uso_; }

 private:
  std::uint8_t host_;
  FileDescriptor here_;
  Namespace netns_;
  FileDescriptor tun_;
  bool has_uso_ = false;
};

// Carries what both kernels say until `done`.
class Wire {
 public:
  Wire(End& from, End& to) : a_(from), b_(to) {}

  MergeOptions options;
  std::function<void(Bytes& packet)> meddle;  // with each packet on its way from a to b, after it was found to be right

  std::size_t packets = 0;         // of a's
  std::size_t super_packets = 0;   // reads of a's TUN with several packets in them
  std::size_t merged_writes = 0;   // to b's

  void carry_until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!done()) {
      ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "stuck after " << packets << " packets";
      pollfd both[2] = {{a_.tun(), POLLIN, 0}, {b_.tun(), POLLIN, 0}};
      ::poll(both, 2, 1);
      carry(a_, b_, true);
      carry(b_, a_, false);
    }
  }

 private:
  void carry(End& from, End& to, bool is_forward) {
    for (int reads = 0; reads < 8; ++reads) {
      buffer_.resize(kVirtioNetHeaderSize + 65536);
      const ssize_t size = ::read(from.tun(), buffer_.data(), buffer_.size());
      if (size < 0) return;
      ASSERT_GE(size, static_cast<ssize_t>(kVirtioNetHeaderSize));
      const VirtioNetHeader header = load_virtio_net_header(buffer_.data());
      const auto packet = std::span<const std::uint8_t>(buffer_).first(static_cast<std::size_t>(size)).subspan(kVirtioNetHeaderSize);
      SuperPacket super;
      const SplitError error = super.parse(header, packet);
      ASSERT_EQ(error, SplitError::kNone) << split_error_name(error);
      ASSERT_LE(super.largest_segment(), static_cast<std::size_t>(kMtu));
      std::vector<Bytes> segments(super.segments());
      std::vector<std::span<std::uint8_t>> spans;
      for (std::size_t i = 0; i < segments.size(); ++i) {
        segments[i].resize(super.segment_size(i));
        super.write(i, segments[i].data());
        const std::uint8_t protocol = test::protocol_of(segments[i]);
        if (protocol == 6 || protocol == 17) {  // others (neighbour discovery) have theirs finished
          ASSERT_TRUE(test::checksums_are_right(segments[i])) << "packet " << i << " of " << segments.size();
        }
        if (is_forward && meddle) meddle(segments[i]);
        spans.emplace_back(segments[i]);
      }
      if (is_forward) {
        packets += segments.size();
        super_packets += segments.size() > 1 ? 1 : 0;
      }
      write(to, spans, is_forward);
    }
  }

  void write(End& to, std::span<const std::span<std::uint8_t>> spans, bool is_forward) {
    Merger merger(spans.size(), options);
    for (const DeviceWrite& write : merger.merge(spans)) {
      const ssize_t written = ::writev(to.tun(), write.pieces.data(), static_cast<int>(write.pieces.size()));
      ASSERT_EQ(written, static_cast<ssize_t>(write.size + kVirtioNetHeaderSize)) << std::strerror(errno);
      if (is_forward) merged_writes += write.packets > 1 ? 1 : 0;
    }
  }

  End& a_;
  End& b_;
  Bytes buffer_;
};

void transfer_tcp(End& a, End& b, Wire& wire, int version) {
  FileDescriptor listener = b.socket(version, SOCK_STREAM);
  const End::Address there = b.address(version, 7001);
  ASSERT_EQ(::bind(listener.get(), there.get(), there.size), 0) << std::strerror(errno);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  FileDescriptor client = a.socket(version, SOCK_STREAM);
  ::connect(client.get(), there.get(), there.size);
  FileDescriptor server;
  wire.carry_until([&] {
    if (!server) server = FileDescriptor(::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    return static_cast<bool>(server);
  });

  const Bytes sent = test::pattern(kTransfer);
  Bytes received;
  std::size_t at = 0;
  bool is_closed = false;
  wire.carry_until([&] {
    while (at < kTransfer) {
      const ssize_t n = ::send(client.get(), sent.data() + at, kTransfer - at, MSG_NOSIGNAL);
      if (n <= 0) break;
      at += static_cast<std::size_t>(n);
    }
    if (at == kTransfer && !is_closed) is_closed = ::shutdown(client.get(), SHUT_WR) == 0;
    Bytes chunk(1 << 16);
    for (;;) {
      const ssize_t n = ::recv(server.get(), chunk.data(), chunk.size(), 0);
      if (n == 0) return true;
      if (n < 0) return false;
      received.insert(received.end(), chunk.begin(), chunk.begin() + n);
    }
  });
  EXPECT_TRUE(received == sent) << received.size() << " of " << kTransfer << " bytes";
}

TEST(OffloadTun, TcpStreamsThroughSplitAndMerge) {
  for (const int version : {4, 6}) {
    for (const bool merges : {true, false}) {
      test::run_in_own_namespace([&] {
        SCOPED_TRACE(testing::Message() << "IPv" << version << (merges ? ", merged" : ", one by one"));
        End a(1), b(2);
        Wire wire(a, b);
        if (!merges) wire.options = {.tcp_v4 = false, .tcp_v6 = false, .udp = false};
        transfer_tcp(a, b, wire, version);
        EXPECT_GT(wire.super_packets, 20U) << "the kernel made no super-packets";
        EXPECT_GE(wire.packets, kTransfer / kMtu);
        EXPECT_EQ(wire.merged_writes > 20, merges);
      });
    }
  }
}

// Marks of congestion: the receiver answers with ECE, the sender with CWR, in the first packet of a super-packet that says so.
TEST(OffloadTun, TcpWithCongestionMarks) {
  test::run_in_own_namespace([] {
    End a(1), b(2);
    a.set_sysctl("ipv4/tcp_ecn", "1");
    b.set_sysctl("ipv4/tcp_ecn", "1");
    Wire wire(a, b);
    std::size_t passed = 0, reduced = 0;
    wire.meddle = [&](Bytes& packet) {
      if (test::protocol_of(packet) != 6 || packet[0] >> 4 != 4) return;
      if ((packet[33] & (test::kCwr | test::kSyn)) == test::kCwr) ++reduced;
      if ((packet[1] & 3) != 0 && ++passed % 500 == 0) {
        packet[1] |= 3;
        test::finish(packet, 20, 6);
      }
    };
    transfer_tcp(a, b, wire, 4);
    EXPECT_GT(wire.merged_writes, 20U);
    EXPECT_GT(reduced, 0U) << "no CWR was seen";
  });
}

// Datagrams of 1,000 bytes in messages of 20 and a shorter one, each with its number in front.
void transfer_udp(End& a, End& b, Wire& wire, int version, bool receives_whole, std::size_t damaged) {
  constexpr std::size_t kDatagram = 1000, kLast = 700, kOfMessage = 21, kMessages = 20;
  FileDescriptor receiver = b.socket(version, SOCK_DGRAM);
  const End::Address there = b.address(version, 7002);
  ASSERT_EQ(::bind(receiver.get(), there.get(), there.size), 0) << std::strerror(errno);
  const int on = 1;
  if (receives_whole) {
    ASSERT_EQ(::setsockopt(receiver.get(), IPPROTO_UDP, kUdpGro, &on, sizeof on), 0);
  }
  const int large = 4 << 20;
  ::setsockopt(receiver.get(), SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large);
  FileDescriptor sender = a.socket(version, SOCK_DGRAM);
  ASSERT_EQ(::connect(sender.get(), there.get(), there.size), 0) << std::strerror(errno);
  const int segment = kDatagram;
  ASSERT_EQ(::setsockopt(sender.get(), IPPROTO_UDP, kUdpSegment, &segment, sizeof segment), 0) << std::strerror(errno);

  std::vector<Bytes> expected, received;
  std::size_t messages = 0, whole = 0;
  const std::size_t lost = damaged == 0 ? 0 : 1;
  wire.carry_until([&] {
    if (messages < kMessages) {
      Bytes message;
      for (std::size_t i = 0; i < kOfMessage; ++i) {
        Bytes datagram = test::pattern(i + 1 < kOfMessage ? kDatagram : kLast, i);
        test::set_number(datagram, 0, messages * kOfMessage + i, 4);
        test::append(message, datagram);
        expected.push_back(std::move(datagram));
      }
      if (::send(sender.get(), message.data(), message.size(), 0) == static_cast<ssize_t>(message.size())) {
        ++messages;
      } else {
        expected.resize(messages * kOfMessage);
      }
    }
    for (;;) {
      Bytes chunk(1 << 16);
      const ssize_t n = ::recv(receiver.get(), chunk.data(), chunk.size(), 0);
      if (n < 0) break;
      if (n > static_cast<ssize_t>(kDatagram)) ++whole;
      chunk.resize(static_cast<std::size_t>(n));
      for (std::size_t at = 0; at < chunk.size(); at += kDatagram) {
        const auto begin = chunk.begin() + static_cast<std::ptrdiff_t>(at);
        received.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(std::min(kDatagram, chunk.size() - at)));
      }
    }
    return messages == kMessages && received.size() + lost >= expected.size();
  });
  if (lost != 0) {
    ASSERT_LT(damaged, expected.size());
    expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(damaged));
  }
  EXPECT_TRUE(received == expected) << received.size() << " of " << expected.size();
  EXPECT_EQ(whole > 0, receives_whole);
}

TEST(OffloadTun, UdpTrainsThroughSplitAndMerge) {
  for (const int version : {4, 6}) {
    for (const bool receives_whole : {false, true}) {
      test::run_in_own_namespace([&] {
        SCOPED_TRACE(testing::Message() << "IPv" << version << (receives_whole ? ", received whole" : ", received one by one"));
        End a(1), b(2);
        if (!a.has_uso()) return;  // Linux 6.2
        Wire wire(a, b);
        transfer_udp(a, b, wire, version, receives_whole, 0);
        EXPECT_GE(wire.super_packets, 20U) << "the kernel made no super-packets";
        EXPECT_GE(wire.merged_writes, 20U);
      });
    }
  }
}

// Damaged on its way: the kernel must be able to see it. The datagrams around it arrive.
TEST(OffloadTun, ADamagedDatagramDoesNotBecomeAGoodOne) {
  for (const int version : {4, 6}) {
    test::run_in_own_namespace([&] {
      End a(1), b(2);
      if (!a.has_uso()) return;
      Wire wire(a, b);
      constexpr std::size_t kDamaged = 47;
      wire.meddle = [&](Bytes& packet) {
        const std::size_t payload = test::ip_header_of(packet) + 8;
        if (test::protocol_of(packet) != 17 || packet.size() < payload + 700) return;
        if (test::number(packet, payload, 4) == kDamaged) packet[payload + 500] ^= 1;
      };
      transfer_udp(a, b, wire, version, true, kDamaged);
      EXPECT_GE(wire.merged_writes, 20U);
    });
  }
}

}  // namespace
}  // namespace wgu::io
