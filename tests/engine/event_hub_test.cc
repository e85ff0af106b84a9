#include "engine/event_hub.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace wgu::engine {
namespace {

Event event_number(std::uint64_t number) {
  Event event;
  event.kind = EventKind::kEndpointChanged;
  event.when = Instant(std::chrono::nanoseconds(number));
  event.value = number;
  return event;
}

std::vector<std::uint64_t> numbers(const std::vector<Event>& events) {
  std::vector<std::uint64_t> all;
  for (const Event& event : events) all.push_back(event.value);
  return all;
}

class EventHubTest : public testing::Test {
 protected:
  EventHubTest() { hub_.open(2).value(); }
  std::vector<Event> delivered() {
    std::vector<Event> events;
    hub_.deliver([&events](const Event& event) { events.push_back(event); });
    return events;
  }
  [[nodiscard]] bool is_readable() const {
    pollfd wait{hub_.fd(), POLLIN, 0};
    return poll(&wait, 1, 0) == 1;
  }
  EventHub hub_;
};

TEST_F(EventHubTest, DeliversOnceAndInTheOrderOfTime) {
  EXPECT_FALSE(is_readable());
  ASSERT_TRUE(hub_.post(1, event_number(30)));
  ASSERT_TRUE(hub_.post(0, event_number(10)));
  ASSERT_TRUE(hub_.post(1, event_number(40)));
  hub_.wake();
  hub_.tell(event_number(20));
  EXPECT_TRUE(is_readable());
  EXPECT_EQ(numbers(delivered()), (std::vector<std::uint64_t>{10, 20, 30, 40}));
  EXPECT_FALSE(is_readable());
  EXPECT_TRUE(delivered().empty());
  EXPECT_EQ(numbers(hub_.recent()), (std::vector<std::uint64_t>{10, 20, 30, 40}));
}

TEST_F(EventHubTest, KeepsTheLastOnes) {
  for (std::uint64_t i = 0; i < EventHub::kRecent + 5; ++i) {
    hub_.tell(event_number(i));
    hub_.deliver({});
  }
  const auto recent = numbers(hub_.recent());
  ASSERT_EQ(recent.size(), EventHub::kRecent);
  EXPECT_EQ(recent.front(), 5U);
  EXPECT_EQ(recent.back(), EventHub::kRecent + 4);
}

TEST_F(EventHubTest, AFullRingRefuses) {
  std::size_t posted = 0;
  while (hub_.post(0, event_number(posted))) ++posted;
  EXPECT_GE(posted, EventHub::kRingSize - 1);  // Boost keeps one place free
  EXPECT_LE(posted, EventHub::kRingSize);
  EXPECT_EQ(delivered().size(), posted);
  EXPECT_TRUE(hub_.post(0, event_number(1)));
}

TEST_F(EventHubTest, ACallbackMayAsk) {
  hub_.tell(event_number(1));
  std::size_t seen = 0;
  hub_.deliver([&](const Event&) { seen = hub_.recent().size(); });
  EXPECT_EQ(seen, 1U);
}

TEST_F(EventHubTest, WorkersPostWhileEventsAreDelivered) {
  constexpr std::uint64_t kEvents = 20'000;
  std::atomic<unsigned> working{2};
  std::vector<std::thread> workers;
  for (unsigned worker = 0; worker < 2; ++worker) {
    workers.emplace_back([&, worker] {
      for (std::uint64_t i = 0; i < kEvents;) {
        if (hub_.post(worker, event_number(i))) ++i;
        hub_.wake();
      }
      --working;
    });
  }
  std::uint64_t sum = 0, count = 0;
  const auto add = [&](const Event& event) {
    sum += event.value;
    ++count;
  };
  while (working > 0) hub_.deliver(add);
  for (std::thread& worker : workers) worker.join();
  hub_.deliver(add);
  EXPECT_EQ(count, 2 * kEvents);
  EXPECT_EQ(sum, kEvents * (kEvents - 1));
}

}  // namespace
}  // namespace wgu::engine
