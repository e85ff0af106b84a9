// A chunk is one sodium_malloc: inaccessible pages on both sides, a canary, locked where RLIMIT_MEMLOCK allows. Slots lie at
// multiples of a cache line from the chunk's page-aligned start. Free slots are zero: give_back erases, so take need not.

#include "crypto/secret_slab.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cassert>

#include "crypto/sodium_ready.h"

namespace wgu::crypto {
namespace {

constexpr std::size_t kSlotAlignment = 64;  // no two keys share a cache line

std::size_t round_up(std::size_t size, std::size_t unit) noexcept { return (size + unit - 1) / unit * unit; }

std::size_t page_size() noexcept { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }

}  // namespace

SecretSlab::SecretSlab(std::size_t slot_size, std::size_t slots_per_chunk)
    : slot_size_(round_up(slot_size, kSlotAlignment)), slots_per_chunk_(slots_per_chunk) {
  assert(slot_size > 0 && slots_per_chunk > 0);
  require_sodium();
}

SecretSlab::~SecretSlab() {
  assert(in_use_ == 0 && "a secret outlives its slab");
  for (void* const chunk : chunks_) sodium_free(chunk);  // erases it first
}

void* SecretSlab::take() {
  if (free_.empty()) grow();
  void* const slot = free_.back();
  free_.pop_back();
  ++in_use_;
  return slot;
}

void SecretSlab::give_back(void* slot) noexcept {
  assert(in_use_ > 0);
  erase(slot, slot_size_);
  free_.push_back(slot);  // grow() reserved room for every slot
  --in_use_;
}

void SecretSlab::grow() {
  free_.reserve((chunks_.size() + 1) * slots_per_chunk_);
  chunks_.reserve(chunks_.size() + 1);
  // Whole pages, so that libsodium, which pushes an allocation against its rear guard page, begins it on a page boundary.
  const std::size_t size = round_up(slots_per_chunk_ * slot_size_, page_size());
  auto* const chunk = static_cast<std::uint8_t*>(sodium_malloc(size));
  if (chunk == nullptr) throw std::bad_alloc();
  sodium_memzero(chunk, size);  // libsodium fills new memory with a pattern
  // Best effort, as locking is: a kernel or a sandbox may refuse either.
  static_cast<void>(madvise(chunk, size, MADV_DONTDUMP));
  static_cast<void>(madvise(chunk, size, MADV_WIPEONFORK));
  chunks_.push_back(chunk);
  for (std::size_t i = slots_per_chunk_; i-- > 0;) free_.push_back(chunk + i * slot_size_);
}

}  // namespace wgu::crypto
