// Whatever ends the program, nothing of the sandbox is left: looked at from outside, where processes have other numbers, by a mark in
// their environment.
#include "bench/lab/sandbox.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

std::string mark_for(const char* test) { return "WGU_SANDBOX_TEST=" + std::string(test) + "-" + std::to_string(getpid()); }

int marked_processes(const std::string& mark) {
  int count = 0;
  std::error_code error;
  for (fs::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    std::ifstream file(entry->path() / "environ", std::ios::binary);
    std::ostringstream text;
    text << file.rdbuf();
    if (text.str().find(mark) != std::string::npos) ++count;
  }
  return count;
}

template <class Condition>
bool eventually(Condition&& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(5ms);
  }
  return true;
}

// What a daemon does that leaves for the background: a new session, not our child any more; and everybody ignores what can be ignored.
int start_daemon_and_wait(const std::string& mark) {
  const std::string script =
      "export " + mark +
      "; trap '' INT TERM HUP; setsid sh -c 'sleep 1000 & sleep 1000' >/dev/null 2>&1 & ip netns list >/dev/null 2>&1;"
      " sleep 1000";
  return std::system(script.c_str());
}

// The sandbox in a process that can be killed; returns when its daemons run. 0: there can be no sandbox here.
pid_t start_sandbox(const std::string& mark) {
  const pid_t pid = fork();
  if (pid == 0) {
    const auto status = run_in_sandbox([&mark] { return start_daemon_and_wait(mark); });
    _exit(status ? *status : 77);
  }
  const bool runs = eventually([&] { return marked_processes(mark) >= 3 || waitpid(pid, nullptr, WNOHANG) != 0; });
  return runs && marked_processes(mark) >= 3 ? pid : 0;
}

class SandboxIsEndedBy : public testing::TestWithParam<int> {};

TEST_P(SandboxIsEndedBy, AndLeavesNothing) {
  const std::string mark = mark_for(std::to_string(GetParam()).c_str());
  const pid_t pid = start_sandbox(mark);
  if (pid == 0) GTEST_SKIP() << "no namespaces can be made here";
  kill(pid, GetParam());
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  if (GetParam() == SIGKILL) {
    EXPECT_TRUE(WIFSIGNALED(status));
  } else {
    ASSERT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 128 + GetParam());
  }
  EXPECT_TRUE(eventually([&] { return marked_processes(mark) == 0; })) << marked_processes(mark) << " processes are left";
}

INSTANTIATE_TEST_SUITE_P(Signals, SandboxIsEndedBy, testing::Values(SIGINT, SIGTERM, SIGHUP, SIGKILL));

TEST(Sandbox, PassesTheStatusOn) {
  const auto status = run_in_sandbox([] { return 42; });
  if (!status) GTEST_SKIP() << status.error().message;
  EXPECT_EQ(*status, 42);
  EXPECT_EQ(run_in_sandbox([]() -> int { throw std::runtime_error("on purpose"); }).value(), 1);
}

TEST(Sandbox, EndOfTheBodyEndsWhatItStarted) {
  const std::string mark = mark_for("end");
  const auto status = run_in_sandbox([&mark] {
    const std::string script = "export " + mark + "; setsid sh -c 'trap \"\" TERM; sleep 1000' >/dev/null 2>&1 &";
    return std::system(script.c_str());
  });
  if (!status) GTEST_SKIP() << status.error().message;
  EXPECT_EQ(*status, 0);
  EXPECT_TRUE(eventually([&] { return marked_processes(mark) == 0; }));
}

TEST(Sandbox, SocketsInThereAreNotHere) {
  const auto status = run_in_sandbox([] {
    std::ofstream("/var/run/wireguard/wgu-sandbox-test.sock") << "x";
    return fs::exists("/var/run/wireguard/wgu-sandbox-test.sock") && getpid() == 1 && fs::exists("/proc/1") ? 0 : 1;
  });
  if (!status) GTEST_SKIP() << status.error().message;
  EXPECT_EQ(*status, 0);
  EXPECT_FALSE(fs::exists("/var/run/wireguard/wgu-sandbox-test.sock"));
}

}  // namespace
}  // namespace wgu::bench
