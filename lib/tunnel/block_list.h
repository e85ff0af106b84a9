#pragma once
// The allowed IPs of one peer, for whoever lists them or takes them all away. A device has up to millions, so a block is packed: a byte
// and as many of the address as its length needs, 5 bytes for an IPv4 /32, 9 for an IPv6 /64, in the order in which they came. A block that
// goes to another peer is not looked for here (the list may be long): it stays, as stale, until so many are that the owner packs anew. So
// the list holds every block of the peer, and may hold some that it had, or hold one twice; the trie knows (allowed_ips.h).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "wgu/net.h"

namespace wgu::tunnel {

class BlockList {
 public:
  [[nodiscard]] static constexpr std::size_t packed_size(const Prefix& prefix) noexcept { return 1 + (prefix.length + 7U) / 8; }

  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  void reserve(std::size_t packed_bytes) { bytes_.reserve(packed_bytes); }

  // A sound block (no bits beyond its length) that is not the peer's yet, or not any more.
  void add(const Prefix& prefix) {
    const bool is_v4 = prefix.address.family == Family::kIpv4;
    bytes_.push_back(is_v4 ? prefix.length : static_cast<std::uint8_t>(kFirstV6 + prefix.length));
    const auto first = prefix.address.bytes.begin();
    bytes_.insert(bytes_.end(), first, first + static_cast<std::ptrdiff_t>(packed_size(prefix) - 1));
    ++size_;
  }

  // One of them is no longer the peer's. True: more than half are not, and packing anew is due.
  [[nodiscard]] bool note_stale() noexcept { return ++stale_ > size_ / 2; }
  [[nodiscard]] bool has_stale() const noexcept { return stale_ > 0; }

  // In their order as values; a stale one, or one twice, only if has_stale().
  [[nodiscard]] std::vector<Prefix> sorted() const {
    std::vector<Prefix> prefixes;
    prefixes.reserve(size_);
    for (std::size_t at = 0; at < bytes_.size();) {
      const std::uint8_t first = bytes_[at];
      Prefix& prefix = prefixes.emplace_back();
      prefix.address.family = first < kFirstV6 ? Family::kIpv4 : Family::kIpv6;
      prefix.length = first < kFirstV6 ? first : static_cast<std::uint8_t>(first - kFirstV6);
      std::copy_n(bytes_.begin() + static_cast<std::ptrdiff_t>(at + 1), packed_size(prefix) - 1, prefix.address.bytes.begin());
      at += packed_size(prefix);
    }
    if (!std::is_sorted(prefixes.begin(), prefixes.end())) std::sort(prefixes.begin(), prefixes.end());
    return prefixes;
  }

  [[nodiscard]] std::size_t memory_bytes() const noexcept { return bytes_.capacity(); }

 private:
  static constexpr std::uint8_t kFirstV6 = 33;  // first bytes: IPv4 lengths 0..32, IPv6 ones 33..161

  std::vector<std::uint8_t> bytes_;
  std::size_t size_ = 0;
  std::size_t stale_ = 0;
};

}  // namespace wgu::tunnel
