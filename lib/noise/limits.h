#pragma once
// Constants of the protocol. Sources: the WireGuard whitepaper section 6 (times, messages) and Linux drivers/net/wireguard
// messages.h, ratelimiter.c, cookie.c (the numbers the paper leaves open).

#include <cstdint>

#include "wgu/time.h"

namespace wgu::noise {

using namespace std::chrono_literals;

// Whitepaper 6.1.
inline constexpr std::uint64_t kRekeyAfterMessages = 1ULL << 60;
inline constexpr Duration kRekeyAfterTime = 120s;
inline constexpr Duration kRejectAfterTime = 180s;
inline constexpr Duration kRekeyAttemptTime = 90s;
inline constexpr Duration kRekeyTimeout = 5s;
inline constexpr Duration kKeepaliveTimeout = 10s;

// RFC 6479-style window in 64-bit words: 128 words, of which one is being filled.
inline constexpr std::uint64_t kReplayWindowBits = 8192;
inline constexpr std::uint64_t kReplayWindowUsable = kReplayWindowBits - 64;  // 8128
// Kernel messages.h: counters from this on are neither sent nor accepted, so that the window never wraps.
inline constexpr std::uint64_t kRejectAfterMessages = UINT64_MAX - kReplayWindowUsable - 1;

// Kernel timers.c: retries of one handshake before giving up (REKEY_ATTEMPT_TIME / REKEY_TIMEOUT), jitter of each.
inline constexpr unsigned kMaxHandshakeAttempts = 90 / 5;  // the give-up comes after attempt 18 + 2
inline constexpr Duration kRekeyJitterMax = 333ms;
// A receiver that initiated the session renews it this late at the latest (whitepaper 6.2).
inline constexpr Duration kRefreshAfterReceive = kRejectAfterTime - kKeepaliveTimeout - kRekeyTimeout;  // 165 s
inline constexpr Duration kNewHandshakeTimeout = kKeepaliveTimeout + kRekeyTimeout;                     // 15 s
inline constexpr Duration kEraseAfterTime = 3 * kRejectAfterTime;                                       // 540 s

// Kernel cookie.h, messages.h.
inline constexpr Duration kCookieSecretMaxAge = 120s;
inline constexpr Duration kCookieSecretLatency = 5s;  // an initiator stops using a cookie this long before it goes stale
inline constexpr unsigned kInitiationsPerSecond = 50;  // of one peer
// Kernel ratelimiter.c.
inline constexpr unsigned kHandshakesPerSecond = 20;  // of one proven source
inline constexpr unsigned kHandshakeBurst = 5;
// wgu's own bound on replies to strangers; a reply (64 bytes) is smaller than what asks for it (92 or 148).
inline constexpr unsigned kCookieRepliesPerSecond = 4096;
inline constexpr unsigned kCookieReplyBurst = 256;

inline constexpr std::size_t kMaxStagedPackets = 128;
inline constexpr std::size_t kMaxQueuedHandshakes = 1024;  // a device
inline constexpr Duration kUnderLoadSticky = 1s;
inline constexpr std::size_t kPaddingMultiple = 16;
inline constexpr std::uint8_t kHandshakeTrafficClass = 0x88;  // DSCP AF41

}  // namespace wgu::noise
