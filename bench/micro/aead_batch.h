#pragma once
// A batch of packets and one table's way to seal and open it.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bench/micro/aead_tables.h"

namespace wgu::bench {

// Packets lie as in a pool, each in its own cache lines behind room for a data header. They are sealed, and opened, from one
// buffer into another, so that opening can be repeated and both do the same work. The bytes depend on lengths and keys alone:
// every table gets the same.
class AeadBatch {
 public:
  // Packet i has lengths[i] bytes of plaintext and one of `keys` keys.
  AeadBatch(const AeadTable& table, std::span<const std::uint32_t> lengths, unsigned keys);
  ~AeadBatch();
  AeadBatch(const AeadBatch&) = delete;
  AeadBatch& operator=(const AeadBatch&) = delete;

  // \pre (both) self_check() found nothing
  void seal() noexcept;
  void open() noexcept;  // what libsodium sealed

  // Seals and opens the whole batch once and compares all of it with libsodium, then forges a tag. What is wrong; empty when all
  // is right.
  [[nodiscard]] std::string self_check();

  [[nodiscard]] std::size_t packets() const noexcept { return seal_jobs_.size(); }
  [[nodiscard]] std::size_t plaintext_bytes() const noexcept { return plaintext_bytes_; }

 private:
  using Key = std::array<std::uint8_t, crypto::kAeadKeySize>;

  AeadTable table_;
  std::size_t plaintext_bytes_ = 0;
  std::vector<Key> keys_;
  std::vector<void*> contexts_;  // one a key; comparators only
  std::vector<void*> context_of_packet_;
  std::vector<std::uint8_t> plaintexts_;
  std::vector<std::uint8_t> sealed_;  // by libsodium
  std::vector<std::uint8_t> out_;
  std::vector<crypto::SealJob> seal_jobs_;
  std::vector<crypto::OpenJob> open_jobs_;
};

}  // namespace wgu::bench
