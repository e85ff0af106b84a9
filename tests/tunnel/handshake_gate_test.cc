// Constants written out again: 1024 wait at most, load is an eighth of it and sticks for a second (kernel receive.c).

#include "tunnel/handshake_gate.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace wgu::tunnel {
namespace {

using namespace std::chrono_literals;

Host counting_host() {
  return {[n = std::uint8_t{0}](std::span<std::uint8_t> out) mutable {
            for (std::uint8_t& byte : out) byte = ++n;
          },
          [] { return WallTime{}; }};
}

TEST(HandshakeGate, Admits1024AndNoMore) {
  HandshakeGate gate(counting_host());
  for (int i = 0; i < 1024; ++i) EXPECT_TRUE(gate.try_enter());
  EXPECT_FALSE(gate.try_enter());
  EXPECT_FALSE(gate.try_enter());
  EXPECT_EQ(gate.queued(), 1024u);
  gate.leave();
  EXPECT_TRUE(gate.try_enter());
  EXPECT_FALSE(gate.try_enter());
}

TEST(HandshakeGate, LoadBeginsAtAnEighthAndStaysASecond) {
  HandshakeGate gate(counting_host());
  const Instant start{5s};
  for (int i = 0; i < 127; ++i) EXPECT_TRUE(gate.try_enter());
  EXPECT_FALSE(gate.is_under_load(start));
  EXPECT_TRUE(gate.try_enter());
  EXPECT_TRUE(gate.is_under_load(start));
  gate.leave();
  EXPECT_TRUE(gate.is_under_load(start + 1s - 1ns));
  EXPECT_FALSE(gate.is_under_load(start + 1s));
  EXPECT_FALSE(gate.is_under_load(start + 2s)) << "looking does not prolong it";
}

TEST(HandshakeGate, CookieRepliesAreBoundedASecond) {
  HandshakeGate gate(counting_host());
  int admitted = 0;
  for (int ms = 0; ms < 1000; ++ms) {
    for (int i = 0; i < 20; ++i) admitted += gate.admit_cookie_reply(Instant{ms * 1ms});
  }
  EXPECT_LE(admitted, 4096 + 256);
  EXPECT_GE(admitted, 4096);
}

TEST(HandshakeGate, ASecretOfTheHostsMaking) {
  HandshakeGate gate(counting_host());
  EXPECT_TRUE(std::any_of(gate.cookie_secret().begin(), gate.cookie_secret().end(), [](std::uint8_t byte) { return byte != 0; }));
}

TEST(HandshakeGate, WorkersShareTheBound) {
  HandshakeGate gate(counting_host());
  std::atomic<int> admitted{0};
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) admitted += gate.try_enter();
    });
  }
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(admitted, 1024);
  EXPECT_EQ(gate.queued(), 1024u);
}

}  // namespace
}  // namespace wgu::tunnel
