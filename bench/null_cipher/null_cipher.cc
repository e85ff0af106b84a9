// NOT SECURE, for measurements only: wgu with its cipher replaced by a copy, to tell what everything around it costs. Defines what
// lib/crypto/aead_dispatch.cc defines; linked into a program before the library, it takes that file's place, and there is nothing
// left to choose. Lengths, flows and the handshake are the real ones.
//
// The tag is the key, the counter, the length and the ends of the payload folded together: it refuses what was damaged or lies
// in another session at next to no cost, and keeps nothing secret and no attacker out.

#include <algorithm>
#include <cstring>

#include "crypto/aead_kernels.h"

namespace wgu::crypto {
namespace {

struct Tag {
  std::uint64_t halves[2];
};
static_assert(sizeof(Tag) == kAeadTagSize);

std::uint64_t word_at(const std::uint8_t* bytes) noexcept {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  return word;
}

Tag tag_of(const std::uint8_t* key, std::uint64_t counter, const std::uint8_t* payload, std::size_t length) noexcept {
  Tag tag = {{word_at(key) ^ counter, word_at(key + 8) ^ length}};
  if (length >= sizeof(std::uint64_t)) {
    tag.halves[0] ^= word_at(payload);
    tag.halves[1] ^= word_at(payload + length - sizeof(std::uint64_t));
  }
  return tag;
}

void copy_each(std::span<SealJob> jobs) noexcept {
  for (const SealJob& job : jobs) {
    const Tag tag = tag_of(job.key, job.counter, job.in, job.length);
    if (job.out != job.in) std::copy_n(job.in, job.length, job.out);
    std::memcpy(job.out + job.length, &tag, sizeof tag);
  }
}

void copy_back_each(std::span<OpenJob> jobs) noexcept {
  for (OpenJob& job : jobs) {
    job.is_authentic = false;
    if (job.length < kAeadTagSize) continue;
    const std::size_t size = job.length - kAeadTagSize;
    const Tag tag = tag_of(job.key, job.counter, job.in, size);
    job.is_authentic = std::memcmp(job.in + size, &tag, sizeof tag) == 0;
    if (!job.is_authentic) {
      std::fill_n(job.out, size, std::uint8_t{0});
    } else if (job.out != job.in) {
      std::copy_n(job.in, size, job.out);
    }
  }
}

bool runs_here() noexcept { return true; }

constexpr AeadKernel kNullKernel = {"null", runs_here, copy_each, copy_back_each};
constexpr std::array kKernels = {&kNullKernel};

}  // namespace

std::span<const AeadKernel* const> kernels() noexcept { return kKernels; }

void seal(std::span<SealJob> jobs) noexcept { copy_each(jobs); }

void open(std::span<OpenJob> jobs) noexcept { copy_back_each(jobs); }

const char* kernel_name() noexcept { return kNullKernel.name; }

}  // namespace wgu::crypto
