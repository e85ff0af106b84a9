// Our kernels get the batch in one call; comparators a call for each packet, as their interfaces are.
#include "bench/micro/aead_batch.h"

#include <algorithm>
#include <random>

namespace wgu::bench {
namespace {

constexpr std::size_t kLine = 64;
constexpr std::size_t kHeader = 16;  // a data message's, in front of the text
// Large buffers begin at the same place of a page. Shifts the output, so that in and out of a packet do not agree in the low 12 bits
// of their addresses: on many CPUs a load then waits for a store that has nothing to do with it.
constexpr std::size_t kApart = 33 * kLine;

std::size_t slot_size(std::size_t length) { return (kHeader + length + crypto::kAeadTagSize + kLine - 1) / kLine * kLine; }

std::uint8_t* aligned(std::uint8_t* bytes) { return bytes + (kLine - reinterpret_cast<std::uintptr_t>(bytes) % kLine) % kLine; }

}  // namespace

AeadBatch::AeadBatch(const AeadTable& table, std::span<const std::uint32_t> lengths, unsigned keys) : table_(table), keys_(keys) {
  std::mt19937_64 random(keys);
  const auto fill = [&](auto& bytes) { std::generate(bytes.begin(), bytes.end(), [&] { return static_cast<std::uint8_t>(random()); }); };
  for (Key& key : keys_) fill(key);
  std::size_t total = kLine;
  for (const std::uint32_t length : lengths) total += slot_size(length);
  plaintexts_.resize(total);
  fill(plaintexts_);
  sealed_.resize(total);
  out_.resize(total + kApart);

  if (table_.comparator != nullptr) {
    for (const Key& key : keys_) contexts_.push_back(table_.comparator->make_context(key.data()));
  }
  std::uint8_t* plaintext = aligned(plaintexts_.data()) + kHeader;
  std::uint8_t* sealed = aligned(sealed_.data()) + kHeader;
  std::uint8_t* out = aligned(out_.data()) + kHeader + kApart;
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const std::size_t key = random() % keys;
    const std::uint64_t counter = random() >> 8;
    seal_jobs_.push_back({keys_[key].data(), counter, plaintext, out, lengths[i]});
    crypto::SealJob reference = seal_jobs_.back();
    reference.out = sealed;
    kLibsodium.seal(keys_[key].data(), reference);
    open_jobs_.push_back({keys_[key].data(), counter, sealed, out, static_cast<std::uint32_t>(lengths[i] + crypto::kAeadTagSize)});
    if (!contexts_.empty()) context_of_packet_.push_back(contexts_[key]);
    plaintext_bytes_ += lengths[i];
    plaintext += slot_size(lengths[i]);
    sealed += slot_size(lengths[i]);
    out += slot_size(lengths[i]);
  }
}

AeadBatch::~AeadBatch() {
  for (void* context : contexts_) {
    if (context != nullptr) table_.comparator->free_context(context);
  }
}

void AeadBatch::seal() noexcept {
  if (table_.kernel != nullptr) return table_.kernel->seal(seal_jobs_);
  for (std::size_t i = 0; i < seal_jobs_.size(); ++i) table_.comparator->seal(context_of_packet_[i], seal_jobs_[i]);
}

void AeadBatch::open() noexcept {
  if (table_.kernel != nullptr) return table_.kernel->open(open_jobs_);
  for (std::size_t i = 0; i < open_jobs_.size(); ++i) {
    open_jobs_[i].is_authentic = table_.comparator->open(context_of_packet_[i], open_jobs_[i]);
  }
}

std::string AeadBatch::self_check() {
  if (std::find(contexts_.begin(), contexts_.end(), nullptr) != contexts_.end()) return "takes no key";
  seal();
  for (std::size_t i = 0; i < packets(); ++i) {
    if (!std::equal(open_jobs_[i].in, open_jobs_[i].in + open_jobs_[i].length, seal_jobs_[i].out)) return "seals other than libsodium";
  }
  std::fill(out_.begin(), out_.end(), std::uint8_t{0});
  open();
  for (std::size_t i = 0; i < packets(); ++i) {
    if (!open_jobs_[i].is_authentic) return "refuses what libsodium sealed";
    if (!std::equal(seal_jobs_[i].in, seal_jobs_[i].in + seal_jobs_[i].length, open_jobs_[i].out)) return "opens other than libsodium";
  }
  const crypto::OpenJob& last = open_jobs_.back();
  std::uint8_t& tag = const_cast<std::uint8_t*>(last.in)[last.length - 1];
  tag ^= 0x80;
  open();
  tag ^= 0x80;
  if (last.is_authentic) return "opens what was forged";
  return {};
}

}  // namespace wgu::bench
