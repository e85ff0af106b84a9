// A node is a block: a given one (peer set) or a fork of two blocks below (peer unset). Children are longer and inside it. A fork
// always has two children, so n blocks need at most n - 1 forks, and no path is longer than one node a bit. Most given blocks have
// nothing inside: these are leaves, which have no room for children and become a branch when they need some.
//
// Drafts: whatever leads to a changed node must change too, so the nodes made since the last publish() hang together at the top
// of the trie: is_draft holds for a node only if it holds for its parent. Such a node is changed in place; any other is
// replaced by a copy and noted as replaced, because published versions still use it.

#include "tunnel/allowed_ips.h"

#include <algorithm>
#include <array>
#include <bit>
#include <type_traits>
#include <vector>

#include "tunnel/node_pool.h"

namespace wgu::tunnel {

// An IPv6 address as two numbers; the first bit on the wire is the top bit of `high`. IPv4 is a std::uint32_t.
struct Bits128 {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  friend bool operator==(const Bits128&, const Bits128&) = default;
};

// A leaf, or what a branch begins with.
template <typename Bits>
struct TrieNode {
  Bits bits{};  // zero beyond `length`
  PeerId peer;
  std::uint8_t length = 0;
  bool is_branch = false;
  bool is_draft = true;  // the writer's alone: readers never look at it
};

template <typename Bits>
struct TrieBranch : TrieNode<Bits> {
  std::array<TrieNode<Bits>*, 2> child{};
};

static_assert(sizeof(TrieNode<std::uint32_t>) == 16 && sizeof(TrieBranch<std::uint32_t>) == 32);
static_assert(sizeof(TrieNode<Bits128>) == 32 && sizeof(TrieBranch<Bits128>) == 48);
static_assert(std::is_trivially_copyable_v<AllowedIpsView>);

namespace {

std::uint32_t load_bits32(const std::uint8_t* p) noexcept {
  return std::uint32_t{p[0]} << 24 | std::uint32_t{p[1]} << 16 | std::uint32_t{p[2]} << 8 | std::uint32_t{p[3]};
}

Bits128 load_bits128(const std::uint8_t* p) noexcept {
  return {std::uint64_t{load_bits32(p)} << 32 | load_bits32(p + 4), std::uint64_t{load_bits32(p + 8)} << 32 | load_bits32(p + 12)};
}

unsigned common_length(std::uint32_t a, std::uint32_t b) noexcept { return static_cast<unsigned>(std::countl_zero(a ^ b)); }

unsigned common_length(const Bits128& a, const Bits128& b) noexcept {
  const std::uint64_t high = a.high ^ b.high;
  return static_cast<unsigned>(high != 0 ? std::countl_zero(high) : 64 + std::countl_zero(a.low ^ b.low));
}

// The bit after the first `length`. Past the end it is any bit: a node of full length has no children to choose from.
unsigned bit_after(std::uint32_t bits, unsigned length) noexcept { return (bits >> ((31 - length) & 31)) & 1; }

unsigned bit_after(const Bits128& bits, unsigned length) noexcept {
  const std::uint64_t word = (length & 64) != 0 ? bits.low : bits.high;
  return static_cast<unsigned>(word >> (63 - (length & 63))) & 1;
}

std::uint32_t first_bits(std::uint32_t bits, unsigned length) noexcept { return length == 0 ? 0 : bits & (UINT32_MAX << (32 - length)); }

Bits128 first_bits(const Bits128& bits, unsigned length) noexcept {
  if (length == 0) return {};
  if (length <= 64) return {bits.high & (UINT64_MAX << (64 - length)), 0};
  return {bits.high, bits.low & (UINT64_MAX << (128 - length))};
}

bool covers(const TrieNode<std::uint32_t>& node, std::uint32_t bits) noexcept {
  return std::uint64_t{node.bits ^ bits} >> (32 - node.length) == 0;  // 64 bits wide, for a shift by 32
}

bool covers(const TrieNode<Bits128>& node, const Bits128& bits) noexcept { return common_length(node.bits, bits) >= node.length; }

// The child of `node` towards `bits`, if it has any.
template <typename Bits>
TrieNode<Bits>* child_towards(const TrieNode<Bits>* node, const Bits& bits) noexcept {
  return node->is_branch ? static_cast<const TrieBranch<Bits>*>(node)->child[bit_after(bits, node->length)] : nullptr;
}

template <typename Bits>
PeerId longest_match(const TrieNode<Bits>* node, const Bits& address) noexcept {
  const TrieNode<Bits>* best = nullptr;
  while (node != nullptr && covers(*node, address)) {
    if (node->peer.is_set()) best = node;
    node = child_towards(node, address);
  }
  return best != nullptr ? best->peer : PeerId{};
}

template <typename Bits>
class Trie {
 public:
  using Node = TrieNode<Bits>;
  using Branch = TrieBranch<Bits>;
  static constexpr unsigned kBits = sizeof(Bits) * 8;

  [[nodiscard]] PeerId owner(Bits bits, unsigned length) const noexcept {
    bits = first_bits(bits, length);
    const Node* node = draft_;
    while (node != nullptr && node->length < length && covers(*node, bits)) node = child_towards(node, bits);
    return node != nullptr && node->length == length && node->bits == bits ? node->peer : PeerId{};
  }

  PeerId insert(Bits bits, unsigned length, PeerId peer) {
    bits = first_bits(bits, length);
    const PeerId before = owner(bits, length);
    if (before == peer) return before;  // no copies for nothing

    Node** link = &draft_;
    while (*link != nullptr && (*link)->length <= length && covers(**link, bits)) {
      if ((*link)->length == length) {
        Node* node = make_writable(link);
        if (!node->peer.is_set()) ++draft_size_;
        node->peer = peer;
        return before;
      }
      Branch* branch = make_writable_branch(link);
      link = &branch->child[bit_after(bits, branch->length)];
    }

    Node* below = *link;
    const Node added{.bits = bits, .peer = peer, .length = static_cast<std::uint8_t>(length)};
    if (below == nullptr) {
      *link = leaves_.take(added);
    } else if (const unsigned common = std::min(common_length(below->bits, bits), length); common < length) {
      *link = take_fork(below, added, common);
    } else {
      Branch* branch = take_branch(added);
      branch->child[bit_after(below->bits, length)] = below;
      *link = branch;
    }
    ++draft_size_;
    return before;
  }

  bool remove(Bits bits, unsigned length, PeerId peer) {
    bits = first_bits(bits, length);
    if (!peer.is_set() || owner(bits, length) != peer) return false;

    std::array<Branch*, kBits + 1> path;
    std::size_t depth = 0;
    Node* node = draft_;
    while (node->length != length) {
      path[depth++] = static_cast<Branch*>(node);
      node = child_towards(node, bits);
    }
    const auto children = node->is_branch ? static_cast<Branch*>(node)->child : std::array<Node*, 2>{};
    if (children[0] != nullptr && children[1] != nullptr) {
      make_writable(writable_link(bits, depth))->peer = PeerId{};
    } else {
      Node* heir = children[0] != nullptr ? children[0] : children[1];
      Branch* fork = heir == nullptr && depth > 0 && !path[depth - 1]->peer.is_set() ? path[depth - 1] : nullptr;
      if (fork != nullptr) {
        heir = fork->child[bit_after(bits, fork->length) ^ 1];
        --depth;
      }
      Node** link = writable_link(bits, depth);
      make_room(replaced_, 2);  // for drop(), which then cannot fail half way
      *link = heir;
      drop(node);
      if (fork != nullptr) drop(fork);
    }
    --draft_size_;
    return true;
  }

  // All of publish() that can fail.
  void prepare_publish() { make_room(retired_, replaced_.size()); }

  void publish() noexcept {
    retired_.insert(retired_.end(), replaced_.begin(), replaced_.end());
    release(replaced_);
    settle(draft_);
    published_ = draft_;
    published_size_ = draft_size_;
  }

  void discard() noexcept {
    return_drafts(draft_);
    release(replaced_);
    draft_ = published_;
    draft_size_ = published_size_;
  }

  void reclaim() noexcept {
    for (Node* node : retired_) return_node(node);
    release(retired_);
  }

  [[nodiscard]] const Node* draft() const noexcept { return draft_; }
  [[nodiscard]] const Node* published() const noexcept { return published_; }
  [[nodiscard]] std::size_t size() const noexcept { return draft_size_; }
  [[nodiscard]] std::size_t memory_bytes() const noexcept {
    return leaves_.memory_bytes() + branches_.memory_bytes() + (replaced_.capacity() + retired_.capacity()) * sizeof(Node*);
  }

 private:
  // The node at `*link`, whose holder is writable, made fit for changes. The trie means the same before and after.
  Node* make_writable(Node** link) {
    Node* node = *link;
    if (node->is_draft) return node;
    make_room(replaced_, 1);
    Node* copy = node->is_branch ? branches_.take(*static_cast<Branch*>(node)) : leaves_.take(*node);
    copy->is_draft = true;
    replaced_.push_back(node);
    return *link = copy;
  }

  // The same for a node that is to have a child.
  Branch* make_writable_branch(Node** link) {
    if ((*link)->is_branch) return static_cast<Branch*>(make_writable(link));
    make_room(replaced_, 1);
    Branch* branch = take_branch(**link);
    branch->is_draft = true;
    drop(*link);
    *link = branch;
    return branch;
  }

  // Makes the first `depth` nodes on the way to `bits` writable and returns the link from the last of them on.
  Node** writable_link(const Bits& bits, std::size_t depth) {
    Node** link = &draft_;
    for (std::size_t i = 0; i < depth; ++i) {
      auto* branch = static_cast<Branch*>(make_writable(link));
      link = &branch->child[bit_after(bits, branch->length)];
    }
    return link;
  }

  Branch* take_branch(const Node& node) {
    Branch branch{node, {}};
    branch.is_branch = true;
    return branches_.take(branch);
  }

  Branch* take_fork(Node* below, const Node& added, unsigned common) {
    Branch* fork = take_branch({.bits = first_bits(added.bits, common), .peer = {}, .length = static_cast<std::uint8_t>(common)});
    try {
      fork->child[bit_after(added.bits, common)] = leaves_.take(added);
      fork->child[bit_after(below->bits, common)] = below;
      return fork;
    } catch (...) {
      branches_.return_node(fork);
      throw;
    }
  }

  void return_node(Node* node) noexcept {
    if (node->is_branch) {
      branches_.return_node(static_cast<Branch*>(node));
    } else {
      leaves_.return_node(node);
    }
  }

  // Grows by doubling, which reserve() alone does not.
  static void make_room(std::vector<Node*>& nodes, std::size_t more) {
    if (nodes.capacity() - nodes.size() < more) nodes.reserve(std::max(nodes.size() + more, 2 * nodes.capacity()));
  }

  static void release(std::vector<Node*>& nodes) noexcept { std::vector<Node*>().swap(nodes); }

  void drop(Node* node) noexcept {
    if (node->is_draft) {
      return_node(node);
    } else {
      replaced_.push_back(node);
    }
  }

  // Recursion is at most kBits + 1 deep, and stays within what this draft made.
  static void settle(Node* node) noexcept {
    if (node == nullptr || !node->is_draft) return;
    node->is_draft = false;
    if (!node->is_branch) return;
    for (Node* child : static_cast<Branch*>(node)->child) settle(child);
  }

  void return_drafts(Node* node) noexcept {
    if (node == nullptr || !node->is_draft) return;
    if (node->is_branch) {
      for (Node* child : static_cast<Branch*>(node)->child) return_drafts(child);
    }
    return_node(node);
  }

  NodePool<Node> leaves_;
  NodePool<Branch> branches_;
  Node* draft_ = nullptr;
  Node* published_ = nullptr;
  std::size_t draft_size_ = 0;
  std::size_t published_size_ = 0;
  std::vector<Node*> replaced_;  // in the published version, no longer in the draft
  std::vector<Node*> retired_;   // in earlier published versions only
};

}  // namespace

struct AllowedIps::Impl {
  Trie<std::uint32_t> v4;
  Trie<Bits128> v6;
};

PeerId AllowedIpsView::find_v4(const std::uint8_t* address4) const noexcept { return longest_match(root_v4_, load_bits32(address4)); }

PeerId AllowedIpsView::find_v6(const std::uint8_t* address16) const noexcept { return longest_match(root_v6_, load_bits128(address16)); }

PeerId AllowedIpsView::find(const IpAddress& address) const noexcept {
  switch (address.family) {
    case Family::kIpv4:
      return find_v4(address.bytes.data());
    case Family::kIpv6:
      return find_v6(address.bytes.data());
    case Family::kNone:
      break;
  }
  return {};
}

AllowedIps::AllowedIps() : impl_(std::make_unique<Impl>()) {}
AllowedIps::~AllowedIps() = default;

PeerId AllowedIps::insert(const Prefix& prefix, PeerId peer) {
  if (prefix.length > prefix.address.bits()) return {};
  switch (prefix.address.family) {
    case Family::kIpv4:
      return impl_->v4.insert(load_bits32(prefix.address.bytes.data()), prefix.length, peer);
    case Family::kIpv6:
      return impl_->v6.insert(load_bits128(prefix.address.bytes.data()), prefix.length, peer);
    case Family::kNone:
      break;
  }
  return {};
}

bool AllowedIps::remove(const Prefix& prefix, PeerId peer) {
  if (prefix.length > prefix.address.bits()) return false;
  switch (prefix.address.family) {
    case Family::kIpv4:
      return impl_->v4.remove(load_bits32(prefix.address.bytes.data()), prefix.length, peer);
    case Family::kIpv6:
      return impl_->v6.remove(load_bits128(prefix.address.bytes.data()), prefix.length, peer);
    case Family::kNone:
      break;
  }
  return false;
}

PeerId AllowedIps::owner(const Prefix& prefix) const noexcept {
  if (prefix.length > prefix.address.bits()) return {};
  switch (prefix.address.family) {
    case Family::kIpv4:
      return impl_->v4.owner(load_bits32(prefix.address.bytes.data()), prefix.length);
    case Family::kIpv6:
      return impl_->v6.owner(load_bits128(prefix.address.bytes.data()), prefix.length);
    case Family::kNone:
      break;
  }
  return {};
}

std::size_t AllowedIps::size() const noexcept { return impl_->v4.size() + impl_->v6.size(); }

AllowedIpsView AllowedIps::draft() const noexcept {
  AllowedIpsView view;
  view.root_v4_ = impl_->v4.draft();
  view.root_v6_ = impl_->v6.draft();
  return view;
}

AllowedIpsView AllowedIps::published() const noexcept {
  AllowedIpsView view;
  view.root_v4_ = impl_->v4.published();
  view.root_v6_ = impl_->v6.published();
  return view;
}

AllowedIpsView AllowedIps::publish() {
  impl_->v4.prepare_publish();
  impl_->v6.prepare_publish();
  impl_->v4.publish();
  impl_->v6.publish();
  return published();
}

void AllowedIps::discard() noexcept {
  impl_->v4.discard();
  impl_->v6.discard();
}

void AllowedIps::reclaim() noexcept {
  impl_->v4.reclaim();
  impl_->v6.reclaim();
}

std::size_t AllowedIps::memory_bytes() const noexcept { return impl_->v4.memory_bytes() + impl_->v6.memory_bytes(); }

}  // namespace wgu::tunnel
