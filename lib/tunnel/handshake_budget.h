#pragma once
// How much of a shard's time its handshakes may take, by what they are known to cost: no clock runs here. Where there is little data, as
// much as there is, a few messages at a time; data that keeps a shard busy leaves them a tenth, and one message at a time, so that packets
// wait for no more than that one.

#include <algorithm>
#include <cstddef>

#include "wgu/time.h"

namespace wgu::tunnel {

class HandshakeBudget {
 public:
  static constexpr Duration kArithmetic = std::chrono::microseconds(130);  // of a handshake message: four times X25519
  static constexpr Duration kRefusal = std::chrono::microseconds(4);  // of one refused before any arithmetic, or answered with a cookie
  static constexpr int kMostAtOnce = 4;                               // messages: half a millisecond
  static constexpr int kShare = 10;                                   // beside much data: one part in so many
  // Much: a tenth of a core, at a microsecond or two a packet. (Whoever has just shaken hands sends a packet or two: that is little.)
  static constexpr std::size_t kMuchData = 512;  // packets in a window
  static constexpr Duration kWindow = std::chrono::milliseconds(10);
  // Claims to have had a cookie are looked at outside of a message's turn: for half a millisecond between two calls of advance(), or,
  // beside much data, for a twentieth of the time.
  static constexpr Duration kMac1Cost = std::chrono::nanoseconds(300);   // two blocks of BLAKE2s
  static constexpr Duration kMac2Cost = std::chrono::nanoseconds(1250);  // eight: the period's secret, the cookie, and the message
  static constexpr Duration kMostForClaims = std::chrono::microseconds(500);
  static constexpr int kClaimsShare = 20;

  // `packets` of data were sealed or opened since the last call.
  void advance(Instant now, std::size_t packets) noexcept {
    const Duration elapsed = std::max(now - last_, Duration::zero());
    last_ = now;
    if (now - window_began_ >= kWindow) {
      was_much_ = now - window_began_ < 2 * kWindow && packets_ >= kMuchData;
      packets_ = 0;
      window_began_ = now;
    }
    packets_ += packets;
    if (has_much_data()) {
      credit_ = std::min(credit_ + elapsed / kShare, kArithmetic);
      claims_ = std::max(claims_ - elapsed / kClaimsShare, Duration::zero());
    } else {
      credit_ = kMostAtOnce * kArithmetic;
      claims_ = Duration::zero();
    }
  }

  // Is it a message's turn?
  [[nodiscard]] bool has_credit() const noexcept { return credit_ > Duration::zero(); }
  void charge(Duration cost) noexcept { credit_ -= cost; }
  // When advance() will give credit, at the latest.
  [[nodiscard]] Instant next_credit() const noexcept {
    return has_credit() || !has_much_data() ? Instant::min() : last_ + kShare * (Duration(1) - credit_);
  }

  [[nodiscard]] bool may_look_at_claim() const noexcept { return claims_ < kMostForClaims; }
  void charge_claim(Duration cost) noexcept { claims_ += cost; }

 private:
  [[nodiscard]] bool has_much_data() const noexcept { return was_much_ || packets_ >= kMuchData; }

  Instant last_{};
  Instant window_began_{};
  std::size_t packets_ = 0;                      // of data, in this window
  bool was_much_ = false;                        // in the one before
  Duration credit_ = kMostAtOnce * kArithmetic;  // below zero: what was taken too much
  Duration claims_{};                            // what was spent on them, less what has been paid off
};

}  // namespace wgu::tunnel
