// Engines that record what passes, with capture linked in whether or not the library is built with it (recorder.cc stands before
// recorder_absent.cc); Wireshark reads the files.
#include "engine/recorder.h"

#include <sys/stat.h>

#include <cstdio>
#include <sstream>

#include "capture/blocks.h"
#include "engine/engine_pair.h"
#include "scratch_folder.h"

namespace wgu::engine {
namespace {

using test::contents;
using test::ScratchFolder;

std::vector<std::string> lines_of(const std::string& command) {
  std::string text;
  FILE* const pipe = ::popen((command + " 2>/dev/null").c_str(), "r");
  std::array<char, 4096> piece;
  while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), pipe)) text.append(piece.data(), size);
  ::pclose(pipe);
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

bool says(const std::vector<std::string>& log, const std::string& words) {
  return std::any_of(log.begin(), log.end(), [&words](const std::string& line) { return line.find(words) != std::string::npos; });
}

std::uint64_t count_of(const std::vector<std::uint8_t>& file, std::uint32_t type) {
  const auto blocks = capture::test::blocks_of(file);
  return static_cast<std::uint64_t>(std::count_if(blocks.begin(), blocks.end(), [type](const auto& block) { return block.type == type; }));
}
constexpr std::uint32_t kPacket = 6, kSecrets = 10, kStatistics = 5;  // pcapng block types

class Recording : public testing::Test {
 protected:
  static constexpr EngineCase kHow{IoBackend::kEpoll, 2, 2};

  // `packets` each way, one at a time.
  static void exchange(EnginePair& pair, std::uint32_t packets) {
    for (std::uint32_t i = 0; i < packets; ++i) {
      pair.left.write(inner_packet(1, 2, i, 300), i % kHow.queues);
      ASSERT_EQ(pair.right.read().size(), 300U);
      pair.right.write(inner_packet(2, 1, i, 200), i % kHow.queues);
      ASSERT_EQ(pair.left.read().size(), 200U);
    }
  }
  ScratchFolder folder_;
};

TEST_F(Recording, HasEveryPacketInsideAndOutsideAndTheirKeys) {
  EnginePair pair;
  pair.left.capture = {.packets = folder_.file("a"), .keys = folder_.file("k")};
  pair.start(kHow).value();
  EXPECT_TRUE(says(pair.left.log, "written to " + folder_.file("a"))) << "secrets leave the process: whoever reads the log must know";
  EXPECT_TRUE(says(pair.left.log, "written to " + folder_.file("k")));
  exchange(pair, 20);
  pair.left.engine->stop();
  pair.right.engine->stop();
  const Counters left = pair.left.engine->counters(), right = pair.right.engine->counters();
  EXPECT_EQ(left.packets_captured, 2 * 20 + left.datagrams_sent + left.datagrams_received);
  EXPECT_EQ(left.packets_not_captured, 0U);
  EXPECT_EQ(right.packets_captured + right.packets_not_captured, 0U);
  EXPECT_TRUE(says(pair.left.log, "captured " + std::to_string(left.packets_captured) + " of " + std::to_string(left.packets_captured)));
  const auto file = contents(folder_.file("a"));
  EXPECT_EQ(count_of(file, kPacket), left.packets_captured);
  EXPECT_EQ(count_of(file, kSecrets), 2U) << "the private key, one handshake";
  EXPECT_EQ(count_of(file, kStatistics), 2U);
  for (const char* name : {"a", "k"}) {
    struct stat status {};
    ASSERT_EQ(::stat(folder_.file(name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
  }

  if (lines_of("tshark --version").empty()) GTEST_SKIP() << "no tshark";
  const auto decrypted =
      lines_of("tshark -n -r '" + folder_.file("a") + "' -Y 'wg.type == 4 && ip.src == 10.0.0.1' -T fields -e frame.len");
  EXPECT_EQ(decrypted.size(), 20U);
  EXPECT_TRUE(lines_of("tshark -n -r '" + folder_.file("a") + "' -Y wg.decryption_error").empty());
  const auto ports = lines_of("tshark -n -r '" + folder_.file("a") + "' -Y 'wg.type == 1' -T fields -e udp.srcport -e udp.dstport");
  ASSERT_EQ(ports.size(), 1U);
  EXPECT_EQ(ports[0], std::to_string(pair.left.bound_port) + "\t" + std::to_string(pair.right.bound_port));
}

TEST_F(Recording, WhatIsAnsweredIsDecryptedAsWell) {
  EnginePair pair;
  pair.right.capture = {.packets = folder_.file("a")};
  pair.start(kHow).value();
  exchange(pair, 5);
  pair.right.engine->stop();
  EXPECT_EQ(count_of(contents(folder_.file("a")), kSecrets), 2U);
  if (lines_of("tshark --version").empty()) GTEST_SKIP() << "no tshark";
  EXPECT_EQ(lines_of("tshark -n -r '" + folder_.file("a") + "' -Y 'wg.type == 4 && ip.src == 10.0.0.2'").size(), 5U);
}

TEST_F(Recording, WhatFindsNoRoomIsCounted) {
  EnginePair pair;
  pair.left.capture = {.packets = folder_.file("a"), .packets_limit = 4096};
  pair.start(kHow).value();
  exchange(pair, 20);
  pair.left.engine->stop();
  const Counters left = pair.left.engine->counters();
  EXPECT_GT(left.packets_captured, 0U);
  EXPECT_GT(left.packets_not_captured, 0U);
  EXPECT_EQ(left.packets_captured + left.packets_not_captured, 2 * 20 + left.datagrams_sent + left.datagrams_received);
  EXPECT_EQ(count_of(contents(folder_.file("a")), kPacket), left.packets_captured);
}

TEST_F(Recording, FilesThatAreThereAreNotTouched) {
  std::ofstream(folder_.file("a")) << "mine";
  EngineOptions options{.follow_interface = false, .capture = {.packets = folder_.file("a")}};
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const io::FileDescriptor other(ends[0]);
  options.device_fds = {ends[1]};
  const auto started = Engine::start(std::move(options));
  ASSERT_FALSE(started.ok());
  EXPECT_EQ(started.error().code, EEXIST);
  EXPECT_EQ(contents(folder_.file("a")).size(), 4U);
}

}  // namespace
}  // namespace wgu::engine
