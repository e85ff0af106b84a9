#include "bench/memory/rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "bench/memory/limits.h"
#include "bench/statistics.h"

namespace wgu::bench {
namespace {

constexpr const char* kCountersShare = "counters_share_of_packet";
constexpr const char* kEventsShare = "events_share_of_packet";
constexpr const char* kSampledShare = "sampled_share_of_packet";
constexpr const char* kAllShare = "all_share_of_packet";

struct Metric {
  const char* name;
  const char* unit;
  bool higher_is_better;
  bool needs_thread_use;
  std::function<double(const RoundReport&)> of;
  bool is_of_metering = false;  // which only engines do
};

double packets(const RoundReport& round) { return static_cast<double>(round.packets); }
double bits_per_second(const RoundReport& round) { return static_cast<double>(round.bytes) * 8 / round.seconds; }
double cpu(const RoundReport& round) { return round.sender.cpu + round.receiver.cpu; }
// Of the CPU time that a packet takes, both engines' together.
double share_of_packet(const RoundReport& round, double nanoseconds) { return nanoseconds * 1e-9 * packets(round) / cpu(round); }
double of_sent(const RoundReport& round, std::uint64_t count) {
  return round.sent == 0 ? 0 : static_cast<double>(count) / static_cast<double>(round.sent);
}

const std::vector<Metric>& metrics() {
  using R = RoundReport;
  static const std::vector<Metric> kMetrics = {
      {"throughput", "bit/s", true, false, bits_per_second},
      {"packet_rate", "packet/s", true, false, [](const R& r) { return packets(r) / r.seconds; }},
      {"cpu_time_per_packet", "s", false, true, [](const R& r) { return cpu(r) / packets(r); }},
      {"sender_cpu_time_per_packet", "s", false, true, [](const R& r) { return r.sender.cpu / packets(r); }},
      {"receiver_cpu_time_per_packet", "s", false, true, [](const R& r) { return r.receiver.cpu / packets(r); }},
      {"wakeups_per_packet", "1", false, true,
       [](const R& r) { return static_cast<double>(r.sender.wakeups + r.receiver.wakeups) / packets(r); }},
      {"cpu_seconds_per_gb", "s/GB", false, true, [](const R& r) { return cpu(r) / (static_cast<double>(r.bytes) / 1e9); }},
      {"cores_per_gbps", "core/(Gbit/s)", false, true, [](const R& r) { return cpu(r) / r.seconds / (bits_per_second(r) / 1e9); }},
      {"loss", "1", false, false, [](const R& r) { return of_sent(r, r.sent - std::min(r.sent, r.arrived.packets)); }},
      {"reordered_share", "1", false, false, [](const R& r) { return of_sent(r, r.arrived.reordered); }},
      {kCountersShare, "1", false, true, [](const R& r) { return share_of_packet(r, r.metering.counters); }, true},
      {kEventsShare, "1", false, true, [](const R& r) { return share_of_packet(r, r.metering.events); }, true},
      {kSampledShare, "1", false, true, [](const R& r) { return share_of_packet(r, r.metering.sampled); }, true},
      {kAllShare, "1", false, true, [](const R& r) { return share_of_packet(r, r.metering.all); }, true},
      {"corrupted", "packet", false, false, [](const R& r) { return static_cast<double>(r.arrived.corrupted); }},
  };
  return kMetrics;
}

const Row* find(std::span<const Row> rows, const Row& like, const char* subject, const char* metric) {
  const auto found = std::find_if(rows.begin(), rows.end(),
                                  [&](const Row& row) { return row.name == like.name && row.subject == subject && row.metric == metric; });
  return found == rows.end() ? nullptr : &*found;
}

std::string median_of(std::span<const Row> rows, const Row& like, const char* metric, double scale, int digits) {
  const Row* row = find(rows, like, like.subject.c_str(), metric);
  return row == nullptr ? "-" : fmt::format("{:.{}f}", median(row->samples) * scale, digits);
}

std::string share_of(std::span<const Row> rows, const Row& rate, const char* limit) {
  const Row* whole = find(rows, rate, limit, rate.metric.c_str());
  return whole == nullptr ? "-" : fmt::format("{:.0f} %", ratio(rate.samples, whole->samples).median * 100);
}

}  // namespace

std::string memory_row_name(const std::string& size, unsigned flows, unsigned workers) {
  return fmt::format("memory/bytes:{}/flows:{}/workers:{}", size, flows, workers);
}

std::vector<Row> memory_rows(const std::string& name, const std::string& subject, std::span<const RoundReport> rounds) {
  const LimitOfRow limit = limit_of(rounds);
  const bool has_thread_use = std::all_of(rounds.begin(), rounds.end(), [](const RoundReport& round) { return round.has_thread_use; });
  const bool is_metered = std::all_of(rounds.begin(), rounds.end(), [](const RoundReport& round) { return round.batch > 0; });
  std::vector<Row> rows;
  for (const Metric& metric : metrics()) {
    if ((metric.needs_thread_use && !has_thread_use) || (metric.is_of_metering && !is_metered)) continue;
    Row& row = rows.emplace_back(Row{.name = name,
                                     .subject = subject,
                                     .metric = metric.name,
                                     .unit = metric.unit,
                                     .higher_is_better = metric.higher_is_better,
                                     .limit = limit.limit,
                                     .note = limit.note});
    for (const RoundReport& round : rounds) row.samples.push_back(metric.of(round));
  }
  return rows;
}

std::string format_memory_table(std::span<const Row> rows) {
  constexpr const char* kLine = "  {:<12} {:>8} {:>17} {:>8} {:>10} {:>8} {:>8} {:>8} {:>8} {:>7} {:>10}  {}\n";
  std::string table;
  std::string name;
  for (const Row& row : rows) {
    if (row.metric != "packet_rate") continue;
    if (row.name != name) {
      table += fmt::format("{}{}\n", table.empty() ? "" : "\n", row.name);
      table += fmt::format(kLine, "", "kpps", "min .. max", "Gbit/s", "ns/packet", "sender", "receiver", "of null", "of relay", "lost",
                           "reordered", "limited by");
      name = row.name;
    }
    const Spread rate = spread(row.samples);
    table +=
        fmt::format(kLine, row.subject, fmt::format("{:.1f}", rate.median / 1e3),
                    fmt::format("{:.1f} .. {:.1f}", rate.min / 1e3, rate.max / 1e3), median_of(rows, row, "throughput", 1e-9, 3),
                    median_of(rows, row, "cpu_time_per_packet", 1e9, 0), median_of(rows, row, "sender_cpu_time_per_packet", 1e9, 0),
                    median_of(rows, row, "receiver_cpu_time_per_packet", 1e9, 0), share_of(rows, row, kNullCipher),
                    share_of(rows, row, kRelaySubject), median_of(rows, row, "loss", 1, 6), median_of(rows, row, "reordered_share", 1, 6),
                    row.note.empty() ? std::string(limit_name(row.limit)) : fmt::format("{} ({})", limit_name(row.limit), row.note));
  }
  return table;
}

std::string format_metering_table(std::span<const Row> rows) {
  constexpr const char* kLine = "  {:<50} {:<12} {:>20} {:>20} {:>20} {:>20}\n";
  std::string table;
  for (const Row& row : rows) {
    if (row.metric != kCountersShare) continue;
    if (table.empty()) {
      table = "What counting and measuring cost, of the CPU time that a packet takes; each level with those before it\n" +
              fmt::format(kLine, "", "", "counters", "events", "sampled", "all");
    }
    const auto cell = [&](const char* metric) {
      const Row* found = find(rows, row, row.subject.c_str(), metric);
      if (found == nullptr) return std::string("-");
      const Spread share = spread(found->samples);
      return fmt::format("{:.2f} % ({:.2f}..{:.2f})", share.median * 100, share.min * 100, share.max * 100);
    };
    table += fmt::format(kLine, row.name, row.subject, cell(kCountersShare), cell(kEventsShare), cell(kSampledShare), cell(kAllShare));
  }
  return table;
}

}  // namespace wgu::bench
