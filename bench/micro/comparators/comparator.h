#pragma once
// Another library's ChaCha20-Poly1305, called a packet at a time as its own users would, in the fastest way that its interface
// offers. The contract between wgu-bench and the shared objects beside it.

#include "crypto/aead.h"

namespace wgu::bench {

struct Comparator {
  const char* name;
  const char* (*version)() noexcept;
  // Everything that depends on the key alone, as a session would keep it: no packet pays for key set-up. Null when the library
  // refuses. `key` (32 bytes) outlives the context. One thread at a time.
  void* (*make_context)(const std::uint8_t* key) noexcept;
  void (*free_context)(void* context) noexcept;
  void (*seal)(void* context, const crypto::SealJob& job) noexcept;
  bool (*open)(void* context, const crypto::OpenJob& job) noexcept;  // is it authentic?
};

// What such a shared object exports, and under which name.
using ComparatorEntry = const Comparator* (*)() noexcept;
inline constexpr const char* kComparatorEntry = "wgu_bench_comparator";

}  // namespace wgu::bench
