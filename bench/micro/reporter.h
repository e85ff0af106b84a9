#pragma once
// What `wgu-bench micro` prints: a line a row with the median and spread of its repetitions, and the ratios between AEAD tables.

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

#include "bench/environment.h"
#include "bench/progress.h"

namespace wgu::bench {

// Rows finish in a random order, as they are interleaved; they are printed at the end, in the order in which they were registered.
class MicroReporter : public benchmark::BenchmarkReporter {
 public:
  // `other`: prints instead, in another format. Both outlive this.
  MicroReporter(Environment environment, std::vector<std::string> comparators, const Progress& progress, BenchmarkReporter* other);
  bool ReportContext(const Context& context) override;
  void ReportRuns(const std::vector<Run>& runs) override;
  void Finalize() override;
  [[nodiscard]] bool has_failures() const noexcept { return has_failures_; }

 private:
  void collect(const Run& run);
  void print();

  struct Row {
    std::string name;
    std::string label;
    std::string error;
    std::vector<double> nanoseconds;  // an item, one a repetition
    double bytes_per_item = 0;
  };

  Environment environment_;
  std::vector<std::string> comparators_;
  const Progress& progress_;
  BenchmarkReporter* other_;
  std::map<std::pair<std::int64_t, std::int64_t>, Row> rows_;  // by order of registration
  bool has_failures_ = false;
};

}  // namespace wgu::bench
