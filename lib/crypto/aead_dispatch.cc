// Which kernel seals and opens: the first of the list, best first, that runs here; chosen at the first use. WGU_AEAD=<name> in
// the environment, read then, forces another for tests and measurements; a name that is unknown or does not run here changes
// nothing, and kernel_name() tells. Stands alone, because wgu-bench links a dispatch of its own in its place (bench/null_cipher/).

#include "crypto/aead.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "crypto/aead_kernels.h"
#include "crypto/sodium_ready.h"

namespace wgu::crypto {
namespace {

// A build against emulated intrinsics (tests/) has the kernels that it emulates, on any machine.
constexpr std::array kKernels = {
#if defined(WGU_EMULATED_AVX512) || (defined(__x86_64__) && !defined(WGU_EMULATED_AVX2))
    &kAvx512Kernel,
#endif
#if defined(WGU_EMULATED_AVX2) || (defined(__x86_64__) && !defined(WGU_EMULATED_AVX512))
    &kAvx2Kernel,
#endif
    &kPortableKernel,
};

const AeadKernel& chosen_kernel() noexcept {
  static const AeadKernel& the_kernel = []() -> const AeadKernel& {
    require_sodium();
    const char* forced = ::secure_getenv("WGU_AEAD");
    const auto is_forced = [&](const AeadKernel* kernel) { return forced != nullptr && std::string_view(forced) == kernel->name; };
    const auto runs_here = [](const AeadKernel* kernel) { return kernel->runs_here(); };
    const auto chosen =
        std::find_if(kKernels.begin(), kKernels.end(), [&](const auto* kernel) { return is_forced(kernel) && runs_here(kernel); });
    return chosen != kKernels.end() ? **chosen : **std::find_if(kKernels.begin(), kKernels.end(), runs_here);
  }();
  return the_kernel;
}

}  // namespace

std::span<const AeadKernel* const> kernels() noexcept { return kKernels; }

void seal(std::span<SealJob> jobs) noexcept { chosen_kernel().seal(jobs); }

void open(std::span<OpenJob> jobs) noexcept { chosen_kernel().open(jobs); }

const char* kernel_name() noexcept { return chosen_kernel().name; }

}  // namespace wgu::crypto
