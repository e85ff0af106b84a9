// `wgu-bench compare BASE NEW`: may they be compared, what differs, what the history says. For CI: the exit status.
#include <cstdio>
#include <memory>
#include <optional>

#include "bench/commands.h"
#include "bench/compare/comparable.h"
#include "bench/compare/history.h"
#include "bench/compare/judgement.h"
#include "bench/compare/text.h"

namespace wgu::bench {
namespace {

constexpr int kNoRegression = 0, kRegression = 1, kError = 2;

struct Options {
  std::string base, next;
  std::string varies = kBuildKey;
  double alpha_percent = 100 * Criteria{}.alpha;
  std::optional<double> least_effect_percent;
  bool shows_every_row = true;
  std::string history;
  bool is_to_record = false;
};

int compare_files(const Options& options) {
  const Results base = read_results(options.base).value();
  const Results next = read_results(options.next).value();
  check_comparable(base, next, options.varies).value();
  Criteria criteria;
  criteria.alpha = options.alpha_percent / 100;
  if (options.least_effect_percent) criteria.least_effect = *options.least_effect_percent / 100;
  criteria.has_references = keeps_references(options.varies);
  const Comparison comparison = compare(base, next, criteria);
  const Shown shown = options.shows_every_row ? Shown::kEveryRow : Shown::kDifferences;
  std::fputs(format_comparison(comparison, base, next, criteria, shown).c_str(), stdout);
  if (!options.history.empty()) {
    std::fputs(format_history(check_history(read_history(options.history).value(), next)).c_str(), stdout);
    if (options.is_to_record) append_history(options.history, next).value();
  }
  if (comparison.count(Verdict::kRegression) > 0) return kRegression;
  if (comparison.count(Verdict::kImprovement) + comparison.count(Verdict::kNoDifference) > 0) return kNoRegression;
  std::fputs("wgu-bench compare: no row could be judged\n", stderr);
  return kError;
}

int run_compare(const Options& options) try { return compare_files(options); } catch (const std::exception& error) {
  std::fprintf(stderr, "wgu-bench compare: %s\n", error.what());
  return kError;
}

}  // namespace

void add_compare(CLI::App& program, Run& run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("compare", "Say of two results files, row by row, whether the difference is real.");
  command->add_option("BASE", options->base, "Results of the run to compare with")->required();
  command->add_option("NEW", options->next, "Results of the run in question")->required();
  command
      ->add_option("--varies", options->varies,
                   "What is allowed to differ between the runs: a key of their configuration or environment, or \"build\" (the default)")
      ->type_name("KEY");
  command->add_option("--alpha", options->alpha_percent, "Chance of any false finding, over all rows together, in percent (1)")
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0001, 50.0));
  command
      ->add_option("--least-effect", options->least_effect_percent,
                   "Differences up to it do not count, in percent (2; 5 where no references are there to measure the machine by)")
      ->type_name("PERCENT")
      ->check(CLI::Range(0.0, 100.0));
  command->add_flag("--every-row,!--differences", options->shows_every_row, "Show every row (the default), or only those that differ");
  CLI::Option* history =
      command->add_option("--history", options->history, "Warn when NEW and the runs in FILE show a lasting change of level")
          ->type_name("FILE");
  command->add_flag("--record", options->is_to_record, "Add NEW to the history")->needs(history);
  command->footer(
      "Per row: the ratio new/base (Hodges-Lehmann estimate over the logarithms, with its interval) and the Mann-Whitney test of a\n"
      "difference beyond the noise, its p adjusted over all rows by Holm. The noise is measured: rows of other people's code in both runs\n"
      "(references) move only with the machine; what they have in common is taken out round by round, and by how much they still differ\n"
      "between the runs, 1.5 times, is the least that counts. Rounds that resemble each other count for less. A row needs 10 samples a "
      "side.\n"
      "\n"
      "The history is one results file a line. A change of level is Pettitt's test over the medians of the runs of one configuration,\n"
      "adjusted by Holm at 5 %; it takes 10 runs, and does not change the exit status.\n"
      "\n"
      "Exit status: 0 no row is worse, 1 at least one is, 2 the files cannot be read or compared, or no row could be judged.");
  command->callback([options, &run] { run = [options] { return run_compare(*options); }; });
}

}  // namespace wgu::bench
