#include "engine/event_hub.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

namespace wgu::engine {

Result<void> EventHub::open(unsigned workers) {
  wake_event_ = io::FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake_event_) return Error{errno, std::string("eventfd: ") + std::strerror(errno)};
  for (unsigned i = 0; i < workers; ++i) rings_.push_back(std::make_unique<Ring>());
  return {};
}

void EventHub::wake() noexcept { eventfd_write(wake_event_.get(), 1); }

void EventHub::tell(const Event& event) {
  {
    const std::lock_guard lock(mutex_);
    if (told_.size() == kRingSize) told_.erase(told_.begin());  // nobody takes them: the oldest gives way
    told_.push_back(event);
  }
  wake();
}

void EventHub::deliver(const std::function<void(const Event&)>& callback) {
  eventfd_t ignored = 0;
  eventfd_read(wake_event_.get(), &ignored);
  std::vector<Event> events;
  for (const auto& ring : rings_) ring->consume_all([&events](const Event& event) { events.push_back(event); });
  {
    const std::lock_guard lock(mutex_);
    events.insert(events.end(), told_.begin(), told_.end());
    told_.clear();
    std::stable_sort(events.begin(), events.end(), [](const Event& a, const Event& b) { return a.when < b.when; });
    recent_.insert(recent_.end(), events.begin(), events.end());
    if (recent_.size() > kRecent) recent_.erase(recent_.begin(), recent_.end() - kRecent);
  }
  if (!callback) return;
  for (const Event& event : events) callback(event);
}

std::vector<Event> EventHub::recent() const {
  const std::lock_guard lock(mutex_);
  return {recent_.begin(), recent_.end()};
}

}  // namespace wgu::engine
