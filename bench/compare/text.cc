// First who is compared, then what the machine did, then a line a row, then the sum.
#include "bench/compare/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "bench/quantity.h"

namespace wgu::bench {
namespace {

constexpr int kFigure = 13;

std::string heading(const char* which, const Results& results) {
  return fmt::format("{:<5} {}, {}, build {:.12}, {} rows\n", which, results.begun, value_of(results.environment, "wgu"),
                     value_of(results.environment, "build"), results.rows.size());
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string describe(const Noise& noise, bool has_references) {
  std::string text = noise.metric + ": ";
  if (noise.is_taken_out) {
    text += fmt::format("{} references say that the machine moved by {:+.1f} %, which is taken out; ", noise.references,
                        100 * (noise.drift - 1));
  } else if (noise.references > 0) {
    text += fmt::format("{} references, too few to take out what the machine did; ", noise.references);
  } else if (has_references) {
    text += "no references, so that nothing tells the machine's doing from ours; ";
  } else {
    text += "what varies may move the references as well, so that they count as rows; ";
  }
  text += fmt::format("differences up to {} do not count", percent(noise.floor));
  if (noise.autocorrelation > 0.05)
    text += fmt::format("; rounds resemble the one before ({:.2f}) and count for less", noise.autocorrelation);
  return text + "\n";
}

std::string words(const Judgement& row) {
  switch (row.verdict) {
    case Verdict::kNoDifference:
      return "no significant difference";
    case Verdict::kImprovement:
      return "better";
    case Verdict::kRegression:
      return "WORSE";
    case Verdict::kCannotTell:
      return "cannot tell: " + row.reason;
    case Verdict::kReference:
      return "reference";
  }
  return {};
}

std::string ratio(const Judgement& row) {
  return row.has_ratio ? fmt::format("{:.3f} ({:.3f}..{:.3f})", row.ratio, row.low, row.high) : std::string("-");
}

std::string p_value(double p) { return p < 0.0001 ? std::string("< 0.0001") : fmt::format("{:.4f}", p); }

bool is_judged(const Judgement& row) { return row.verdict != Verdict::kCannotTell && row.verdict != Verdict::kReference; }

std::map<std::string, std::string> units_of(const Results& results) {
  std::map<std::string, std::string> units;
  for (const Row& row : results.rows) units.emplace(row.metric, unit_of(row.unit, row.metric));
  return units;
}

}  // namespace

std::string format_comparison(const Comparison& comparison, const Results& base, const Results& next, const Criteria& criteria,
                              Shown shown) {
  std::string text = heading("base", base) + heading("new", next) + "\n";
  for (const Noise& noise : comparison.noise) text += describe(noise, criteria.has_references);

  std::vector<const Judgement*> rows;
  for (const Judgement& row : comparison.rows) {
    const bool differs = row.verdict == Verdict::kImprovement || row.verdict == Verdict::kRegression;
    if (shown == Shown::kEveryRow || differs) rows.push_back(&row);
  }
  std::size_t name = 0, subject = 0, metric = 0;
  for (const Judgement* row : rows) {
    name = std::max(name, row->name.size());
    subject = std::max(subject, row->subject.size());
    metric = std::max(metric, row->metric.size());
  }
  const std::map<std::string, std::string> units = units_of(next);
  if (!rows.empty()) {
    text += fmt::format("\n{:<{}}  {:<{}}  {:<{}}  {:>{}}  {:>{}}  {:>23}  {:>8}  {}\n", "", name, "", subject, "", metric, "base", kFigure,
                        "new", kFigure, fmt::format("new/base ({:.0f} %)", 100 * criteria.confidence), "p (Holm)", "verdict");
  }
  for (const Judgement* row : rows) {
    text += fmt::format("{:<{}}  {:<{}}  {:<{}}  {:>{}}  {:>{}}  {:>23}  {:>8}  {}\n", row->name, name, row->subject, subject, row->metric,
                        metric, format_plainly(row->base, units.at(row->metric)), kFigure, format_plainly(row->next, units.at(row->metric)),
                        kFigure, ratio(*row), is_judged(*row) ? p_value(row->p_adjusted) : "-", words(*row));
  }
  if (!rows.empty()) text += "\n";
  for (const std::string& row : comparison.only_in_base) text += "only in base: " + row + "\n";
  for (const std::string& row : comparison.only_in_next) text += "only in new: " + row + "\n";

  const std::size_t worse = comparison.count(Verdict::kRegression);
  const std::size_t better = comparison.count(Verdict::kImprovement);
  const std::size_t same = comparison.count(Verdict::kNoDifference);
  text += fmt::format(
      "\n{} rows worse, {} better, {} without significant difference, {} that cannot tell (at most {} of all pairs of equal runs "
      "differ by chance)\n",
      worse, better, same, comparison.count(Verdict::kCannotTell), percent(criteria.alpha));
  return text;
}

}  // namespace wgu::bench
