// What each packet pays besides the cipher: replay window, allowed IPs, counters. Look-ups go through a few thousand addresses in
// random order, all of which have an owner, so that neither the branch predictor nor one cached path answers them.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "bench/micro/rows.h"
#include "noise/replay.h"
#include "tunnel/allowed_ips.h"
#include "wgu/stats.h"

namespace wgu::bench {
namespace {

using tunnel::AllowedIps;
using tunnel::PeerId;

constexpr std::size_t kLookups = 4096;

// --- Replay window ---------------------------------------------------------------------------------------------------------

// Counters of `kLookups` packets, each moved by less than `reach` places.
std::vector<std::uint64_t> arrivals(std::uint64_t reach) {
  std::mt19937_64 random(reach);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> order;  // when, counter
  for (std::uint64_t counter = 0; counter < kLookups; ++counter) order.emplace_back(counter + random() % reach, counter);
  std::stable_sort(order.begin(), order.end());
  std::vector<std::uint64_t> counters;
  for (const auto& [when, counter] : order) counters.push_back(counter);
  return counters;
}

void accept_counters(benchmark::State& state, std::uint64_t reach) {
  const std::vector<std::uint64_t> counters = arrivals(reach);
  noise::ReplayWindow window;
  std::uint64_t base = 0;
  std::size_t next = 0;
  std::int64_t refused = 0;
  for (auto _ : state) {
    refused += window.accept(base + counters[next]) ? 0 : 1;
    if (++next == counters.size()) {
      next = 0;
      base += kLookups;
    }
  }
  if (refused != 0) state.SkipWithError("a fresh counter was refused");
  state.SetItemsProcessed(state.iterations());
}

void refuse_counters(benchmark::State& state) {
  noise::ReplayWindow window;
  std::int64_t accepted = window.accept(kLookups) ? -1 : 0;
  for (std::uint64_t counter = 0; counter < kLookups; ++counter) accepted -= window.accept(counter) ? 1 : 0;
  std::uint64_t counter = 0;
  const std::int64_t before = accepted;
  for (auto _ : state) accepted += window.accept(counter++ % kLookups) ? 1 : 0;
  if (accepted != before) state.SkipWithError("a replayed counter was accepted");
  state.SetItemsProcessed(state.iterations());
}

// --- Allowed IPs -----------------------------------------------------------------------------------------------------------

IpAddress random_address(Family family, std::mt19937_64& random) {
  std::array<std::uint8_t, 16> bytes;
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return family == Family::kIpv4 ? IpAddress::v4_from(bytes.data()) : IpAddress::v6_from(bytes.data());
}

// A table of `count` random blocks, and addresses inside of them. Lengths are spread over those that peers have: IPv4 16 to 32,
// IPv6 48 to 128.
struct Routes {
  AllowedIps table;
  std::vector<IpAddress> addresses;

  Routes(Family family, std::size_t count) {
    std::mt19937_64 random(count);
    const unsigned shortest = family == Family::kIpv4 ? 16 : 48;
    const unsigned longest = family == Family::kIpv4 ? 32 : 128;
    std::vector<Prefix> blocks;
    while (table.size() < count) {
      const auto length = static_cast<std::uint8_t>(longest - std::min(random(), random()) % (longest - shortest + 1));
      blocks.push_back(Prefix::masked(random_address(family, random), length));
      table.insert(blocks.back(), PeerId{static_cast<std::uint32_t>(blocks.size()), 0, 0});
    }
    table.publish();
    while (addresses.size() < kLookups) {
      const Prefix& block = blocks[random() % blocks.size()];
      IpAddress address = random_address(family, random);
      for (unsigned bit = 0; bit < block.length; ++bit) {
        const auto mask = static_cast<std::uint8_t>(0x80U >> bit % 8);
        address.bytes[bit / 8] = static_cast<std::uint8_t>((address.bytes[bit / 8] & ~mask) | (block.address.bytes[bit / 8] & mask));
      }
      addresses.push_back(address);
    }
  }
};

// `routes` is filled at the first measurement and kept for the repetitions: a million blocks take longer to lay than to measure.
void look_up(benchmark::State& state, std::unique_ptr<Routes>& routes, Family family, std::size_t count) {
  if (routes == nullptr) routes = std::make_unique<Routes>(family, count);
  const tunnel::AllowedIpsView view = routes->table.published();
  std::size_t next = 0;
  std::int64_t missed = 0;
  // Other rows have been at the caches since: look-ups are timed as they are in a stream of them.
  for (const IpAddress& address : routes->addresses) missed += view.find(address).is_set() ? 0 : 1;
  if (family == Family::kIpv4) {
    for (auto _ : state) missed += view.find_v4(routes->addresses[next++ % kLookups].bytes.data()).is_set() ? 0 : 1;
  } else {
    for (auto _ : state) missed += view.find_v6(routes->addresses[next++ % kLookups].bytes.data()).is_set() ? 0 : 1;
  }
  if (missed != 0) state.SkipWithError("an allowed address found nobody");
  state.SetItemsProcessed(state.iterations());
}

// --- Counters --------------------------------------------------------------------------------------------------------------

void count_drop(benchmark::State& state) {
  Counters counters;
  std::size_t reason = 0;
  for (auto _ : state) {
    counters.drop(static_cast<Drop>(reason));
    benchmark::DoNotOptimize(counters);
    reason = (reason + 7) % kDropCount;
  }
  state.SetItemsProcessed(state.iterations());
}

void sum_counters(benchmark::State& state) {
  Counters sum;
  Counters one;
  one.drop(Drop::kInReplayed);
  for (auto _ : state) {
    benchmark::DoNotOptimize(one);
    sum += one;
    benchmark::DoNotOptimize(sum);
  }
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

void add_lookup_rows(const AddRow& add) {
  add("replay/in_order", [](benchmark::State& state) { accept_counters(state, 1); });
  add("replay/reordered", [](benchmark::State& state) { accept_counters(state, 256); });
  add("replay/duplicate", refuse_counters);
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    for (const std::size_t count : {10U, 1'000U, 100'000U, 1'000'000U}) {
      const std::string name = std::string("allowed_ips/") + (family == Family::kIpv4 ? "v4" : "v6") + "/prefixes:" + std::to_string(count);
      add(name, [family, count, routes = std::make_shared<std::unique_ptr<Routes>>()](benchmark::State& state) {
        look_up(state, *routes, family, count);
      });
    }
  }
  add("counters/drop", count_drop);
  add("counters/sum", sum_counters);
}

}  // namespace wgu::bench
