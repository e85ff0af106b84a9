// The loop over a wire of our own making, which loses, doubles, swaps and damages what it is told to.
#include "bench/memory/closed_loop.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using Bytes = std::vector<std::uint8_t>;

// The far ends are the loop's. What goes in comes out as `treat` has it, which sees each packet and its number from 0.
class Wire {
 public:
  using Treat = std::function<std::vector<Bytes>(std::uint64_t number, Bytes packet)>;
  explicit Wire(unsigned queues, Treat treat) : treat_(std::move(treat)) {
    for (unsigned i = 0; i < queues; ++i) {
      for (auto* side : {&entrance, &exit}) {
        int ends[2];
        EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
        side->emplace_back(ends[0]);
        near_.emplace_back(ends[1]);
      }
    }
    thread_ = std::thread([this] { carry(); });
  }
  ~Wire() {
    entrance.clear();
    thread_.join();
  }
  std::vector<io::FileDescriptor> entrance, exit;
  std::vector<std::uint64_t> carried = std::vector<std::uint64_t>(8);  // by queue; after the loop has ended

 private:
  void carry() {
    std::vector<pollfd> waits;
    for (std::size_t i = 0; i < near_.size(); i += 2) waits.push_back({near_[i].get(), POLLIN, 0});
    std::uint64_t number = 0;
    for (std::size_t open = waits.size(); open > 0;) {
      poll(waits.data(), waits.size(), -1);
      for (std::size_t queue = 0; queue < waits.size(); ++queue) {
        if (waits[queue].revents == 0) continue;
        Bytes packet(9001);
        const ssize_t size = recv(waits[queue].fd, packet.data(), packet.size(), 0);
        if (size <= 0) {
          waits[queue].fd = -1;
          --open;
          continue;
        }
        ++carried[queue];
        packet.resize(static_cast<std::size_t>(size));
        for (const Bytes& out : treat_(number, std::move(packet))) send(near_[2 * queue + 1].get(), out.data(), out.size(), 0);
        ++number;
      }
    }
  }
  Treat treat_;
  std::vector<io::FileDescriptor> near_;
  std::thread thread_;
};

struct Outcome {
  std::uint64_t sent;
  Arrived arrived;
};

const std::vector<int> kAnyCpu;

Outcome run(const RoundOptions& options, Wire& wire, std::uint64_t until = 2000) {
  ClosedLoop loop(options, wire.entrance, wire.exit, kAnyCpu);
  for (int i = 0; i < 4000 && loop.packets() < until; ++i) std::this_thread::sleep_for(5ms);
  loop.stop();
  EXPECT_EQ(loop.failure(), "");
  EXPECT_EQ(loop.packets(), loop.arrived().packets);
  EXPECT_EQ(loop.bytes(), loop.arrived().bytes);
  return {loop.sent(), loop.arrived()};
}

TEST(ClosedLoop, AnHonestWireLosesNothing) {
  for (const auto& [flows, queues] : {std::pair{1U, 1U}, {3U, 2U}, {1U, 2U}, {8U, 4U}}) {
    Wire wire(queues, [](std::uint64_t, Bytes packet) { return std::vector<Bytes>{std::move(packet)}; });
    const Outcome outcome = run({.sizes = {64, 200, 1420}, .flows = flows, .window = 16}, wire);
    EXPECT_GE(outcome.arrived.packets, 2000U);
    EXPECT_EQ(outcome.sent, outcome.arrived.packets);
    EXPECT_EQ(outcome.arrived.reordered + outcome.arrived.duplicates + outcome.arrived.corrupted, 0U);
    // The sizes in turn: three packets are 1684 bytes.
    EXPECT_NEAR(static_cast<double>(outcome.arrived.bytes) / static_cast<double>(outcome.arrived.packets), 1684.0 / 3, 1);
    for (unsigned queue = 0; queue < queues; ++queue) EXPECT_EQ(wire.carried[queue] > 0, queue < flows) << queue;
  }
}

TEST(ClosedLoop, NeverMoreThanTheWindowIsOnItsWay) {
  std::vector<Bytes> held;
  std::size_t most = 0;
  // Holds back ten packets, the whole window: the eleventh must not come.
  Wire wire(1, [&](std::uint64_t, Bytes packet) {
    held.push_back(std::move(packet));
    most = std::max(most, held.size());
    return held.size() < 10 ? std::vector<Bytes>() : std::exchange(held, {});
  });
  const Outcome outcome = run({.sizes = {64}, .flows = 1, .window = 10}, wire, 500);
  EXPECT_EQ(most, 10U);
  EXPECT_GE(outcome.arrived.packets, 500U);
}

TEST(ClosedLoop, WhatIsLostIsCountedAndDoesNotEndTheRun) {
  std::uint64_t lost = 0;
  Wire wire(1, [&](std::uint64_t number, Bytes packet) {
    const bool is_lost = number % 100 == 7;
    lost += is_lost;
    return is_lost ? std::vector<Bytes>() : std::vector<Bytes>{std::move(packet)};
  });
  // A window of four: it is full of losses after a while, and goes on only because they are written off.
  const Outcome outcome = run({.sizes = {64}, .flows = 1, .window = 4}, wire, 500);
  EXPECT_GE(outcome.arrived.packets, 500U);
  EXPECT_GE(lost, 5U);
  EXPECT_EQ(outcome.sent - outcome.arrived.packets, lost);
}

TEST(ClosedLoop, SwappedDoubledAndDamagedPacketsAreCounted) {
  std::optional<Bytes> kept;
  std::uint64_t swapped = 0, doubled = 0, damaged = 0;
  Wire wire(1, [&](std::uint64_t number, Bytes packet) -> std::vector<Bytes> {
    if (kept) {
      ++swapped;
      return {std::move(packet), *std::exchange(kept, std::nullopt)};
    }
    switch (number % 50) {
      case 10:
        kept = std::move(packet);
        return {};
      case 20:
        ++doubled;
        return {packet, packet};
      case 30:
        ++damaged;
        packet[60] ^= 4;
        return {std::move(packet)};
      default:
        return {std::move(packet)};
    }
  });
  const Outcome outcome = run({.sizes = {100}, .flows = 1, .window = 32}, wire);
  EXPECT_GE(swapped, 10U);
  EXPECT_EQ(outcome.arrived.reordered, swapped);
  EXPECT_EQ(outcome.arrived.duplicates, doubled);
  EXPECT_EQ(outcome.arrived.corrupted, damaged);
  EXPECT_EQ(outcome.sent - outcome.arrived.packets, damaged + (kept ? 1 : 0));
}

TEST(ClosedLoop, ADeviceThatWentAwayIsAFailure) {
  Wire wire(1, [](std::uint64_t, Bytes packet) { return std::vector<Bytes>{std::move(packet)}; });
  shutdown(wire.entrance[0].get(), SHUT_WR);
  signal(SIGPIPE, SIG_IGN);
  const RoundOptions options{.sizes = {64}, .flows = 1, .window = 4};
  ClosedLoop loop(options, wire.entrance, wire.exit, kAnyCpu);
  std::this_thread::sleep_for(20ms);
  loop.stop();
  EXPECT_EQ(loop.failure(), "writing to the device: Broken pipe");
}

}  // namespace
}  // namespace wgu::bench
