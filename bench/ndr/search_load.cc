#include "bench/ndr/search_load.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "bench/traffic/self_test.h"

namespace wgu::bench {
namespace {

constexpr double kPdrLoss = 0.005;

SearchOptions search_options(const LoadSearch& search, std::uint64_t max_rate) {
  Goal ndr{.name = "ndr", .exceed_ratio = search.exceed_ratio, .duration_sum = search.duration_sum, .width = search.width};
  Goal pdr = ndr;
  pdr.name = "pdr";
  pdr.loss_ratio = kPdrLoss;
  return {.goals = {std::move(ndr), std::move(pdr)},
          .min_rate = std::min(search.min_rate, max_rate),
          .max_rate = max_rate,
          .trial_seconds = search.trial_seconds};
}

}  // namespace

void search_load(const LoadSearch& search, const NamedLoad& load, std::vector<Contender> contenders, Progress& progress, Results& results) {
  progress.show(load.name + ": what the generator reaches by itself");
  const SelfTest alone = best_self_test({.sizes = load.load.sizes, .segments = load.load.segments, .family = load.load.family}).value();
  progress.clear();
  fmt::print("{}: {}\n", load.name, alone.summary());
  results.environment.emplace_back("note/generator/" + load.name, alone.summary());
  const std::uint64_t max_rate =
      search.max_rate > 0 ? search.max_rate : std::max<std::uint64_t>(1, static_cast<std::uint64_t>(alone.sent_rate()));

  std::vector<std::string> subjects;
  for (const Contender& contender : contenders) subjects.push_back(contender.subject);
  std::map<std::string, std::vector<RatesFound>> rounds;
  for (unsigned round = 0; round < search.rounds; ++round) {
    const auto found =
        find_rates(contenders, search_options(search, max_rate), [&](const std::string& subject, unsigned number, std::uint64_t rate) {
          progress.show(
              fmt::format("{}, round {} of {}: {}, trial {} at {} packets/s", load.name, round + 1, search.rounds, subject, number, rate));
        });
    for (const RatesFound& one : found) {
      rounds[one.subject].push_back(one);
      if (!one.failure.empty()) std::erase_if(contenders, [&](const Contender& contender) { return contender.subject == one.subject; });
    }
  }
  progress.clear();
  for (const std::string& subject : subjects) add_rows(results, load.name, rounds[subject]);
}

}  // namespace wgu::bench
