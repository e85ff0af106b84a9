// CPU lists, pinning and scheduling.

#include "engine/cpus.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <numeric>
#include <string>
#include <thread>

namespace wgu::engine {
namespace {

TEST(Cpus, ParsesListsAsTasksetWritesThem) {
  struct Row {
    const char* text;
    std::vector<int> cpus;
  };
  const Row rows[] = {{"0", {0}},           {"0-3,8,10-11", {0, 1, 2, 3, 8, 10, 11}},
                      {"5,2,9", {5, 2, 9}},                          // the order is the workers'
                      {"3-3", {3}},         {"1,0-2,1", {1, 0, 2}},  // each once
                      {"007", {7}},         {"1023", {1023}}};
  for (const auto& row : rows) {
    const auto cpus = parse_cpu_list(row.text);
    ASSERT_TRUE(cpus) << row.text << ": " << cpus.error().message;
    EXPECT_EQ(*cpus, row.cpus) << row.text;
  }
}

TEST(Cpus, RefusesWhatIsNoList) {
  for (const char* text : {"",
                           ",",
                           "0,",
                           ",0",
                           "0,,1",
                           "-",
                           "-1",
                           "1-",
                           "1--2",
                           "3-1",
                           "1-2-3",
                           "a",
                           "0x1",
                           "+1",
                           " 1",
                           "1 ",
                           "1, 2",
                           "1.5",
                           "1;2",
                           "1024",
                           "0-1024",
                           "99999999999999999999",
                           "0-99999999999999999999",
                           "0-3/2",
                           "all"}) {
    const auto cpus = parse_cpu_list(text);
    ASSERT_FALSE(cpus) << text;
    EXPECT_EQ(cpus.error().code, EINVAL) << text;
    EXPECT_NE(cpus.error().message.find('"' + std::string(text) + '"'), std::string::npos) << cpus.error().message;
  }
}

// The longest argument that Linux passes (MAX_ARG_STRLEN) is parsed in a moment, and gives no more CPUs than there can be.
TEST(Cpus, IsBoundedForALongList) {
  std::string text = "0-1023";
  while (text.size() < 131'000) text += ",0-1023";
  const auto cpus = parse_cpu_list(text);
  ASSERT_TRUE(cpus);
  std::vector<int> all(1024);
  std::iota(all.begin(), all.end(), 0);
  EXPECT_EQ(*cpus, all);
}

TEST(Cpus, PinsTheCallingThreadOnly) {
  const auto allowed = affinity_of_this_thread();
  ASSERT_FALSE(allowed.empty());
  EXPECT_TRUE(std::is_sorted(allowed.begin(), allowed.end()));
  EXPECT_EQ(std::adjacent_find(allowed.begin(), allowed.end()), allowed.end());
  for (const int cpu : allowed) {
    std::thread([cpu] {
      const auto pinned = pin_this_thread(cpu);
      ASSERT_TRUE(pinned) << pinned.error().message;
      EXPECT_EQ(affinity_of_this_thread(), std::vector<int>{cpu});
      EXPECT_EQ(::sched_getcpu(), cpu);
    }).join();
  }
  EXPECT_EQ(affinity_of_this_thread(), allowed);
}

TEST(Cpus, PinsAnotherThreadAndTellsItsTimes) {
  std::atomic<int> thread{0};
  std::atomic<bool> is_over{false};
  std::thread busy([&] {
    thread = gettid();
    while (!is_over) {
    }
  });
  while (thread == 0) std::this_thread::yield();
  const int cpu = affinity_of_this_thread().back();
  const auto pinned = pin_thread(thread, cpu);
  EXPECT_TRUE(pinned) << pinned.error().message;
  const auto before = run_times(thread);
  // It never blocks: all the time that passes is time on a CPU or time waiting for one, of which the kernel tells when it is over.
  const auto told = [&] {
    const auto now = run_times(thread);
    return before && now ? now->running + now->waiting - before->running - before->waiting : Duration{};
  };
  const auto began = std::chrono::steady_clock::now();
  while (told() < std::chrono::milliseconds(40) && std::chrono::steady_clock::now() - began < std::chrono::seconds(10)) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  EXPECT_TRUE(before) << "a kernel without CONFIG_SCHED_INFO";
  EXPECT_GE(told(), std::chrono::milliseconds(40));
  is_over = true;
  busy.join();
  EXPECT_FALSE(run_times(thread));
  EXPECT_FALSE(pin_thread(thread, cpu));
}

TEST(Cpus, RunsInRealTimeWhereThatIsAllowed) {
  std::thread([] {
    if (const auto granted = run_this_thread_in_real_time(); !granted) GTEST_SKIP() << granted.error().message;
    EXPECT_EQ(sched_getscheduler(0), SCHED_RR);
  }).join();
  EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
}

TEST(Cpus, WithoutPrivilegeAThreadStaysWhatItIs) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_RTPRIO, &before), 0);
  const rlimit none{.rlim_cur = 0, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_RTPRIO, &none), 0);
  std::thread([] {  // capabilities are a thread's own
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
    __user_cap_data_struct sets[2]{};
    ASSERT_EQ(syscall(SYS_capset, &header, sets), 0);
    const auto refused = run_this_thread_in_real_time();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, EPERM);
    EXPECT_EQ(sched_getscheduler(0), SCHED_OTHER);
  }).join();
  ASSERT_EQ(setrlimit(RLIMIT_RTPRIO, &before), 0);
}

TEST(Cpus, RefusesToPinToACpuThatIsNot) {
  std::thread([] {
    const auto before = affinity_of_this_thread();
    for (const int cpu : {-1, 1023, 1024, 1 << 30}) {
      if (std::find(before.begin(), before.end(), cpu) != before.end()) continue;
      const auto pinned = pin_this_thread(cpu);
      ASSERT_FALSE(pinned) << cpu;
      EXPECT_EQ(pinned.error().code, EINVAL) << cpu;
      EXPECT_NE(pinned.error().message.find(std::to_string(cpu)), std::string::npos) << pinned.error().message;
    }
    EXPECT_EQ(affinity_of_this_thread(), before);
  }).join();
}

}  // namespace
}  // namespace wgu::engine
