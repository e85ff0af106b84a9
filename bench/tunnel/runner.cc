// A round that fails does not end the run: the subject gets one more chance, with a new testbed if its daemon ended. What fails
// twice in a row is left out, with the reason; whoever cannot be brought up again is left out from then on.

#include "bench/tunnel/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "bench/ndr/search_load.h"
#include "bench/ndr/tunnel_trial.h"
#include "bench/offloads.h"

namespace wgu::bench {
namespace {

constexpr double kCurvePercentiles[] = {0,  1,  5,    10, 20,   25, 30, 40,   50,   60,   70,    75,    80,
                                        85, 90, 92.5, 95, 97.5, 98, 99, 99.5, 99.8, 99.9, 99.95, 99.99, 100};

Curve curve_of(const std::string& name, const std::string& subject, const Histogram& histogram) {
  Curve curve{name, subject, "percentile", "s", {}};
  for (const double percent : kCurvePercentiles) curve.points.emplace_back(percent, histogram.percentile(percent) / 1e9);
  return curve;
}

}  // namespace

struct Runner::Collected {
  std::vector<Figure> first;                           // what each figure is, in order
  std::map<std::string, std::vector<double>> samples;  // by metric
  std::map<std::string, std::vector<Limit>> limits;    // as well
  std::string note;
  std::optional<Histogram> latency;
  std::vector<Curve> curves;
  unsigned failures = 0;  // in a row
  bool is_given_up = false;
};

bool Runner::rebuild(const Subject& subject, const std::string& when) {
  testbeds_.erase(subject.name);
  auto made = Testbed::create(subject, options_.testbed);
  if (made) {
    auto testbed = std::make_unique<Testbed>(std::move(*made));
    if (auto ready = testbed->await_traffic(); ready) {
      testbeds_[subject.name] = std::move(testbed);
      return true;
    } else {
      leave_out(fmt::format("{}, {}", subject.name, when), ready.error().message);
    }
  } else {
    leave_out(fmt::format("{}, {}", subject.name, when), made.error().message);
  }
  return false;
}

void Runner::set_up() {
  for (const Subject& subject : subjects_) {
    progress_.show("set up " + subject.name);
    rebuild(subject, "all rows");
  }
  progress_.clear();
}

void Runner::run(const Scenarios& scenarios) {
  for (std::size_t number = 0; number < scenarios.size(); ++number) {
    const Scenario& scenario = scenarios[number];
    std::map<std::string, Collected> collected;
    const unsigned rounds = scenario.rounds > 0 ? scenario.rounds : options_.rounds;
    for (unsigned round = 0; round < rounds; ++round) {
      if (scenario.measure_all) {
        progress_.show(
            fmt::format("row {} of {}, round {} of {}: {}, all at once", number + 1, scenarios.size(), round + 1, rounds, scenario.name));
        take_round_of_all(scenario, collected);
        continue;
      }
      std::vector<Subject> order = subjects_;
      if (round % 2 == 1) std::reverse(order.begin(), order.end());
      for (const Subject& subject : order) {
        if (!takes_part(scenario, subject) || collected[subject.name].is_given_up) continue;
        progress_.show(fmt::format("row {} of {}, round {} of {}: {}, {}", number + 1, scenarios.size(), round + 1, rounds, scenario.name,
                                   subject.name));
        take_round(scenario, subject, collected[subject.name]);
      }
    }
    for (const Subject& subject : subjects_) record(scenario, subject, collected[subject.name]);
  }
  progress_.clear();
}

bool Runner::takes_part(const Scenario& scenario, const Subject& subject) const {
  return testbeds_.contains(subject.name) && !(scenario.needs_daemon && subject.is_bare());
}

void Runner::take_round(const Scenario& scenario, const Subject& subject, Collected& collected) {
  Testbed& testbed = *testbeds_.at(subject.name);
  // After a pause there may have to be a handshake first; that is not what is measured.
  const auto measured = [&]() -> Result<Measured> {
    if (auto ready = testbed.await_traffic(); !ready) return ready.error();
    return scenario.measure(testbed);
  }();
  collect(scenario, subject, measured, collected);
}

void Runner::take_round_of_all(const Scenario& scenario, std::map<std::string, Collected>& collected) {
  std::vector<const Subject*> ready;
  std::vector<Testbed*> testbeds;
  for (const Subject& subject : subjects_) {
    if (!takes_part(scenario, subject) || collected[subject.name].is_given_up) continue;
    Testbed* testbed = testbeds_.at(subject.name).get();
    if (auto carries = testbed->await_traffic(); carries) {
      ready.push_back(&subject);
      testbeds.push_back(testbed);
    } else {
      collect(scenario, subject, carries.error(), collected[subject.name]);
    }
  }
  const auto measured = scenario.measure_all(testbeds);
  for (std::size_t i = 0; i < ready.size(); ++i) collect(scenario, *ready[i], measured[i], collected[ready[i]->name]);
}

void Runner::collect(const Scenario& scenario, const Subject& subject, const Result<Measured>& measured, Collected& collected) {
  if (!measured) {
    ++collected.failures;
    collected.is_given_up = collected.failures > 1;
    if (collected.is_given_up) leave_out(fmt::format("{}, {}", scenario.name, subject.name), measured.error().message);
    if (measured.error().code == ECHILD || measured.error().code == ETIMEDOUT) rebuild(subject, "from row " + scenario.name + " on");
    return;
  }
  collected.failures = 0;
  if (collected.first.empty()) collected.first = measured->figures;
  for (const Figure& figure : measured->figures) {
    collected.samples[figure.metric].push_back(figure.value);
    collected.limits[figure.metric].push_back(figure.limit.value_or(measured->limit));
  }
  if (collected.note.empty()) collected.note = measured->note;
  if (measured->latency) {
    if (!collected.latency) collected.latency.emplace();
    *collected.latency += *measured->latency;
  }
  if (collected.curves.empty()) collected.curves = measured->curves;
}

void Runner::record(const Scenario& scenario, const Subject& subject, const Collected& collected) {
  for (const Figure& figure : collected.first) {
    const CommonLimit common = common_limit(collected.limits.at(figure.metric));
    std::string note = common.note;
    if (!collected.note.empty()) note += (note.empty() ? "" : "; ") + collected.note;
    results_.rows.push_back({scenario.name, subject.name, figure.metric, figure.unit, figure.higher_is_better,
                             collected.samples.at(figure.metric), common.limit, note});
  }
  if (collected.latency) results_.curves.push_back(curve_of(scenario.name, subject.name, *collected.latency));
  results_.curves.insert(results_.curves.end(), collected.curves.begin(), collected.curves.end());
}

Environment Runner::wire_offloads() const {
  if (testbeds_.empty()) return {};
  const Visit visit(testbeds_.begin()->second->at(End::kA));
  return read_offloads(Testbed::kWire);
}

HostCounters Runner::host_counters() const {
  HostCounters counters = read_host_counters();
  for (const auto& [subject, testbed] : testbeds_) add(counters, testbed->udp_counters());
  return counters;
}

void Runner::search_rates(const std::vector<std::string>& loads) {
  // Shorter than `ndr` on its own: one row among many.
  const LoadSearch search{.trial_seconds = 0.5, .duration_sum = 5, .width = 0.01};
  for (const std::string& name : loads) {
    const auto load = parse_load(name, options_.testbed.inner_mtu, 1, options_.testbed.family);
    if (!load) {
      leave_out("ndr/" + name, load.error().message);
      continue;
    }
    std::vector<Contender> contenders;
    for (const Subject& subject : subjects_) {
      const auto testbed = testbeds_.find(subject.name);
      if (testbed != testbeds_.end()) contenders.push_back({subject.name, tunnel_trial(*testbed->second, load->load)});
    }
    search_load(search, *load, std::move(contenders), progress_, results_);
  }
}

void Runner::record_memory() {
  for (const Subject& subject : subjects_) {
    const auto testbed = testbeds_.find(subject.name);
    if (testbed == testbeds_.end() || subject.is_bare()) continue;
    Memory sum;
    for (const End end : {End::kA, End::kB}) {
      for (const pid_t pid : testbed->second->daemon(end)->processes()) {
        const auto held = memory(pid);
        if (!held) continue;
        sum.resident += held->resident;
        sum.resident_peak += held->resident_peak;
      }
    }
    const auto add = [&](const char* metric, std::uint64_t value) {
      results_.rows.push_back({kMemoryAfterLoad,
                               subject.name,
                               metric,
                               "B",
                               false,
                               {static_cast<double>(value)},
                               Limit::kNothing,
                               "both daemons, after all rows before this one"});
    };
    add("resident", sum.resident);
    add("resident_peak", sum.resident_peak);
  }
}

}  // namespace wgu::bench
