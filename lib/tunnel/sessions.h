#pragma once
// A peer's keypairs (whitepaper section 6.3; kernel noise.c). The index table knows each keypair here for exactly as long.
//
//   initiator: new -> current (it has seen the response), current -> previous, previous erased.
//   responder: new -> next (it may not send before the first data packet confirms it), an older next and previous erased.
//   confirm:   next -> current, current -> previous, previous erased.

#include <memory>

#include "noise/keypair.h"
#include "tunnel/index_table.h"

namespace wgu::tunnel {

class Sessions {
 public:
  explicit Sessions(IndexTable& indices) noexcept : indices_(indices) {}
  ~Sessions() { clear(); }
  Sessions(const Sessions&) = delete;
  Sessions& operator=(const Sessions&) = delete;

  // The index table already has keypair->local_index, as a handshake; from here on it is this session's.
  void add(std::unique_ptr<noise::Keypair> keypair);
  // A packet arrived under `keypair`. True when that confirmed `next`.
  bool confirm(const noise::Keypair* keypair) noexcept;
  void clear() noexcept;
  // No packet is sent with any of them any more (the identity changed); what is on its way may still arrive.
  void retire_for_sending() noexcept;

  [[nodiscard]] noise::Keypair* current() const noexcept { return current_.get(); }
  [[nodiscard]] noise::Keypair* previous() const noexcept { return previous_.get(); }
  [[nodiscard]] noise::Keypair* next() const noexcept { return next_.get(); }

 private:
  void drop(std::unique_ptr<noise::Keypair>& keypair) noexcept;

  IndexTable& indices_;
  std::unique_ptr<noise::Keypair> previous_;
  std::unique_ptr<noise::Keypair> current_;
  std::unique_ptr<noise::Keypair> next_;
};

}  // namespace wgu::tunnel
