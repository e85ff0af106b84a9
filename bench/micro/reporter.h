#pragma once
// Where Google Benchmark puts what it measured: for `wgu-bench micro`, a table at the end; for a process that measures one round for
// another, a line as soon as there is one.

#include <benchmark/benchmark.h>

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "bench/environment.h"
#include "bench/micro/measured_rows.h"
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

  Environment environment_;
  std::vector<std::string> comparators_;
  const Progress& progress_;
  BenchmarkReporter* other_;
  std::map<std::pair<std::int64_t, std::int64_t>, MeasuredRow> rows_;  // by order of registration
  bool has_failures_ = false;
};

// Of a row's repetitions within the round the least counts: what disturbs one only ever adds to it.
class RoundReporter : public benchmark::BenchmarkReporter {
 public:
  explicit RoundReporter(std::function<void(const MeasuredRow&)> row) : row_(std::move(row)) {}
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override;

 private:
  std::function<void(const MeasuredRow&)> row_;
};

// The environment, a line each, for people.
[[nodiscard]] std::string format_environment(const Environment& environment);

}  // namespace wgu::bench
