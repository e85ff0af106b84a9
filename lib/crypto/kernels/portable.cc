// The kernel that runs everywhere: libsodium, a packet at a time. Also what the others are measured and checked against.

#include "crypto/aead_kernels.h"
#include "crypto/sodium_ready.h"

namespace wgu::crypto {
namespace {

bool runs_here() noexcept { return true; }

void seal_each(std::span<SealJob> jobs) noexcept {
  for (const SealJob& job : jobs) {
    crypto_aead_chacha20poly1305_ietf_encrypt_detached(job.out, job.out + job.length, nullptr, job.in, job.length, nullptr, 0, nullptr,
                                                       nonce_of(job.counter).data(), job.key);
  }
}

// libsodium checks the tag before it decrypts, and zeroes the output when the tag is wrong.
void open_each(std::span<OpenJob> jobs) noexcept {
  for (OpenJob& job : jobs) {
    job.is_authentic = false;
    if (job.length < kAeadTagSize) continue;
    const std::size_t size = job.length - kAeadTagSize;
    job.is_authentic = crypto_aead_chacha20poly1305_ietf_decrypt_detached(job.out, nullptr, job.in, size, job.in + size, nullptr, 0,
                                                                          nonce_of(job.counter).data(), job.key) == 0;
  }
}

}  // namespace

const AeadKernel kPortableKernel = {"portable", runs_here, seal_each, open_each};

}  // namespace wgu::crypto
