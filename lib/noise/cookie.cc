// MAC1 proves knowledge of the receiver's public key, MAC2 that the sender receives at its source address (whitepaper 5.3).
//   MAC1 = MAC(HASH("mac1----" || receiver's public key), message up to MAC1)
//   MAC2 = MAC(cookie, message up to MAC2)
//   cookie = MAC(secret of the period, source address || source port)
// A cookie travels in XChaCha20-Poly1305 under HASH("cookie--" || responder's public key), with the MAC1 it answers as
// associated data: only who saw that message can forge a reply to it.

#include "noise/cookie.h"

#include <algorithm>
#include <chrono>
#include <ratio>

#include "crypto/aead.h"
#include "crypto/secret_slab.h"

namespace wgu::noise {
namespace {

constexpr std::array<std::uint8_t, 8> kMac1Label{'m', 'a', 'c', '1', '-', '-', '-', '-'};
constexpr std::array<std::uint8_t, 8> kCookieLabel{'c', 'o', 'o', 'k', 'i', 'e', '-', '-'};

using Period = std::chrono::duration<std::int64_t, std::ratio<120>>;
static_assert(Period(1) == kCookieSecretMaxAge);

// Both MACs end a message: MAC1 covers all before itself, MAC2 all before itself, MAC1 included.
template <class Byte>
struct MacFields {
  explicit MacFields(std::span<Byte> message) noexcept
      : before_mac1(message.first(message.size() - 2 * crypto::kMacSize)),
        mac1(message.subspan(message.size() - 2 * crypto::kMacSize, crypto::kMacSize)),
        before_mac2(message.first(message.size() - crypto::kMacSize)),
        mac2(message.last(crypto::kMacSize)) {}
  std::span<Byte> before_mac1, mac1, before_mac2, mac2;
};

}  // namespace

bool has_mac2(std::span<const std::uint8_t> message) noexcept {
  const auto mac2 = message.last(crypto::kMacSize);
  return std::any_of(mac2.begin(), mac2.end(), [](std::uint8_t byte) { return byte != 0; });
}

CookieChecker::CookieChecker(std::span<const std::uint8_t, 32> device_secret) noexcept {
  std::copy(device_secret.begin(), device_secret.end(), device_secret_.begin());
}

CookieChecker::~CookieChecker() {
  crypto::erase(device_secret_.data(), device_secret_.size());
  crypto::erase(cookie_key_.data(), cookie_key_.size());
}

void CookieChecker::set_public_key(const PublicKey& ours) noexcept {
  mac1_ = crypto::Blake2s(crypto::kMacSize, crypto::hash(kMac1Label, ours.bytes));
  mac1_.expect_more();
  cookie_key_ = crypto::hash(kCookieLabel, ours.bytes);
}

bool CookieChecker::has_valid_mac1(std::span<const std::uint8_t> message) const noexcept {
  const MacFields fields(message);
  crypto::Mac expected;
  crypto::Blake2s(mac1_).update(fields.before_mac1).finish(expected.data());
  return crypto::equal_secret(expected, fields.mac1);
}

bool CookieChecker::has_valid_mac2(std::span<const std::uint8_t> message, const Endpoint& source, Instant now) const noexcept {
  if (!has_mac2(message)) return false;  // as nearly all of a flood; what is no secret need not take the time of one
  const MacFields fields(message);
  Cookie cookie = cookie_for(source, now);
  const bool is_valid = crypto::equal_secret(crypto::mac(cookie, fields.before_mac2), fields.mac2);
  crypto::erase(cookie.data(), cookie.size());
  return is_valid;
}

void CookieChecker::create_reply(std::span<const std::uint8_t> message, const Endpoint& source, Instant now,
                                 std::span<const std::uint8_t, 24> nonce, std::span<std::uint8_t, kCookieReplySize> reply) const noexcept {
  static_assert(Initiation::kSender == Response::kSender);
  store32(reply.data(), static_cast<std::uint32_t>(MessageType::kCookieReply));
  store32(&reply[CookieReply::kReceiver], load32(&message[Initiation::kSender]));
  std::copy(nonce.begin(), nonce.end(), &reply[CookieReply::kNonce]);
  Cookie cookie = cookie_for(source, now);
  crypto::xaead_seal(cookie_key_, nonce, MacFields(message).mac1, cookie, &reply[CookieReply::kCookie]);
  crypto::erase(cookie.data(), cookie.size());
}

// "Whose secret changes every two minutes" (5.4.7). Instead of a stored secret and a lock around its change: the period's number
// keyed with the device's secret. A cookie given late in a period dies with it; its holder is given another.
Cookie CookieChecker::cookie_for(const Endpoint& source, Instant now) const noexcept {
  std::array<std::uint8_t, 8> period{};
  store64(period.data(), static_cast<std::uint64_t>(std::chrono::floor<Period>(now.time_since_epoch()).count()));
  crypto::SecretBytes secret;
  crypto::Blake2s(secret.bytes.size(), device_secret_).update(period).finish(secret.data());

  // The port counts as well: behind one NAT address many sources share an address, and one must not spend another's cookie.
  std::array<std::uint8_t, 18> input{};
  const std::size_t address_size = source.address.bits() / 8;
  std::copy_n(source.address.bytes.begin(), address_size, input.begin());
  input[address_size] = static_cast<std::uint8_t>(source.port >> 8);
  input[address_size + 1] = static_cast<std::uint8_t>(source.port);
  return crypto::mac(secret.bytes, std::span(input).first(address_size + 2));
}

CookieJar::CookieJar(const PublicKey& theirs) noexcept
    : mac1_key_(crypto::hash(kMac1Label, theirs.bytes)), cookie_key_(crypto::hash(kCookieLabel, theirs.bytes)) {}

CookieJar::~CookieJar() {
  forget_cookie();
  crypto::erase(mac1_key_.data(), mac1_key_.size());
  crypto::erase(cookie_key_.data(), cookie_key_.size());
}

void CookieJar::add_macs(std::span<std::uint8_t> message, Instant now) noexcept {
  const MacFields fields(message);
  last_mac1_ = crypto::mac(mac1_key_, fields.before_mac1);
  std::copy(last_mac1_->begin(), last_mac1_->end(), fields.mac1.begin());
  // Stop a little before the responder's secret can have changed, so that a message still on its way is not refused.
  crypto::Mac mac2{};
  if (cookie_received_ && now - *cookie_received_ < kCookieSecretMaxAge - kCookieSecretLatency) {
    mac2 = crypto::mac(cookie_, fields.before_mac2);
  }
  std::copy(mac2.begin(), mac2.end(), fields.mac2.begin());
}

bool CookieJar::consume_reply(std::span<const std::uint8_t, kCookieReplySize> reply, Instant now) noexcept {
  if (!last_mac1_) return false;
  Cookie cookie{};
  const bool is_authentic = crypto::xaead_open(cookie_key_, reply.subspan<CookieReply::kNonce, 24>(), *last_mac1_,
                                               reply.subspan<CookieReply::kCookie>(), cookie.data());
  if (is_authentic) {
    cookie_ = cookie;
    cookie_received_ = now;
    last_mac1_.reset();
  }
  crypto::erase(cookie.data(), cookie.size());
  return is_authentic;
}

void CookieJar::forget_cookie() noexcept {
  crypto::erase(cookie_.data(), cookie_.size());
  cookie_received_.reset();
}

}  // namespace wgu::noise
