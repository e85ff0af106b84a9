#include "bench/traffic/payload.h"

#include <gtest/gtest.h>

#include <array>
#include <limits>

namespace wgu::bench {
namespace {

constexpr Payload kSome{.run = 7, .sequence = 0x0102030405060708, .intended = 1'234'567'890'123};

TEST(Payload, ComesBackAsItWasWritten) {
  for (const Payload& payload : {kSome, Payload{}, Payload{0xffffffff, std::numeric_limits<std::uint64_t>::max(), -1}}) {
    std::array<std::uint8_t, 64> bytes{};
    write_payload(bytes, payload);
    EXPECT_EQ(read_payload(bytes, payload.run), payload);
  }
}

TEST(Payload, LeavesTheBytesAfterItAlone) {
  std::array<std::uint8_t, kMinPayload + 1> bytes{};
  bytes.back() = 0xa5;
  write_payload(bytes, kSome);
  EXPECT_EQ(bytes.back(), 0xa5);
}

TEST(Payload, OfAnotherRunIsForeign) {
  std::array<std::uint8_t, kMinPayload> bytes{};
  write_payload(bytes, kSome);
  EXPECT_FALSE(read_payload(bytes, 8));
}

TEST(Payload, CutShortIsForeign) {
  std::array<std::uint8_t, kMinPayload> bytes{};
  write_payload(bytes, kSome);
  for (std::size_t length = 0; length < kMinPayload; ++length) EXPECT_FALSE(read_payload(std::span(bytes).first(length), 7)) << length;
}

TEST(Payload, WithAnyBitFlippedIsForeign) {
  std::array<std::uint8_t, kMinPayload> bytes{};
  write_payload(bytes, kSome);
  for (std::size_t bit = 0; bit < kMinPayload * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_FALSE(read_payload(bytes, 7)) << bit;
    bytes[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
  }
  EXPECT_TRUE(read_payload(bytes, 7));
}

// Zeros are what an empty buffer holds.
TEST(Payload, OfZerosOnlyIsNotAPacketOfRunZeroWithAnyTime) {
  std::array<std::uint8_t, kMinPayload> bytes{};
  write_payload(bytes, {0, 1, 0});
  bytes[8] = 0;  // sequence 0
  EXPECT_FALSE(read_payload(bytes, 0));
}

}  // namespace
}  // namespace wgu::bench
