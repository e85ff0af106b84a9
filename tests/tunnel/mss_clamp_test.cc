// MSS clamping: what is lowered and how far, that nothing else changes, that right checksums stay right and wrong ones wrong.

#include "tunnel/mss_clamp.h"

#include <gtest/gtest.h>

#include <random>

#include "tunnel/device.h"

namespace wgu::tunnel {
namespace {

constexpr std::uint8_t kSyn = 0x02, kAck = 0x10;

Bytes mss_option(std::uint16_t mss) { return {2, 4, static_cast<std::uint8_t>(mss >> 8), static_cast<std::uint8_t>(mss)}; }

struct Ends {
  IpAddress from, to;
};
const Ends kV4{ip("10.0.0.1"), ip("10.0.0.2")};
const Ends kV6{ip("fd00::1"), ip("fd00::2")};

std::size_t ip_header(const Bytes& packet) { return packet[0] >> 4 == 4 ? (packet[0] & 15U) * 4 : 40; }

// The checksum of TCP over pseudo header and segment, from the definition (RFC 9293 section 3.1, RFC 8200 section 8.1).
std::uint16_t tcp_sum(const Bytes& packet, std::size_t tcp) {
  const bool is_v4 = packet[0] >> 4 == 4;
  const auto addresses = std::span(packet).subspan(is_v4 ? 12 : 8, is_v4 ? 8 : 32);
  const std::uint32_t pseudo = ones_complement_sum(addresses, static_cast<std::uint32_t>(packet.size() - tcp + 6));
  return ones_complement_sum(std::span(packet).subspan(tcp), pseudo);
}

// `options` are filled up to whole words with zeroes; `between` stands between the IP and the TCP header.
Bytes tcp_packet(const Ends& ends, std::uint8_t flags, Bytes options, const Bytes& between = {}, std::uint8_t first_header = 6) {
  while (options.size() % 4 != 0) options.push_back(0);
  const std::size_t header = ends.from.family == Family::kIpv4 ? 20 : 40;
  const std::size_t tcp = header + between.size();
  Bytes packet = inner_packet(ends.from, ends.to, tcp + 20 + options.size() + 7, 0, 0x5c);
  packet[header == 20 ? 9 : 6] = first_header;
  std::copy(between.begin(), between.end(), packet.begin() + static_cast<std::ptrdiff_t>(header));
  packet[tcp + 12] = static_cast<std::uint8_t>((20 + options.size()) / 4 << 4);
  packet[tcp + 13] = flags;
  std::copy(options.begin(), options.end(), packet.begin() + static_cast<std::ptrdiff_t>(tcp + 20));
  packet[tcp + 16] = packet[tcp + 17] = 0;
  const std::uint16_t sum = static_cast<std::uint16_t>(~tcp_sum(packet, tcp));
  packet[tcp + 16] = static_cast<std::uint8_t>(sum >> 8);
  packet[tcp + 17] = static_cast<std::uint8_t>(sum);
  return packet;
}

// Clamps a copy; the MSS that is then there, at `at` behind the TCP header, or 0 when the packet was left alone.
int clamped(const Bytes& packet, std::size_t mtu, std::size_t at = 2, std::size_t between = 0) {
  Bytes changed = packet;
  const bool is_changed = clamp_mss(changed, mtu);
  EXPECT_EQ(is_changed, changed != packet);
  if (!is_changed) return 0;
  const std::size_t tcp = ip_header(packet) + between;
  EXPECT_EQ(tcp_sum(changed, tcp), 0xffff);
  for (std::size_t i = 0; i < packet.size(); ++i) {
    const bool may_differ = (i >= tcp + 16 && i < tcp + 18) || (i >= tcp + 20 + at && i < tcp + 22 + at);
    EXPECT_TRUE(may_differ || changed[i] == packet[i]) << i;
  }
  return changed[tcp + 20 + at] << 8 | changed[tcp + 21 + at];
}

TEST(MssClamp, LowersToTheMtuLessBothHeaders) {
  for (const std::uint8_t flags : {kSyn, std::uint8_t{kSyn | kAck}, std::uint8_t{kSyn | 0xc0}}) {
    const Bytes v4 = tcp_packet(kV4, flags, mss_option(1460));
    EXPECT_EQ(clamped(v4, 1420), 1380);
    EXPECT_EQ(clamped(v4, 1499), 1459);
    EXPECT_EQ(clamped(v4, 1500), 0) << "fits";
    EXPECT_EQ(clamped(v4, 9000), 0) << "never raised";
    EXPECT_EQ(clamped(v4, 41), 1);
    EXPECT_EQ(clamped(v4, 40), 0) << "no room for TCP at all";
    EXPECT_EQ(clamped(v4, 0), 0);
    const Bytes v6 = tcp_packet(kV6, flags, mss_option(1440));
    EXPECT_EQ(clamped(v6, 1420), 1360);
    EXPECT_EQ(clamped(v6, 1500), 0);
  }
  EXPECT_EQ(clamped(tcp_packet(kV4, kSyn, mss_option(65'535)), 1280), 1240);
  EXPECT_EQ(clamped(tcp_packet(kV4, kSyn, mss_option(0)), 1280), 0);
}

TEST(MssClamp, OnlySynsHaveOne) {
  for (unsigned flags = 0; flags < 256; ++flags)
    EXPECT_EQ(clamped(tcp_packet(kV4, static_cast<std::uint8_t>(flags), mss_option(1460)), 1420) != 0, (flags & kSyn) != 0) << flags;
  Bytes udp = tcp_packet(kV4, kSyn, mss_option(1460));
  udp[9] = 17;
  EXPECT_EQ(clamped(udp, 1420), 0);
}

TEST(MssClamp, FindsTheOptionAmongOthersAlsoAtOddPlaces) {
  const auto after = [](Bytes options) {
    const Bytes mss = mss_option(1460);
    options.insert(options.end(), mss.begin(), mss.end());
    return options;
  };
  EXPECT_EQ(clamped(tcp_packet(kV4, kSyn, after({1})), 1420, 3), 1380);
  EXPECT_EQ(clamped(tcp_packet(kV4, kSyn, after({1, 1, 1})), 1420, 5), 1380);
  EXPECT_EQ(clamped(tcp_packet(kV4, kSyn, after({3, 3, 7})), 1420, 5), 1380);
  EXPECT_EQ(clamped(tcp_packet(kV6, kSyn, after({4, 2, 8, 10, 2, 4, 1, 1, 2, 4, 9, 9})), 1420, 14), 1360);
  EXPECT_EQ(clamped(tcp_packet(kV4, kSyn, {}), 1420), 0) << "none is added";
  EXPECT_EQ(clamped(tcp_packet(kV4, kSyn, after({0})), 1420), 0) << "behind the end of the options";
}

TEST(MssClamp, OptionsThatAreNotWellFormedAreLeftAlone) {
  for (const Bytes& options : {Bytes{2, 3, 5, 180}, Bytes{2, 5, 5, 180, 0, 0, 0, 0}, Bytes{2, 0, 5, 180}, Bytes{2, 1, 5, 180},
                               Bytes{1, 1, 1, 2}, Bytes{1, 1, 2, 4}, Bytes{3, 0, 2, 4, 5, 180, 0, 0}, Bytes{3, 1, 2, 4, 5, 180, 0, 0},
                               Bytes{8, 10, 2, 4, 5, 180, 0, 0}, Bytes{254, 255, 2, 4}})
    EXPECT_EQ(clamped(tcp_packet(kV4, kSyn, options), 1280), 0);
  Bytes beyond = tcp_packet(kV4, kSyn, mss_option(1460));
  beyond[20 + 12] = 0xf0;  // a header longer than the packet
  EXPECT_EQ(clamped(beyond, 1280), 0);
  beyond[20 + 12] = 0x40;  // shorter than a header
  EXPECT_EQ(clamped(beyond, 1280), 0);
}

TEST(MssClamp, FragmentsButTheFirstAreLeftAlone) {
  for (const auto& [offset, is_clamped] : {std::pair{0x0000, true}, std::pair{0x4000, true}, std::pair{0x2000, true},
                                           std::pair{0x0001, false}, std::pair{0x1fff, false}, std::pair{0x2100, false}}) {
    Bytes packet = tcp_packet(kV4, kSyn, mss_option(1460));
    packet[6] = static_cast<std::uint8_t>(offset >> 8);
    packet[7] = static_cast<std::uint8_t>(offset);
    EXPECT_EQ(clamped(packet, 1280) != 0, is_clamped) << offset;
  }
}

TEST(MssClamp, FindsTcpBehindIpv4OptionsAndIpv6Extensions) {
  Bytes with_options = tcp_packet(kV4, kSyn, mss_option(1460), Bytes(8, 1));
  with_options[0] = 0x47;
  EXPECT_EQ(clamped(with_options, 1420), 1380);
  with_options[0] = 0x44;
  EXPECT_EQ(clamped(with_options, 1420), 0);
  with_options[0] = 0x4f;
  EXPECT_EQ(clamped(with_options, 1420), 0);

  // Hop-by-hop (16 bytes), routing (8), destination options (8), first fragment (8), TCP.
  Bytes extensions(40);
  extensions[0] = 43, extensions[1] = 1;
  extensions[16] = 60;
  extensions[24] = 44;
  extensions[32] = 6, extensions[35] = 1;
  EXPECT_EQ(clamped(tcp_packet(kV6, kSyn, mss_option(1440), extensions, 0), 1420, 2, 40), 1360);
  Bytes later = extensions;
  later[35] = 8;
  EXPECT_EQ(clamped(tcp_packet(kV6, kSyn, mss_option(1440), later, 0), 1420, 2, 40), 0);
  Bytes endless = extensions;
  endless[1] = 200;
  EXPECT_EQ(clamped(tcp_packet(kV6, kSyn, mss_option(1440), endless, 0), 1420, 2, 40), 0);
  EXPECT_EQ(clamped(tcp_packet(kV6, kSyn, mss_option(1440), Bytes{6, 0, 0, 0, 0, 0, 0, 0}, 51), 1420, 2, 8), 0) << "authenticated";
}

TEST(MssClamp, AWrongChecksumStaysAsWrong) {
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    const Bytes options =
        i % 2 == 0 ? mss_option(static_cast<std::uint16_t>(1400 + random() % 64'000)) : Bytes{1, 2, 4, 0xff, 0xff, 0, 0, 0};
    Bytes packet = tcp_packet(i % 3 == 0 ? kV6 : kV4, kSyn, options);
    const std::size_t tcp = ip_header(packet);
    packet.back() = static_cast<std::uint8_t>(random());
    packet[tcp + 16] = static_cast<std::uint8_t>(random());
    packet[tcp + 17] = static_cast<std::uint8_t>(random());
    const std::uint16_t before = tcp_sum(packet, tcp);
    ASSERT_TRUE(clamp_mss(packet, 600 + random() % 800));
    // 0 and 0xffff are the same number; of real segments only the latter occurs.
    ASSERT_EQ(tcp_sum(packet, tcp) % 0xffff, before % 0xffff) << i;
  }
}

TEST(MssClamp, ReadsNothingBeyondThePacket) {
  for (const Ends& ends : {kV4, kV6}) {
    const Bytes whole = tcp_packet(ends, kSyn, mss_option(1460));
    for (std::size_t size = ip_header(whole); size < whole.size() - 7; ++size) {
      const auto cut = std::make_unique<std::uint8_t[]>(size);  // exactly this long, for AddressSanitizer
      std::copy_n(whole.begin(), size, cut.get());
      EXPECT_FALSE(clamp_mss({cut.get(), size}, 1280)) << size;
    }
  }
}

// --- In a tunnel -----------------------------------------------------------------------------------------------------------

class TunnelMss : public Pair {
 protected:
  static int mss_of(const Bytes& packet) { return packet[42] << 8 | packet[43]; }
  Bytes from_a(std::uint16_t mss) { return tcp_packet({a.address, b.address}, kSyn, mss_option(mss)); }
  Bytes from_b(std::uint16_t mss) { return tcp_packet({b.address, a.address}, kSyn | kAck, mss_option(mss)); }
  // What arrives inside `to` when `from` sends `inner`.
  Bytes carried(Device& from, Device& to, const Bytes& inner) {
    from.send_bytes(inner, now);
    exchange();
    const auto delivered = to.take_delivered();
    EXPECT_EQ(delivered.size(), 1u);
    return delivered.empty() ? Bytes(60) : delivered[0];
  }
};

TEST_F(TunnelMss, IsLeftAloneByDefault) {
  EXPECT_EQ(mss_of(carried(a, b, from_a(1460))), 1460);
  EXPECT_EQ(mss_of(carried(b, a, from_b(1460))), 1460);
  EXPECT_EQ(a.counters().mss_clamped, 0u);
}

TEST_F(TunnelMss, IsLoweredBothWaysByOneEnd) {
  a.shard().set_path_policy({.clamp_mss = true});
  EXPECT_EQ(mss_of(carried(a, b, from_a(1460))), 1380) << "staged for the handshake, too";
  EXPECT_EQ(mss_of(carried(a, b, from_a(1460))), 1380);
  EXPECT_EQ(mss_of(carried(b, a, from_b(1460))), 1380);
  EXPECT_EQ(mss_of(carried(b, a, from_b(1200))), 1200);
  EXPECT_EQ(a.counters().mss_clamped, 3u);
  a.shard().set_mtu(1281);
  EXPECT_EQ(mss_of(carried(b, a, from_b(1460))), 1241);
}

TEST_F(TunnelMss, FollowsThePathToThePeer) {
  a.shard().set_path_policy({.discover_mtu = true, .clamp_mss = true});
  a.send_bytes(from_a(1460), now);  // staged; the answer is there before the session
  for (const PathQuestion& question : a.take_questions()) a.shard().answer_path(question, 1400, now);
  exchange();
  const auto delivered = b.take_delivered();
  ASSERT_EQ(delivered.size(), 1u);
  EXPECT_EQ(mss_of(delivered[0]), 1300) << "1400 - 60 - 40";
  EXPECT_EQ(mss_of(carried(b, a, from_b(1460))), 1300);
}

TEST_F(TunnelMss, OfAnyPacketOfABatch) {
  establish();
  a.shard().set_path_policy({.clamp_mss = true});
  std::vector<Packet> batch;
  for (int i = 0; i < 9; ++i) {
    const bool is_syn = i % 3 == 1;
    batch.push_back(packet_of(a.pool, is_syn ? from_a(1460) : inner_packet(a.address, b.address, 200)));
  }
  TunnelOutput output;
  a.shard().send(batch, now, output);
  EXPECT_EQ(output.to_network.size(), 9u);
  EXPECT_EQ(a.counters().mss_clamped, 3u);
}

}  // namespace
}  // namespace wgu::tunnel
