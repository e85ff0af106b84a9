#pragma once
// What every command that measures leaves behind, and what `compare`, `report` and the history read: all samples, what they were
// measured on, and what the host counted meanwhile. As JSON in a file; the names of the members are the names of the keys.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/environment.h"
#include "bench/host_counters.h"
#include "wgu/result.h"

namespace wgu::bench {

inline constexpr int kResultsVersion = 1;  // of the file format

// What kept a row from being better.
enum class Limit : std::uint8_t {
  kUnknown,    // this machine does not tell
  kGenerator,  // the load's own end
  kCpu,
  kNetwork,   // a queue on the way
  kProtocol,  // it waits for its own answers
  kWakeUps,   // threads asleep, which wait to be woken far longer than they then work
  kNothing,   // nothing holds it: a size, or a load of a set rate that was carried whole
};
inline constexpr std::size_t kLimits = 7;

// "unknown", "generator", "cpu", "network", "protocol", "wake-ups", "nothing"
[[nodiscard]] std::string_view limit_name(Limit limit);

// One figure of one subject. (name, subject, metric) is unique within a run, and the same in every run that measures the same.
struct Row {
  std::string name;     // what was done: "tcp/streams:1/forward", "aead/seal/bytes:64/batch:64"
  std::string subject;  // by whom: "wgu", "null cipher", "veth", the NAME of a --peer, an AEAD table
  std::string metric;   // "throughput", "cpu_seconds_per_gb", "cores_per_gbps", "latency_p99", "loss", ...
  std::string unit;     // "bit/s", "packet/s", "s", "s/GB", "B", "1" (a ratio), ...; never scaled (no "Gbit/s")
  bool higher_is_better = true;
  std::vector<double> samples{};  // one a round, in the order of the rounds; the rounds of all subjects are interleaved
  Limit limit = Limit::kUnknown;
  std::string note{};  // what a reader has to know: "generator saturated in 2 of 5 rounds"
  friend bool operator==(const Row&, const Row&) = default;
};

// A line of points for a chart, x ascending: latency by percentile, loss by rate.
struct Curve {
  std::string name;  // "latency/load:50"
  std::string subject;
  std::string x_unit;  // "percentile", "packet/s"
  std::string y_unit;  // "s", "1"
  std::vector<std::pair<double, double>> points{};
  friend bool operator==(const Curve&, const Curve&) = default;
};

using Settings = std::map<std::string, std::string>;

struct Results {
  std::string command;               // "micro", "tunnel", "ndr", "memory"
  std::string begun;                 // UTC, ISO 8601; utc_now()
  double seconds = 0;                // the whole run
  Settings configuration{};          // every option that changes what is measured, defaults written out
  std::string configuration_hash{};  // configuration_hash(configuration, environment)
  Environment environment{};
  HostCounters host_before{}, host_after{};
  std::vector<Row> rows{};
  std::vector<Curve> curves{};
  std::vector<std::pair<std::string, std::string>> left_out{};  // what could not be measured, and why
  // Subjects that are not of this build (libsodium, veth, peers): what they do between two runs is the machine's doing, by which
  // `compare` tells it from ours.
  std::vector<std::string> references{};
  friend bool operator==(const Results&, const Results&) = default;
};

inline constexpr std::size_t kMaxResultsSize = std::size_t{64} << 20;  // bytes of JSON that are read at most

// 16 bytes in hexadecimal digits, of configuration and of what in the environment must be equal for a comparison. The build is not
// in it: runs of one hash are the history of one measurement.
[[nodiscard]] std::string configuration_hash(const Settings& configuration, const Environment& environment);

[[nodiscard]] std::string utc_now();  // "2026-11-23T13:39:01Z"

// JSON on one line. \errors EINVAL: a number that JSON has not (infinite, or none), text that is not UTF-8, a row that is there
// twice; the message names the key
Result<std::string> format_results(const Results& results);
// Strict: every key must be there, none may be unknown or there twice. \errors EINVAL: not such a text, another version; the message
// names the key
Result<Results> parse_results(std::string_view json);

// \errors those of format_results() and of the file system
Result<void> write_results(const Results& results, const std::string& path);  // whole or not at all
// \errors those of parse_results() and of the file system; EFBIG: more than kMaxResultsSize
Result<Results> read_results(const std::string& path);

}  // namespace wgu::bench
