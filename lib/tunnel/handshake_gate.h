#pragma once
// What all workers of a device share about handshakes, because an initiation lands on any of them: how many messages wait,
// whether the device is under load, the cookie secret, and the buckets. Only atomics: no lock, no clock.

#include <atomic>
#include <cstdint>

#include "crypto/secret_slab.h"
#include "noise/limits.h"
#include "tunnel/rate_limiter.h"
#include "wgu/host.h"

namespace wgu::tunnel {

class HandshakeGate {
 public:
  explicit HandshakeGate(const Host& host);

  // A message joins (leaves) a worker's handshake queue. False: kMaxQueuedHandshakes wait already, drop it.
  [[nodiscard]] bool try_enter() noexcept;
  void leave() noexcept;

  // The queue is at least 1/8 full, or was within the last second (kernel receive.c): a valid MAC2 becomes necessary. `prolonged`
  // grows by how much longer that is so now; all workers' together is how long it was.
  [[nodiscard]] bool is_under_load(Instant now, Duration& prolonged) noexcept;
  [[nodiscard]] bool is_under_load(Instant now) noexcept {
    Duration prolonged{};
    return is_under_load(now, prolonged);
  }

  [[nodiscard]] bool admit_source(const IpAddress& source, Instant now) noexcept { return sources_.admit(source, now); }
  [[nodiscard]] bool admit_cookie_reply(Instant now) noexcept { return cookie_replies_.admit(now); }
  [[nodiscard]] std::span<const std::uint8_t, 32> cookie_secret() const noexcept { return cookie_secret_; }
  [[nodiscard]] std::size_t queued() const noexcept { return queued_.load(std::memory_order_relaxed); }

 private:
  crypto::SecretBytes cookie_secret_;
  SourceLimiter sources_;
  TokenBucket cookie_replies_;
  std::atomic<std::size_t> queued_{0};
  std::atomic<Clock::rep> under_load_until_;
};

}  // namespace wgu::tunnel
