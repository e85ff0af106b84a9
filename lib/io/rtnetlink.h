#pragma once
// The little of rtnetlink that a TUN needs: one link asked for by name, in this or another network namespace; the ids by which
// one namespace knows others; and the stream of link changes in all namespaces with such an id.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "io/file_descriptor.h"
#include "wgu/result.h"

namespace wgu::io {

// Namespace ids are local to the namespace of the socket. This one stands for the socket's own, which normally has none.
inline constexpr int kOwnNamespace = -1;

struct LinkMessage {
  bool is_removal = false;           // RTM_DELLINK: deleted, or moved away
  int namespace_id = kOwnNamespace;  // where this was said
  std::uint32_t index = 0;
  std::string name;
  std::uint32_t mtu = 0;
  bool is_up = false;
  // Of a removal that is a move. The id is local to the namespace that the link leaves.
  std::optional<std::uint32_t> moved_to_index;
  std::optional<int> moved_to_namespace;
  // Of a TUN or TAP ("tun" is the kind of both).
  std::string kind;
  bool has_packet_information = false;
  bool is_persistent = false;
  bool is_multi_queue = false;
  std::uint32_t attached_queues = 0;  // enabled or not; known for multi-queue devices only
};

class LinkRequests {
 public:
  static Result<LinkRequests> open();

  // \errors ENODEV (no such link), EINVAL (no such namespace id), EACCES (no CAP_NET_ADMIN over that namespace), others of netlink
  Result<LinkMessage> link(const std::string& name, int namespace_id = kOwnNamespace);
  // Where the TUN behind a queue is; a namespace without an id here gets one, and from then on its events are heard here too.
  // None where the kernel does not tell (no CAP_NET_ADMIN).
  std::optional<int> namespace_of_tun(int queue);
  // Somebody may give our own namespace an id, at any time; kernels before mid-2026 then tag its events with it.
  bool is_own_namespace(int namespace_id);

 private:
  LinkRequests(FileDescriptor socket, FileDescriptor own) : socket_(std::move(socket)), own_namespace_(std::move(own)) {}
  // None when there is no id, or on failure.
  std::optional<int> id_of(int namespace_fd);
  Result<void> assign_id(int namespace_fd);
  FileDescriptor socket_;
  FileDescriptor own_namespace_;
  std::uint32_t sequence_ = 0;
};

class LinkEvents {
 public:
  enum class Reading { kMessages, kNothing, kLost };  // kLost: the kernel dropped messages, ask for the whole state again

  // Hears other namespaces only where the caller has CAP_NET_BROADCAST now; it may drop it afterwards.
  static Result<LinkEvents> open();

  // One receive, without blocking.
  Reading read(const std::function<void(const LinkMessage&)>& on_message);
  [[nodiscard]] int fd() const noexcept { return socket_.get(); }
  [[nodiscard]] bool hears_other_namespaces() const noexcept { return hears_other_namespaces_; }

 private:
  LinkEvents(FileDescriptor socket, bool hears) : socket_(std::move(socket)), hears_other_namespaces_(hears) {}
  FileDescriptor socket_;
  bool hears_other_namespaces_;
};

}  // namespace wgu::io
