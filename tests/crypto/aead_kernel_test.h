#pragma once
// What the tests of the kernels share: a parametrised suite over kernels(), libsodium's answer, and buffers that notice a stray write.

#include <gtest/gtest.h>
#include <sodium.h>

#include <algorithm>
#include <string>

#include "bytes.h"
#include "crypto/aead_kernels.h"

namespace wgu::crypto {

inline Bytes sealed_by_libsodium(const Bytes& key, std::uint64_t counter, std::span<const std::uint8_t> plaintext) {
  std::array<std::uint8_t, 12> nonce{};
  for (unsigned i = 0; i < 8; ++i) nonce[4 + i] = static_cast<std::uint8_t>(counter >> (8 * i));
  Bytes out(plaintext.size() + kAeadTagSize);
  crypto_aead_chacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(), nullptr, 0, nullptr, nonce.data(),
                                            key.data());
  return out;
}

inline bool is_zeroed(std::span<const std::uint8_t> bytes) {
  return std::ranges::all_of(bytes, [](std::uint8_t byte) { return byte == 0; });
}

// A buffer with guard bytes on both sides; `size` is what a kernel may write. `misalignment` is from a multiple of 64.
class Guarded {
 public:
  explicit Guarded(std::size_t size, std::size_t misalignment = 0) : memory_(kGuard + 64 + size + kGuard + 64, kGuardByte), size_(size) {
    const std::size_t past = reinterpret_cast<std::uintptr_t>(memory_.data()) % 64;
    front_ = kGuard + (64 - past) % 64 + misalignment % 64;
  }
  Guarded(std::span<const std::uint8_t> content, std::size_t size, std::size_t misalignment) : Guarded(size, misalignment) {
    std::ranges::copy(content, data());
  }
  // A copy would lie elsewhere, otherwise aligned.
  Guarded(const Guarded&) = delete;
  Guarded& operator=(const Guarded&) = delete;
  Guarded(Guarded&&) = default;
  std::uint8_t* data() { return memory_.data() + front_; }
  std::span<std::uint8_t> bytes() { return {data(), size_}; }
  bool is_intact() const {
    const auto is_guard = [](std::uint8_t byte) { return byte == kGuardByte; };
    return std::all_of(memory_.begin(), memory_.begin() + static_cast<std::ptrdiff_t>(front_), is_guard) &&
           std::all_of(memory_.begin() + static_cast<std::ptrdiff_t>(front_ + size_), memory_.end(), is_guard);
  }

 private:
  static constexpr std::size_t kGuard = 64;
  static constexpr std::uint8_t kGuardByte = 0xc3;
  Bytes memory_;
  std::size_t front_ = 0;
  std::size_t size_;
};

// Every kernel of the list that runs here.
class AeadKernelSuite : public testing::TestWithParam<const AeadKernel*> {
 protected:
  static void SetUpTestSuite() { ASSERT_GE(sodium_init(), 0); }
  void SetUp() override {
    if (!GetParam()->runs_here()) GTEST_SKIP() << "this CPU does not run " << GetParam()->name;
  }
  static void seal_one(SealJob job) { GetParam()->seal({&job, 1}); }
  static bool open_one(OpenJob job) {
    GetParam()->open({&job, 1});
    return job.is_authentic;
  }
};

inline auto every_kernel() { return testing::ValuesIn(kernels().begin(), kernels().end()); }
inline std::string name_of_kernel(const testing::TestParamInfo<const AeadKernel*>& info) { return info.param->name; }

}  // namespace wgu::crypto
