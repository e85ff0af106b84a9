#include "tunnel/handshake_gate.h"

#include <algorithm>
#include <array>

namespace wgu::tunnel {
namespace {

std::array<std::uint8_t, 16> random_hash_key(const Host& host) {
  std::array<std::uint8_t, 16> key;
  host.random(key);
  return key;
}

}  // namespace

HandshakeGate::HandshakeGate(const Host& host)
    : sources_(random_hash_key(host)),
      cookie_replies_(noise::kCookieRepliesPerSecond, noise::kCookieReplyBurst),
      under_load_until_(Instant::min().time_since_epoch().count()) {
  host.random(cookie_secret_.bytes);
}

bool HandshakeGate::try_enter() noexcept {
  if (queued_.fetch_add(1, std::memory_order_relaxed) < noise::kMaxQueuedHandshakes) return true;
  queued_.fetch_sub(1, std::memory_order_relaxed);
  return false;
}

void HandshakeGate::leave() noexcept { queued_.fetch_sub(1, std::memory_order_relaxed); }

bool HandshakeGate::is_under_load(Instant now, Duration& prolonged) noexcept {
  const Clock::rep instant = now.time_since_epoch().count();
  if (queued() >= noise::kMaxQueuedHandshakes / 8) {
    // Workers' clocks agree to within a batch: a lost race moves the end by microseconds.
    const Clock::rep until = (now + noise::kUnderLoadSticky).time_since_epoch().count();
    const Clock::rep before = under_load_until_.exchange(until, std::memory_order_relaxed);
    prolonged += Duration(std::max<Clock::rep>(0, until - std::max(before, instant)));
    return true;
  }
  return instant < under_load_until_.load(std::memory_order_relaxed);
}

}  // namespace wgu::tunnel
