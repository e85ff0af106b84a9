// Comparators other than libsodium (which wgu itself rests on) are opened with RTLD_LOCAL: each sees its own library's symbols and
// nobody else's. They stay open for as long as the program runs.
#include "bench/micro/aead_tables.h"

#include <dlfcn.h>
#include <sodium.h>

#include <array>
#include <stdexcept>

namespace wgu::bench {
namespace {

constexpr std::array kOpened = {"openssl", "ipsec_mb", "boringssl"};

const char* sodium_version() noexcept { return sodium_version_string(); }

// Its interface has no contexts: the key is all there is.
void* make_context(const std::uint8_t* key) noexcept { return const_cast<std::uint8_t*>(key); }
void free_context(void*) noexcept {}

void seal(void* key, const crypto::SealJob& job) noexcept {
  crypto_aead_chacha20poly1305_ietf_encrypt(job.out, nullptr, job.in, job.length, nullptr, 0, nullptr, crypto::nonce_of(job.counter).data(),
                                            static_cast<const std::uint8_t*>(key));
}

bool open(void* key, const crypto::OpenJob& job) noexcept {
  return crypto_aead_chacha20poly1305_ietf_decrypt(job.out, nullptr, nullptr, job.in, job.length, nullptr, 0,
                                                   crypto::nonce_of(job.counter).data(), static_cast<const std::uint8_t*>(key)) == 0;
}

}  // namespace

const Comparator kLibsodium = {"libsodium", sodium_version, make_context, free_context, seal, open};

std::vector<std::string> AeadTables::comparators() const {
  std::vector<std::string> names = {kLibsodium.name};
  names.insert(names.end(), kOpened.begin(), kOpened.end());
  return names;
}

AeadTables find_aead_tables() {
  AeadTables found;
  if (sodium_init() < 0) throw std::runtime_error("libsodium does not initialise: there is no source of randomness");
  for (const crypto::AeadKernel* kernel : crypto::kernels()) {
    if (kernel->runs_here()) {
      found.tables.push_back({kernel->name, kernel, nullptr});
    } else {
      found.kernels_left_out.emplace_back(kernel->name);
    }
  }
  found.tables.push_back({kLibsodium.name, nullptr, &kLibsodium});
  for (const std::string name : kOpened) {
    const std::string file = "wgu-bench-" + name + ".so";
    void* const object = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
    void* const entry = object == nullptr ? nullptr : dlsym(object, kComparatorEntry);
    if (entry == nullptr) {
      found.comparators_left_out.emplace_back(name, dlerror());
      continue;
    }
    found.tables.push_back({name, nullptr, reinterpret_cast<ComparatorEntry>(entry)()});
  }
  return found;
}

}  // namespace wgu::bench
