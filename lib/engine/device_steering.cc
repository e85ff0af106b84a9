#include "engine/device_steering.h"

#include <cerrno>
#include <utility>

namespace wgu::engine {
namespace {

// Prefixes of each family that the device's program knows; packets to others reach their home by mailbox. About 6 MiB of the kernel's
// memory when full.
constexpr std::uint32_t kSteeredPrefixes = 65536;

}  // namespace

void DeviceSteering::attach(int queue, const Log& log) {
  Result<io::TunSteering> attached = io::TunSteering::attach(queue, kSteeredPrefixes);
  if (!attached) return log("the device's queues are not steered (" + attached.error().message + "): its own flow table and mailboxes do");
  queue_ = queue;
  steering_ = std::move(attached).value();
  is_v4_full_ = is_v6_full_ = false;
}

void DeviceSteering::detach() {
  if (steering_) io::TunSteering::detach(queue_);
  steering_.reset();
}

void DeviceSteering::apply(const std::vector<tunnel::Configuration::HomeChange>& homes, const Log& log) {
  for (const auto& [prefix, home] : homes) {
    if (!steering_) return;
    bool& is_full = prefix.address.family == Family::kIpv6 ? is_v6_full_ : is_v4_full_;
    if (!home) {
      if (steering_->remove(prefix) == 0) is_full = false;
      continue;
    }
    // Of a million prefixes most find no room: one call for each, which also sees to it that none stays at the queue of its last home.
    if (is_full && steering_->remove(prefix) == ENOENT) continue;
    const Result<void> set = steering_->set(prefix, *home);
    if (set) continue;
    if (set.error().code == ENOSPC) {
      is_full = true;
      if (!std::exchange(was_ever_full_, true)) log("not all allowed IPs are steered to their queue: mailboxes do the rest");
      continue;
    }
    // Before Linux 5.19 each change needs CAP_BPF, which may be gone by now. A program that knows no prefix sends all to one queue.
    log("the device's queues are no longer steered (" + set.error().message + "): its own flow table and mailboxes do");
    detach();
  }
}

}  // namespace wgu::engine
