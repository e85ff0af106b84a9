#include "wgu-tunnel/event_log.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "control/scratch_directory.h"

namespace wgu {
namespace {

std::vector<nlohmann::json> lines_of(std::istream& stream) {
  std::vector<nlohmann::json> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

TEST(EventLog, AppendsLinesToAFileOfItsUsersAlone) {
  const control::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/events";
  for (const std::uint64_t value : {1U, 2U}) {
    auto log = EventLog::open(path);
    ASSERT_TRUE(log.ok()) << log.error().message;
    log->write({.kind = EventKind::kMtuChanged, .value = value});
  }
  std::ifstream file(path);
  const auto lines = lines_of(file);
  ASSERT_EQ(lines.size(), 2U) << "the second run keeps what the first has written";
  EXPECT_EQ(lines[1].at("event"), "mtu_changed");
  struct stat status {};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_FALSE(EventLog::open(scratch.path() + "/none/events").ok());
}

TEST(EventLog, AFullPipeLosesLinesAndIsToldHowMany) {
  const control::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const io::FileDescriptor reader(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  auto log = EventLog::open(path);
  ASSERT_TRUE(log.ok());
  constexpr std::size_t kEvents = 5000;  // several times what a pipe holds
  for (std::size_t i = 0; i < kEvents; ++i) log->write({.kind = EventKind::kMtuChanged, .value = i});

  std::string text(1 << 20, '\0');
  const auto drain = [&] {
    std::string all;
    for (ssize_t count = 0; (count = ::read(reader.get(), text.data(), text.size())) > 0;)
      all.append(text, 0, static_cast<std::size_t>(count));
    return all;
  };
  std::istringstream first(drain());
  const std::size_t written = lines_of(first).size();
  EXPECT_GT(written, 0U);
  EXPECT_LT(written, kEvents);
  log->write({.kind = EventKind::kMtuChanged, .value = kEvents});
  std::istringstream second(drain());
  const auto lines = lines_of(second);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0], nlohmann::json({{"event", "lines_lost"}, {"count", kEvents - written}}));
}

TEST(EventLog, APipeThatNobodyReadsIsRefusedAtOnce) {
  const control::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const auto log = EventLog::open(path);
  ASSERT_FALSE(log.ok());
  EXPECT_EQ(log.error().code, ENXIO) << log.error().message;
}

// A limit on the file's size stands in for a full disk. In a child of its own, for the limit is a process's.
TEST(EventLog, WhatIsCutOffByAFullDiskSpoilsNoOtherLine) {
  const control::ScratchDirectory scratch;
  const std::string path = scratch.path() + "/events";
  const auto write_as_far_as_it_goes = [&path] {
    std::signal(SIGXFSZ, SIG_IGN);
    auto log = EventLog::open(path);
    if (!log) std::_Exit(1);
    const auto limit_to = [](rlim_t bytes) {
      const rlimit limit{bytes, RLIM_INFINITY};
      ::setrlimit(RLIMIT_FSIZE, &limit);
    };
    log->write({.kind = EventKind::kMtuChanged, .value = 1});
    struct stat status {};
    ::stat(path.c_str(), &status);
    limit_to(static_cast<rlim_t>(status.st_size) + 10);
    log->write({.kind = EventKind::kMtuChanged, .value = 2});
    log->write({.kind = EventKind::kMtuChanged, .value = 3});
    limit_to(RLIM_INFINITY);
    log->write({.kind = EventKind::kMtuChanged, .value = 4});
    std::_Exit(0);
  };
  EXPECT_EXIT(write_as_far_as_it_goes(), testing::ExitedWithCode(0), "");
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1].size(), 10U) << "the torn one: " << lines[1];
  EXPECT_EQ(nlohmann::json::parse(lines[2]), nlohmann::json({{"event", "lines_lost"}, {"count", 2}}));
  EXPECT_EQ(nlohmann::json::parse(lines[3]).at("event"), "mtu_changed");
}

}  // namespace
}  // namespace wgu
