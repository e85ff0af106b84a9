// Where is the device, and what state is it in?
//
//   at home ---- moved: IFLA_NEW_NETNSID, IFLA_NEW_IFINDEX ----> in a namespace with an id here
//      ^                                                            |
//      |   heard again by index and name, or asked for              | moved on: the id said there is not one of ours
//      +------------------- adrift: place unknown <-----------------+
//
// Three sources, the surest first: events (need no capability later, but an id for the namespace), questions to the kernel
// (CAP_NET_ADMIN; asked at the start, after a move, after lost events), and the descriptor itself (name and end by TUNGETIFF,
// up by poll). A namespace without an id gets one from us as soon as TUNGETDEVNETNS shows it, so that its events are heard.

#include "io/link_watcher.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "io/rtnetlink.h"
#include "io/system_error.h"

namespace wgu::io {
namespace {

constexpr int kMaxReads = 256;    // of one read_changes(): a host that makes links by the thousand does not hold up the owner
constexpr int kMaxQuestions = 4;  // of one resync(): a rename between two questions makes it ask again

struct Place {
  int namespace_id = kOwnNamespace;
  std::uint32_t index = 0;
};

// By poll and not by the write of no bytes that others use: since the kernel looks at the IP version before it looks at
// IFF_UP, such a write gives EINVAL either way, and it counts as a dropped packet of the device.
bool accepts_packets(int queue) noexcept {
  pollfd request{queue, POLLOUT, 0};
  return ::poll(&request, 1, 0) == 1 && (request.revents & POLLOUT) != 0;
}

}  // namespace

struct LinkWatcher::Impl {
  Impl(int queue_, std::string name) : queue(queue_) { state.name = std::move(name); }

  [[nodiscard]] bool is_nameless() const noexcept { return !events; }

  // The name, by the descriptor. False when the device is gone.
  bool ask_name() {
    auto name = device_name(queue);
    if (name) {
      state.name = std::move(*name);
      return true;
    }
    if (name.error().code == EBADFD) {
      state.is_gone = true;
      state.is_up = false;
    }
    return false;
  }

  // Asks for everything anew. What cannot be asked stays as last heard; up and down are then as the descriptor says.
  void resync() {
    for (int question = 0; question < kMaxQuestions; ++question) {
      if (!ask_name()) return;
      const auto located = requests->namespace_of_tun(queue);
      // Adrift, and not located: a device of that name at home would be another one.
      if (!located && !place) break;
      auto link = requests->link(state.name, located ? *located : place->namespace_id);
      if (link && !located && link->index != place->index) {
        place.reset();  // without being told the namespace, only the index tells the device from another that took its name
        break;
      }
      if (link) {
        place = Place{link->namespace_id, link->index};
        apply(*link);
        return;
      }
      if (link.error().code == EACCES || link.error().code == EPERM) break;  // its events still come
      if (link.error().code != ENODEV || question + 1 == kMaxQuestions) {
        place.reset();
        break;
      }
    }
    state.is_up = accepts_packets(queue);
  }

  void apply(const LinkMessage& link) {
    if (!link.name.empty()) state.name = link.name;
    if (link.mtu != 0) state.mtu = link.mtu;
    state.is_up = link.is_up;
  }

  bool is_here(const LinkMessage& link) {
    if (!place || link.index != place->index) return false;
    if (place->namespace_id == kOwnNamespace) return requests->is_own_namespace(link.namespace_id);
    return link.namespace_id == place->namespace_id;
  }

  void handle(const LinkMessage& link) {
    if (state.is_gone) return;
    if (is_here(link)) {
      link.is_removal ? handle_removal(link) : apply(link);
    } else if (!place && !link.is_removal && link.index == awaited_index) {
      // Adrift without CAP_NET_ADMIN, and heard again (at home, or in another namespace with an id).
      auto name = device_name(queue);
      if (!name || *name != link.name) return;
      place = Place{requests->is_own_namespace(link.namespace_id) ? kOwnNamespace : link.namespace_id, link.index};
      apply(link);
    }
  }

  void handle_removal(const LinkMessage& link) {
    awaited_index = link.moved_to_index.value_or(0);
    if (place->namespace_id == kOwnNamespace && link.moved_to_namespace && link.moved_to_index) {
      place = Place{*link.moved_to_namespace, *link.moved_to_index};
    } else {
      place.reset();
    }
    resync();
  }

  int queue;  // the Tun's
  std::optional<LinkEvents> events;
  std::optional<LinkRequests> requests;
  FileDescriptor silent;  // of a nameless device: never readable
  std::optional<Place> place;
  std::uint32_t awaited_index = 0;  // of the device in the namespace it moved to; 0: none awaited
  bool has_lost_events = false;
  LinkState state;
};

LinkWatcher::LinkWatcher(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
LinkWatcher::~LinkWatcher() = default;
LinkWatcher::LinkWatcher(LinkWatcher&&) noexcept = default;
LinkWatcher& LinkWatcher::operator=(LinkWatcher&&) noexcept = default;

Result<LinkWatcher> LinkWatcher::open(const Tun& tun) {
  auto impl = std::make_unique<Impl>(tun.queues.empty() ? -1 : tun.queues.front().get(), tun.name);
  if (tun.name.empty()) {
    impl->silent = FileDescriptor(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!impl->silent) return system_error(errno, "eventfd");
    impl->state.is_up = true;
    return LinkWatcher(std::move(impl));
  }
  // Events first, so that nothing between the first question and the first event is missed.
  auto events = LinkEvents::open();
  if (!events) return std::move(events).error();
  auto requests = LinkRequests::open();
  if (!requests) return std::move(requests).error();
  impl->events = std::move(*events);
  impl->requests = std::move(*requests);
  if (auto link = impl->requests->link(tun.name); link) impl->place = Place{kOwnNamespace, link->index};
  impl->resync();
  return LinkWatcher(std::move(impl));
}

int LinkWatcher::fd() const noexcept { return impl_->is_nameless() ? impl_->silent.get() : impl_->events->fd(); }

const LinkState& LinkWatcher::state() const noexcept { return impl_->state; }

bool LinkWatcher::read_changes() {
  if (impl_->is_nameless()) return false;
  const LinkState before = impl_->state;
  auto reading = LinkEvents::Reading::kMessages;
  for (int reads = 0; reads < kMaxReads && reading != LinkEvents::Reading::kNothing; ++reads) {
    reading = impl_->events->read([&](const LinkMessage& link) { impl_->handle(link); });
    if (reading == LinkEvents::Reading::kLost) impl_->has_lost_events = true;
  }
  // Only now: what still lay in the socket is older than what was lost, and would undo the answer.
  if (reading == LinkEvents::Reading::kNothing && std::exchange(impl_->has_lost_events, false) && !impl_->state.is_gone) {
    impl_->resync();
  }
  return impl_->state != before;
}

bool LinkWatcher::probe() {
  if (impl_->is_nameless() || impl_->state.is_gone) return false;
  const LinkState before = impl_->state;
  const bool hears_device = impl_->place && (impl_->place->namespace_id == kOwnNamespace || impl_->events->hears_other_namespaces());
  if (!impl_->ask_name()) return impl_->state != before;
  if (!hears_device || impl_->state.name != before.name || impl_->state.is_up != accepts_packets(impl_->queue)) impl_->resync();
  return impl_->state != before;
}

}  // namespace wgu::io
