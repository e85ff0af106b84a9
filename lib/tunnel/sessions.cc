#include "tunnel/sessions.h"

#include <utility>

namespace wgu::tunnel {

void Sessions::add(std::unique_ptr<noise::Keypair> keypair) {
  indices_.assign(keypair->local_index, keypair.get());
  if (keypair->is_initiator) {
    // An unconfirmed next is kept as previous: the other side may have begun to use it while our handshakes crossed.
    drop(previous_);
    if (next_ != nullptr) {
      previous_ = std::move(next_);
      drop(current_);
    } else {
      previous_ = std::move(current_);
    }
    current_ = std::move(keypair);
  } else {
    drop(next_);
    drop(previous_);
    next_ = std::move(keypair);
  }
}

bool Sessions::confirm(const noise::Keypair* keypair) noexcept {
  if (next_ == nullptr || keypair != next_.get()) return false;
  drop(previous_);
  previous_ = std::move(current_);
  current_ = std::move(next_);
  return true;
}

void Sessions::clear() noexcept {
  drop(previous_);
  drop(current_);
  drop(next_);
}

void Sessions::retire_for_sending() noexcept {
  for (auto* keypair : {previous_.get(), current_.get(), next_.get()}) {
    if (keypair != nullptr) keypair->next_counter = noise::kRejectAfterMessages;
  }
}

void Sessions::drop(std::unique_ptr<noise::Keypair>& keypair) noexcept {
  if (keypair == nullptr) return;
  indices_.erase(keypair->local_index);
  keypair.reset();
}

}  // namespace wgu::tunnel
