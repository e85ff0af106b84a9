// When wait() ends, and when it does not: timeouts, wakes from other threads, own sends.

#include <atomic>
#include <chrono>
#include <thread>

#include "io/loop_fixture.h"

namespace wgu::io {
namespace {

using namespace std::chrono_literals;

class LoopWaitTest : public LoopTest {};

INSTANTIATE_TEST_SUITE_P(Backends, LoopWaitTest, ::testing::ValuesIn(kBackends),
                         [](const auto& row) { return std::string(row.param.name); });

TEST_P(LoopWaitTest, WaitsAtLeastItsTimeout) {
  open();
  open_sockets();
  for (const auto timeout : {0us, 1us, 300us, 5'000us, 30'000us}) {
    const auto start = std::chrono::steady_clock::now();
    loop_->wait(timeout, arrivals_);
    EXPECT_GE(std::chrono::steady_clock::now() - start, timeout);
  }
}

TEST_P(LoopWaitTest, OwnSendsDoNotEndTheWait) {
  open();
  open_sockets();
  PlainSocket receiver;
  for (int i = 0; i < 10; ++i) send(datagram("out", receiver.endpoint()));
  const auto start = std::chrono::steady_clock::now();
  loop_->wait(50ms, arrivals_);
  EXPECT_GE(std::chrono::steady_clock::now() - start, 50ms);
}

TEST_P(LoopWaitTest, ArrivalEndsAnEndlessWaitWithSendsQueued) {
  open();
  open_sockets();
  SocketPair device;
  loop_->set_device(device.ours.get(), device.ours.get());
  PlainSocket peer;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) {
      ASSERT_TRUE(peer.receive().has_value());
      ASSERT_TRUE(peer.receive().has_value());
      ASSERT_TRUE(peer.send_to(self(), "answer"));
    }
  });
  for (int i = 0; i < 100; ++i) {
    for (int j = 0; j < 2; ++j) send(datagram("question", peer.endpoint()));
    arrivals_.clear();
    while (arrivals_.from_network.empty()) loop_->wait(Duration::max(), arrivals_);
  }
  other.join();
}

TEST_P(LoopWaitTest, NoWakeIsLost) {
  open();
  constexpr int kRounds = 20'000;
  std::atomic<int> asked{0}, seen{0};
  std::thread other([&] {
    for (int i = 1; i <= kRounds; ++i) {
      asked.store(i);
      loop_->wake();
      // Sometimes before the loop is parked again, sometimes long after.
      while (seen.load() < i) {
        if (i % 3 == 0) std::this_thread::yield();
      }
    }
  });
  for (int i = 1; i <= kRounds;) {
    loop_->wait(Duration::max(), arrivals_);  // a lost wake hangs here
    if (asked.load() >= i) seen.store(i++);
  }
  other.join();
}

TEST_P(LoopWaitTest, WakeBeforeTheWaitEndsIt) {
  open();
  loop_->wake();
  loop_->wait(Duration::max(), arrivals_);
  const auto start = std::chrono::steady_clock::now();
  loop_->wait(20ms, arrivals_);  // one wake ends one wait
  EXPECT_GE(std::chrono::steady_clock::now() - start, 20ms);
}

TEST_P(LoopWaitTest, ManyWakersAtOnce) {
  open();
  std::atomic<int> work{0};
  constexpr int kEach = 5'000;
  std::vector<std::thread> wakers;
  for (int t = 0; t < 3; ++t) {
    wakers.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        work.fetch_add(1);
        loop_->wake();
      }
    });
  }
  int done = 0;
  while (done < 3 * kEach) {
    done += work.exchange(0);
    if (done < 3 * kEach) loop_->wait(Duration::max(), arrivals_);
  }
  for (std::thread& waker : wakers) waker.join();
}

}  // namespace
}  // namespace wgu::io
