// Rows: a super-packet and what a byte-wise splitter makes of it; a lie and the name it gets. Every input lies at the end of its own
// allocation, so that a sanitizer sees a read past it.
#include "io/split.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <string>

#include "io/offload_model.h"
#include "values/ip_headers.h"

namespace wgu::io {
namespace {

using test::Bytes;
using test::Inner;
using test::Super;
using test::super_of;

// Segments in an arena, each in a frame whose other bytes must stay as they were.
std::vector<Bytes> split(const Super& super) {
  constexpr std::size_t kHeadroom = 16;
  SuperPacket packet;
  EXPECT_EQ(packet.parse(super.header, super.packet), SplitError::kNone);
  const std::size_t stride = kHeadroom + packet.largest_segment() + 31;
  Bytes arena(stride * packet.segments(), 0xa5);
  packet.write(0, packet.segments(), arena.data() + kHeadroom, stride);
  std::vector<Bytes> segments;
  for (std::size_t i = 0; i < packet.segments(); ++i) {
    const auto frame = arena.begin() + static_cast<std::ptrdiff_t>(i * stride);
    const auto begin = frame + kHeadroom;
    const auto end = begin + static_cast<std::ptrdiff_t>(packet.segment_size(i));
    segments.emplace_back(begin, end);
    const auto untouched = [](std::uint8_t byte) { return byte == 0xa5; };
    EXPECT_TRUE(std::all_of(frame, begin, untouched)) << "before segment " << i;
    EXPECT_TRUE(std::all_of(end, frame + static_cast<std::ptrdiff_t>(stride), untouched)) << "behind segment " << i;
  }
  return segments;
}

SplitError error_of(const Super& super, std::size_t max_segments = kMaxSplitSegments) {
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[super.packet.size()]);
  std::copy(super.packet.begin(), super.packet.end(), exact.get());
  SuperPacket packet;
  const SplitError error = packet.parse(super.header, {exact.get(), super.packet.size()}, max_segments);
  EXPECT_EQ(packet.segments() == 0, error != SplitError::kNone) << "a packet refused has segments";
  return error;
}

struct Row {
  const char* name;
  Inner inner;
  std::size_t gso_size;
  std::size_t segments;
};

const Bytes kTimestamps = {1, 1, 8, 10, 0, 0, 1, 2, 0, 0, 3, 4};

const Row kRows[] = {
    {"TCP", {.payload = test::pattern(4000)}, 1000, 4},
    {"TCP, the last shorter", {.payload = test::pattern(4001)}, 1000, 5},
    {"TCP, odd segments", {.payload = test::pattern(4444)}, 1111, 4},
    {"TCP, one segment only", {.payload = test::pattern(400)}, 1000, 1},
    {"TCP, exactly one", {.payload = test::pattern(1000)}, 1000, 1},
    {"TCP, no payload", {}, 1000, 1},
    {"TCP, single bytes", {.payload = test::pattern(77)}, 1, 77},
    {"TCP with options, as Linux sends", {.tcp_options = kTimestamps, .payload = test::pattern(65535 - 52)}, 1368, 48},
    {"TCP, as large as it gets", {.payload = test::pattern(65535 - 40)}, 1380, 48},
    {"TCP, most options there can be", {.tcp_options = Bytes(40, 1), .ip_options = Bytes(40, 1), .payload = test::pattern(3000)}, 900, 4},
    {"TCP, sequence and identification wrap", {.sequence = 0xfffffe00, .id = 0xfffe, .payload = test::pattern(5000)}, 1000, 5},
    {"TCP, FIN and PSH", {.flags = test::kAck | test::kFin | test::kPsh, .payload = test::pattern(3000)}, 1000, 3},
    {"TCP, CWR and ECE", {.flags = test::kAck | test::kCwr | test::kEce, .tos = 2, .payload = test::pattern(3000)}, 1000, 3},
    {"TCP, all that is repeated", {.reserved = 1, .flags = test::kAck | test::kUrg, .urgent = 9, .tos = 0xb8, .ttl = 3, .fragment = 0,
                                   .payload = test::pattern(2500)}, 1000, 3},
    {"TCP over IPv6", {.version = 6, .tos = 0x21, .flow_label = 0xabcde, .payload = test::pattern(5001)}, 1250, 5},
    {"TCP over IPv6, as large as it gets", {.version = 6, .payload = test::pattern(65535 - 20)}, 1360, 49},
    {"UDP", {.protocol = 17, .payload = test::pattern(4000)}, 1000, 4},
    {"UDP, the last shorter", {.protocol = 17, .id = 0, .payload = test::pattern(4099)}, 100, 41},
    {"UDP, single bytes", {.protocol = 17, .payload = test::pattern(128)}, 1, 128},
    {"UDP over IPv6", {.version = 6, .protocol = 17, .payload = test::pattern(3001)}, 1232, 3},
};

TEST(Split, SegmentsAreThoseOfTheModel) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    const Super super = super_of(row.inner, row.gso_size);
    const std::vector<Bytes> segments = split(super);
    EXPECT_EQ(segments.size(), row.segments);
    EXPECT_EQ(segments, test::model_split(super.header, super.packet));
    for (const Bytes& segment : segments) EXPECT_TRUE(test::checksums_are_right(segment));
  }
}

TEST(Split, AWrongHeaderSizeHintIsNotBelieved) {
  Super super = super_of({.payload = test::pattern(3000)}, 1000);
  const std::vector<Bytes> expected = split(super);
  for (const unsigned lie : {0U, 1U, 60U, 20000U, 65535U}) {
    super.header.header_size = static_cast<std::uint16_t>(lie);
    EXPECT_EQ(split(super), expected) << lie;
  }
}

TEST(Split, FlagsOfFirstMiddleAndLast) {
  const Super super =
      super_of({.flags = test::kAck | test::kPsh | test::kFin | test::kCwr | test::kEce, .payload = test::pattern(3000)}, 1000);
  EXPECT_EQ(super.header.gso_type, 0x81);
  const std::vector<Bytes> segments = split(super);
  ASSERT_EQ(segments.size(), 3U);
  EXPECT_EQ(segments[0][33], test::kAck | test::kCwr | test::kEce);
  EXPECT_EQ(segments[1][33], test::kAck | test::kEce);
  EXPECT_EQ(segments[2][33], test::kAck | test::kPsh | test::kFin | test::kEce);
}

TEST(Split, AnySegmentCanBeWrittenAlone) {
  const Super super = super_of({.payload = test::pattern(3500)}, 1000);
  const std::vector<Bytes> expected = test::model_split(super.header, super.packet);
  SuperPacket packet;
  ASSERT_EQ(packet.parse(super.header, super.packet), SplitError::kNone);
  for (const std::size_t i : {3U, 1U, 2U, 0U}) {
    Bytes segment(packet.segment_size(i));
    EXPECT_EQ(packet.write(i, segment.data()), segment.size());
    EXPECT_EQ(segment, expected[i]);
  }
  Bytes two(2 * 1040);
  packet.write(1, 2, two.data(), 1040);
  EXPECT_TRUE(std::equal(expected[1].begin(), expected[1].end(), two.begin()));
  EXPECT_TRUE(std::equal(expected[2].begin(), expected[2].end(), two.begin() + 1040));
}

// Extension headers are repeated. With a routing header the pseudo header has another destination than the IP header (RFC 8200
// 8.1), which only whoever made the packet knows.
TEST(Split, Ipv6ExtensionHeadersAreRepeated) {
  const Bytes plain = test::build({.version = 6, .payload = test::pattern(2500)});
  Bytes packet(plain.begin(), plain.begin() + 40);
  packet[6] = 0;
  test::append(packet, Bytes{43, 0, 1, 4, 0, 0, 0, 0});                                                      // hop-by-hop
  test::append(packet, Bytes{60, 2, 2, 1, 0, 0, 0, 0, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7});  // routing, to fd00::7
  test::append(packet, Bytes{6, 0, 1, 4, 0, 0, 0, 0});                                                       // destination options
  test::append(packet, std::span(plain).subspan(40));
  test::set_number(packet, 4, packet.size() - 40);
  Super super = super_of(packet, 1000, 80, 6);
  Bytes final_destination = packet;
  final_destination[39] = 7;
  test::set_number(super.packet, 80 + 16, test::pseudo_sum(final_destination, 80, 6));

  const std::vector<Bytes> segments = split(super);
  ASSERT_EQ(segments.size(), 3U);
  std::size_t payload = 0;
  for (Bytes segment : segments) {
    EXPECT_TRUE(std::equal(segment.begin() + 6, segment.begin() + 80, packet.begin() + 6));
    EXPECT_EQ(test::number(segment, 4), segment.size() - 40);
    EXPECT_EQ(test::number(segment, 84, 4), 1000 + payload);
    payload += segment.size() - 100;
    segment[39] = 7;
    EXPECT_EQ(test::model_sum(std::span(segment).subspan(80), test::pseudo_sum(segment, 80, 6)), 0xffffU);
  }
  EXPECT_EQ(payload, 2500U);
}

TEST(Split, OrdinaryPacketsStayAsTheyAre) {
  for (const std::size_t size : {0U, 1U, 20U, 1420U, 65535U}) {
    const Super super{{}, test::pattern(size)};  // not even IP: that is for others to say
    SuperPacket packet;
    ASSERT_EQ(packet.parse(super.header, super.packet), SplitError::kNone);
    EXPECT_TRUE(packet.is_finished());
    EXPECT_EQ(split(super), std::vector<Bytes>{super.packet});
  }
}

TEST(Split, UnfinishedChecksumsAreFinished) {
  for (const int version : {4, 6}) {
    for (const std::uint8_t protocol : {std::uint8_t{6}, std::uint8_t{17}}) {
      for (const std::size_t size : {0U, 1U, 100U, 1379U}) {
        const Bytes expected = test::build({.version = version, .protocol = protocol, .payload = test::pattern(size)});
        Super super = super_of({.version = version, .protocol = protocol, .payload = test::pattern(size)}, 1);
        super.header.gso_type = 0;
        super.header.gso_size = 0;
        EXPECT_EQ(split(super), std::vector<Bytes>{expected});
        SuperPacket packet;
        ASSERT_EQ(packet.parse(super.header, super.packet), SplitError::kNone);
        EXPECT_FALSE(packet.is_finished());
        ASSERT_EQ(finish_checksum(super.header, super.packet), SplitError::kNone);
        EXPECT_EQ(super.packet, expected);
      }
    }
  }
}

// VXLAN over the tunnel: the checksum that is missing is one of an inner packet, at whatever place.
TEST(Split, UnfinishedChecksumsMayLieAnywhere) {
  for (const std::size_t start : {0U, 1U, 57U, 90U}) {
    Super super{{.flags = 1, .checksum_start = static_cast<std::uint16_t>(start), .checksum_offset = 6}, test::pattern(100)};
    Bytes expected = super.packet;
    const std::size_t sum = 0xffff - test::model_sum(std::span(expected).subspan(start));
    test::set_number(expected, start + 6, sum);
    EXPECT_EQ(split(super), std::vector<Bytes>{expected}) << start;
  }
}

// RFC 768: "If the computed checksum is zero, it is transmitted as all ones".
TEST(Split, AUdpChecksumIsNeverZero) {
  Inner inner{.protocol = 17, .payload = test::pattern(2000)};
  // One word of each payload is what makes its checksum zero.
  for (std::size_t at = 0; at < 2000; at += 1000) {
    const Bytes segment = test::model_split(super_of(inner, 1000).header, super_of(inner, 1000).packet)[at / 1000];
    const std::size_t wanted = test::number(segment, 26) + test::number(inner.payload, at);
    test::set_number(inner.payload, at, wanted > 0xffff ? wanted - 0xffff : wanted);
  }
  for (const Bytes& segment : split(super_of(inner, 1000))) EXPECT_EQ(test::number(segment, 26), 0xffffU);

  Super alone = super_of({.protocol = 17, .payload = Bytes(inner.payload.begin(), inner.payload.begin() + 1000)}, 1000);
  alone.header.gso_type = 0;
  EXPECT_EQ(test::number(split(alone)[0], 26), 0xffffU);
  ASSERT_EQ(finish_checksum(alone.header, alone.packet), SplitError::kNone);
  EXPECT_EQ(test::number(alone.packet, 26), 0xffffU);
}

struct Lie {
  SplitError error;
  const char* name;
  void (*tell)(Super& super);
};

void cut(Super& super, std::size_t size) {
  super.packet.resize(size);
  if (super.packet[0] >> 4 == 4) {
    test::set_number(super.packet, 2, size);
  } else {
    test::set_number(super.packet, 4, size - 40);
  }
}

const Lie kLiesV4[] = {
    {SplitError::kUnknownGsoType, "UFO", [](Super& s) { s.header.gso_type = 3; }},
    {SplitError::kUnknownGsoType, "ECN alone", [](Super& s) { s.header.gso_type = 0x80; }},
    {SplitError::kUnknownGsoType, "UDP with ECN", [](Super& s) { s.header.gso_type = 0x85; }},
    {SplitError::kUnknownGsoType, "a bit nobody knows", [](Super& s) { s.header.gso_type = 0x41; }},
    {SplitError::kNoChecksumRequest, "checksum finished", [](Super& s) { s.header.flags = 0; }},
    {SplitError::kNoSegmentSize, "gso_size 0", [](Super& s) { s.header.gso_size = 0; }},
    {SplitError::kNotIp, "the other version", [](Super& s) { s.header.gso_type = 4; }},
    {SplitError::kNotIp, "version 5", [](Super& s) { s.packet[0] = 0x55; }},
    {SplitError::kBadIpHeader, "IP header too short", [](Super& s) { s.packet[0] = 0x44; }},
    {SplitError::kBadIpHeader, "IP header past the end", [](Super& s) { cut(s, 41); s.packet[0] = 0x4f; }},
    {SplitError::kBadLength, "length too small", [](Super& s) { test::set_number(s.packet, 2, s.packet.size() - 1); }},
    {SplitError::kBadLength, "length too large", [](Super& s) { test::set_number(s.packet, 2, s.packet.size() + 1); }},
    {SplitError::kBadLength, "length 0, as in a big TCP packet", [](Super& s) { test::set_number(s.packet, 2, 0); }},
    {SplitError::kFragment, "more fragments", [](Super& s) { s.packet[6] = 0x20; }},
    {SplitError::kFragment, "a later fragment", [](Super& s) { s.packet[7] = 1; }},
    {SplitError::kBadProtocol, "UDP said to be TCP", [](Super& s) { s.packet[9] = 17; }},
    {SplitError::kBadProtocol, "TCP said to be UDP", [](Super& s) { s.header.gso_type = 5; }},
    {SplitError::kBadTransportHeader, "TCP header too short", [](Super& s) { s.packet[32] = 0x40; }},
    {SplitError::kBadTransportHeader, "TCP header past the end", [](Super& s) { cut(s, 60); s.packet[32] = 0xf0; }},
    {SplitError::kBadTransportHeader, "TCP header cut short", [](Super& s) { cut(s, 39); }},
    {SplitError::kBadChecksumPlace, "start before the transport header", [](Super& s) { s.header.checksum_start = 16; }},
    {SplitError::kBadChecksumPlace, "start behind it", [](Super& s) { s.header.checksum_start = 24; }},
    {SplitError::kBadChecksumPlace, "start odd", [](Super& s) { s.header.checksum_start = 21; }},
    {SplitError::kBadChecksumPlace, "start 0", [](Super& s) { s.header.checksum_start = 0; }},
    {SplitError::kBadChecksumPlace, "start past the end", [](Super& s) { s.header.checksum_start = 65535; }},
    {SplitError::kBadChecksumPlace, "UDP's offset", [](Super& s) { s.header.checksum_offset = 6; }},
    {SplitError::kBadChecksumPlace, "offset past the end", [](Super& s) { s.header.checksum_offset = 65535; }},
    {SplitError::kBadChecksumPlace, "empty", [](Super& s) { s.packet.clear(); }},
    {SplitError::kBadChecksumPlace, "one byte", [](Super& s) { s.packet.resize(1); }},
};

const Lie kLiesV6[] = {
    {SplitError::kNotIp, "the other version", [](Super& s) { s.header.gso_type = 1; }},
    {SplitError::kBadIpHeader, "IP header cut short", [](Super& s) { s.packet.resize(39); s.header.checksum_start = 8; }},
    {SplitError::kBadIpHeader, "extension header cut short", [](Super& s) { cut(s, 41); s.packet[6] = 0; s.header.checksum_start = 8; }},
    {SplitError::kBadLength, "length too small", [](Super& s) { test::set_number(s.packet, 4, s.packet.size() - 41); }},
    {SplitError::kBadLength, "length 0, as in a jumbogram", [](Super& s) { test::set_number(s.packet, 4, 0); }},
    {SplitError::kFragment, "a fragment", [](Super& s) { s.packet[6] = 44; }},
    {SplitError::kBadProtocol, "ICMPv6", [](Super& s) { s.packet[6] = 58; }},
    {SplitError::kBadIpHeader, "extension header past the end", [](Super& s) { cut(s, 500); s.packet[6] = 0; s.packet[41] = 255; }},
    {SplitError::kBadChecksumPlace, "extension header before it", [](Super& s) { s.packet[6] = 60; s.packet[40] = 6; s.packet[41] = 0; }},
};

TEST(Split, EveryLieHasAName) {
  std::set<SplitError> seen = {SplitError::kNone, SplitError::kTooManySegments};
  for (const int version : {4, 6}) {
    for (const Lie& lie : version == 4 ? std::span<const Lie>(kLiesV4) : std::span<const Lie>(kLiesV6)) {
      Super super = super_of({.version = version, .payload = test::pattern(3000)}, 1000);
      ASSERT_EQ(error_of(super), SplitError::kNone);
      lie.tell(super);
      EXPECT_EQ(error_of(super), lie.error) << "IPv" << version << ", " << lie.name << ": " << split_error_name(error_of(super));
      seen.insert(lie.error);
    }
  }
  EXPECT_EQ(seen.size(), kSplitErrorCount);
}

TEST(Split, TheNumberOfSegmentsIsBounded) {
  const Super super = super_of({.payload = test::pattern(100)}, 10);
  EXPECT_EQ(error_of(super, 10), SplitError::kNone);
  EXPECT_EQ(error_of(super, 9), SplitError::kTooManySegments);
  EXPECT_EQ(error_of(super_of({.payload = test::pattern(2049)}, 1)), SplitError::kTooManySegments);
  EXPECT_EQ(error_of(super_of({.payload = test::pattern(65535 - 40)}, 36)), SplitError::kNone);
}

TEST(Split, OrdinaryPacketsWithALieAboutTheChecksumAreRefused) {
  struct Place {
    unsigned start, offset;
    SplitError error;
  };
  for (const Place& place : {Place{0, 98, SplitError::kNone}, {98, 0, SplitError::kNone}, {0, 99, SplitError::kBadChecksumPlace},
                             {99, 0, SplitError::kBadChecksumPlace}, {65535, 65535, SplitError::kBadChecksumPlace}}) {
    Super super{{.flags = 1}, test::pattern(100)};
    super.header.checksum_start = static_cast<std::uint16_t>(place.start);
    super.header.checksum_offset = static_cast<std::uint16_t>(place.offset);
    EXPECT_EQ(error_of(super), place.error) << place.start << " + " << place.offset;
    EXPECT_EQ(finish_checksum(super.header, super.packet), place.error) << place.start << " + " << place.offset;
  }
  Super super = super_of({.payload = test::pattern(100)}, 10);
  EXPECT_EQ(finish_checksum(super.header, super.packet), SplitError::kUnknownGsoType);
}

TEST(Split, ErrorsHaveDifferentNames) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < kSplitErrorCount; ++i) names.insert(split_error_name(static_cast<SplitError>(i)));
  EXPECT_EQ(names.size(), kSplitErrorCount);
}

TEST(Split, RandomSuperPacketsAreThoseOfTheModel) {
  constexpr unsigned kSeed = 20260;
  std::mt19937 random(kSeed);
  for (int round = 0; round < 2000; ++round) {
    Inner inner;
    inner.version = random() % 2 == 0 ? 4 : 6;
    inner.protocol = random() % 2 == 0 ? 6 : 17;
    inner.sequence = static_cast<std::uint32_t>(random());
    inner.flags = static_cast<std::uint8_t>(random());
    inner.id = static_cast<std::uint16_t>(random());
    inner.tos = static_cast<std::uint8_t>(random());
    inner.flow_label = random() & 0xfffff;
    inner.tcp_options = Bytes(random() % 11 * 4, 1);
    inner.ip_options = Bytes(random() % 11 * 4, 1);
    inner.payload = test::pattern(random() % (random() % 16 == 0 ? 65000 : 5000), random());
    const std::size_t gso_size = 1 + random() % 1500;
    if (inner.payload.size() > gso_size * kMaxSplitSegments) continue;
    const Super super = super_of(inner, gso_size);
    ASSERT_EQ(split(super), test::model_split(super.header, super.packet)) << "seed " << kSeed << ", round " << round;
  }
}

}  // namespace
}  // namespace wgu::io
