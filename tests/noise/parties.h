#pragma once
// Two ends of a handshake, for tests.

#include <gtest/gtest.h>

#include <optional>
#include <ostream>
#include <string_view>
#include <vector>

#include "noise/bytes.h"
#include "noise/handshake.h"

namespace wgu::noise {

inline std::ostream& operator<<(std::ostream& out, Handshake::Verdict verdict) {
  return out << "Verdict(" << static_cast<int>(verdict) << ')';
}

using State = Handshake::State;
using Verdict = Handshake::Verdict;
using InitiationBytes = std::array<std::uint8_t, kInitiationSize>;
using ResponseBytes = std::array<std::uint8_t, kResponseSize>;
using Point = std::array<std::uint8_t, 32>;

inline constexpr std::uint32_t kAliceIndex = 0x01020304, kBobIndex = 0xA0B0C0D0;

inline Instant at(Duration since_start) { return Instant(since_start); }
inline Timestamp stamp(std::int64_t seconds) { return tai64n({seconds, 0}); }

// One end: an identity, and the handshake with the other end.
struct End {
  End(const Point& private_key, const PublicKey& remote) : identity(identity_of(private_key)), handshake(std::in_place, slab, remote) {
    handshake->set_identity(identity);
  }
  InitiationBytes initiate(const Timestamp& timestamp, std::string_view ephemeral = "initiator ephemeral",
                           std::uint32_t index = kAliceIndex) {
    InitiationBytes message{};
    EXPECT_TRUE(handshake->create_initiation(identity, bytes_of(ephemeral), timestamp, index, message));
    return message;
  }
  Verdict accept(std::span<const std::uint8_t> message, Instant now) {
    const auto opened = open_initiation(identity, message);
    return opened ? handshake->accept_initiation(identity, *opened, now) : Verdict::kInvalid;
  }
  ResponseBytes respond(std::string_view ephemeral = "responder ephemeral", std::uint32_t index = kBobIndex) {
    ResponseBytes message{};
    EXPECT_TRUE(handshake->create_response(bytes_of(ephemeral), index, message));
    return message;
  }
  Verdict consume(const ResponseBytes& message) { return handshake->consume_response(identity, message); }
  Keypair begin(Instant now = at(0s)) {
    Keypair keypair;
    EXPECT_TRUE(handshake->begin_session(session_slab, now, keypair));
    return keypair;
  }
  crypto::SecretSlab slab{sizeof(PeerSecrets), 4};
  crypto::SecretSlab session_slab{sizeof(SessionKeys), 4};
  Identity identity;
  std::optional<Handshake> handshake;
};

inline std::vector<std::uint8_t> sending(const Keypair& keypair) { return to_vector(keypair.keys->send); }
inline std::vector<std::uint8_t> receiving(const Keypair& keypair) { return to_vector(keypair.keys->receive); }

inline void expect_paired(const Keypair& alice, const Keypair& bob) {
  EXPECT_EQ(sending(alice), receiving(bob));
  EXPECT_EQ(receiving(alice), sending(bob));
  EXPECT_NE(sending(alice), receiving(alice));
  EXPECT_EQ(alice.local_index, bob.remote_index);
  EXPECT_EQ(alice.remote_index, bob.local_index);
}

struct HandshakeTest : testing::Test {
  // Alice's initiation, accepted by Bob, and his response.
  ResponseBytes answered(std::int64_t seconds) {
    EXPECT_EQ(bob.accept(alice.initiate(stamp(seconds)), at(std::chrono::seconds(seconds))), Verdict::kAccepted);
    return bob.respond();
  }
  void expect_handshake_succeeds(std::int64_t seconds) {
    ASSERT_EQ(alice.consume(answered(seconds)), Verdict::kAccepted);
    expect_paired(alice.begin(), bob.begin());
  }
  End alice{bytes_of("alice"), public_of(bytes_of("bob"))};
  End bob{bytes_of("bob"), public_of(bytes_of("alice"))};
};

}  // namespace wgu::noise
