// Exact proportions, so that two batches of one size carry the same bytes: whole shares first, then the largest remainders.
#include "bench/micro/imix.h"

#include <algorithm>
#include <array>
#include <random>

namespace wgu::bench {
namespace {

struct Kind {
  std::uint32_t length;
  std::size_t weight;
};
constexpr std::array<Kind, 3> kKinds = {{{40, 7}, {576, 4}, {1500, 1}}};
constexpr std::size_t kWeights = 12;

std::uint32_t padded(std::uint32_t length) {
  const std::uint32_t inner = std::min(length, kImixMtu);
  return std::min((inner + 15) / 16 * 16, kImixMtu);
}

}  // namespace

std::vector<std::uint32_t> imix_lengths(std::size_t count, std::uint64_t seed) {
  std::array<std::size_t, kKinds.size()> order{};
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return count * kKinds[a].weight % kWeights > count * kKinds[b].weight % kWeights; });

  std::vector<std::uint32_t> lengths;
  for (const Kind& kind : kKinds) lengths.insert(lengths.end(), count * kind.weight / kWeights, padded(kind.length));
  for (std::size_t i = 0; lengths.size() < count; ++i) lengths.push_back(padded(kKinds[order[i]].length));

  // Fisher-Yates by hand: std::shuffle may differ between standard libraries, and then so would the row.
  std::mt19937_64 random(seed);
  for (std::size_t i = lengths.size(); i > 1; --i) std::swap(lengths[i - 1], lengths[random() % i]);
  return lengths;
}

}  // namespace wgu::bench
