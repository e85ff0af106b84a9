#pragma once
// Follows a TUN's up/down, MTU, name and end, also after it was moved to another network namespace and after capabilities were
// dropped: a netlink socket opened early that listens to all namespaces with an id, and a probing write of no bytes as the
// second opinion. Uses no thread: the owner polls fd() and calls read_changes(), and probe() about once a second.

#include <cstdint>
#include <memory>
#include <string>

#include "io/tun.h"
#include "wgu/result.h"

namespace wgu::io {

struct LinkState {
  std::string name;
  std::uint32_t mtu = 0;  // bytes, up to 65535
  bool is_up = false;     // IFF_UP
  bool is_gone = false;   // the device was deleted
  friend bool operator==(const LinkState&, const LinkState&) = default;
};

class LinkWatcher {
 public:
  // `tun` outlives the watcher. \errors of netlink
  static Result<LinkWatcher> open(const Tun& tun);
  ~LinkWatcher();
  LinkWatcher(LinkWatcher&&) noexcept;
  LinkWatcher& operator=(LinkWatcher&&) noexcept;

  [[nodiscard]] int fd() const noexcept;                    // readable: call read_changes()
  [[nodiscard]] const LinkState& state() const noexcept;
  bool read_changes();  // true when state() changed; never blocks
  bool probe();         // asks the device itself; true when state() changed

 private:
  struct Impl;
  explicit LinkWatcher(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace wgu::io
