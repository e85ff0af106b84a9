// Points of low order lead to a shared secret of zero, which anyone knows. Each message here is forged whole with that secret, so
// that only the check for zero can refuse it; the same forgery with an honest point is accepted, so the forgery itself is right.

#include <gtest/gtest.h>

#include "noise/parties.h"

namespace wgu::noise {
namespace {

struct LowOrder : HandshakeTest {};

// The points of order 1, 2, 4, 8 on curve and twist with their encodings above p; each with the ignored top bit clear and set.
std::vector<Point> low_order_points() {
  std::vector<Point> points;
  for (const char* text : {
           "0000000000000000000000000000000000000000000000000000000000000000",
           "0100000000000000000000000000000000000000000000000000000000000000",
           "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
           "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
           "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
           "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
       }) {
    points.push_back(unhex_array<32>(text));
    points.push_back(points.back());
    points.back()[31] |= 0x80;
  }
  return points;
}

constexpr Point kZero{};

TEST_F(LowOrder, PeerOfLowOrderIsNotUsable) {
  for (const Point& point : low_order_points()) {
    crypto::SecretSlab slab(sizeof(PeerSecrets), 1);
    Handshake handshake(slab, PublicKey{point});
    handshake.set_identity(bob.identity);
    EXPECT_FALSE(handshake.is_usable());
    InitiationBytes message{};
    EXPECT_FALSE(handshake.create_initiation(bob.identity, bytes_of("e"), stamp(1), 1, message));
    // Its static-static is zero, so anyone could seal this timestamp.
    OpenedInitiation opened;
    opened.remote_static = PublicKey{point};
    opened.transcript = begin_transcript(bob.identity.public_key);
    Transcript forger = opened.transcript;
    forger.mix_key_and_derive(kZero);
    forger.encrypt_and_hash(stamp(1), opened.sealed_timestamp.data());
    EXPECT_EQ(handshake.accept_initiation(bob.identity, opened, at(0s)), Verdict::kInvalid);
  }
}

TEST_F(LowOrder, InitiationWithEphemeralOfLowOrderIsRefused) {
  // All but the ephemeral is right, with the shared secret that the ephemeral leads to.
  const auto forge = [&](const Point& ephemeral, const Point& es) {
    InitiationBytes message{};
    Transcript transcript = begin_transcript(bob.identity.public_key);
    std::copy(ephemeral.begin(), ephemeral.end(), &message[Initiation::kEphemeral]);
    transcript.mix_hash(ephemeral);
    transcript.mix_key(ephemeral);
    transcript.mix_key_and_derive(es);
    transcript.encrypt_and_hash(alice.identity.public_key.bytes, &message[Initiation::kStatic]);
    Point ss{};
    EXPECT_TRUE(crypto::x25519(alice.identity.private_key.reveal(), bob.identity.public_key.bytes, ss.data()));
    transcript.mix_key_and_derive(ss);
    transcript.encrypt_and_hash(stamp(1), &message[Initiation::kTimestamp]);
    return message;
  };
  for (const Point& point : low_order_points()) EXPECT_FALSE(open_initiation(bob.identity, forge(point, kZero)));
  Point es{};
  ASSERT_TRUE(crypto::x25519(bytes_of("e"), bob.identity.public_key.bytes, es.data()));
  EXPECT_EQ(bob.accept(forge(public_of(bytes_of("e")).bytes, es), at(0s)), Verdict::kAccepted);
}

TEST_F(LowOrder, ResponseWithEphemeralOfLowOrderIsRefused) {
  const auto initiation = alice.initiate(stamp(1));
  const auto opened = open_initiation(bob.identity, initiation);
  ASSERT_TRUE(opened);
  const auto forge = [&](const Point& ephemeral, const Point& ee, const Point& se) {
    Transcript transcript = opened->transcript;
    Point ss{};
    EXPECT_TRUE(crypto::x25519(bob.identity.private_key.reveal(), alice.identity.public_key.bytes, ss.data()));
    transcript.mix_key_and_derive(ss);
    Timestamp timestamp{};
    EXPECT_TRUE(transcript.decrypt_and_hash(opened->sealed_timestamp, timestamp.data()));
    ResponseBytes message{};
    store32(message.data(), 2);
    store32(&message[Response::kReceiver], kAliceIndex);
    std::copy(ephemeral.begin(), ephemeral.end(), &message[Response::kEphemeral]);
    transcript.mix_hash(ephemeral);
    transcript.mix_key(ephemeral);
    transcript.mix_key_and_derive(ee);
    transcript.mix_key_and_derive(se);
    transcript.mix_psk(kZero);
    transcript.encrypt_and_hash({}, &message[Response::kNothing]);
    return message;
  };
  for (const Point& point : low_order_points()) {
    EXPECT_EQ(alice.consume(forge(point, kZero, kZero)), Verdict::kInvalid);
    ASSERT_EQ(alice.handshake->state(), State::kInitiationCreated);
  }
  Point ee{}, se{};
  ASSERT_TRUE(crypto::x25519(bytes_of("e"), opened->remote_ephemeral, ee.data()));
  ASSERT_TRUE(crypto::x25519(bytes_of("e"), alice.identity.public_key.bytes, se.data()));
  EXPECT_EQ(alice.consume(forge(public_of(bytes_of("e")).bytes, ee, se)), Verdict::kAccepted);
}

}  // namespace
}  // namespace wgu::noise
