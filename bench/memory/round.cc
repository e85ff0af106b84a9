#include "bench/memory/round.h"

#include <cerrno>
#include <nlohmann/json.hpp>

namespace wgu::bench {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Arrived, packets, bytes, reordered, duplicates, corrupted)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(ThreadUse, cpu, waited, busiest, wakeups)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(MeteringCost, counters, events, sampled, all)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RoundOptions, sizes, flows, workers, window, is_relay, io, sender_cpus, receiver_cpus, warm_up, seconds)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(RoundReport, kernel, io, seconds, packets, bytes, has_thread_use, sender, receiver, feeder, drain, sent,
                                   arrived, drops, unexplained, batch, metering)

namespace {

template <class T>
Result<T> parse(std::string_view json) {
  try {
    return nlohmann::json::parse(json).template get<T>();
  } catch (const nlohmann::json::exception& error) {
    return Error{EINVAL, error.what()};
  }
}

}  // namespace

std::string format_round(const RoundOptions& options) { return nlohmann::json(options).dump(); }
std::string format_round(const RoundReport& report) { return nlohmann::json(report).dump(); }
Result<RoundOptions> parse_round_options(std::string_view json) { return parse<RoundOptions>(json); }
Result<RoundReport> parse_round_report(std::string_view json) { return parse<RoundReport>(json); }

}  // namespace wgu::bench
