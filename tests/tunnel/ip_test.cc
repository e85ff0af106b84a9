#include "tunnel/ip.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

namespace wgu::tunnel {
namespace {

using Bytes = std::vector<std::uint8_t>;

// Written out once more, in the slowest way: the sum modulo 2^16 - 1, bit patterns 0 and 0xffff being equal.
std::uint64_t ones_complement_sum(const Bytes& bytes) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) sum += std::uint64_t{bytes[i]} << (i % 2 == 0 ? 8 : 0);
  return sum % 0xffff;
}
bool is_checksum_right(const Bytes& bytes) { return ones_complement_sum(bytes) == 0; }

Bytes slice(const Bytes& bytes, std::size_t from, std::size_t size) {
  return {bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(from + size)};
}

void fix_ipv4_checksum(Bytes& packet) {
  packet[10] = packet[11] = 0;
  const auto sum = static_cast<std::uint16_t>(~ones_complement_sum(slice(packet, 0, (packet[0] & 15U) * 4)));
  packet[10] = static_cast<std::uint8_t>(sum >> 8);
  packet[11] = static_cast<std::uint8_t>(sum);
}

Bytes ipv4_packet(std::size_t size, std::uint8_t protocol = 17) {
  Bytes packet(size);
  std::iota(packet.begin(), packet.end(), std::uint8_t{0});
  const Bytes header = {0x45,
                        0,
                        static_cast<std::uint8_t>(size >> 8),
                        static_cast<std::uint8_t>(size),
                        0x12,
                        0x34,
                        0,
                        0,
                        9,
                        protocol,
                        0,
                        0,
                        10,
                        1,
                        2,
                        3,
                        192,
                        0,
                        2,
                        7};
  std::copy_n(header.begin(), std::min(size, header.size()), packet.begin());
  if (size >= 20) fix_ipv4_checksum(packet);
  return packet;
}

Bytes ipv6_packet(std::size_t size, std::uint8_t next_header = 17) {
  Bytes packet(size);
  std::iota(packet.begin(), packet.end(), std::uint8_t{0});
  Bytes header(40);
  header[0] = 0x60;
  header[4] = static_cast<std::uint8_t>((size - 40) >> 8);
  header[5] = static_cast<std::uint8_t>(size - 40);
  header[6] = next_header;
  header[7] = 9;
  header[8] = 0xfd, header[23] = 1;
  header[24] = 0x20, header[25] = 1, header[39] = 2;
  std::copy_n(header.begin(), std::min(size, header.size()), packet.begin());
  return packet;
}

// In a block of exactly its size, so that the address sanitizer sees one byte too many.
class ExactBuffer {
 public:
  explicit ExactBuffer(const Bytes& bytes) : bytes_(new std::uint8_t[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), bytes_.get());
  }
  [[nodiscard]] std::span<std::uint8_t> span() const { return {bytes_.get(), size_}; }

 private:
  std::unique_ptr<std::uint8_t[]> bytes_;
  std::size_t size_;
};

Bytes unreachable(const Bytes& packet) {
  const ExactBuffer exact(packet);
  const ExactBuffer out{Bytes(kMaxIcmpSize)};
  const std::size_t size = write_unreachable(exact.span(), out.span().data());
  return {out.span().begin(), out.span().begin() + static_cast<std::ptrdiff_t>(size)};
}

TEST(Ip, ParsesBothFamilies) {
  Bytes v4 = ipv4_packet(28);
  v4[1] = 0xb9;
  for (const auto& header : {parse_outbound(v4), parse_inbound(v4)}) {
    ASSERT_TRUE(header);
    EXPECT_EQ(header->family, Family::kIpv4);
    EXPECT_EQ(header->total_length, 28U);
    EXPECT_EQ(header->source, v4.data() + 12);
    EXPECT_EQ(header->destination, v4.data() + 16);
    EXPECT_EQ(header->traffic_class, 0xb9);
  }
  Bytes v6 = ipv6_packet(48);
  v6[0] = 0x6b, v6[1] = 0x9f;
  for (const auto& header : {parse_outbound(v6), parse_inbound(v6)}) {
    ASSERT_TRUE(header);
    EXPECT_EQ(header->family, Family::kIpv6);
    EXPECT_EQ(header->total_length, 48U);
    EXPECT_EQ(header->source, v6.data() + 8);
    EXPECT_EQ(header->destination, v6.data() + 24);
    EXPECT_EQ(header->traffic_class, 0xb9);
  }
}

TEST(Ip, InboundTakesTheHeadersLength) {
  struct Row {
    std::uint16_t claimed;
    std::size_t span;
    bool is_accepted;
  };
  for (const Row& row :
       {Row{0, 64, false}, Row{19, 64, false}, Row{20, 64, true}, Row{20, 20, true}, Row{21, 20, false}, Row{50, 64, true},
        Row{64, 64, true}, Row{65, 64, false}, Row{65535, 65534, false}, Row{65535, 65535, true}, Row{65535, 65552, true}}) {
    Bytes packet = ipv4_packet(row.span);
    packet[2] = static_cast<std::uint8_t>(row.claimed >> 8);
    packet[3] = static_cast<std::uint8_t>(row.claimed);
    const auto header = parse_inbound(packet);
    ASSERT_EQ(header.has_value(), row.is_accepted) << row.claimed << " in " << row.span;
    if (header) {
      EXPECT_EQ(header->total_length, row.claimed);
    }
    EXPECT_EQ(parse_outbound(packet)->total_length, row.span);
  }
  for (const Row& row : {Row{0, 40, true}, Row{0, 64, true}, Row{1, 40, false}, Row{24, 64, true}, Row{25, 64, false},
                         Row{65535, 65574, false}, Row{65535, 65575, true}, Row{65495, 65535, true}, Row{65496, 65535, false}}) {
    Bytes packet = ipv6_packet(row.span);
    packet[4] = static_cast<std::uint8_t>(row.claimed >> 8);
    packet[5] = static_cast<std::uint8_t>(row.claimed);
    const auto header = parse_inbound(packet);
    ASSERT_EQ(header.has_value(), row.is_accepted) << row.claimed << " in " << row.span;
    if (header) {
      EXPECT_EQ(header->total_length, row.claimed + 40U);
    }
  }
}

TEST(Ip, OtherVersionsAreRefused) {
  for (unsigned version = 0; version < 16; ++version) {
    Bytes packet = ipv4_packet(60);
    packet[0] = static_cast<std::uint8_t>(version << 4 | 5);
    packet[4] = packet[5] = 0;  // fits as IPv6, too
    EXPECT_EQ(parse_outbound(packet).has_value(), version == 4 || version == 6) << version;
    EXPECT_EQ(parse_inbound(packet).has_value(), version == 4 || version == 6) << version;
  }
}

TEST(Ip, EveryTruncationIsReadWithinItsBounds) {
  for (const Bytes& whole : {ipv4_packet(100), ipv4_packet(100, 1), ipv6_packet(100), ipv6_packet(100, 58), ipv6_packet(100, 0)}) {
    const std::size_t minimum = whole[0] >> 4 == 4 ? 20 : 40;
    for (std::size_t size = 0; size <= 60; ++size) {
      const ExactBuffer cut(slice(whole, 0, size));
      EXPECT_EQ(parse_outbound(cut.span()).has_value(), size >= minimum) << size;
      EXPECT_FALSE(parse_inbound(cut.span()).has_value()) << size;  // it claims 100 bytes
      EXPECT_TRUE(unreachable(slice(whole, 0, size)).empty()) << size;
      // The same with a length that tells the truth.
      if (size < minimum) continue;
      Bytes honest = slice(whole, 0, size);
      (minimum == 20 ? honest[3] : honest[5]) = static_cast<std::uint8_t>(minimum == 20 ? size : size - 40);
      const ExactBuffer exact(honest);
      ASSERT_TRUE(parse_inbound(exact.span()));
      EXPECT_TRUE(decapsulate_ecn(1, exact.span()));
      unreachable(honest);
    }
  }
}

TEST(Ip, RandomHeadersAreReadWithinTheirBounds) {
  const std::uint32_t seed = std::random_device{}();
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    Bytes packet(random() % 120);
    for (auto& byte : packet) byte = random() % 2 == 0 ? static_cast<std::uint8_t>(random()) : std::uint8_t{0};
    if (packet.size() >= 40) {
      packet[0] = random() % 2 == 0 ? static_cast<std::uint8_t>(0x40 | random() % 16) : std::uint8_t{0x60};
      packet[2] = packet[4] = 0;
      packet[6] = std::array<std::uint8_t, 6>{0, 43, 44, 51, 58, 60}[random() % 6];
      packet[5] = static_cast<std::uint8_t>(packet.size() - 40);
      packet[3] = static_cast<std::uint8_t>(packet.size());
    }
    const Bytes answer = unreachable(packet);
    if (!answer.empty()) {
      ASSERT_TRUE(parse_inbound(answer));
    }
  }
}

TEST(Ip, PaddedSize) {
  struct Row {
    std::size_t size, mtu, expected;
  };
  for (const Row& row : {
           Row{0, 1420, 0},
           Row{1, 1420, 16},
           Row{16, 1420, 16},
           Row{17, 1420, 32},
           Row{1408, 1420, 1408},
           Row{1409, 1420, 1420},
           Row{1420, 1420, 1420},
           Row{20, 0, 32},
           Row{65535, 0, 65536},
           Row{1421, 1420, 1436},
           Row{2840, 1420, 2840},
           Row{2841, 1420, 2856},
           Row{1420 + 1409, 1420, 2840},
           Row{65535, 65535, 65535},
           Row{65521, 65535, 65535},
           Row{65520, 65535, 65520},
           Row{65536, 65535, 65551},
           Row{40, 8, 40},
           Row{41, 8, 48},
           Row{7, 8, 8},
           Row{3, 1, 3},
       }) {
    EXPECT_EQ(padded_size(row.size, row.mtu), row.expected) << row.size << " mtu " << row.mtu;
  }
}

TEST(Ip, EncapsulationCopiesEcnAndNothingElse) {
  for (unsigned value = 0; value < 256; ++value) EXPECT_EQ(encapsulate_ecn(static_cast<std::uint8_t>(value)), value % 4);
}

// RFC 6040 figure 4. Rows: inner, columns: outer, both in the order Not-ECT, ECT(1), ECT(0), CE of the bits 0 to 3.
TEST(Ip, DecapsulationFollowsRfc6040) {
  constexpr unsigned kDrop = 9;
  constexpr unsigned kFigure4[4][4] = {
      {0, 0, 0, kDrop},
      {1, 1, 1, 3},
      {2, 1, 2, 3},
      {3, 3, 3, 3},
  };
  for (unsigned inner = 0; inner < 4; ++inner) {
    for (unsigned outer = 0; outer < 4; ++outer) {
      for (const unsigned dscp : {0U, 0xb8U, 0xfcU}) {
        SCOPED_TRACE(testing::Message() << "inner " << inner << " outer " << outer << " dscp " << dscp);
        const unsigned expected = kFigure4[inner][outer];
        const auto outer_class = static_cast<std::uint8_t>(outer | 0x88);  // the outer DSCP does not matter

        Bytes v4 = ipv4_packet(40);
        v4[1] = static_cast<std::uint8_t>(dscp | inner);
        fix_ipv4_checksum(v4);
        Bytes want = v4;
        EXPECT_EQ(decapsulate_ecn(outer_class, v4), expected != kDrop);
        if (expected != kDrop) want[1] = static_cast<std::uint8_t>(dscp | expected);
        EXPECT_TRUE(is_checksum_right(slice(v4, 0, 20)));
        want[10] = v4[10], want[11] = v4[11];
        EXPECT_EQ(v4, want);

        Bytes v6 = ipv6_packet(60);
        v6[0] = static_cast<std::uint8_t>(0x60 | dscp >> 4);
        v6[1] = static_cast<std::uint8_t>((dscp | inner) << 4 | 0x0a);
        Bytes want6 = v6;
        EXPECT_EQ(decapsulate_ecn(outer_class, v6), expected != kDrop);
        if (expected != kDrop) want6[1] = static_cast<std::uint8_t>((dscp | expected) << 4 | 0x0a);
        EXPECT_EQ(v6, want6);
      }
    }
  }
}

TEST(Ip, EcnKeepsEveryIpv4ChecksumRight) {
  Bytes packet = ipv4_packet(20);
  for (unsigned id = 0; id < 65536; ++id) {
    packet[1] = 2;
    packet[4] = static_cast<std::uint8_t>(id >> 8);
    packet[5] = static_cast<std::uint8_t>(id);
    fix_ipv4_checksum(packet);
    ASSERT_TRUE(decapsulate_ecn(3, packet));
    ASSERT_TRUE(is_checksum_right(packet)) << id;
  }
  packet[10] ^= 0x40;  // a wrong one is not made right
  packet[1] = 2;
  ASSERT_TRUE(decapsulate_ecn(3, packet));
  EXPECT_FALSE(is_checksum_right(packet));
}

TEST(Ip, Icmpv4Unreachable) {
  for (const std::size_t size : {20U, 21U, 28U, 547U, 548U, 549U, 1420U, 65535U}) {
    SCOPED_TRACE(size);
    const Bytes packet = ipv4_packet(size);
    const Bytes answer = unreachable(packet);
    const std::size_t quoted = std::min<std::size_t>(size, 576 - 28);
    ASSERT_EQ(answer.size(), 28 + quoted);
    EXPECT_EQ(answer[0], 0x45);
    EXPECT_EQ(answer[1], 0);
    EXPECT_EQ(answer[2] << 8 | answer[3], static_cast<int>(answer.size()));
    EXPECT_EQ(answer[8], 64);
    EXPECT_EQ(answer[9], 1);
    EXPECT_EQ(slice(answer, 12, 4), slice(packet, 16, 4));
    EXPECT_EQ(slice(answer, 16, 4), slice(packet, 12, 4));
    EXPECT_TRUE(is_checksum_right(slice(answer, 0, 20)));
    EXPECT_EQ(answer[20], 3);
    EXPECT_EQ(answer[21], 1);
    EXPECT_EQ(slice(answer, 24, 4), Bytes(4));
    EXPECT_TRUE(is_checksum_right(slice(answer, 20, answer.size() - 20)));
    EXPECT_EQ(slice(answer, 28, quoted), slice(packet, 0, quoted));
  }
}

TEST(Ip, Icmpv6Unreachable) {
  for (const std::size_t size : {40U, 41U, 48U, 1231U, 1232U, 1233U, 1420U, 65535U, 65575U}) {
    SCOPED_TRACE(size);
    const Bytes packet = ipv6_packet(size);
    const Bytes answer = unreachable(packet);
    const std::size_t quoted = std::min<std::size_t>(size, 1280 - 48);
    ASSERT_EQ(answer.size(), 48 + quoted);
    EXPECT_EQ(slice(answer, 0, 4), (Bytes{0x60, 0, 0, 0}));
    EXPECT_EQ(answer[4] << 8 | answer[5], static_cast<int>(answer.size() - 40));
    EXPECT_EQ(answer[6], 58);
    EXPECT_EQ(answer[7], 64);
    EXPECT_EQ(slice(answer, 8, 16), slice(packet, 24, 16));
    EXPECT_EQ(slice(answer, 24, 16), slice(packet, 8, 16));
    EXPECT_EQ(answer[40], 1);
    EXPECT_EQ(answer[41], 3);
    EXPECT_EQ(slice(answer, 44, 4), Bytes(4));
    EXPECT_EQ(slice(answer, 48, quoted), slice(packet, 0, quoted));
    Bytes summed = slice(answer, 8, 32);  // pseudo header (RFC 8200 section 8.1), then the message
    const Bytes tail = {0, 0, answer[4], answer[5], 0, 0, 0, 58};
    summed.insert(summed.end(), tail.begin(), tail.end());
    summed.insert(summed.end(), answer.begin() + 40, answer.end());
    EXPECT_TRUE(is_checksum_right(summed));
  }
}

TEST(Ip, TooBigSaysTheMtu) {
  for (const std::size_t mtu : {68U, 576U, 1280U, 1340U, 65'535U}) {
    SCOPED_TRACE(mtu);
    const Bytes v4 = ipv4_packet(1420);
    Bytes out(kMaxIcmpSize);
    out.resize(write_too_big(v4, mtu, out.data()));
    ASSERT_EQ(out.size(), 576U);
    EXPECT_EQ(slice(out, 20, 2), (Bytes{3, 4}));
    EXPECT_EQ(slice(out, 24, 4), (Bytes{0, 0, static_cast<std::uint8_t>(mtu >> 8), static_cast<std::uint8_t>(mtu)}));
    EXPECT_TRUE(is_checksum_right(slice(out, 20, out.size() - 20)));
    EXPECT_EQ(slice(out, 28, 548), slice(v4, 0, 548));

    const Bytes v6 = ipv6_packet(1420);
    out.resize(kMaxIcmpSize);
    out.resize(write_too_big(v6, mtu, out.data()));
    ASSERT_EQ(out.size(), 1280U);
    EXPECT_EQ(slice(out, 40, 2), (Bytes{2, 0}));
    EXPECT_EQ(slice(out, 44, 4), (Bytes{0, 0, static_cast<std::uint8_t>(mtu >> 8), static_cast<std::uint8_t>(mtu)}));
    EXPECT_EQ(slice(out, 48, 1232), slice(v6, 0, 1232));
  }
  Bytes out(kMaxIcmpSize);
  EXPECT_EQ(write_too_big(unreachable(ipv4_packet(100)), 1280, out.data()), 0U);
  EXPECT_FALSE(may_be_answered(unreachable(ipv4_packet(100))));
  EXPECT_TRUE(may_be_answered(ipv4_packet(100)));
}

TEST(Ip, PaddingIsNotQuoted) {
  Bytes packet = ipv4_packet(30);
  packet.resize(32);
  EXPECT_EQ(unreachable(packet).size(), 28U + 30);
}

TEST(Ip, AnErrorIsNeverAnswered) {
  for (unsigned type = 0; type < 256; ++type) {
    Bytes v4 = ipv4_packet(28, 1);
    v4[20] = static_cast<std::uint8_t>(type);
    const bool is_query = type == 0 || type == 8 || type == 9 || type == 10 || (type >= 13 && type <= 18) || type == 42 || type == 43;
    EXPECT_EQ(!unreachable(v4).empty(), is_query) << type;

    Bytes v6 = ipv6_packet(48, 58);
    v6[40] = static_cast<std::uint8_t>(type);
    EXPECT_EQ(!unreachable(v6).empty(), type >= 128 && type != 137) << type;
  }
  // Our own answers are not answered.
  EXPECT_TRUE(unreachable(unreachable(ipv4_packet(100))).empty());
  EXPECT_TRUE(unreachable(unreachable(ipv6_packet(100))).empty());
}

TEST(Ip, IcmpTypeIsFoundBehindOptions) {
  Bytes v4 = ipv4_packet(40, 1);
  v4[0] = 0x48;
  std::fill(v4.begin() + 20, v4.begin() + 32, std::uint8_t{8});  // options that look like an echo request
  for (const auto& [type, is_answered] : {std::pair{8, true}, std::pair{3, false}}) {
    v4[32] = static_cast<std::uint8_t>(type);
    EXPECT_EQ(!unreachable(v4).empty(), is_answered);
  }
  v4[0] = 0x4f;  // options past the end
  EXPECT_TRUE(unreachable(v4).empty());
  v4[0] = 0x44;  // a header shorter than a header
  EXPECT_TRUE(unreachable(v4).empty());

  // Hop-by-hop (16 bytes), routing (8), authentication (12), first fragment (8), destination options (8), ICMPv6.
  Bytes v6 = ipv6_packet(40 + 16 + 8 + 12 + 8 + 8 + 8, 0);
  std::fill(v6.begin() + 40, v6.end(), std::uint8_t{0});
  v6[40] = 43, v6[41] = 1;
  v6[56] = 51;
  v6[64] = 44, v6[65] = 1;
  v6[76] = 60, v6[79] = 1;  // more fragments follow
  v6[84] = 58;
  for (const auto& [type, is_answered] : {std::pair{128, true}, std::pair{1, false}}) {
    v6[92] = static_cast<std::uint8_t>(type);
    EXPECT_EQ(!unreachable(v6).empty(), is_answered);
  }
  v6[92] = 128;
  v6[79] = 8;  // not the first fragment
  EXPECT_TRUE(unreachable(v6).empty());
  v6[79] = 0;
  v6[85] = 200;  // options past the end
  EXPECT_TRUE(unreachable(v6).empty());
}

TEST(Ip, OnlyTheFirstFragmentIsAnswered) {
  for (const auto& [offset, is_answered] :
       {std::pair{0x0000, true}, std::pair{0x2000, true}, std::pair{0x4000, true}, std::pair{0x0001, false}, std::pair{0x2001, false},
        std::pair{0x1fff, false}, std::pair{0x1000, false}}) {
    Bytes packet = ipv4_packet(64);
    packet[6] = static_cast<std::uint8_t>(offset >> 8);
    packet[7] = static_cast<std::uint8_t>(offset);
    EXPECT_EQ(!unreachable(packet).empty(), is_answered) << offset;
  }
}

TEST(Ip, OnlySingleHostsAreAnswered) {
  struct Row4 {
    std::array<std::uint8_t, 4> address;
    bool is_answered;
  };
  for (const Row4& row :
       {Row4{{0, 0, 0, 0}, false}, Row4{{0, 1, 2, 3}, false}, Row4{{1, 0, 0, 1}, true}, Row4{{126, 255, 255, 255}, true},
        Row4{{127, 0, 0, 1}, false}, Row4{{128, 0, 0, 1}, true}, Row4{{223, 255, 255, 254}, true}, Row4{{224, 0, 0, 1}, false},
        Row4{{239, 1, 1, 1}, false}, Row4{{240, 0, 0, 1}, false}, Row4{{255, 255, 255, 255}, false}}) {
    for (const std::size_t field : {12U, 16U}) {
      Bytes packet = ipv4_packet(64);
      std::copy(row.address.begin(), row.address.end(), packet.begin() + static_cast<std::ptrdiff_t>(field));
      EXPECT_EQ(!unreachable(packet).empty(), row.is_answered) << int{row.address[0]} << " at " << field;
    }
  }
  struct Row6 {
    std::uint8_t first, last;
    bool is_answered;
  };
  for (const Row6& row :
       {Row6{0, 0, false}, Row6{0, 1, false}, Row6{0, 2, true}, Row6{0xff, 1, false}, Row6{0xfe, 1, true}, Row6{1, 0, true}}) {
    for (const std::size_t field : {8U, 24U}) {
      Bytes packet = ipv6_packet(64);
      std::fill_n(packet.begin() + static_cast<std::ptrdiff_t>(field), 16, std::uint8_t{0});
      packet[field] = row.first;
      packet[field + 15] = row.last;
      EXPECT_EQ(!unreachable(packet).empty(), row.is_answered) << int{row.first} << " at " << field;
    }
  }
}

}  // namespace
}  // namespace wgu::tunnel
