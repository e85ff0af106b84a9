#pragma once
// The intrinsics of the AVX-512 kernel, from the compiler or, in tests, from their emulation; and what all its files share.

#if defined(WGU_EMULATED_AVX512)
#include "crypto/emulation/avx512.h"
#else
#include <immintrin.h>
#endif

#include <cstddef>
#include <cstdint>

namespace wgu::crypto::avx512 {
namespace {  // compiled for this CPU: no copy may be picked by the linker for another

using std::size_t;
using std::uint32_t;
using std::uint64_t;
using std::uint8_t;

#define WGU_INLINE [[gnu::always_inline]] inline

constexpr size_t kBlock = 64;  // of ChaCha20

struct alignas(64) OneTimeKey {
  uint8_t bytes[kBlock];  // r, s, and the rest of block 0, which nobody uses
};

inline __mmask64 first_bytes(size_t count) { return count >= 64 ? ~__mmask64{0} : (__mmask64{1} << count) - 1; }

// `size`: a multiple of 64, `memory` aligned to it. Quicker than memset for the little there is; that each store is one of its own keeps
// the compiler from making a memset of them again ("rep stos").
inline void erase(void* memory, size_t size) {
  auto* const bytes = static_cast<uint8_t*>(memory);
  for (size_t done = 0; done < size; done += 64) {
    _mm512_store_si512(bytes + done, _mm512_setzero_si512());
    asm volatile("" : : "r"(memory) : "memory");
  }
}

}  // namespace
}  // namespace wgu::crypto::avx512
