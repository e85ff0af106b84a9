// The program that is run again is this test program; what it does there is the test SubprocessChild, which in any other run does nothing.
#include "bench/subprocess.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "io/file_descriptor.h"

namespace wgu::bench {
namespace {

constexpr const char* kTask = "WGU_SUBPROCESS_TEST_TASK";

TEST(SubprocessChild, DoesWhatItIsTold) {
  const char* task = std::getenv(kTask);
  if (task == nullptr) GTEST_SKIP() << "only in a subprocess";
  if (std::strcmp(task, "wait") == 0) ::pause();
  if (std::strcmp(task, "abort") == 0) ::raise(SIGKILL);
  if (std::strcmp(task, "fail") == 0) ::_exit(7);
  const int descriptor = std::atoi(task);
  const std::string text = "hello";
  ::_exit(::write(descriptor, text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
}

Subprocess::Start child(const std::string& task) {
  Subprocess::Start start;
  start.arguments = {"--gtest_filter=SubprocessChild.*", "--gtest_brief=1"};
  start.environment = {{kTask, task}};
  start.is_silent = true;
  return start;
}

TEST(Subprocess, ItsStatusIsReturned) {
  EXPECT_EQ(Subprocess::start(child("fail"))->wait(), 7);
  EXPECT_EQ(Subprocess::start(child("abort"))->wait(), 128 + SIGKILL);
}

TEST(Subprocess, HasTheDescriptorThatItIsGivenAndNoOther) {
  const io::FileDescriptor given(::memfd_create("given", MFD_CLOEXEC));
  const io::FileDescriptor kept(::memfd_create("kept", MFD_CLOEXEC));
  ASSERT_TRUE(given && kept);
  Subprocess::Start start = child(std::to_string(given.get()));
  start.descriptor = given.get();
  EXPECT_EQ(Subprocess::start(start)->wait(), 0);
  char text[8] = {};
  EXPECT_EQ(::pread(given.get(), text, sizeof text, 0), 5);
  EXPECT_STREQ(text, "hello");
  start = child(std::to_string(kept.get()));
  EXPECT_EQ(Subprocess::start(start)->wait(), 1) << "marked to be closed";
}

TEST(Subprocess, AVariableReplacesOursOfThatName) {
  ::setenv(kTask, "wait", 1);
  const int status = Subprocess::start(child("fail"))->wait();
  ::unsetenv(kTask);
  EXPECT_EQ(status, 7);
}

TEST(Subprocess, IsAnotherProgramWhenTold) {
  const io::FileDescriptor output(::memfd_create("output", MFD_CLOEXEC));
  ASSERT_TRUE(output);
  Subprocess::Start start;
  start.program = "/bin/echo";
  start.arguments = {"from", "echo"};
  start.output = output.get();
  EXPECT_EQ(Subprocess::start(start)->wait(), 0);
  char text[16] = {};
  EXPECT_EQ(::pread(output.get(), text, sizeof text, 0), 10);
  EXPECT_STREQ(text, "from echo\n");
  start.program = "/nowhere/echo";
  EXPECT_EQ(Subprocess::start(start)->wait(), Subprocess::kCannotExecute);
}

TEST(Subprocess, DoesNotOutliveItsOwner) {
  // SIGCHLD's sender would tell the pid; that nothing is left to wait for says the same.
  {
    const Result<Subprocess> waiting = Subprocess::start(child("wait"));
    ASSERT_TRUE(waiting.ok());
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

}  // namespace
}  // namespace wgu::bench
