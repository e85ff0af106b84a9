// Rows: two packets that differ in one thing, and whether they leave together. Each result is also compared with the model's.
#include "io/merge.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <new>
#include <string>

#include "io/merged.h"

namespace {
// Counts what one thread allocates between two looks. Not inlined: GCC then takes the pair of new and free for a mistake.
thread_local std::size_t allocations = 0;
}  // namespace

[[gnu::noinline]] void* operator new(std::size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace wgu::io {
namespace {

using test::Bytes;
using test::flow;
using test::following;
using test::Inner;
using test::Kind;
using test::kKinds;
using test::train;
using test::Written;

// Merges, checks against the model, and returns the number of packets in each write: "2 1".
std::string merged(const std::vector<Bytes>& packets, MergeOptions options = {}) {
  Merger merger(packets.size(), options);
  const std::vector<Written> written = test::merge(merger, packets);
  if (options.tcp_v4 && options.tcp_v6 && options.udp) {
    EXPECT_EQ(test::disagreement(packets, written, options.max_segments), "");
  }
  std::string sizes;
  for (const Written& write : written) sizes += (sizes.empty() ? "" : " ") + std::to_string(write.packets);
  return sizes;
}

TEST(Merge, ATrainLeavesWhole) {
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(testing::Message() << "IPv" << kind.version << ", protocol " << int{kind.protocol});
    const std::vector<Bytes> packets = train(flow(kind.version, kind.protocol), 5);
    Merger merger;
    const std::vector<Written> written = test::merge(merger, packets);
    ASSERT_EQ(written.size(), 1U);
    EXPECT_EQ(test::disagreement(packets, written), "");
    const std::uint16_t ip_header = kind.version == 4 ? 20 : 40;
    const std::uint16_t transport_header = kind.protocol == 6 ? 20 : 8;
    const std::uint16_t field = kind.protocol == 6 ? 16 : 6;
    const auto headers = static_cast<std::uint16_t>(ip_header + transport_header);
    EXPECT_EQ(written[0].header, (VirtioNetHeader{1, kind.gso_type, headers, 1000, ip_header, field}));
    EXPECT_EQ(written[0].packet.size(), ip_header + transport_header + 5000U);
    EXPECT_EQ(written[0].pieces, 6U);
  }
}

struct Row {
  const char* name;
  const char* expected;
  void (*change)(Inner& first, Inner& second);
};

constexpr Row kBoth[] = {
    {"nothing", "2", [](Inner&, Inner&) {}},
    {"the second shorter", "2", [](Inner&, Inner& b) { b.payload.resize(1); }},
    {"the second longer", "1 1", [](Inner&, Inner& b) { b.payload.resize(1001); }},
    {"no payload in the second", "1 1", [](Inner&, Inner& b) { b.payload.clear(); }},
    {"no payload in the first", "1 1", [](Inner& a, Inner&) { a.payload.clear(); }},
    {"another port", "1 1", [](Inner&, Inner& b) { ++b.port; }},
    {"another host", "1 1", [](Inner&, Inner& b) { ++b.host; }},
    {"DSCP", "1 1", [](Inner&, Inner& b) { b.tos = 0x20; }},
    {"ECN: congestion experienced", "1 1", [](Inner& a, Inner& b) { a.tos = 2; b.tos = 3; }},
    {"TTL", "1 1", [](Inner&, Inner& b) { --b.ttl; }},
};
constexpr Row kV4[] = {
    {"identification skips one", "1 1", [](Inner&, Inner& b) { ++b.id; }},
    {"identification counts down", "1 1", [](Inner& a, Inner& b) { b.id = static_cast<std::uint16_t>(a.id - 1); }},
    {"identification wraps", "2", [](Inner& a, Inner& b) { a.id = 0xffff; b.id = 0; }},
    {"identification stays, DF", "2", [](Inner& a, Inner& b) { b.id = a.id; }},
    {"identification stays, no DF", "1 1", [](Inner& a, Inner& b) { b.id = a.id; a.fragment = b.fragment = 0; }},
    {"no DF", "2", [](Inner& a, Inner& b) { a.fragment = b.fragment = 0; }},
    {"DF in one", "1 1", [](Inner&, Inner& b) { b.fragment = 0; }},
    {"reserved flag in one", "1 1", [](Inner&, Inner& b) { b.fragment |= 0x8000; }},
    {"a first fragment", "1 1", [](Inner& a, Inner&) { a.fragment = 0x2000; }},
    {"a later fragment", "1 1", [](Inner&, Inner& b) { b.fragment = 100; }},
    {"IP options in both", "1 1", [](Inner& a, Inner& b) { a.ip_options = b.ip_options = Bytes(4, 1); }},
    {"IP options in one", "1 1", [](Inner&, Inner& b) { b.ip_options = Bytes(4, 1); }},
};
constexpr Row kV6[] = {
    {"flow label", "1 1", [](Inner&, Inner& b) { b.flow_label = 1; }},
    {"flow label in both", "2", [](Inner& a, Inner& b) { a.flow_label = b.flow_label = 0xfffff; }},
};
constexpr Row kTcp[] = {
    {"a gap", "1 1", [](Inner&, Inner& b) { ++b.sequence; }},
    {"an overlap", "1 1", [](Inner&, Inner& b) { --b.sequence; }},
    {"sent again", "1 1", [](Inner& a, Inner& b) { b.sequence = a.sequence; }},
    {"sequence wraps", "2", [](Inner& a, Inner& b) { a.sequence = 0xfffffe00; b.sequence = 0xfffffe00 + 1000; }},
    {"in the wrong order", "1 1", [](Inner& a, Inner& b) { std::swap(a.sequence, b.sequence); }},
    {"acknowledgment", "1 1", [](Inner&, Inner& b) { ++b.acknowledgment; }},
    {"window", "1 1", [](Inner&, Inner& b) { ++b.window; }},
    {"urgent pointer", "1 1", [](Inner&, Inner& b) { ++b.urgent; }},
    {"reserved bit", "1 1", [](Inner&, Inner& b) { b.reserved = 1; }},
    {"reserved bit in both", "2", [](Inner& a, Inner& b) { a.reserved = b.reserved = 1; }},
    {"PSH in the second", "2", [](Inner&, Inner& b) { b.flags |= test::kPsh; }},
    {"PSH in the first", "1 1", [](Inner& a, Inner&) { a.flags |= test::kPsh; }},
    {"FIN in the second", "2", [](Inner&, Inner& b) { b.flags |= test::kFin; }},
    {"FIN in the first", "1 1", [](Inner& a, Inner&) { a.flags |= test::kFin; }},
    {"CWR in the first", "2", [](Inner& a, Inner&) { a.flags |= test::kCwr; }},
    {"CWR in the second", "1 1", [](Inner&, Inner& b) { b.flags |= test::kCwr; }},
    {"CWR in both", "1 1", [](Inner& a, Inner& b) { a.flags |= test::kCwr; b.flags |= test::kCwr; }},
    {"ECE in both", "2", [](Inner& a, Inner& b) { a.flags |= test::kEce; b.flags |= test::kEce; }},
    {"ECE in one", "1 1", [](Inner&, Inner& b) { b.flags |= test::kEce; }},
    {"SYN in both", "1 1", [](Inner& a, Inner& b) { a.flags |= test::kSyn; b.flags |= test::kSyn; }},
    {"RST in both", "1 1", [](Inner& a, Inner& b) { a.flags |= test::kRst; b.flags |= test::kRst; }},
    {"URG in both", "1 1", [](Inner& a, Inner& b) { a.flags |= test::kUrg; b.flags |= test::kUrg; }},
    {"no ACK in both", "1 1", [](Inner& a, Inner& b) { a.flags = b.flags = 0; }},
    {"no flag but PSH in both", "1 1", [](Inner& a, Inner& b) { a.flags = b.flags = test::kPsh; }},
    {"options in both", "2", [](Inner& a, Inner& b) { a.tcp_options = b.tcp_options = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2}; }},
    {"timestamp", "1 1", [](Inner& a, Inner& b) {
       a.tcp_options = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
       b.tcp_options = {1, 1, 8, 10, 0, 0, 0, 2, 0, 0, 0, 2};
     }},
    {"options in one", "1 1", [](Inner&, Inner& b) { b.tcp_options = Bytes(4, 1); }},
};

TEST(Merge, WhatTwoPacketsMayDifferIn) {
  for (const Kind& kind : kKinds) {
    const auto try_rows = [&](std::span<const Row> rows) {
      for (const Row& row : rows) {
        Inner first = flow(kind.version, kind.protocol);
        Inner second = following(first);
        row.change(first, second);
        EXPECT_EQ(merged({test::build(first), test::build(second)}), row.expected)
            << "IPv" << kind.version << ", protocol " << int{kind.protocol} << ": " << row.name;
      }
    };
    try_rows(kBoth);
    if (kind.version == 4) try_rows(kV4);
    if (kind.version == 6) try_rows(kV6);
    if (kind.protocol == 6) try_rows(kTcp);
  }
}

// A super-packet's checksums are the kernel's to make: a wrong one must never get in.
TEST(Merge, AWrongChecksumLeavesAsItCame) {
  for (const Kind& kind : kKinds) {
    SCOPED_TRACE(testing::Message() << "IPv" << kind.version << ", protocol " << int{kind.protocol});
    const std::vector<Bytes> right = train(flow(kind.version, kind.protocol), 5);
    const char* const expected[] = {"1 4", "1 1 3", "2 1 2", "3 1 1", "4 1"};
    for (std::size_t wrong = 0; wrong < 5; ++wrong) {
      for (const std::size_t from_end : {1U, 500U, 1000U}) {
        std::vector<Bytes> packets = right;
        packets[wrong][packets[wrong].size() - from_end] ^= 0x10;
        EXPECT_EQ(merged(packets), expected[wrong]) << from_end;
      }
      std::vector<Bytes> packets = right;
      packets[wrong][test::ip_header_of(packets[wrong]) + test::checksum_place(kind.protocol)] ^= 0x80;
      EXPECT_EQ(merged(packets), expected[wrong]);
      if (kind.version == 4) {
        packets = right;
        packets[wrong][10] ^= 1;
        EXPECT_EQ(merged(packets), expected[wrong]) << "IP header";
      }
    }
    std::vector<Bytes> all_wrong = right;
    for (Bytes& packet : all_wrong) packet.back() ^= 1;
    EXPECT_EQ(merged(all_wrong), "1 1 1 1 1");
  }
}

TEST(Merge, ADatagramWithoutChecksumStaysWithout) {
  std::vector<Bytes> packets = train(flow(4, 17), 3);
  for (Bytes& packet : packets) test::set_number(packet, 26, 0);
  EXPECT_EQ(merged(packets), "1 1 1");
  // Nor where zero would be right if it were one (RFC 768: it would be sent as all ones).
  Inner inner = flow(4, 17);
  for (Bytes& packet : packets) {
    test::set_number(inner.payload, 0, 0);
    const std::size_t missing = test::number(test::build(inner), 26);
    test::set_number(inner.payload, 0, missing);
    packet = test::build(inner);
    ASSERT_EQ(test::number(packet, 26), 0xffffU);
    inner = following(inner);
  }
  EXPECT_EQ(merged(packets), "3");
  for (Bytes& packet : packets) test::set_number(packet, 26, 0);
  EXPECT_EQ(merged(packets), "1 1 1");
}

TEST(Merge, LengthsThatLie) {
  std::vector<Bytes> packets = train(flow(4, 17), 3);
  test::set_number(packets[1], 24, 1007);  // the datagram's, with a right checksum
  test::finish(packets[1], 20, 17);
  EXPECT_EQ(merged(packets), "1 1 1");
  packets = train(flow(4, 17), 3);
  test::set_number(packets[1], 2, 1027);  // the packet's
  test::finish(packets[1], 20, 17);
  EXPECT_EQ(merged(packets), "1 1 1");
  packets = train(flow(4, 6), 3);
  packets[1][32] = 0x40;  // TCP header
  EXPECT_EQ(merged(packets), "1 1 1");
  packets = train(flow(4, 6), 3);
  packets[1][32] = 0xf0;
  packets[1].resize(60);
  test::set_number(packets[1], 2, 60);
  EXPECT_EQ(merged(packets), "1 1 1");
  const std::vector<Bytes> junk = {{}, {0x45}, Bytes(19, 0x45), Bytes(20), Bytes(39, 0x60), Bytes(40, 0x60), Bytes(70000, 0x45)};
  EXPECT_EQ(merged(junk), "1 1 1 1 1 1 1");
}

// A packet of a flow that does not merge still stands between those that do.
TEST(Merge, OrderWithinAFlow) {
  const auto with_third = [](Inner inner, auto change) {
    std::vector<Bytes> packets = train(inner, 2);
    Inner third = following(following(inner));
    change(third);
    packets.push_back(test::build(third));
    for (const Bytes& packet : train(following(following(inner)), 2)) packets.push_back(packet);
    return packets;
  };
  EXPECT_EQ(merged(with_third(flow(4, 6), [](Inner& i) { i.payload.clear(); })), "2 1 2");
  EXPECT_EQ(merged(with_third(flow(4, 6), [](Inner& i) { i.flags |= test::kRst; })), "2 1 2");
  EXPECT_EQ(merged(with_third(flow(4, 6), [](Inner& i) { i.ip_options = Bytes(8, 1); })), "2 1 2");
  EXPECT_EQ(merged(with_third(flow(6, 6), [](Inner& i) { i.sequence += 5000; })), "2 1 2");
  EXPECT_EQ(merged(with_third(flow(6, 6), [](Inner& i) { i.sequence -= 1000; })), "2 3");  // the second again: the third follows that, too
  EXPECT_EQ(merged(with_third(flow(4, 17), [](Inner& i) { i.payload.clear(); })), "2 1 2");
  // A fragment may be of any flow, here of the same one; so may what is behind extension headers.
  EXPECT_EQ(merged(with_third(flow(4, 17), [](Inner& i) { i.fragment = 0x2000; })), "2 1 2");
  EXPECT_EQ(merged(with_third(flow(4, 17), [](Inner& i) { i.fragment = 0x0010; i.host = 99; })), "2 1 2");
  EXPECT_EQ(merged(with_third(flow(6, 17), [](Inner& i) { i.host = 98; })), "4 1");
  std::vector<Bytes> packets = train(flow(6, 17), 4);
  Bytes behind_options = packets[2];
  behind_options[6] = 60;
  packets.insert(packets.begin() + 2, behind_options);
  EXPECT_EQ(merged(packets), "2 1 2");
}

TEST(Merge, OtherProtocolsAreInNobodysWay) {
  for (const int version : {4, 6}) {
    std::vector<Bytes> packets = train(flow(version, 6), 4);
    Bytes ping = packets[0];
    ping[version == 4 ? 9 : 6] = version == 4 ? 1 : 58;
    packets.insert(packets.begin() + 2, ping);
    EXPECT_EQ(merged(packets), "4 1");
    ping[version == 4 ? 6 : 7] |= 0x20;  // a fragment of it, too; in IPv6 only a hop limit
    packets[2] = ping;
    EXPECT_EQ(merged(packets), "4 1");
  }
}

TEST(Merge, FlowsSideBySide) {
  std::vector<std::vector<Bytes>> trains;
  for (const Kind& kind : kKinds) {
    for (std::uint16_t port = 0; port < 4; ++port) {
      Inner inner = flow(kind.version, kind.protocol, 100);
      inner.port = static_cast<std::uint16_t>(inner.port + port);
      trains.push_back(train(inner, 8));
    }
  }
  std::vector<Bytes> packets;
  for (std::size_t i = 0; i < 8; ++i) {
    for (const std::vector<Bytes>& packets_of_one : trains) packets.push_back(packets_of_one[i]);
  }
  EXPECT_EQ(merged(packets), "8 8 8 8 8 8 8 8 8 8 8 8 8 8 8 8");
}

TEST(Merge, NothingFollowsAShortPacket) {
  for (const std::uint8_t protocol : {std::uint8_t{6}, std::uint8_t{17}}) {
    Inner inner = flow(4, protocol);
    std::vector<Bytes> packets = {test::build(inner)};
    inner = following(inner);
    inner.payload.resize(900);
    packets.push_back(test::build(inner));
    packets.push_back(test::build(following(inner)));
    packets.push_back(test::build(following(following(inner))));
    EXPECT_EQ(merged(packets), "2 2");
  }
}

TEST(Merge, NoWriteIsLongerThanAPacketCanBe) {
  for (const Kind& kind : kKinds) {
    const std::size_t headers = (kind.version == 4 ? 20U : 40U) + (kind.protocol == 6 ? 20U : 8U);
    const std::size_t fits = (65535 - headers) / 1400;
    EXPECT_EQ(merged(train(flow(kind.version, kind.protocol, 1400), 60)), std::to_string(fits) + " " + std::to_string(60 - fits));
    // Exactly as long, and one byte longer.
    const std::size_t payload = 65535 - headers - 30000;
    Inner first = flow(kind.version, kind.protocol, payload);
    Inner second = following(first);
    second.payload.resize(30000);
    EXPECT_EQ(merged({test::build(first), test::build(second)}), "2");
    second.payload.resize(30001);
    EXPECT_EQ(merged({test::build(first), test::build(second)}), "1 1");
  }
}

TEST(Merge, TheNumberOfPacketsIsBounded) {
  EXPECT_EQ(merged(train(flow(6, 17, 10), 300)), "128 128 44");
  EXPECT_EQ(merged(train(flow(4, 6, 10), 5), {.max_segments = 2}), "2 2 1");
  EXPECT_EQ(merged(train(flow(4, 6, 10), 3), {.max_segments = 1}), "1 1 1");
}

TEST(Merge, WhatIsSwitchedOffStaysApart) {
  std::vector<Bytes> packets;
  for (const Kind& kind : kKinds) {
    for (const Bytes& packet : train(flow(kind.version, kind.protocol), 2)) packets.push_back(packet);
  }
  EXPECT_EQ(merged(packets), "2 2 2 2");
  EXPECT_EQ(merged(packets, {.tcp_v4 = false}), "1 1 2 2 2");
  EXPECT_EQ(merged(packets, {.tcp_v6 = false}), "2 1 1 2 2");
  EXPECT_EQ(merged(packets, {.udp = false}), "2 2 1 1 1 1");
}

// One piece where packets are neighbours; several where something lies between them, or somebody else.
TEST(Merge, NeighboursMoveTogether) {
  for (const Kind& kind : kKinds) {
    const std::vector<Bytes> packets = train(flow(kind.version, kind.protocol, 1001), 5);
    Merger merger(8, {.moves_neighbours = true});
    for (const std::size_t gap : {0U, 4U, 31U, 63U, 64U}) {
      const std::vector<Written> written = test::merge_frames(merger, packets, gap);
      EXPECT_EQ(test::disagreement(packets, written), "") << gap;
      ASSERT_EQ(written.size(), 1U);
      if (gap >= 4) {
        EXPECT_EQ(written[0].pieces, gap < kNeighbourGap ? 2U : 6U) << gap;
      }
    }
    std::vector<Bytes> with_other = packets;
    with_other.insert(with_other.begin() + 2, test::build({.version = kind.version, .protocol = 17, .port = 9, .payload = Bytes(99)}));
    const std::vector<Written> written = test::merge_frames(merger, with_other, 32);
    EXPECT_EQ(test::disagreement(with_other, written), "");
    EXPECT_EQ(written[0].pieces, 3U);
  }
}

TEST(Merge, AWrongChecksumIsFoundWhileMoving) {
  for (const Kind& kind : kKinds) {
    for (const std::size_t payload : {10U, 40U, 1000U}) {
      const std::vector<Bytes> right = train(flow(kind.version, kind.protocol, payload), 5);
      for (std::size_t wrong = 0; wrong < 5; ++wrong) {
        std::vector<Bytes> packets = right;
        packets[wrong].back() ^= 1;
        Merger merger(8, {.moves_neighbours = true});
        for (const std::size_t gap : {0U, 32U, 48U}) EXPECT_EQ(test::disagreement(packets, test::merge_frames(merger, packets, gap)), "");
      }
    }
  }
}

TEST(Merge, EveryBatchIsANewOne) {
  Merger merger(4);
  const std::vector<Bytes> packets = train(flow(4, 6), 4);
  for (int round = 0; round < 3; ++round) {
    EXPECT_EQ(test::merge(merger, {packets[0], packets[1]}).size(), 1U);
    EXPECT_EQ(test::merge(merger, {packets[2], packets[3]}).size(), 1U);
    EXPECT_EQ(test::merge(merger, {}).size(), 0U);
  }
  Merger growing(0);
  for (std::size_t size = 1; size <= packets.size(); ++size) {
    EXPECT_EQ(test::merge(growing, {packets.begin(), packets.begin() + static_cast<std::ptrdiff_t>(size)}).size(), 1U);
  }
}

TEST(Merge, AWarmMergerAllocatesNothing) {
  std::vector<Bytes> packets;
  for (const Kind& kind : kKinds) {
    for (const Bytes& packet : train(flow(kind.version, kind.protocol), 40)) packets.push_back(packet);
  }
  std::vector<std::span<std::uint8_t>> spans(packets.begin(), packets.end());
  Merger merger(packets.size());
  std::size_t before = allocations;
  EXPECT_EQ(merger.merge(spans).size(), 4U);
  EXPECT_EQ(allocations, before);

  Merger small(2);
  small.merge(spans);
  before = allocations;
  small.merge(spans);
  EXPECT_EQ(allocations, before);
}

}  // namespace
}  // namespace wgu::io
