#pragma once
// libsodium picks its code for this CPU, and its random source, in sodium_init(); before that it is slow, and its guarded
// memory unsafe. Asked once a process: afterwards this is one load, so that no lock stands in a handshake's way.

#include <sodium.h>

#include <cstdlib>

namespace wgu::crypto {

inline void require_sodium() noexcept {
  static const bool is_ready = sodium_init() >= 0;
  if (!is_ready) std::abort();  // no random source: nothing that follows could be secret
}

}  // namespace wgu::crypto
