// What measuring costs: a counter and a histogram's record are paid by packets or batches, merges and percentiles by whoever asks. Times
// are spread as those of batches are (a few octaves), so that neither one bucket nor one branch serves them all.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <random>
#include <vector>

#include "bench/memory/metering.h"
#include "bench/micro/rows.h"
#include "telemetry/live_histogram.h"
#include "wgu/stats.h"

namespace wgu::bench {
namespace {

constexpr std::size_t kTimes = 4096;

std::vector<std::uint64_t> batch_times() {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> nanoseconds(std::log(20'000), 1);
  std::vector<std::uint64_t> times;
  for (std::size_t i = 0; i < kTimes; ++i) times.push_back(static_cast<std::uint64_t>(nanoseconds(random)));
  return times;
}

Histogram filled_histogram() {
  Histogram histogram;
  for (const std::uint64_t time : batch_times()) histogram.record(time);
  return histogram;
}

// As a packet does it: one more, and its bytes.
void count(benchmark::State& state) {
  Counters counters;
  std::uint64_t bytes = 1420;
  for (auto _ : state) {
    benchmark::DoNotOptimize(bytes);
    ++counters.device_packets_received;
    counters.device_bytes_received += bytes;
    benchmark::DoNotOptimize(counters);
  }
  state.SetItemsProcessed(state.iterations());
}

void record(benchmark::State& state) {
  const std::vector<std::uint64_t> times = batch_times();
  const auto histogram = std::make_unique<telemetry::LiveHistogram>();
  std::size_t next = 0;
  for (auto _ : state) histogram->record(times[next++ % kTimes]);
  if (histogram->snapshot().count() != static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("a record is missing");
  state.SetItemsProcessed(state.iterations());
}

void merge(benchmark::State& state) {
  Histogram total;
  const Histogram one = filled_histogram();
  for (auto _ : state) {
    total += one;
    benchmark::DoNotOptimize(total);
  }
  if (total.count() != kTimes * static_cast<std::uint64_t>(state.iterations())) state.SkipWithError("a record is missing");
  state.SetItemsProcessed(state.iterations());
}

void find_percentile(benchmark::State& state) {
  Histogram histogram = filled_histogram();
  for (auto _ : state) {
    benchmark::DoNotOptimize(histogram);
    benchmark::DoNotOptimize(histogram.percentile(99));
  }
  state.SetItemsProcessed(state.iterations());
}

// All that an engine counts and measures of a packet, at its way out and at its way in.
void meter(benchmark::State& state, TelemetryLevel level, std::size_t batch) {
  MeteredRound round(level, batch, 1420);
  for (auto _ : state) round.run();
  const std::int64_t packets = static_cast<std::int64_t>(batch) * state.iterations();
  if (round.sender().device_packets_received != static_cast<std::uint64_t>(packets)) state.SkipWithError("a packet is missing");
  state.SetItemsProcessed(packets);
}

}  // namespace

void add_telemetry_rows(const AddRow& add) {
  add("telemetry/counter", count);
  for (const auto& [name, level] : {std::pair("counters", TelemetryLevel::kOff), std::pair("events", TelemetryLevel::kEvents),
                                    std::pair("sampled", TelemetryLevel::kSampled), std::pair("all", TelemetryLevel::kAll)}) {
    for (const std::size_t batch : {1U, 64U}) {
      add(fmt::format("telemetry/packet/{}/batch:{}", name, batch),
          [level = level, batch](benchmark::State& state) { meter(state, level, batch); });
    }
  }
  add("telemetry/histogram/record", record);
  add("telemetry/histogram/merge", merge);
  add("telemetry/histogram/percentile", find_percentile);
}

}  // namespace wgu::bench
