#pragma once
// Is there a difference between two runs? Per row, and so that two runs of one build are found different in at most one of a hundred pairs,
// over all rows together.

#include <optional>
#include <string>
#include <vector>

#include "bench/compare/course.h"
#include "bench/results.h"

namespace wgu::bench {

struct Criteria {
  double alpha = 0.01;                   // probability of any false finding, over all rows
  double confidence = 0.95;              // of the intervals shown, each by itself
  std::optional<double> least_effect{};  // differences below it do not count; default: see kLeastEffect
  bool has_references = true;            // what varies leaves them alone
};

// With references to measure the machine by, and without.
inline constexpr double kLeastEffect = 0.02;
inline constexpr double kLeastEffectUnreferenced = 0.05;
inline constexpr double kNoiseMargin = 1.5;     // times MachineCourse::noise()
inline constexpr double kMostCorrelated = 0.9;  // rounds that resemble each other more are as good as one round

enum class Verdict : std::uint8_t { kNoDifference, kImprovement, kRegression, kCannotTell, kReference };

struct Judgement {
  std::string name, subject, metric;
  Verdict verdict = Verdict::kCannotTell;
  std::string reason{};       // why it cannot tell
  double base = 0, next = 0;  // medians, as measured
  std::size_t base_samples = 0, next_samples = 0;
  // new / base by Hodges and Lehmann, and its interval, the machine's drift taken out; none where a sample is not positive.
  bool has_ratio = false;
  double ratio = 1, low = 1, high = 1;
  double p = 1;           // that the difference is not more than the noise
  double p_adjusted = 1;  // by Holm, over all rows that are judged
};

// Of one metric.
struct Noise {
  std::string metric;
  std::size_t references = 0;
  bool is_taken_out = false;
  double drift = 1;            // of the machine, new / base; taken out
  double floor = 0;            // the difference, as a share, that does not count
  double autocorrelation = 0;  // of the rounds, after that
};

struct Comparison {
  std::vector<Judgement> rows{};  // in the order of the new run
  std::vector<Noise> noise{};
  std::vector<std::string> only_in_base{}, only_in_next{};

  [[nodiscard]] std::size_t count(Verdict verdict) const;
};

[[nodiscard]] Comparison compare(const Results& base, const Results& next, const Criteria& criteria);

}  // namespace wgu::bench
