#pragma once
// Longest-prefix match from inner addresses to peers, for routing and for the source check (whitepaper section 2). A
// path-copying radix trie a family: a change makes new nodes along one path and leaves the published version whole, so that
// workers read it without locks.
//
//   draft --insert, remove--> draft --publish--> published, what only its predecessor used is retired --reclaim--> freed
//                                   --discard--> draft is the published version again
//
// Writer: one thread. Readers hold an AllowedIpsView and are told of new ones; reclaim() only once all have moved on.

#include <cstddef>
#include <cstdint>
#include <memory>

#include "tunnel/peer_id.h"
#include "wgu/net.h"

namespace wgu::tunnel {

// allowed_ips.cc. Node types of its own for each family, so that IPv4 does not pay for 16-byte addresses.
template <typename Bits>
struct TrieNode;
struct Bits128;

// A version, trivially copyable. Lives until reclaim() after the next publish().
class AllowedIpsView {
 public:
  // The peer whose allowed IP matches most bits; unset when none does. Addresses in network order.
  [[nodiscard]] PeerId find_v4(const std::uint8_t* address4) const noexcept;
  [[nodiscard]] PeerId find_v6(const std::uint8_t* address16) const noexcept;
  [[nodiscard]] PeerId find(const IpAddress& address) const noexcept;

 private:
  friend class AllowedIps;
  const TrieNode<std::uint32_t>* root_v4_ = nullptr;
  const TrieNode<Bits128>* root_v6_ = nullptr;
};

class AllowedIps {
 public:
  AllowedIps();
  ~AllowedIps();
  AllowedIps(const AllowedIps&) = delete;
  AllowedIps& operator=(const AllowedIps&) = delete;

  // Gives the block to `peer`, which is set; returns who had exactly this block before (unset: nobody). Host bits do not count.
  PeerId insert(const Prefix& prefix, PeerId peer);
  // Takes exactly this block away if `peer` has it; false when it does not.
  bool remove(const Prefix& prefix, PeerId peer);
  [[nodiscard]] PeerId owner(const Prefix& prefix) const noexcept;  // of exactly this block, in the draft
  [[nodiscard]] std::size_t size() const noexcept;                  // blocks in the draft

  [[nodiscard]] AllowedIpsView draft() const noexcept;
  [[nodiscard]] AllowedIpsView published() const noexcept;
  AllowedIpsView publish();
  void discard() noexcept;
  void reclaim() noexcept;
  [[nodiscard]] std::size_t memory_bytes() const noexcept;  // what is held for nodes, retired and unused ones included

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wgu::tunnel
