#include "capture/capture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <thread>

#include "capture/blocks.h"
#include "scratch_folder.h"

namespace wgu::capture {
namespace {

using test::blocks_of;
using wgu::test::contents;

constexpr std::uint32_t kSection = 0x0a0d0d0a, kInterface = 1, kStatistics = 5, kPacket = 6, kSecrets = 10;

std::vector<std::uint32_t> types_of(const std::string& path) {
  std::vector<std::uint32_t> types;
  for (const auto& block : blocks_of(contents(path))) types.push_back(block.type);
  return types;
}

std::string text_of(const std::string& path) {
  const auto bytes = contents(path);
  return {bytes.begin(), bytes.end()};
}

const OuterPath kPath{Endpoint::parse("192.0.2.2:51820").value(), {IpAddress::parse("192.0.2.1").value(), 0}, 51820, 0};
const Bytes kInnerPacket(28, 0x45);

struct Keys {
  PrivateKey local = PrivateKey::generate(), ephemeral = PrivateKey::generate();
  PresharedKey preshared = PresharedKey::generate();
  [[nodiscard]] HandshakeSecrets secrets() const { return {local.reveal(), ephemeral.reveal(), preshared.reveal(), local.public_key()}; }
};

TEST(Capture, GoesToAFileThatBeginsWithItsInterfaces) {
  const wgu::test::ScratchFolder folder;
  const auto capture = std::move(Capture::create({.packets_path = folder.file("a"), .interface_name = "wg7"})).value();
  EXPECT_EQ(types_of(folder.file("a")), (std::vector<std::uint32_t>{kSection, kInterface, kInterface}));
  EXPECT_NE(text_of(folder.file("a")).find("wg7-outside"), std::string::npos);
}

TEST(Capture, PacketsWaitForAFlushAndSecretsForNothing) {
  const wgu::test::ScratchFolder folder;
  const Keys keys;
  const auto capture = std::move(Capture::create({.packets_path = folder.file("a"), .key_log_path = folder.file("k")})).value();
  Tap tap(*capture);
  tap.inner(Direction::kOutbound, kInnerPacket, {});
  EXPECT_EQ(blocks_of(contents(folder.file("a"))).size(), 3U);
  tap.handshake(keys.secrets());
  EXPECT_EQ(types_of(folder.file("a")), (std::vector<std::uint32_t>{kSection, kInterface, kInterface, kPacket, kSecrets}));
  tap.outer(Direction::kInbound, kPath, Bytes(32), {});
  tap.flush();
  EXPECT_EQ(types_of(folder.file("a")), (std::vector<std::uint32_t>{kSection, kInterface, kInterface, kPacket, kSecrets, kPacket}));
  EXPECT_NE(text_of(folder.file("a")).find(keys.ephemeral.reveal_base64()), std::string::npos);
  EXPECT_NE(text_of(folder.file("k")).find("PRESHARED_KEY = " + keys.preshared.reveal_base64() + "\n"), std::string::npos);

  const CaptureCounts counts = capture->counts();
  EXPECT_EQ(counts.packets[0].seen, 1U);
  EXPECT_EQ(counts.packets[1].seen, 1U);
  EXPECT_EQ(counts.packets[0].dropped + counts.packets[1].dropped, 0U);
  EXPECT_EQ(counts.handshakes, 1U);
  EXPECT_EQ(counts.packets_bytes, contents(folder.file("a")).size());
  EXPECT_EQ(counts.key_log_bytes, contents(folder.file("k")).size());
}

TEST(Capture, AnIdentityIsWrittenAndNoneIsNot) {
  const wgu::test::ScratchFolder folder;
  const auto capture = std::move(Capture::create({.packets_path = folder.file("a")})).value();
  Tap tap(*capture);
  tap.identity(PrivateKey().reveal());
  EXPECT_EQ(blocks_of(contents(folder.file("a"))).size(), 3U);
  const Keys keys;
  tap.identity(keys.local.reveal());
  EXPECT_EQ(types_of(folder.file("a")).back(), kSecrets);
  EXPECT_NE(text_of(folder.file("a")).find(keys.local.reveal_base64()), std::string::npos);
  EXPECT_EQ(capture->counts().handshakes, 0U);
}

TEST(Capture, ATapThatGoesWritesWhatItHas) {
  const wgu::test::ScratchFolder folder;
  const auto capture = std::move(Capture::create({.packets_path = folder.file("a")})).value();
  { Tap(*capture).inner(Direction::kInbound, kInnerPacket, {}); }
  EXPECT_EQ(types_of(folder.file("a")).back(), kPacket);
}

TEST(Capture, MoreThanABufferIsWrittenOnTheWay) {
  const wgu::test::ScratchFolder folder;
  const auto capture = std::move(Capture::create({.packets_path = folder.file("a")})).value();
  Tap tap(*capture);
  for (int i = 0; i < 1000; ++i) tap.inner(Direction::kOutbound, Bytes(1420), {});
  EXPECT_GT(contents(folder.file("a")).size(), 1'000'000U);
  tap.flush();
  EXPECT_EQ(types_of(folder.file("a")).size(), 1003U);
}

TEST(Capture, PastItsLimitEveryPacketIsCountedAndTheFileSaysSo) {
  const wgu::test::ScratchFolder folder;
  const auto capture = std::move(Capture::create({.packets_path = folder.file("a"), .packets_limit = 1000})).value();
  {
    Tap tap(*capture);
    for (int i = 0; i < 40; ++i) {
      tap.inner(Direction::kOutbound, kInnerPacket, {});
      tap.flush();
    }
    tap.outer(Direction::kOutbound, kPath, Bytes(32), {});
    tap.handshake(Keys().secrets());
  }
  const CaptureCounts counts = capture->counts();
  EXPECT_EQ(counts.packets[0].seen, 40U);
  EXPECT_GT(counts.packets[0].dropped, 0U);
  EXPECT_LT(counts.packets[0].dropped, 40U);
  EXPECT_EQ(counts.packets[1].dropped, 1U);
  EXPECT_EQ(counts.handshakes_dropped, 1U);
  EXPECT_LE(contents(folder.file("a")).size(), 1000U);
  capture->finish({});
  const auto blocks = blocks_of(contents(folder.file("a")));
  EXPECT_EQ(
      static_cast<std::uint64_t>(std::count_if(blocks.begin(), blocks.end(), [](const auto& block) { return block.type == kPacket; })),
      counts.packets[0].seen - counts.packets[0].dropped);
  ASSERT_EQ(blocks.back().type, kStatistics);
  const auto& inner = blocks[blocks.size() - 2].body;
  EXPECT_EQ(test::word(inner, 16), counts.packets[0].seen);
  EXPECT_EQ(test::word(inner, 28), counts.packets[0].dropped);
}

TEST(Capture, WhatIsNoDatagramsPathOrTooLargeIsNoPacket) {
  const wgu::test::ScratchFolder folder;
  const auto capture = std::move(Capture::create({.packets_path = folder.file("a")})).value();
  {
    Tap tap(*capture);
    tap.outer(Direction::kOutbound, OuterPath{}, Bytes(32), {});
    tap.inner(Direction::kOutbound, Bytes(65536), {});
    tap.inner(Direction::kOutbound, Bytes(65535), {});
  }
  EXPECT_EQ(types_of(folder.file("a")).size(), 4U);
  EXPECT_EQ(capture->counts().packets[0].seen, 2U);
  EXPECT_EQ(capture->counts().packets[0].dropped, 1U);
}

TEST(Capture, OfKeysAloneHasNoPackets) {
  const wgu::test::ScratchFolder folder;
  const auto capture = std::move(Capture::create({.key_log_path = folder.file("k")})).value();
  {
    Tap tap(*capture);
    tap.inner(Direction::kOutbound, kInnerPacket, {});
    tap.handshake(Keys().secrets());
  }
  capture->finish({});
  EXPECT_EQ(capture->counts().packets[0].seen, 0U);
  EXPECT_TRUE(text_of(folder.file("k")).starts_with("LOCAL_STATIC_PRIVATE_KEY = "));
}

TEST(Capture, ThatCannotBeMadeWholeLeavesNothing) {
  const wgu::test::ScratchFolder folder;
  EXPECT_EQ(Capture::create({}).error().code, EINVAL);
  ASSERT_TRUE(BoundedFile::create(folder.file("k"), 1));
  EXPECT_EQ(Capture::create({.packets_path = folder.file("a"), .key_log_path = folder.file("k")}).error().code, EEXIST);
  EXPECT_FALSE(std::filesystem::exists(folder.file("a")));
  EXPECT_EQ(Capture::create({.packets_path = folder.file("b"), .packets_limit = 10}).error().code, EFBIG);
  EXPECT_FALSE(std::filesystem::exists(folder.file("b")));
}

TEST(Capture, TapsOfSeveralWorkersShareOneFile) {
  const wgu::test::ScratchFolder folder;
  const auto capture = std::move(Capture::create({.packets_path = folder.file("a")})).value();
  {
    std::vector<std::jthread> workers;
    for (int worker = 0; worker < 4; ++worker) {
      workers.emplace_back([&capture] {
        Tap tap(*capture);
        const Keys keys;
        for (int i = 0; i < 500; ++i) {
          tap.outer(Direction::kInbound, kPath, Bytes(1452), {});
          if (i % 100 == 0) tap.handshake(keys.secrets());
        }
      });
    }
  }
  const auto types = types_of(folder.file("a"));
  EXPECT_EQ(std::count(types.begin(), types.end(), kPacket), 2000);
  EXPECT_EQ(std::count(types.begin(), types.end(), kSecrets), 20);
  EXPECT_EQ(capture->counts().packets[1].seen, 2000U);
  EXPECT_EQ(capture->counts().handshakes, 20U);
}

}  // namespace
}  // namespace wgu::capture
