// Random batches against a merger that tries, and the way back: what was merged splits to the same packets, what was split is merged
// to the same super-packet.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "io/merged.h"
#include "io/split.h"

namespace wgu::io {
namespace {

using test::Bytes;
using test::flow;
using test::following;
using test::Inner;
using test::Kind;
using test::kKinds;
using test::Super;
using test::Written;

// A few flows, each going on where it was, most of the time as a sender would; some packets with one thing changed or damaged.
class RandomFlows {
 public:
  explicit RandomFlows(unsigned seed) : random_(seed) {
    for (const Kind& kind : kKinds) {
      for (int i = 0; i < 2; ++i) {
        Inner inner = flow(kind.version, kind.protocol, 0);
        inner.port = static_cast<std::uint16_t>(1000 + i);
        inner.sequence = static_cast<std::uint32_t>(random_());
        inner.id = static_cast<std::uint16_t>(random_());
        if (random_() % 2 == 0) inner.fragment = 0;
        if (random_() % 2 == 0) inner.tcp_options = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
        flows_.push_back(inner);
      }
    }
  }

  Bytes packet() {
    if (random_() % 4 == 0) at_ = random_() % flows_.size();
    Inner& inner = flows_[at_];
    const std::size_t sizes[] = {60, 60, 60, 60, 60, 59, 1, 0};
    inner.payload = test::pattern(sizes[random_() % 8], random_());
    Inner sent = inner;
    inner = following(inner);
    if (random_() % 8 == 0) change(sent, random_() % 3 == 0 ? &inner : nullptr);
    Bytes bytes = test::build(sent);
    if (random_() % 24 == 0) bytes[random_() % bytes.size()] ^= static_cast<std::uint8_t>(1U << random_() % 8);
    if (random_() % 64 == 0) bytes.resize(random_() % bytes.size());
    return bytes;
  }

 private:
  // In this packet; with `lasting`, in all that follow as well.
  void change(Inner& sent, Inner* lasting) {
    const auto set = [&](auto member, auto value) {
      sent.*member = value;
      if (lasting != nullptr) lasting->*member = value;
    };
    switch (random_() % 14) {
      case 0: return set(&Inner::tos, static_cast<std::uint8_t>(random_() % 4));
      case 1: return set(&Inner::ttl, static_cast<std::uint8_t>(63 + random_() % 2));
      case 2: return set(&Inner::flow_label, static_cast<std::uint32_t>(random_() % 2));
      case 3: return set(&Inner::acknowledgment, static_cast<std::uint32_t>(random_() % 3));
      case 4: return set(&Inner::window, static_cast<std::uint16_t>(random_() % 3));
      case 5: return set(&Inner::fragment, static_cast<std::uint16_t>(random_() % 2 * 0x4000));
      case 6: sent.fragment = static_cast<std::uint16_t>(1U << random_() % 16); return;
      case 7: sent.flags |= static_cast<std::uint8_t>(1U << random_() % 8); return;
      case 8: sent.flags |= test::kPsh; return;
      case 9: sent.flags |= test::kCwr; return;
      case 10: sent.sequence += 1; return;
      case 11: sent.id = static_cast<std::uint16_t>(sent.id - 1); return;
      case 12: sent.ip_options = Bytes(4, 1); return;
      default: sent.tcp_options = Bytes(4 * (random_() % 4), 1); return;
    }
  }

  std::mt19937 random_;
  std::vector<Inner> flows_;
  std::size_t at_ = 0;
};

TEST(MergeModel, RandomFlowsAreThoseOfTheModel) {
  constexpr unsigned kSeed = 26001;
  RandomFlows flows(kSeed);
  Merger merger;
  Merger mover(128, {.moves_neighbours = true});
  std::size_t packets_in = 0, writes_out = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<Bytes> packets(48);
    for (Bytes& packet : packets) packet = flows.packet();
    const std::vector<Written> written = test::merge(merger, packets);
    ASSERT_EQ(test::disagreement(packets, written), "") << "seed " << kSeed << ", round " << round;
    const std::vector<Written> moved = test::merge_frames(mover, packets, static_cast<std::size_t>(round % 70));
    ASSERT_EQ(test::disagreement(packets, moved), "") << "moved; seed " << kSeed << ", round " << round;
    packets_in += packets.size();
    writes_out += written.size();
  }
  EXPECT_LT(writes_out * 3, packets_in * 2) << "hardly anything was merged, so hardly anything was tested";
}

// Where DF is set no one looks at the identification (RFC 6864 section 4.1): the one difference that a merge may make.
Bytes without_idle_id(Bytes packet) {
  if (packet.size() > 28 && packet[0] >> 4 == 4 && (packet[6] & 0x40) != 0) {
    test::set_number(packet, 4, 0);
    test::set_number(packet, 10, 0);
  }
  return packet;
}

TEST(MergeModel, SplitsBackToTheSamePackets) {
  constexpr unsigned kSeed = 26002;
  RandomFlows flows(kSeed);
  Merger merger;
  std::size_t merged_writes = 0;
  for (int round = 0; round < 300; ++round) {
    std::vector<Bytes> packets(64);
    for (Bytes& packet : packets) packet = flows.packet();
    std::vector<Bytes> expected;
    for (const Bytes& packet : packets) expected.push_back(without_idle_id(packet));
    for (const Written& write : test::merge(merger, packets)) {
      SuperPacket super;
      ASSERT_EQ(super.parse(write.header, write.packet), SplitError::kNone);
      ASSERT_EQ(super.segments(), write.packets);
      for (std::size_t i = 0; i < super.segments(); ++i) {
        Bytes segment(super.segment_size(i));
        super.write(i, segment.data());
        const auto found = std::find(expected.begin(), expected.end(), without_idle_id(segment));
        ASSERT_NE(found, expected.end()) << "seed " << kSeed << ", round " << round;
        expected.erase(found);
      }
      merged_writes += write.packets > 1 ? 1 : 0;
    }
  }
  EXPECT_GT(merged_writes, 1000U);
}

TEST(MergeModel, WhatWasSplitIsMergedToTheSameSuperPacket) {
  for (const Kind& kind : kKinds) {
    for (const std::size_t payload : {2000U, 2001U, 64000U}) {
      for (const std::uint8_t flags : {test::kAck, static_cast<std::uint8_t>(test::kAck | test::kPsh | test::kCwr)}) {
        Inner inner = flow(kind.version, kind.protocol, payload);
        inner.flags = flags;
        const Super super = test::super_of(inner, 1000);
        SuperPacket packet;
        ASSERT_EQ(packet.parse(super.header, super.packet), SplitError::kNone);
        std::vector<Bytes> segments;
        for (std::size_t i = 0; i < packet.segments(); ++i) packet.write(i, segments.emplace_back(packet.segment_size(i)).data());
        Merger merger;
        const std::vector<Written> written = test::merge(merger, segments);
        ASSERT_EQ(written.size(), 1U);
        EXPECT_EQ(written[0].header, super.header);
        EXPECT_EQ(written[0].packet, super.packet);
      }
    }
  }
}

}  // namespace
}  // namespace wgu::io
