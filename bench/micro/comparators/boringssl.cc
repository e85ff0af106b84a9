// BoringSSL through EVP_AEAD, whose ChaCha20-Poly1305 is one stitched assembly routine (AVX2 where the CPU has it).
#include <openssl/aead.h>
#include <openssl/crypto.h>

#include "bench/micro/comparators/comparator.h"
#include "crypto/aead_kernels.h"

namespace {

using wgu::crypto::kAeadTagSize;
using wgu::crypto::nonce_of;

constexpr std::size_t kNonceSize = 12;

// It has no release numbers; the API's number is all that a program can ask for.
const char* version() noexcept {
#define WGU_BENCH_TEXT_OF(number) #number
#define WGU_BENCH_TEXT(number) WGU_BENCH_TEXT_OF(number)
  return "BoringSSL API " WGU_BENCH_TEXT(BORINGSSL_API_VERSION);
}

void* make_context(const std::uint8_t* key) noexcept {
  CRYPTO_library_init();  // looks at the CPU; without it the portable code would be measured
  return EVP_AEAD_CTX_new(EVP_aead_chacha20_poly1305(), key, wgu::crypto::kAeadKeySize, kAeadTagSize);
}

void free_context(void* context) noexcept { EVP_AEAD_CTX_free(static_cast<EVP_AEAD_CTX*>(context)); }

void seal(void* context, const wgu::crypto::SealJob& job) noexcept {
  std::size_t size = 0;
  EVP_AEAD_CTX_seal(static_cast<EVP_AEAD_CTX*>(context), job.out, &size, job.length + kAeadTagSize, nonce_of(job.counter).data(),
                    kNonceSize, job.in, job.length, nullptr, 0);
}

bool open(void* context, const wgu::crypto::OpenJob& job) noexcept {
  std::size_t size = 0;
  return EVP_AEAD_CTX_open(static_cast<EVP_AEAD_CTX*>(context), job.out, &size, job.length - kAeadTagSize, nonce_of(job.counter).data(),
                           kNonceSize, job.in, job.length, nullptr, 0) == 1;
}

constexpr wgu::bench::Comparator kBoringssl = {"boringssl", version, make_context, free_context, seal, open};

}  // namespace

extern "C" __attribute__((visibility("default"))) const wgu::bench::Comparator* wgu_bench_comparator() noexcept { return &kBoringssl; }
