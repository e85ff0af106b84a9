#pragma once
// The five timers of a peer as values (whitepaper 6.1 to 6.5; kernel timers.c): deadlines that events arm and cancel, and the
// decisions that are due. Nothing here sends: peer.cc acts on decisions and reports what it did as events, which arm again: a
// retransmission through initiation_sent(), a persistent keepalive through any_authenticated_packet_traversed() (so however late
// it is asked for, it is due once). Take what is due at `now` before reporting events of `now`.
//
//   retransmit   initiation sent            -> +5 s + jitter: send again, 20 in all, then give up (100 s + jitters)
//   keepalive    data received, none sent   -> +10 s: send an empty packet
//   no answer    data sent, none received   -> +15 s + jitter: begin a handshake
//   erase        session or last attempt    -> +540 s: erase all keys
//   persistent   any authenticated packet   -> +interval: send an empty packet

#include <array>
#include <cstdint>
#include <optional>

#include "noise/limits.h"
#include "wgu/time.h"

namespace wgu::noise {

enum class Due : std::uint8_t {
  kNothing,
  kRetransmitInitiation,  // the attempt count has already moved
  kGiveUp,                // drop what is staged; the erase timer is armed
  kKeepalive,
  kNewHandshake,          // we sent and heard nothing: maybe the path or the session is gone
  kEraseKeys,
  kPersistentKeepalive,
};

class Timers {
 public:
  // Jitter arguments are 0..kRekeyJitterMax, from Host.
  void initiation_sent(Instant now, Duration jitter) noexcept;
  void response_sent(Instant now) noexcept { last_initiation_ = now; }  // counts for may_initiate (kernel: last_sent_handshake)
  // One is wanted that may_initiate() forbids: it is due, as a retransmission, when Rekey-Timeout is over.
  void initiation_deferred(Duration jitter) noexcept;
  [[nodiscard]] bool has_retransmission() const noexcept { return deadlines_[kRetransmit] != kNever; }
  void handshake_completed() noexcept;                     // initiator: a response; responder: the first data packet
  void session_derived(Instant now) noexcept;
  void data_sent(Instant now, Duration jitter) noexcept;   // not for keepalives
  void data_received(Instant now) noexcept;                // not for keepalives
  void any_authenticated_packet_sent() noexcept;
  void any_authenticated_packet_received() noexcept;
  void any_authenticated_packet_traversed(Instant now) noexcept;  // sent or received: handshakes, data, keepalives

  // Zero: off. Otherwise the first is due at `now`, unless one is pending already (as in the kernel, a new interval then counts
  // from the next packet). Call it again when the interface goes up: cancel_all() keeps the interval only.
  void set_persistent_keepalive(Duration interval, Instant now) noexcept;
  [[nodiscard]] Duration persistent_keepalive() const noexcept { return persistent_interval_; }
  void begin_new_attempts() noexcept { attempts_ = 0; }    // a fresh reason to handshake, not a retry
  [[nodiscard]] unsigned attempts() const noexcept { return attempts_; }
  // Whitepaper 6.1: "an initiation at most once every Rekey-Timeout".
  [[nodiscard]] bool may_initiate(Instant now) const noexcept;
  void forget_last_initiation() noexcept { last_initiation_.reset(); }  // it was made under another identity
  // The refresh after receiving late in a session happens once a session.
  [[nodiscard]] bool take_last_minute_handshake() noexcept;
  void cancel_all() noexcept;                              // interface down, peer stopped; may initiate at once afterwards

  [[nodiscard]] Instant next() const noexcept;             // exact; kNever when nothing is armed
  // What is due at `now`, one at a time, earliest first, until kNothing. A late call yields what an exact one would have.
  [[nodiscard]] Due take_due(Instant now) noexcept;

 private:
  enum Timer : std::size_t { kRetransmit, kKeepalive, kNoAnswer, kErase, kPersistent, kTimerCount };
  void give_up(Instant deadline) noexcept;
  std::array<Instant, kTimerCount> deadlines_{kNever, kNever, kNever, kNever, kNever};
  std::optional<Instant> last_initiation_;
  Duration persistent_interval_{};
  unsigned attempts_ = 0;
  bool wants_another_keepalive_ = false;
  bool sent_last_minute_handshake_ = false;
};

}  // namespace wgu::noise
