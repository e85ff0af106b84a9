#include "bench/lab/child.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <stdexcept>
#include <vector>

#include "bench/lab/process_usage.h"
#include "tests_in_sandbox.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

TEST(Child, ReportsItsStatus) {
  in_sandbox([] {
    auto here = NetworkNamespace::current().value();
    EXPECT_EQ(Child::start(here, [] { return 7; }).value().wait(steady_clock::now() + 10s), 7);
    EXPECT_EQ(Child::start(here, []() -> int { throw std::runtime_error("on purpose"); }).value().wait(steady_clock::now() + 10s), 1);
    auto killed = Child::start(here, [] { return pause(); }).value();
    EXPECT_EQ(killed.wait(steady_clock::now()), std::nullopt);
    killed.signal(SIGKILL);
    EXPECT_EQ(killed.wait(steady_clock::now() + 10s), 128 + SIGKILL);
  });
}

TEST(Child, RunsInItsNamespace) {
  in_sandbox([] {
    auto there = NetworkNamespace::create().value();
    auto inode = ChildCall<unsigned long>::start(there, [] { return NetworkNamespace::current().value().inode(); }).value();
    EXPECT_EQ(inode.get(steady_clock::now() + 10s).value(), there.inode());
    EXPECT_NE(there.inode(), NetworkNamespace::current().value().inode());
  });
}

TEST(Child, DiesWithItsOwner) {
  in_sandbox([] {
    auto here = NetworkNamespace::current().value();
    pid_t pid = -1;
    {
      auto child = Child::start(here, [] { return pause(); }).value();
      pid = child.pid();
      EXPECT_TRUE(is_running(pid));
    }
    EXPECT_FALSE(is_running(pid));
  });
}

TEST(ChildReport, BringsMoreThanAPipeHolds) {
  in_sandbox([] {
    auto here = NetworkNamespace::current().value();
    auto report = ChildReport::start(here, [](const ChildReport::Write& write) {
                    const std::vector<std::byte> bytes(300'000, std::byte{'x'});
                    write(bytes);
                  }).value();
    EXPECT_EQ(report.get(steady_clock::now() + 10s).value(), std::string(300'000, 'x'));
  });
}

TEST(ChildReport, SaysWhenItFailedOrHangs) {
  in_sandbox([] {
    auto here = NetworkNamespace::current().value();
    auto failed = ChildReport::start(here, [](const ChildReport::Write&) { throw std::runtime_error("on purpose"); }).value();
    EXPECT_EQ(failed.get(steady_clock::now() + 10s).error().code, EIO);
    auto hanging = ChildReport::start(here, [](const ChildReport::Write&) { pause(); }).value();
    EXPECT_EQ(hanging.get(steady_clock::now() + 50ms).error().code, ETIMEDOUT);
    EXPECT_FALSE(is_running(hanging.pid()));
    auto too_little = ChildCall<std::uint64_t>::start(here, []() -> std::uint64_t { _exit(0); }).value();
    EXPECT_FALSE(too_little.get(steady_clock::now() + 10s).ok());
  });
}

}  // namespace
}  // namespace wgu::bench
