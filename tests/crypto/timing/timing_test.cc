// Constant time on the clock: the one test that would see an instruction whose own time depends on its operands. Packets under a fixed
// key and text, and under random ones, in random order, through every kernel that runs here; Welch's t-test between the two.
//
// A clock is no judge, so this fails only for a difference that no noise makes (welch.h: |t| of 50 in each of five attempts, while chance
// stays below 7), which is a leak of some per cent. A planted comparison that exits early must be seen; where it is not, the
// machine cannot measure and the program skips itself with status 77. Leaks of control flow and of addresses, however small, are
// what trace/same_trace_test.cc and constant_time_test.cc find without a clock.

#include <chrono>
#include <cstdio>
#include <cstring>
#include <random>

#include "crypto/aead_kernels.h"
#include "crypto/bytes.h"
#include "crypto/sodium_ready.h"
#include "crypto/timing/welch.h"

namespace wgu::crypto {
namespace {

constexpr int kSkipped = 77;
constexpr int kMeasurements = 40'000;
constexpr std::size_t kPool = 64;  // secrets of each class; a class that lay in fewer cache lines than the other would be faster to copy

// Secrets and the place from which the timed call takes them: the same memory for both classes.
class Secrets {
 public:
  Secrets(std::size_t size, std::mt19937& random) : now_(size) {
    const Bytes fixed = random_bytes(random, size);
    for (std::size_t i = 0; i < kPool; ++i) {
      pool_[0].push_back(random_bytes(random, size));
      pool_[1].push_back(fixed);
    }
  }
  void choose(bool is_fixed, std::size_t number) {
    const Bytes& chosen = pool_[is_fixed ? 1 : 0][number % kPool];
    std::copy(chosen.begin(), chosen.end(), now_.begin());
  }
  Bytes& now() { return now_; }

 private:
  std::vector<Bytes> pool_[2];
  Bytes now_;
};

// prepare() is not timed.
template <class Prepare, class Call>
std::vector<timing::Timing> measure(Secrets& secrets, std::mt19937& random, Prepare prepare, Call call) {
  using Clock = std::chrono::steady_clock;
  std::vector<timing::Timing> timings;
  timings.reserve(kMeasurements);
  for (int i = 0; i < kMeasurements; ++i) {
    const auto chance = random();
    const bool is_fixed = (chance & 1) != 0;
    secrets.choose(is_fixed, chance >> 1);
    prepare();
    const auto begin = Clock::now();
    call();
    const std::chrono::duration<double, std::nano> duration = Clock::now() - begin;
    timings.push_back({is_fixed, duration.count()});
  }
  timings.erase(timings.begin(), timings.begin() + kMeasurements / 20);  // caches and branch predictors were learning
  return timings;
}

// `count` packets of `length` bytes, key and text of each a secret.
class Batch {
 public:
  Batch(std::size_t count, std::uint32_t length, std::mt19937& random)
      : random_(random),
        secrets_(count * (32 + length), random),
        packets_(count, Bytes(length + kAeadTagSize)),
        texts_(count, Bytes(length)) {
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint8_t* secret = secrets_.now().data() + i * (32 + length);
      seals_.push_back({secret, i, secret + 32, packets_[i].data(), length});
      opens_.push_back({secret, i, packets_[i].data(), texts_[i].data(), length + std::uint32_t{kAeadTagSize}});
    }
  }
  std::vector<timing::Timing> seal(const AeadKernel& kernel) {
    return measure(
        secrets_, random_, [] {}, [&] { kernel.seal(seals_); });
  }
  std::vector<timing::Timing> open(const AeadKernel& kernel, bool is_forged) {
    const auto prepare = [&] {
      kernel.seal(seals_);
      for (Bytes& packet : packets_) packet.back() ^= is_forged ? 1 : 0;
    };
    return measure(secrets_, random_, prepare, [&] { kernel.open(opens_); });
  }

 private:
  std::mt19937& random_;
  Secrets secrets_;
  std::vector<Bytes> packets_;
  std::vector<Bytes> texts_;
  std::vector<SealJob> seals_;
  std::vector<OpenJob> opens_;
};

double planted_leak(std::mt19937& random) {
  Secrets secrets(1424, random);
  secrets.choose(true, 0);
  const Bytes expected = secrets.now();
  volatile std::size_t equal = 0;
  return timing::agreed_t([&] {
    return measure(
        secrets, random, [] {},
        [&] {
          std::size_t i = 0;
          while (i < expected.size() && secrets.now()[i] == expected[i]) ++i;
          equal = i;
        });
  });
}

bool show(const std::string& what, double t) {
  std::printf("%s %s: |t| = %.1f\n", timing::is_leak(t) ? "LEAK" : "ok  ", what.c_str(), std::fabs(t));
  std::fflush(stdout);
  return timing::is_leak(t);
}

int check() {
  require_sodium();
  std::mt19937 random(17);
  const double planted = planted_leak(random);
  std::printf("a planted early exit: |t| = %.1f\n", std::fabs(planted));
  if (!timing::is_leak(planted)) {
    std::puts("skipped: this machine is too noisy to see even that");
    return kSkipped;
  }
  int leaks = 0;
  for (const AeadKernel* kernel : kernels()) {
    if (!kernel->runs_here()) continue;
    for (const auto& [count, length] : {std::pair<std::size_t, std::uint32_t>{1, 1424}, {16, 64}, {24, 640}}) {
      Batch batch(count, length, random);
      const std::string what = std::string(kernel->name) + " " + std::to_string(count) + " x " + std::to_string(length) + " ";
      leaks += show(what + "seal", timing::agreed_t([&] { return batch.seal(*kernel); }));
      leaks += show(what + "open", timing::agreed_t([&] { return batch.open(*kernel, false); }));
      leaks += show(what + "open, forged", timing::agreed_t([&] { return batch.open(*kernel, true); }));
    }
  }
  return leaks == 0 ? 0 : 1;
}

}  // namespace
}  // namespace wgu::crypto

int main() { return wgu::crypto::check(); }
