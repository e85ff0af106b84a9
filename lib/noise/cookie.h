#pragma once
// MAC1, MAC2 and cookie replies (whitepaper 5.3, 5.4.4, 5.4.7).
//   CookieChecker: the responder. One a device, used by all workers at once: it has no mutable state (the secret that rotates
//                  every 120 s is derived from a device secret and the period's number), so it needs no lock.
//   CookieJar:     the initiator's, one a peer.

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "crypto/blake2s.h"
#include "noise/limits.h"
#include "noise/messages.h"
#include "wgu/key.h"
#include "wgu/net.h"

namespace wgu::noise {

using Cookie = std::array<std::uint8_t, 16>;

// Does `message` end in a MAC2, good or bad? Zeros: its sender has no cookie. \pre an initiation's or response's size
[[nodiscard]] bool has_mac2(std::span<const std::uint8_t> message) noexcept;

class CookieChecker {
 public:
  // `device_secret` comes from Host once a device and is kept for its life.
  explicit CookieChecker(std::span<const std::uint8_t, 32> device_secret) noexcept;
  ~CookieChecker();
  CookieChecker(const CookieChecker&) = delete;
  CookieChecker& operator=(const CookieChecker&) = delete;
  // \thread not together with the others: a new identity is published between batches.
  void set_public_key(const PublicKey& ours) noexcept;

  // Constant time. \pre (here and below) message has the size of an initiation or response.
  [[nodiscard]] bool has_valid_mac1(std::span<const std::uint8_t> message) const noexcept;
  // Was MAC2 made with the cookie we gave `source` (address and port) in this period of 120 s?
  [[nodiscard]] bool has_valid_mac2(std::span<const std::uint8_t> message, const Endpoint& source, Instant now) const noexcept;
  // Answers `message` with a cookie for `source`. `nonce` comes from Host.
  void create_reply(std::span<const std::uint8_t> message, const Endpoint& source, Instant now, std::span<const std::uint8_t, 24> nonce,
                    std::span<std::uint8_t, kCookieReplySize> reply) const noexcept;

 private:
  [[nodiscard]] Cookie cookie_for(const Endpoint& source, Instant now) const noexcept;
  std::array<std::uint8_t, 32> device_secret_{};
  crypto::Blake2s mac1_{crypto::kMacSize};  // has taken its key: a flood is refused by one block less a message
  std::array<std::uint8_t, 32> cookie_key_{};
};

class CookieJar {
 public:
  explicit CookieJar(const PublicKey& theirs) noexcept;
  ~CookieJar();
  CookieJar(const CookieJar&) = delete;
  CookieJar& operator=(const CookieJar&) = delete;
  // Fills MAC1, and MAC2 if a cookie younger than 115 s is there (else zeros), of an initiation or response.
  void add_macs(std::span<std::uint8_t> message, Instant now) noexcept;
  // Takes the cookie when the reply authenticates against the last MAC1 sent; once for each MAC1. False: leave all as it was.
  [[nodiscard]] bool consume_reply(std::span<const std::uint8_t, kCookieReplySize> reply, Instant now) noexcept;
  void forget_cookie() noexcept;

 private:
  std::array<std::uint8_t, 32> mac1_key_{};
  std::array<std::uint8_t, 32> cookie_key_{};
  Cookie cookie_{};
  std::optional<Instant> cookie_received_;
  std::optional<crypto::Mac> last_mac1_;
};

}  // namespace wgu::noise
