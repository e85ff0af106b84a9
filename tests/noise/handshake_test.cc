// The handshake between two parties: against byte vectors of an independent implementation, then everything that must be refused.

#include "noise/handshake.h"

#include <gtest/gtest.h>

#include <cstring>

#include "noise/parties.h"
#include "noise/vectors.h"

namespace wgu::noise {
namespace {

// --- vectors ---

struct HandshakeVectors : testing::TestWithParam<bool> {};

TEST_P(HandshakeVectors, EveryByte) {
  const bool has_psk = GetParam();
  End initiator(unhex_array<32>(vectors::kInitiatorPrivate), PublicKey{unhex_array<32>(vectors::kResponderPublic)});
  End responder(unhex_array<32>(vectors::kResponderPrivate), PublicKey{unhex_array<32>(vectors::kInitiatorPublic)});
  if (has_psk) {
    const PresharedKey psk(unhex_array<32>(vectors::kPreshared));
    initiator.handshake->set_preshared(psk);
    responder.handshake->set_preshared(psk);
    EXPECT_TRUE(initiator.handshake->preshared().equals(psk));
  } else {
    EXPECT_TRUE(initiator.handshake->preshared().is_zero());
  }
  // Buffers arrive dirty; MACs (the last 32 bytes) must be zero, the vectors have MAC1 there.
  const auto expect_message = [](std::span<const std::uint8_t> message, const char* vector) {
    auto expected = unhex(vector);
    std::fill(expected.end() - 16, expected.end(), std::uint8_t{0});
    expected.resize(expected.size() + 16);
    EXPECT_EQ(to_vector(message), expected);
  };
  InitiationBytes initiation;
  initiation.fill(0xEE);
  ASSERT_TRUE(initiator.handshake->create_initiation(initiator.identity, unhex_array<32>(vectors::kInitiatorEphemeral),
                                                     unhex_array<12>(vectors::kTimestamp), kAliceIndex, initiation));
  expect_message(initiation, vectors::kInitiation);

  const auto opened = open_initiation(responder.identity, initiation);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->remote_static.bytes, unhex_array<32>(vectors::kInitiatorPublic));
  EXPECT_EQ(opened->sender_index, kAliceIndex);
  ASSERT_EQ(responder.handshake->accept_initiation(responder.identity, *opened, at(0s)), Verdict::kAccepted);
  ResponseBytes response;
  response.fill(0xEE);
  ASSERT_TRUE(responder.handshake->create_response(unhex_array<32>(vectors::kResponderEphemeral), kBobIndex, response));
  expect_message(response, has_psk ? vectors::kResponse : vectors::kResponseWithoutPreshared);

  ASSERT_EQ(initiator.consume(response), Verdict::kAccepted);
  const Keypair ours = initiator.begin(), theirs = responder.begin();
  EXPECT_EQ(sending(ours), unhex(has_psk ? vectors::kFirst : vectors::kFirstWithoutPreshared));
  EXPECT_EQ(receiving(ours), unhex(has_psk ? vectors::kSecond : vectors::kSecondWithoutPreshared));
  expect_paired(ours, theirs);
}

INSTANTIATE_TEST_SUITE_P(WithAndWithoutPreshared, HandshakeVectors, testing::Bool());

// --- states, roles, sessions ---

TEST_F(HandshakeTest, BeginsWithConstructionIdentifierAndResponder) {
  const auto text = [](std::string_view name) { return std::span(reinterpret_cast<const std::uint8_t*>(name.data()), name.size()); };
  const crypto::Hash construction = crypto::hash(text("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"));
  Transcript expected(construction, construction);
  expected.mix_hash(text("WireGuard v1 zx2c4 Jason@zx2c4.com"));
  expected.mix_hash(bob.identity.public_key.bytes);
  const Transcript begun = begin_transcript(bob.identity.public_key);
  EXPECT_EQ(to_vector(begun.handshake_hash()), to_vector(expected.handshake_hash()));
  std::array<std::uint8_t, 64> ours{}, theirs{};
  begun.split(ours.data(), &ours[32]);
  expected.split(theirs.data(), &theirs[32]);
  EXPECT_EQ(to_vector(ours), to_vector(theirs)) << "the chaining keys differ";
}

TEST_F(HandshakeTest, StatesInOrder) {
  EXPECT_EQ(alice.handshake->state(), State::kZeroed);
  const auto initiation = alice.initiate(stamp(1));
  EXPECT_EQ(alice.handshake->state(), State::kInitiationCreated);
  EXPECT_EQ(alice.handshake->local_index(), kAliceIndex);
  ASSERT_EQ(bob.accept(initiation, at(0s)), Verdict::kAccepted);
  EXPECT_EQ(bob.handshake->state(), State::kInitiationConsumed);
  const auto response = bob.respond();
  EXPECT_EQ(bob.handshake->state(), State::kResponseCreated);
  EXPECT_EQ(bob.handshake->local_index(), kBobIndex);
  ASSERT_EQ(alice.consume(response), Verdict::kAccepted);
  EXPECT_EQ(alice.handshake->state(), State::kResponseConsumed);
  (void)alice.begin();
  (void)bob.begin();
  EXPECT_EQ(alice.handshake->state(), State::kZeroed);
  EXPECT_EQ(bob.handshake->state(), State::kZeroed);
  EXPECT_EQ(alice.handshake->local_index(), 0U);
}

TEST_F(HandshakeTest, SessionKnowsRoleIndicesAndBirth) {
  ASSERT_EQ(alice.consume(answered(1)), Verdict::kAccepted);
  Keypair ours = alice.begin(at(7s));
  const Keypair theirs = bob.begin(at(8s));
  EXPECT_TRUE(ours.is_initiator);
  EXPECT_FALSE(theirs.is_initiator);
  EXPECT_EQ(ours.local_index, kAliceIndex);
  EXPECT_EQ(ours.remote_index, kBobIndex);
  EXPECT_EQ(ours.born, at(7s));
  EXPECT_EQ(theirs.born, at(8s));
  EXPECT_EQ(ours.next_counter, 0U);
  EXPECT_TRUE(ours.replay.accept(0));
  expect_paired(ours, theirs);
}

TEST_F(HandshakeTest, BeginSessionReplacesAUsedKeypairWhole) {
  ASSERT_EQ(alice.consume(answered(1)), Verdict::kAccepted);
  Keypair keypair = alice.begin();
  keypair.next_counter = 77;
  ASSERT_TRUE(keypair.replay.accept(5));
  const auto before = sending(keypair);
  ASSERT_EQ(bob.accept(alice.initiate(stamp(2), "another ephemeral"), at(2s)), Verdict::kAccepted);
  ASSERT_EQ(alice.consume(bob.respond()), Verdict::kAccepted);
  ASSERT_TRUE(alice.handshake->begin_session(alice.session_slab, at(9s), keypair));
  EXPECT_NE(sending(keypair), before);
  EXPECT_EQ(keypair.next_counter, 0U);
  EXPECT_TRUE(keypair.replay.accept(5));
  EXPECT_EQ(alice.session_slab.in_use(), 1U);
}

TEST_F(HandshakeTest, EveryHandshakeHasNewKeys) {
  ASSERT_EQ(alice.consume(answered(1)), Verdict::kAccepted);
  const Keypair first = alice.begin();
  ASSERT_EQ(bob.accept(alice.initiate(stamp(2), "another ephemeral"), at(2s)), Verdict::kAccepted);
  ASSERT_EQ(alice.consume(bob.respond()), Verdict::kAccepted);
  const Keypair second = alice.begin();
  EXPECT_NE(sending(first), sending(second));
  EXPECT_NE(receiving(first), receiving(second));
}

TEST_F(HandshakeTest, StepsOutOfOrderAreRefused) {
  Keypair keypair;
  ResponseBytes message{};
  EXPECT_FALSE(alice.handshake->begin_session(alice.session_slab, at(0s), keypair));
  EXPECT_FALSE(alice.handshake->create_response(bytes_of("e"), 1, message));
  EXPECT_EQ(alice.consume(message), Verdict::kUnexpected);
  const auto initiation = alice.initiate(stamp(1));
  EXPECT_FALSE(alice.handshake->begin_session(alice.session_slab, at(0s), keypair));
  EXPECT_FALSE(alice.handshake->create_response(bytes_of("e"), 1, message));
  ASSERT_EQ(bob.accept(initiation, at(0s)), Verdict::kAccepted);
  EXPECT_FALSE(bob.handshake->begin_session(bob.session_slab, at(0s), keypair));
  const auto response = bob.respond();
  EXPECT_FALSE(bob.handshake->create_response(bytes_of("e"), 1, message));
  EXPECT_EQ(bob.consume(response), Verdict::kUnexpected);
  EXPECT_FALSE(keypair.keys);
  EXPECT_EQ(alice.session_slab.in_use() + bob.session_slab.in_use(), 0U);
}

// Both initiate at once: whoever accepts the other's initiation has given up its own.
TEST_F(HandshakeTest, CrossingInitiations) {
  const auto from_alice = alice.initiate(stamp(1));
  const auto from_bob = bob.initiate(stamp(1), "bob's ephemeral", kBobIndex);
  ASSERT_EQ(bob.accept(from_alice, at(0s)), Verdict::kAccepted);
  const auto from_bob_too = bob.respond();
  ASSERT_EQ(alice.consume(from_bob_too), Verdict::kAccepted);
  expect_paired(alice.begin(), bob.begin());
  EXPECT_EQ(alice.accept(from_bob, at(1s)), Verdict::kAccepted);
  EXPECT_EQ(bob.consume(alice.respond()), Verdict::kUnexpected);
}

// --- responses: once, and to the initiation under way only ---

TEST_F(HandshakeTest, SecondCopyOfAResponseIsUnexpected) {
  const auto response = answered(1);
  ASSERT_EQ(alice.consume(response), Verdict::kAccepted);
  EXPECT_EQ(alice.consume(response), Verdict::kUnexpected);
  (void)alice.begin();
  EXPECT_EQ(alice.consume(response), Verdict::kUnexpected);
}

// CVE-2026-99059: the same response again, with a new initiation in between.
TEST_F(HandshakeTest, SecondCopyAfterANewInitiationBeginsNoSession) {
  const auto response = answered(1);
  ASSERT_EQ(alice.consume(response), Verdict::kAccepted);
  const Keypair only = alice.begin();
  // Should the index table give the same index again, the ephemeral still differs.
  for (const std::uint32_t index : {kAliceIndex + 1, kAliceIndex}) {
    (void)alice.initiate(stamp(2), "another ephemeral", index);
    EXPECT_EQ(alice.consume(response), index == kAliceIndex ? Verdict::kInvalid : Verdict::kUnexpected);
    Keypair second;
    EXPECT_FALSE(alice.handshake->begin_session(alice.session_slab, at(2s), second));
    EXPECT_EQ(alice.session_slab.in_use(), 1U);
  }
  expect_handshake_succeeds(3);
}

TEST_F(HandshakeTest, NewInitiationReplacesTheOneUnderWay) {
  const auto to_first = answered(1);
  const auto second = alice.initiate(stamp(2), "second ephemeral", kAliceIndex + 1);
  EXPECT_EQ(alice.consume(to_first), Verdict::kUnexpected);
  ASSERT_EQ(bob.accept(second, at(2s)), Verdict::kAccepted);
  const auto to_second = bob.respond();
  const auto third = alice.initiate(stamp(3), "third ephemeral", kAliceIndex + 1);  // the index may be given again
  EXPECT_EQ(alice.consume(to_second), Verdict::kInvalid);
  ASSERT_EQ(bob.accept(third, at(3s)), Verdict::kAccepted);
  ASSERT_EQ(alice.consume(bob.respond()), Verdict::kAccepted);
  expect_paired(alice.begin(), bob.begin());
}

TEST_F(HandshakeTest, EveryFlippedByteOfAResponseIsRefused) {
  const auto response = answered(1);
  for (std::size_t i = Response::kReceiver; i < Response::kMac1; ++i) {
    for (const int mask : {0x01, 0x80}) {
      auto forged = response;
      forged[i] = static_cast<std::uint8_t>(forged[i] ^ mask);
      EXPECT_EQ(alice.consume(forged), i < Response::kEphemeral ? Verdict::kUnexpected : Verdict::kInvalid) << i;
      ASSERT_EQ(alice.handshake->state(), State::kInitiationCreated);
      ASSERT_EQ(alice.handshake->local_index(), kAliceIndex);
    }
  }
  ASSERT_EQ(alice.consume(response), Verdict::kAccepted);
  expect_paired(alice.begin(), bob.begin());
}

TEST_F(HandshakeTest, WrongPresharedKeyEitherWay) {
  alice.handshake->set_preshared(PresharedKey(bytes_of("psk")));
  const auto response = answered(1);
  EXPECT_EQ(alice.consume(response), Verdict::kInvalid);
  EXPECT_EQ(alice.handshake->state(), State::kInitiationCreated);
  alice.handshake->set_preshared(PresharedKey());
  EXPECT_EQ(alice.consume(response), Verdict::kAccepted);

  bob.handshake->set_preshared(PresharedKey(bytes_of("psk")));
  EXPECT_EQ(alice.consume(answered(2)), Verdict::kInvalid);
}

TEST_F(HandshakeTest, ResponderWithAnotherStaticKeyCannotAnswer) {
  End mallory(bytes_of("mallory"), alice.identity.public_key);
  EXPECT_EQ(mallory.accept(alice.initiate(stamp(1)), at(0s)), Verdict::kInvalid);
}

// --- initiations: authentic, newer, not too many ---

TEST_F(HandshakeTest, EveryFlippedByteOfAnInitiationIsRefused) {
  const auto initiation = alice.initiate(stamp(1));
  // Type and sender index are MAC1's to protect: cookie_test.
  for (std::size_t i = Initiation::kEphemeral; i < Initiation::kMac1; ++i) {
    for (const int mask : {0x01, 0x80}) {
      auto forged = initiation;
      forged[i] = static_cast<std::uint8_t>(forged[i] ^ mask);
      EXPECT_EQ(bob.accept(forged, at(0s)), Verdict::kInvalid) << i;
      ASSERT_EQ(bob.handshake->state(), State::kZeroed);
    }
  }
  EXPECT_EQ(bob.accept(initiation, at(0s)), Verdict::kAccepted);
}

TEST_F(HandshakeTest, RefusedInitiationLeavesAHandshakeUnderWay) {
  const auto to_alice = bob.initiate(stamp(1), "bob's ephemeral", kBobIndex);
  auto forged = alice.initiate(stamp(1));
  forged[Initiation::kTimestamp] ^= 1;
  EXPECT_EQ(bob.accept(forged, at(0s)), Verdict::kInvalid);
  EXPECT_EQ(bob.handshake->state(), State::kInitiationCreated);
  ASSERT_EQ(alice.accept(to_alice, at(0s)), Verdict::kAccepted);
  ASSERT_EQ(bob.consume(alice.respond("alice's ephemeral", kAliceIndex)), Verdict::kAccepted);
  expect_paired(alice.begin(), bob.begin());
}

TEST_F(HandshakeTest, InitiationForAnotherResponderDoesNotOpen) {
  const Identity carol = identity_of(bytes_of("carol"));
  EXPECT_FALSE(open_initiation(carol, alice.initiate(stamp(1))));
}

TEST_F(HandshakeTest, InitiationOfAnotherPeerIsInvalid) {
  End bob_with_carol(bytes_of("bob"), public_of(bytes_of("carol")));
  const auto opened = open_initiation(bob.identity, alice.initiate(stamp(1)));
  ASSERT_TRUE(opened);
  EXPECT_EQ(bob_with_carol.handshake->accept_initiation(bob_with_carol.identity, *opened, at(0s)), Verdict::kInvalid);
  EXPECT_EQ(bob.handshake->accept_initiation(bob.identity, *opened, at(0s)), Verdict::kAccepted);
}

// Anyone who knows Bob's public key can claim Alice's static key; only static-static proves it.
TEST_F(HandshakeTest, ClaimedStaticKeyIsNotBelieved) {
  End mallory(bytes_of("mallory"), bob.identity.public_key);
  mallory.identity.public_key = alice.identity.public_key;
  const auto claimed = mallory.initiate(stamp(9));
  const auto opened = open_initiation(bob.identity, claimed);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->remote_static, alice.identity.public_key);
  EXPECT_EQ(bob.handshake->accept_initiation(bob.identity, *opened, at(0s)), Verdict::kInvalid);
  EXPECT_EQ(bob.accept(alice.initiate(stamp(1)), at(0s)), Verdict::kAccepted);  // greatest timestamp has not moved
}

// X25519 ignores the top bit, so both spellings of a key share one static-static; a peer is known by its bytes.
TEST_F(HandshakeTest, OtherSpellingOfAPeersKeyIsNotThePeer) {
  alice.identity.public_key.bytes[31] |= 0x80;
  const auto opened = open_initiation(bob.identity, alice.initiate(stamp(1)));
  ASSERT_TRUE(opened);
  EXPECT_EQ(bob.handshake->accept_initiation(bob.identity, *opened, at(0s)), Verdict::kInvalid);
}

TEST_F(HandshakeTest, OnlyGreaterTimestampsAreAccepted) {
  struct Row {
    std::int64_t timestamp;
    Verdict verdict;
  };
  constexpr Row kRows[] = {{100, Verdict::kAccepted},         {100, Verdict::kReplayedTimestamp}, {99, Verdict::kReplayedTimestamp},
                           {101, Verdict::kAccepted},         {100, Verdict::kReplayedTimestamp}, {1'000'000, Verdict::kAccepted},
                           {102, Verdict::kReplayedTimestamp}};
  Instant now = at(0s);
  for (const auto& [timestamp, verdict] : kRows) {
    EXPECT_EQ(bob.accept(alice.initiate(stamp(timestamp)), now), verdict) << timestamp;
    now += 1s;
  }
}

TEST_F(HandshakeTest, ReplayedInitiationIsRefusedForEver) {
  const auto initiation = alice.initiate(stamp(1));
  ASSERT_EQ(bob.accept(initiation, at(0s)), Verdict::kAccepted);
  (void)bob.respond();
  EXPECT_EQ(bob.accept(initiation, at(1s)), Verdict::kReplayedTimestamp);
  EXPECT_EQ(bob.handshake->state(), State::kResponseCreated);  // the replay did not disturb it
  bob.handshake->erase();
  EXPECT_EQ(bob.accept(initiation, at(2s)), Verdict::kReplayedTimestamp);
  bob.handshake->set_identity(bob.identity);
  EXPECT_EQ(bob.accept(initiation, at(3s)), Verdict::kReplayedTimestamp);
}

TEST_F(HandshakeTest, FiftyInitiationsASecond) {
  ASSERT_EQ(bob.accept(alice.initiate(stamp(1)), at(0s)), Verdict::kAccepted);
  const auto second = alice.initiate(stamp(2));
  EXPECT_EQ(bob.accept(second, at(20ms - 1ns)), Verdict::kFlood);
  EXPECT_EQ(bob.handshake->state(), State::kInitiationConsumed);
  // What was refused moved neither the timestamp nor the clock.
  EXPECT_EQ(bob.accept(second, at(20ms)), Verdict::kAccepted);
  EXPECT_EQ(bob.accept(alice.initiate(stamp(3)), at(39ms)), Verdict::kFlood);
  EXPECT_EQ(bob.accept(alice.initiate(stamp(1)), at(39ms)), Verdict::kReplayedTimestamp);
  EXPECT_EQ(bob.accept(alice.initiate(stamp(3)), at(40ms)), Verdict::kAccepted);
}

// --- TAI64N ---

TEST(Tai64n, Vectors) {
  EXPECT_EQ(to_vector(tai64n({0, 0})), unhex("400000000000000a00000000"));
  EXPECT_EQ(to_vector(tai64n({1'700'000'000, 0x12345678})), unhex("400000006553f10a12000000"));
  EXPECT_EQ(to_vector(tai64n({1'700'000'000, 999'999'999})), unhex("400000006553f10a3b000000"));
  EXPECT_EQ(to_vector(tai64n({-11, 0})), unhex("3fffffffffffffff00000000"));
}

TEST(Tai64n, TellsNoTimeFinerThanSixteenMilliseconds) {
  EXPECT_EQ(tai64n({1, 0}), tai64n({1, 10'000'000}));
  EXPECT_EQ(tai64n({1, 0}), tai64n({1, 16'777'215}));
  EXPECT_LT(tai64n({1, 0}), tai64n({1, 16'777'216}));
}

TEST(Tai64n, TwentyMillisecondsLaterIsGreater) {
  constexpr std::int64_t kLater = 20'000'000, kSecond = 1'000'000'000;
  for (std::int64_t ns = 0; ns < kSecond; ns += 999'983) {
    const WallTime before{5, static_cast<std::uint32_t>(ns)};
    const WallTime after{5 + (ns + kLater) / kSecond, static_cast<std::uint32_t>((ns + kLater) % kSecond)};
    EXPECT_LT(tai64n(before), tai64n(after)) << ns;
  }
}

// --- identity, and what is left behind ---

TEST_F(HandshakeTest, WithoutPrivateKeyNothingIsMade) {
  const auto initiation = alice.initiate(stamp(1));
  const auto opened = open_initiation(bob.identity, initiation);
  ASSERT_TRUE(opened);
  bob.handshake->set_identity(Identity{});
  EXPECT_FALSE(bob.handshake->is_usable());
  EXPECT_EQ(bob.handshake->accept_initiation(bob.identity, *opened, at(0s)), Verdict::kInvalid);
  InitiationBytes message{};
  EXPECT_FALSE(bob.handshake->create_initiation(bob.identity, bytes_of("e"), stamp(1), 1, message));
  bob.handshake->set_identity(bob.identity);
  EXPECT_TRUE(bob.handshake->is_usable());
  EXPECT_EQ(bob.handshake->accept_initiation(bob.identity, *opened, at(0s)), Verdict::kAccepted);
}

TEST_F(HandshakeTest, NewIdentityForgetsTheHandshakeUnderWayAndKeepsThePresharedKey) {
  const PresharedKey psk(bytes_of("psk"));
  alice.handshake->set_preshared(psk);
  bob.handshake->set_preshared(psk);
  const auto response = answered(1);
  alice.handshake->set_identity(alice.identity);
  EXPECT_EQ(alice.handshake->state(), State::kZeroed);
  EXPECT_EQ(alice.consume(response), Verdict::kUnexpected);
  EXPECT_TRUE(alice.handshake->preshared().equals(psk));
  expect_handshake_succeeds(2);
}

// What was derived under the old identity is of no use to the new one, on either side, whether it initiates or responds.
TEST_F(HandshakeTest, NewIdentityDerivesAnew) {
  expect_handshake_succeeds(1);
  const Identity carol = identity_of(bytes_of("carol"));
  End bob_of_carol(bytes_of("bob"), carol.public_key);
  alice.handshake->set_identity(carol);
  for (const bool is_initiator : {true, false}) {
    Handshake& from = is_initiator ? *alice.handshake : *bob_of_carol.handshake;
    Handshake& to = is_initiator ? *bob_of_carol.handshake : *alice.handshake;
    const Identity& ours = is_initiator ? carol : bob_of_carol.identity;
    const Identity& theirs = is_initiator ? bob_of_carol.identity : carol;
    InitiationBytes message{};
    ASSERT_TRUE(from.create_initiation(ours, bytes_of("e"), stamp(5), 1, message));
    const auto opened = open_initiation(theirs, message);
    ASSERT_TRUE(opened);
    EXPECT_EQ(to.accept_initiation(theirs, *opened, at(5s)), Verdict::kAccepted);
  }
}

TEST_F(HandshakeTest, HandshakeIsErasedWithTheSessionBegun) {
  // The slab hands out the slot it got back last: look into it before the handshake does.
  for (const bool begins_session : {true, false}) {
    crypto::SecretSlab slab(sizeof(PeerSecrets), 1);
    void* const slot = slab.take();
    slab.give_back(slot);
    Handshake handshake(slab, bob.identity.public_key);
    handshake.set_identity(alice.identity);
    const auto* const secrets = static_cast<const PeerSecrets*>(slot);
    Point ss{};
    ASSERT_TRUE(crypto::x25519(alice.identity.private_key.reveal(), bob.identity.public_key.bytes, ss.data()));
    EXPECT_EQ(to_vector(secrets->static_static), std::vector<std::uint8_t>(32)) << "before a handshake needs it";

    InitiationBytes initiation{};
    ASSERT_TRUE(handshake.create_initiation(alice.identity, bytes_of("e"), stamp(begins_session ? 1 : 2), kAliceIndex, initiation));
    ASSERT_EQ(to_vector(secrets->static_static), to_vector(ss)) << "not the slot that the handshake uses";
    EXPECT_EQ(to_vector(secrets->ephemeral_private), to_vector(bytes_of("e")));
    ASSERT_EQ(bob.accept(initiation, at(begins_session ? 0s : 1s)), Verdict::kAccepted);
    ASSERT_EQ(handshake.consume_response(alice.identity, bob.respond()), Verdict::kAccepted);
    if (begins_session) {
      Keypair keypair;
      ASSERT_TRUE(handshake.begin_session(alice.session_slab, at(0s), keypair));
    } else {
      handshake.erase();
    }
    const std::vector<std::uint8_t> zeros(sizeof(PeerSecrets), 0);
    EXPECT_EQ(std::memcmp(secrets->ephemeral_private, zeros.data(), 32), 0);
    EXPECT_EQ(std::memcmp(static_cast<const void*>(&secrets->transcript), zeros.data(), sizeof(Transcript)), 0);
  }
}

TEST_F(HandshakeTest, SlabsAreEmptyWhenAllIsGone) {
  {
    ASSERT_EQ(alice.consume(answered(1)), Verdict::kAccepted);
    const Keypair ours = alice.begin(), theirs = bob.begin();
    EXPECT_EQ(alice.session_slab.in_use(), 1U);
    EXPECT_EQ(bob.session_slab.in_use(), 1U);
  }
  EXPECT_EQ(alice.session_slab.in_use(), 0U);
  EXPECT_EQ(bob.session_slab.in_use(), 0U);
  EXPECT_EQ(alice.slab.in_use(), 1U);
  alice.handshake.reset();
  EXPECT_EQ(alice.slab.in_use(), 0U);
}

}  // namespace
}  // namespace wgu::noise
