#include "engine/call_slot.h"

#include <gtest/gtest.h>

#include <thread>

namespace wgu::engine {
namespace {

TEST(CallSlot, RunsNothingWhenNothingIsPosted) {
  CallSlot slot;
  slot.run();
  slot.wait();  // returns at once
}

TEST(CallSlot, WaitReturnsOnlyAfterTheCallHasRunOnTheWorker) {
  CallSlot slot;
  std::atomic<bool> is_over{false};
  std::thread::id ran_on;
  int count = 0;  // touched by the worker in calls, read by us after wait(): TSan checks the hand-over
  std::thread worker([&] {
    while (!is_over) slot.run();
  });
  for (int i = 1; i <= 1000; ++i) {
    const std::function<void()> call = [&] {
      ++count;
      ran_on = std::this_thread::get_id();
    };
    slot.post(call);
    slot.wait();
    ASSERT_EQ(count, i);
  }
  EXPECT_EQ(ran_on, worker.get_id());
  is_over = true;
  worker.join();
}

}  // namespace
}  // namespace wgu::engine
