// What a session may still do, by age and by count (whitepaper 6.2). Numbers written out again from the paper and the kernel.
#include "noise/keypair.h"

#include <gtest/gtest.h>

namespace wgu::noise {
namespace {

using namespace std::chrono_literals;

constexpr Instant kBorn = Instant(1000s);

Keypair keypair(bool is_initiator, std::uint64_t next_counter = 0) {
  Keypair pair;
  pair.born = kBorn;
  pair.is_initiator = is_initiator;
  pair.next_counter = next_counter;
  return pair;
}

TEST(Keypair, CarriesPacketsFor180Seconds) {
  const Keypair pair = keypair(true);
  EXPECT_TRUE(pair.can_send(kBorn));
  EXPECT_TRUE(pair.can_send(kBorn + 180s - 1ns));
  EXPECT_FALSE(pair.can_send(kBorn + 180s));
  EXPECT_TRUE(pair.can_receive(kBorn + 180s - 1ns));
  EXPECT_FALSE(pair.can_receive(kBorn + 180s));
}

TEST(Keypair, SendsNoCounterFromTheRejectLimitOn) {
  constexpr std::uint64_t kLimit = 0xFFFFFFFFFFFFE03E;  // 2^64 - 1 - 8128 - 1
  EXPECT_TRUE(keypair(true, kLimit - 1).can_send(kBorn));
  EXPECT_FALSE(keypair(true, kLimit).can_send(kBorn));
  EXPECT_FALSE(keypair(true, UINT64_MAX).can_send(kBorn));
}

TEST(Keypair, OnlyTheInitiatorRenewsByAge) {
  EXPECT_FALSE(keypair(true).wants_rekey_after_send(kBorn + 120s - 1ns));
  EXPECT_TRUE(keypair(true).wants_rekey_after_send(kBorn + 120s));
  EXPECT_FALSE(keypair(false).wants_rekey_after_send(kBorn + 179s));
  EXPECT_FALSE(keypair(true).wants_rekey_after_receive(kBorn + 165s - 1ns));
  EXPECT_TRUE(keypair(true).wants_rekey_after_receive(kBorn + 165s));
  EXPECT_FALSE(keypair(false).wants_rekey_after_receive(kBorn + 179s));
}

TEST(Keypair, EitherRenewsByCount) {
  constexpr std::uint64_t kLimit = 1152921504606846976;  // 2^60
  for (const bool is_initiator : {true, false}) {
    EXPECT_FALSE(keypair(is_initiator, kLimit).wants_rekey_after_send(kBorn));
    EXPECT_TRUE(keypair(is_initiator, kLimit + 1).wants_rekey_after_send(kBorn));
  }
}

}  // namespace
}  // namespace wgu::noise
