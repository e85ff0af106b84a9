// Constant time, shown by valgrind's memcheck: secrets are marked undefined, so that each branch and each address that depends
// on one is an error. A section is a call that must raise none; the planted leaks must raise some, or the rest proves nothing.
// What is public by the protocol (lengths, counters, verdicts) stays defined or is listed in constant_time.supp.
// Not run under valgrind (or built without its header) the program skips with status 77.

#include <cstdio>
#include <random>

#include "bytes.h"
#include "crypto/aead_kernels.h"
#include "crypto/blake2s.h"
#include "crypto/sodium_ready.h"
#include "crypto/x25519.h"

#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#else
#define RUNNING_ON_VALGRIND 0
#define VALGRIND_COUNT_ERRORS 0U
#define VALGRIND_MAKE_MEM_UNDEFINED(memory, size) (static_cast<void>(memory), static_cast<void>(size))
#define VALGRIND_MAKE_MEM_DEFINED(memory, size) (static_cast<void>(memory), static_cast<void>(size))
#endif

namespace wgu::crypto {
namespace {

constexpr int kSkipped = 77;
int failures = 0;
std::mt19937 generator(5);

void hide(Bytes& secret) { VALGRIND_MAKE_MEM_UNDEFINED(secret.data(), secret.size()); }
void reveal(const void* memory, std::size_t size) { VALGRIND_MAKE_MEM_DEFINED(memory, size); }
void reveal(const Bytes& bytes) { reveal(bytes.data(), bytes.size()); }

Bytes secret_bytes(std::size_t size) {
  Bytes bytes = random_bytes(generator, size);
  hide(bytes);
  return bytes;
}

template <class Call>
void expect_errors(bool is_leak, const char* what, const Call& call) {
  const unsigned before = VALGRIND_COUNT_ERRORS;
  call();
  const unsigned errors = VALGRIND_COUNT_ERRORS - before;
  const bool is_right = (errors > 0) == is_leak;
  failures += !is_right;
  std::printf("%s %s: %u errors\n", is_right ? "ok  " : "FAIL", what, errors);
  std::fflush(stdout);
}

// Batches as the data path has them. `packets` share no buffer; each second one goes from `text` to `other`, the rest in place.
struct Batch {
  explicit Batch(std::vector<std::uint32_t> packet_lengths) : lengths(std::move(packet_lengths)) {
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      keys.push_back(i % 3 == 1 ? keys.back() : secret_bytes(32));
      hide(keys.back());
      text.push_back(random_bytes(generator, lengths[i] + kAeadTagSize));
      VALGRIND_MAKE_MEM_UNDEFINED(text.back().data(), lengths[i]);
      other.emplace_back(lengths[i] + kAeadTagSize);
    }
  }
  void seal(const AeadKernel& kernel) {
    std::vector<SealJob> jobs;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      jobs.push_back({keys[i].data(), i * i, text[i].data(), i % 2 == 0 ? text[i].data() : other[i].data(), lengths[i]});
    }
    kernel.seal(jobs);
  }
  // Opens what seal() made. Ciphertext is public.
  void open(const AeadKernel& kernel, bool is_forged) {
    std::vector<OpenJob> jobs;
    for (std::size_t i = 0; i < lengths.size(); ++i) {
      Bytes& sealed = i % 2 == 0 ? text[i] : other[i];
      reveal(sealed);
      if (is_forged) sealed[generator() % sealed.size()] ^= 1;
      jobs.push_back({keys[i].data(), i * i, sealed.data(), text[i].data(), lengths[i] + std::uint32_t{kAeadTagSize}});
    }
    kernel.open(jobs);
    for (OpenJob& job : jobs) {
      reveal(&job.is_authentic, sizeof job.is_authentic);
      if (job.is_authentic == is_forged) {
        std::printf("FAIL %s: a verdict is wrong\n", kernel.name);
        ++failures;
      }
    }
  }
  std::vector<std::uint32_t> lengths;
  std::vector<Bytes> keys;
  std::vector<Bytes> text;
  std::vector<Bytes> other;
};

std::vector<std::vector<std::uint32_t>> batches() {
  std::vector<std::vector<std::uint32_t>> all = {
      {1424}, {5000}, {1424, 1424}, {600, 40, 1424}, std::vector<std::uint32_t>(64, 64), std::vector<std::uint32_t>(20, 1424)};
  for (std::uint32_t length = 0; length <= 130; ++length) all.push_back({length});
  std::vector<std::uint32_t> ragged;
  for (std::uint32_t i = 0; i < 130; ++i) ragged.push_back(i % 7 == 0 ? 1424 : (i * 37) % 300);
  all.push_back(ragged);
  return all;
}

void check_kernel(const AeadKernel& kernel) {
  const std::string name = kernel.name;
  std::vector<Batch> whole;
  for (auto& lengths : batches()) whole.emplace_back(std::move(lengths));
  std::vector<Batch> forged;
  for (auto& lengths : batches()) forged.emplace_back(std::move(lengths));
  expect_errors(false, (name + " seal").c_str(), [&] {
    for (Batch& batch : whole) batch.seal(kernel);
    for (Batch& batch : forged) batch.seal(kernel);
  });
  expect_errors(false, (name + " open").c_str(), [&] {
    for (Batch& batch : whole) batch.open(kernel, false);
  });
  expect_errors(false, (name + " open, forged").c_str(), [&] {
    for (Batch& batch : forged) batch.open(kernel, true);
  });
}

void check_hashes() {
  const Bytes key = secret_bytes(32);
  const Bytes text = secret_bytes(200);
  Bytes out(96);
  expect_errors(false, "blake2s: hash, mac, hmac, kdf", [&] {
    for (std::size_t size = 0; size <= text.size(); ++size) {
      static_cast<void>(hash(text, std::span(text).first(size)));
      static_cast<void>(mac(key, std::span(text).first(size)));
      hmac(key, std::span(text).first(size), out.data());
    }
    kdf(key_of(key), text, out.data(), out.data() + 32, out.data() + 64);
  });
  expect_errors(false, "equal_secret", [&] {
    const Bytes same = key;
    bool is_equal = equal_secret(key, same);
    reveal(&is_equal, sizeof is_equal);
    bool is_equal_to_another = equal_secret(key, std::span(text).first(32));
    reveal(&is_equal_to_another, sizeof is_equal_to_another);
    failures += !is_equal || is_equal_to_another;
  });
}

void check_x25519() {
  const Bytes private_key = secret_bytes(32);
  Bytes public_key(32);
  Bytes shared(32);
  expect_errors(false, "x25519", [&] {
    x25519_public(key_of(private_key), public_key.data());
    reveal(public_key);
    bool is_good = x25519(key_of(private_key), key_of(public_key), shared.data());
    reveal(&is_good, sizeof is_good);
    failures += !is_good;
  });
}

// Each must be seen: what a careless kernel, comparison or table would do.
void check_planted_leaks() {
  const Bytes secret = secret_bytes(32);
  volatile int sink = 0;
  expect_errors(true, "a planted branch on a secret", [&] {
    if (secret[7] & 1) sink = sink + 1;
  });
  expect_errors(true, "a planted index that is secret", [&] {
    static const volatile std::uint8_t table[256] = {1};
    sink = table[secret[9]];
  });
  expect_errors(true, "a planted early exit of a comparison", [&] {
    const Bytes other(32);
    for (std::size_t i = 0; i < secret.size() && secret[i] == other[i]; ++i) sink = sink + 1;
  });
  expect_errors(true, "a planted branch on the key stream", [&] {
    Batch batch({64});
    batch.seal(kPortableKernel);
    if (batch.text[0][5] & 1) sink = sink + 1;
  });
}

int check() {
  if (!RUNNING_ON_VALGRIND) {
    std::puts("skipped: not under valgrind");
    return kSkipped;
  }
  require_sodium();
  check_planted_leaks();
  for (const AeadKernel* kernel : kernels()) {
    if (kernel->runs_here()) {
      check_kernel(*kernel);
    } else {
      std::printf("     %s: not here: valgrind does not run it\n", kernel->name);
    }
  }
  check_hashes();
  check_x25519();
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace wgu::crypto

int main() { return wgu::crypto::check(); }
