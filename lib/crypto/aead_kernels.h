#pragma once
// The ordered list of AEAD kernels, best first: one file and one constant table per instruction set. A kernel is added by
// writing kernels/NAME.cc and one line in aead_dispatch.cc; the tests find it through kernels().

#include <array>
#include <cstdint>
#include <span>

#include "crypto/aead.h"

namespace wgu::crypto {

struct AeadKernel {
  const char* name;
  bool (*runs_here)() noexcept;  // does this CPU (and its OS) run it?
  void (*seal)(std::span<SealJob>) noexcept;
  void (*open)(std::span<OpenJob>) noexcept;
};

extern const AeadKernel kAvx512Kernel;    // AVX-512 with IFMA
extern const AeadKernel kAvx2Kernel;      // AVX2 with BMI2
extern const AeadKernel kPortableKernel;  // libsodium; runs everywhere

std::span<const AeadKernel* const> kernels() noexcept;

// Whitepaper 5.4.6: 32 bits of zeros, then the counter in little-endian.
inline std::array<std::uint8_t, 12> nonce_of(std::uint64_t counter) noexcept {
  std::array<std::uint8_t, 12> nonce{};
  for (unsigned i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  return nonce;
}

}  // namespace wgu::crypto
