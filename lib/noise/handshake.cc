// The handshake, message by message in the order in which they travel. In Noise's notation (IKpsk2):
//   <- s                          responder's static key, known beforehand: begin_transcript
//   -> e, es, s, ss, timestamp    initiation: create_initiation | open_initiation, accept_initiation
//   <- e, ee, se, psk, nothing    response:   create_response   | consume_response
//   split                         begin_session, on both sides
// Each step works on a copy of the transcript, and commits it only when nothing more can fail. Any shared secret that is all zero
// ends the step (RFC 7748 section 6.1): the other side contributed nothing, or a point of low order.

#include "noise/handshake.h"

#include <algorithm>
#include <new>
#include <utility>

#include "crypto/x25519.h"

namespace wgu::noise {
namespace {

// Whitepaper 5.4: HASH("Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"), and HASH of that and "WireGuard v1 zx2c4 Jason@zx2c4.com". Three blocks
// that every handshake would hash again on both sides.
constexpr crypto::Hash kConstruction = {0x60, 0xe2, 0x6d, 0xae, 0xf3, 0x27, 0xef, 0xc0, 0x2e, 0xc3, 0x35, 0xe2, 0xa0, 0x25, 0xd2, 0xd0,
                                        0x16, 0xeb, 0x42, 0x06, 0xf8, 0x72, 0x77, 0xf5, 0x2d, 0x38, 0xd1, 0x98, 0x8b, 0x78, 0xcd, 0x36};
constexpr crypto::Hash kIdentified = {0x22, 0x11, 0xb3, 0x61, 0x08, 0x1a, 0xc5, 0x66, 0x69, 0x12, 0x43, 0xdb, 0x45, 0x8a, 0xd5, 0x32,
                                      0x2d, 0x9c, 0x6c, 0x66, 0x22, 0x93, 0xe8, 0xb7, 0x0e, 0xe1, 0x9c, 0x65, 0xba, 0x07, 0x9e, 0xf3};

constexpr Duration kInitiationSpacing = Duration(1s) / kInitiationsPerSecond;

// Token "e". With a PSK in the pattern the ephemeral goes into the key as well (Noise specification 9.2).
void mix_ephemeral(Transcript& transcript, crypto::KeyBytes ephemeral) noexcept {
  transcript.mix_hash(ephemeral);
  transcript.mix_key(ephemeral);
}

// Tokens "es", "ee", "se": those whose secret lives no longer than the step.
[[nodiscard]] bool mix_dh(Transcript& transcript, crypto::KeyBytes private_key, crypto::KeyBytes public_key) noexcept {
  crypto::SecretBytes shared;
  if (!crypto::x25519(private_key, public_key, shared.data())) return false;
  transcript.mix_key_and_derive(shared.bytes);
  return true;
}

}  // namespace

Timestamp tai64n(WallTime wall) noexcept {
  constexpr std::uint64_t kTaiOfUnixEpoch = 0x400000000000000A;  // 2^62, and TAI was 10 s ahead of UTC in 1970
  constexpr std::uint32_t kWhitened = (1U << 24) - 1;
  const std::uint64_t seconds = kTaiOfUnixEpoch + static_cast<std::uint64_t>(wall.seconds);
  const std::uint32_t nanoseconds = wall.nanoseconds & ~kWhitened;
  Timestamp timestamp{};
  for (std::size_t i = 0; i < 8; ++i) timestamp[i] = static_cast<std::uint8_t>(seconds >> (56 - 8 * i));
  for (std::size_t i = 0; i < 4; ++i) timestamp[8 + i] = static_cast<std::uint8_t>(nanoseconds >> (24 - 8 * i));
  return timestamp;
}

Transcript begin_transcript(const PublicKey& responder) noexcept {
  Transcript transcript(kConstruction, kIdentified);
  transcript.mix_hash(responder.bytes);
  return transcript;
}

Handshake::Handshake(crypto::SecretSlab& slab, const PublicKey& remote_static) : secrets_(slab), remote_static_(remote_static) {}

void Handshake::set_identity(const Identity& identity) noexcept {
  erase();
  crypto::erase(secrets_->static_static, sizeof secrets_->static_static);
  has_static_static_ = false;
  is_usable_ = !identity.private_key.is_zero() && !crypto::has_low_order(remote_static_.bytes);
}

bool Handshake::mix_static_static(const Identity& identity, Transcript& transcript) noexcept {
  if (!has_static_static_)
    has_static_static_ = crypto::x25519(identity.private_key.reveal(), remote_static_.bytes, secrets_->static_static);
  if (has_static_static_) transcript.mix_key_and_derive(secrets_->static_static);
  return has_static_static_;
}

void Handshake::set_preshared(const PresharedKey& key) noexcept {
  const auto bytes = key.reveal();
  std::copy(bytes.begin(), bytes.end(), secrets_->preshared);
}

PresharedKey Handshake::preshared() const noexcept { return PresharedKey(secrets_->preshared); }

bool Handshake::create_initiation(const Identity& identity, std::span<const std::uint8_t, 32> ephemeral_private, const Timestamp& timestamp,
                                  std::uint32_t local_index, std::span<std::uint8_t, kInitiationSize> message) noexcept {
  if (!is_usable_) return false;
  Transcript transcript = begin_transcript(remote_static_);

  std::fill(message.begin(), message.end(), std::uint8_t{0});
  store32(message.data(), static_cast<std::uint32_t>(MessageType::kInitiation));
  store32(&message[Initiation::kSender], local_index);
  const auto ephemeral = message.subspan<Initiation::kEphemeral, 32>();
  crypto::x25519_public(ephemeral_private, ephemeral.data());
  mix_ephemeral(transcript, ephemeral);
  if (!mix_dh(transcript, ephemeral_private, remote_static_.bytes)) return false;
  transcript.encrypt_and_hash(identity.public_key.bytes, &message[Initiation::kStatic]);
  if (!mix_static_static(identity, transcript)) return false;
  transcript.encrypt_and_hash(timestamp, &message[Initiation::kTimestamp]);

  erase();
  secrets_->transcript = transcript;
  std::copy(ephemeral_private.begin(), ephemeral_private.end(), secrets_->ephemeral_private);
  local_index_ = local_index;
  state_ = State::kInitiationCreated;
  return true;
}

std::optional<OpenedInitiation> open_initiation(const Identity& identity, std::span<const std::uint8_t> message) noexcept {
  OpenedInitiation opened;
  opened.transcript = begin_transcript(identity.public_key);
  opened.sender_index = load32(&message[Initiation::kSender]);
  const auto ephemeral = message.subspan<Initiation::kEphemeral, 32>();
  std::copy(ephemeral.begin(), ephemeral.end(), opened.remote_ephemeral.begin());
  mix_ephemeral(opened.transcript, ephemeral);
  if (!mix_dh(opened.transcript, identity.private_key.reveal(), ephemeral)) return std::nullopt;
  const auto sealed_static = message.subspan<Initiation::kStatic, 32 + 16>();
  if (!opened.transcript.decrypt_and_hash(sealed_static, opened.remote_static.bytes.data())) return std::nullopt;
  const auto sealed_timestamp = message.subspan<Initiation::kTimestamp, kTimestampSize + 16>();
  std::copy(sealed_timestamp.begin(), sealed_timestamp.end(), opened.sealed_timestamp.begin());
  return opened;
}

Handshake::Verdict Handshake::accept_initiation(const Identity& identity, const OpenedInitiation& opened, Instant now) noexcept {
  if (!is_usable_ || opened.remote_static != remote_static_) return Verdict::kInvalid;
  Transcript transcript = opened.transcript;
  if (!mix_static_static(identity, transcript)) return Verdict::kInvalid;
  Timestamp timestamp{};
  if (!transcript.decrypt_and_hash(opened.sealed_timestamp, timestamp.data())) return Verdict::kInvalid;
  // Whitepaper 5.1: the responder keeps the greatest timestamp of each peer and discards what is not greater.
  if (timestamp <= greatest_timestamp_) return Verdict::kReplayedTimestamp;
  if (last_accepted_ && now - *last_accepted_ < kInitiationSpacing) return Verdict::kFlood;

  erase();
  greatest_timestamp_ = timestamp;
  last_accepted_ = now;
  secrets_->transcript = transcript;
  remote_ephemeral_ = opened.remote_ephemeral;
  remote_index_ = opened.sender_index;
  state_ = State::kInitiationConsumed;
  return Verdict::kAccepted;
}

bool Handshake::create_response(std::span<const std::uint8_t, 32> ephemeral_private, std::uint32_t local_index,
                                std::span<std::uint8_t, kResponseSize> message) noexcept {
  if (state_ != State::kInitiationConsumed) return false;
  Transcript transcript = secrets_->transcript;

  std::fill(message.begin(), message.end(), std::uint8_t{0});
  store32(message.data(), static_cast<std::uint32_t>(MessageType::kResponse));
  store32(&message[Response::kSender], local_index);
  store32(&message[Response::kReceiver], remote_index_);
  const auto ephemeral = message.subspan<Response::kEphemeral, 32>();
  crypto::x25519_public(ephemeral_private, ephemeral.data());
  mix_ephemeral(transcript, ephemeral);
  if (!mix_dh(transcript, ephemeral_private, remote_ephemeral_)) return false;
  if (!mix_dh(transcript, ephemeral_private, remote_static_.bytes)) return false;
  transcript.mix_psk(secrets_->preshared);
  transcript.encrypt_and_hash({}, &message[Response::kNothing]);

  secrets_->transcript = transcript;
  local_index_ = local_index;
  state_ = State::kResponseCreated;
  return true;
}

Handshake::Verdict Handshake::consume_response(const Identity& identity, std::span<const std::uint8_t, kResponseSize> message) noexcept {
  // The receiver index ties a response to the one initiation it answers. Once consumed the state has moved on, so a second copy
  // can never begin a second session on the same keys (CVE-2026-99059).
  if (state_ != State::kInitiationCreated || load32(&message[Response::kReceiver]) != local_index_) return Verdict::kUnexpected;
  Transcript transcript = secrets_->transcript;
  const auto ephemeral = message.subspan<Response::kEphemeral, 32>();
  mix_ephemeral(transcript, ephemeral);
  if (!mix_dh(transcript, secrets_->ephemeral_private, ephemeral)) return Verdict::kInvalid;
  if (!mix_dh(transcript, identity.private_key.reveal(), ephemeral)) return Verdict::kInvalid;
  transcript.mix_psk(secrets_->preshared);
  std::uint8_t nothing = 0;
  if (!transcript.decrypt_and_hash(message.subspan<Response::kNothing, 16>(), &nothing)) return Verdict::kInvalid;

  secrets_->transcript = transcript;
  crypto::erase(secrets_->ephemeral_private, sizeof secrets_->ephemeral_private);
  remote_index_ = load32(&message[Response::kSender]);
  state_ = State::kResponseConsumed;
  return Verdict::kAccepted;
}

bool Handshake::begin_session(crypto::SecretSlab& session_slab, Instant now, Keypair& keypair) noexcept {
  const bool is_initiator = state_ == State::kResponseConsumed;
  if (!is_initiator && state_ != State::kResponseCreated) return false;
  crypto::Secret<SessionKeys> keys;
  try {
    keys = crypto::Secret<SessionKeys>(session_slab);
  } catch (const std::bad_alloc&) {
    return false;
  }
  // Whitepaper 5.4.5: the first key is the initiator's to send with.
  if (is_initiator) {
    secrets_->transcript.split(keys->send, keys->receive);
  } else {
    secrets_->transcript.split(keys->receive, keys->send);
  }
  keypair = Keypair{};
  keypair.keys = std::move(keys);
  keypair.local_index = local_index_;
  keypair.remote_index = remote_index_;
  keypair.born = now;
  keypair.is_initiator = is_initiator;
  erase();
  return true;
}

void Handshake::erase() noexcept {
  secrets_->transcript.erase();
  crypto::erase(secrets_->ephemeral_private, sizeof secrets_->ephemeral_private);
  remote_ephemeral_.fill(0);
  local_index_ = 0;
  remote_index_ = 0;
  state_ = State::kZeroed;
}

}  // namespace wgu::noise
