// OpenSSL 3 through EVP: one cipher context a key and direction; a packet sets the nonce only.
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <memory>

#include "bench/micro/comparators/comparator.h"
#include "crypto/aead_kernels.h"

namespace {

using wgu::crypto::kAeadTagSize;
using wgu::crypto::nonce_of;

struct FreeCipher {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Cipher = std::unique_ptr<EVP_CIPHER_CTX, FreeCipher>;

struct Context {
  Cipher seal;
  Cipher open;
};

const char* version() noexcept { return OpenSSL_version(OPENSSL_VERSION); }

void* make_context(const std::uint8_t* key) noexcept {
  auto context = std::make_unique<Context>(Context{Cipher(EVP_CIPHER_CTX_new()), Cipher(EVP_CIPHER_CTX_new())});
  const EVP_CIPHER* cipher = EVP_chacha20_poly1305();
  const bool is_ready = context->seal && context->open && EVP_EncryptInit_ex(context->seal.get(), cipher, nullptr, key, nullptr) == 1 &&
                        EVP_DecryptInit_ex(context->open.get(), cipher, nullptr, key, nullptr) == 1;
  return is_ready ? context.release() : nullptr;
}

void free_context(void* context) noexcept { delete static_cast<Context*>(context); }

void seal(void* context, const wgu::crypto::SealJob& job) noexcept {
  EVP_CIPHER_CTX* cipher = static_cast<Context*>(context)->seal.get();
  int size = 0;
  EVP_EncryptInit_ex(cipher, nullptr, nullptr, nullptr, nonce_of(job.counter).data());
  EVP_EncryptUpdate(cipher, job.out, &size, job.in, static_cast<int>(job.length));
  EVP_EncryptFinal_ex(cipher, job.out + job.length, &size);
  EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kAeadTagSize), job.out + job.length);
}

bool open(void* context, const wgu::crypto::OpenJob& job) noexcept {
  EVP_CIPHER_CTX* cipher = static_cast<Context*>(context)->open.get();
  const std::size_t length = job.length - kAeadTagSize;
  int size = 0;
  EVP_DecryptInit_ex(cipher, nullptr, nullptr, nullptr, nonce_of(job.counter).data());
  EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kAeadTagSize), const_cast<std::uint8_t*>(job.in + length));
  EVP_DecryptUpdate(cipher, job.out, &size, job.in, static_cast<int>(length));
  return EVP_DecryptFinal_ex(cipher, job.out + length, &size) == 1;
}

constexpr wgu::bench::Comparator kOpenssl = {"openssl", version, make_context, free_context, seal, open};

}  // namespace

extern "C" __attribute__((visibility("default"))) const wgu::bench::Comparator* wgu_bench_comparator() noexcept { return &kOpenssl; }
