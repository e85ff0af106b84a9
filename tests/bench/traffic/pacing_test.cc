#include "bench/traffic/pacing.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>

#include "io/file_descriptor.h"

namespace wgu::bench {
namespace {

using io::FileDescriptor;

TEST(Schedule, HasNoDrift) {
  const Schedule schedule(1000, 3);  // a third of a second has no exact form
  EXPECT_EQ(schedule.due(0), 1000);
  EXPECT_EQ(schedule.due(1), 1000 + 333'333'333);
  EXPECT_EQ(schedule.due(3), 1000 + kSecond);
  EXPECT_EQ(schedule.due(3 * 3600 * 24), 1000 + 86400 * kSecond);
}

TEST(Schedule, CountsWhatFallsDueBeforeATime) {
  const Schedule schedule(1000, 1e6);
  EXPECT_EQ(schedule.count_before(0), 0U);
  EXPECT_EQ(schedule.count_before(1000), 0U);  // the first is due at, not before
  EXPECT_EQ(schedule.count_before(1001), 1U);
  EXPECT_EQ(schedule.count_before(2000), 1U);
  EXPECT_EQ(schedule.count_before(2001), 2U);
  EXPECT_EQ(schedule.count_before(1000 + kSecond), 1'000'000U);
}

TEST(Schedule, CountAndDueAgreeAtEveryRate) {
  for (const double rate : {0.7, 3.0, 999.0, 123'456.7, 1e7, 3e9}) {
    const Schedule schedule(5, rate);
    for (std::uint64_t n : {0ULL, 1ULL, 2ULL, 999ULL, 1'000'003ULL, 123'456'789ULL}) {
      const std::uint64_t count = schedule.count_before(schedule.due(n) + 1);
      EXPECT_GT(count, n) << rate;
      EXPECT_LE(schedule.due(count - 1), schedule.due(n)) << rate;
      EXPECT_GT(schedule.due(count), schedule.due(n)) << rate;
    }
  }
}

TEST(StopSignal, WithoutADescriptorIsNeverSet) {
  StopSignal stop;
  EXPECT_FALSE(stop.is_set(monotonic_now()));
}

TEST(StopSignal, IsSetByAnEventAndStaysSet) {
  const FileDescriptor event(eventfd(0, EFD_NONBLOCK));
  StopSignal stop(event.get());
  EXPECT_FALSE(stop.is_set(kSecond));
  eventfd_write(event.get(), 1);
  EXPECT_FALSE(stop.is_set(kSecond + kMillisecond / 2));  // it does not ask that often
  EXPECT_TRUE(stop.is_set(kSecond + kMillisecond));
  eventfd_t value = 0;
  eventfd_read(event.get(), &value);
  EXPECT_TRUE(stop.is_set(2 * kSecond));
}

TEST(StopSignal, IsSetWhenTheOtherEndOfAPipeGoes) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const FileDescriptor reading(ends[0]);
  FileDescriptor writing(ends[1]);
  StopSignal stop(reading.get());
  EXPECT_FALSE(stop.is_set(kSecond));
  writing.reset();
  EXPECT_TRUE(stop.is_set(2 * kSecond));
}

TEST(SleepUntil, EndsAtTheTimeAtAnEventOrAtStop) {
  const FileDescriptor event(eventfd(0, EFD_NONBLOCK)), stopping(eventfd(0, EFD_NONBLOCK));
  StopSignal stop(stopping.get());
  const std::int64_t begin = monotonic_now();
  sleep_until(begin + 2 * kMillisecond, event.get(), POLLIN, stop);
  EXPECT_GE(monotonic_now(), begin + 2 * kMillisecond);
  EXPECT_FALSE(stop.is_set(0));

  const std::int64_t far = monotonic_now() + 60 * kSecond;
  eventfd_write(event.get(), 1);
  sleep_until(far, event.get(), POLLIN, stop);
  EXPECT_LT(monotonic_now(), far);
  EXPECT_FALSE(stop.is_set(0));
  eventfd_write(stopping.get(), 1);
  sleep_until(far, -1, 0, stop);
  EXPECT_LT(monotonic_now(), far);
  EXPECT_TRUE(stop.is_set(0));  // known from the sleep, without asking
}

TEST(PreciseTimer, GivesTheSlackBack) {
  const int before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  {
    const PreciseTimer precise;
    EXPECT_EQ(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), 1);
  }
  EXPECT_EQ(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0), before);
}

TEST(OwnTimer, CountsWorkAndNotSleep) {
  StopSignal never;
  const OwnTimer asleep;
  sleep_until(monotonic_now() + 20 * kMillisecond, -1, 0, never);
  EXPECT_LT(asleep.elapsed().busy_share(), 0.5);
  EXPECT_GE(asleep.elapsed().wall, 20 * kMillisecond);

  const OwnTimer awake;
  while (awake.elapsed().user + awake.elapsed().system < 10 * kMillisecond) {
  }
  const OwnTime time = awake.elapsed(10 * kMillisecond);
  EXPECT_GE(time.user + time.system, 10 * kMillisecond);
  EXPECT_LT(time.busy_share(), 0.5);  // what was spun is no work
}

}  // namespace
}  // namespace wgu::bench
