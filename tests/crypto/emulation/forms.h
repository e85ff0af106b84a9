#pragma once
// The intrinsics that kernels/avx512.cc uses, each as a function of bytes, so that the emulated ones and the CPU's can be compared though
// no program part can be compiled for both. forms.cc is compiled twice, once for each table.

#include <cstddef>
#include <cstdint>
#include <span>

namespace wgu::crypto::emulation {

struct alignas(64) Operands {
  std::uint8_t a[64], b[64], c[64];
  std::uint64_t mask;
};

struct alignas(64) Results {
  std::uint8_t vector[64][64];  // one for each immediate operand; most forms have none and fill the first
};

struct Form {
  const char* name;  // the intrinsic's
  void (*run)(const Operands&, Results&) noexcept;
};

extern const std::span<const Form> kEmulatedForms;
extern const std::span<const Form> kRealForms;  // may be run where runs_real_forms()

bool runs_real_forms() noexcept;

}  // namespace wgu::crypto::emulation
