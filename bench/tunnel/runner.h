#pragma once
// Takes the rounds: every subject has a testbed of its own, all stand at once, and for each row they take turns, A B A B, the
// order turned around in every other round, so that a drift of the machine meets all alike.

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "bench/progress.h"
#include "bench/results.h"
#include "bench/tunnel/limit.h"
#include "bench/tunnel/scenario.h"

namespace wgu::bench {

inline constexpr const char* kMemoryAfterLoad = "memory/after_load";
inline constexpr const char* kNdrLoads[] = {"64", "max", "imix"};  // as parse_load() reads them

class Runner {
 public:
  Runner(std::vector<Subject> subjects, const TunnelOptions& options, Results& results)
      : subjects_(std::move(subjects)), options_(options), results_(results) {}

  // Makes the testbeds. A subject that does not come up is left out, with the reason.
  void set_up();
  void run(const Scenarios& scenarios);
  // The rates without loss (ndr/search_load.h) of loads by name.
  void search_rates(const std::vector<std::string>& loads);
  // What the daemons hold by now: the row kMemoryAfterLoad.
  void record_memory();
  [[nodiscard]] Environment wire_offloads() const;  // empty when there is no testbed
  // The machine's, and the UDP counters of all testbeds together. A testbed that was made anew has begun anew.
  [[nodiscard]] HostCounters host_counters() const;

 private:
  struct Collected;  // of one scenario and subject
  bool rebuild(const Subject& subject, const std::string& when);
  void leave_out(const std::string& what, const std::string& why) { results_.left_out.emplace_back(what, why); }
  [[nodiscard]] bool takes_part(const Scenario& scenario, const Subject& subject) const;
  void take_round(const Scenario& scenario, const Subject& subject, Collected& collected);
  void take_round_of_all(const Scenario& scenario, std::map<std::string, Collected>& collected);
  void collect(const Scenario& scenario, const Subject& subject, const Result<Measured>& measured, Collected& collected);
  void record(const Scenario& scenario, const Subject& subject, const Collected& collected);

  std::vector<Subject> subjects_;
  const TunnelOptions& options_;
  Results& results_;
  std::map<std::string, std::unique_ptr<Testbed>> testbeds_;  // by subject
  Progress progress_;
};

}  // namespace wgu::bench
