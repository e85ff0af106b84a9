// Events arm and cancel five deadlines; take_due() turns a deadline that has come into a decision and forgets it.
//   retransmit  armed: initiation sent or deferred  cancelled: handshake completed
//   keepalive   armed: data received           cancelled: anything sent, giving up
//   no answer   armed: data sent               cancelled: anything received
//   erase       armed: session derived, giving up without one
//   persistent  armed: anything sent or received, switching it on
// What take_due() itself arms counts from the deadline and not from `now`, so that a late call ends where a punctual one would.

#include "noise/timers.h"

#include <algorithm>
#include <utility>

namespace wgu::noise {

void Timers::initiation_sent(Instant now, Duration jitter) noexcept {
  last_initiation_ = now;
  deadlines_[kRetransmit] = now + kRekeyTimeout + jitter;
}

void Timers::initiation_deferred(Duration jitter) noexcept {
  if (last_initiation_) deadlines_[kRetransmit] = *last_initiation_ + kRekeyTimeout + jitter;
}

void Timers::handshake_completed() noexcept {
  deadlines_[kRetransmit] = kNever;
  attempts_ = 0;
  sent_last_minute_handshake_ = false;
}

void Timers::session_derived(Instant now) noexcept { deadlines_[kErase] = now + kEraseAfterTime; }

// Only the first of several packets arms: the silence is counted from the oldest one without an answer.
void Timers::data_sent(Instant now, Duration jitter) noexcept {
  if (deadlines_[kNoAnswer] == kNever) deadlines_[kNoAnswer] = now + kNewHandshakeTimeout + jitter;
}

// Whitepaper 6.5: a keepalive answers data only. Were it armed by keepalives too, two idle peers would answer each other for ever.
void Timers::data_received(Instant now) noexcept {
  if (deadlines_[kKeepalive] == kNever) {
    deadlines_[kKeepalive] = now + kKeepaliveTimeout;
  } else {
    wants_another_keepalive_ = true;
  }
}

void Timers::any_authenticated_packet_sent() noexcept { deadlines_[kKeepalive] = kNever; }

void Timers::any_authenticated_packet_received() noexcept { deadlines_[kNoAnswer] = kNever; }

void Timers::any_authenticated_packet_traversed(Instant now) noexcept {
  if (persistent_interval_ > Duration::zero()) deadlines_[kPersistent] = now + persistent_interval_;
}

void Timers::set_persistent_keepalive(Duration interval, Instant now) noexcept {
  persistent_interval_ = interval;
  if (interval <= Duration::zero()) {
    deadlines_[kPersistent] = kNever;
  } else if (deadlines_[kPersistent] == kNever) {
    deadlines_[kPersistent] = now;
  }
}

bool Timers::may_initiate(Instant now) const noexcept { return !last_initiation_ || now - *last_initiation_ >= kRekeyTimeout; }

bool Timers::take_last_minute_handshake() noexcept { return !std::exchange(sent_last_minute_handshake_, true); }

void Timers::cancel_all() noexcept {
  deadlines_.fill(kNever);
  last_initiation_.reset();
  attempts_ = 0;
  wants_another_keepalive_ = false;
  sent_last_minute_handshake_ = false;
}

Instant Timers::next() const noexcept { return *std::min_element(deadlines_.begin(), deadlines_.end()); }

Due Timers::take_due(Instant now) noexcept {
  const auto earliest = std::min_element(deadlines_.begin(), deadlines_.end());
  if (*earliest == kNever || *earliest > now) return Due::kNothing;
  const Instant deadline = std::exchange(*earliest, kNever);
  switch (static_cast<Timer>(earliest - deadlines_.begin())) {
    case kRetransmit:
      if (attempts_ > kMaxHandshakeAttempts) {
        give_up(deadline);
        return Due::kGiveUp;
      }
      ++attempts_;
      return Due::kRetransmitInitiation;
    case kKeepalive:
      // A keepalive that goes out at once cancels this again; it counts when there was no session to send it on.
      if (std::exchange(wants_another_keepalive_, false)) deadlines_[kKeepalive] = deadline + kKeepaliveTimeout;
      return Due::kKeepalive;
    case kNoAnswer:
      return Due::kNewHandshake;
    case kErase:
      return Due::kEraseKeys;
    case kPersistent:
      return Due::kPersistentKeepalive;
    case kTimerCount:
      break;
  }
  return Due::kNothing;
}

// The peer is gone for now: owe it no keepalive, and let the keys it had go even if no session renews their deadline.
void Timers::give_up(Instant deadline) noexcept {
  deadlines_[kKeepalive] = kNever;
  if (deadlines_[kErase] == kNever) deadlines_[kErase] = deadline + kEraseAfterTime;
}

}  // namespace wgu::noise
