#include "bench/report/fixtures.h"

#include <array>
#include <cmath>
#include <limits>

namespace wgu::bench::fixtures {
namespace {

// Around `middle`, never the same twice in a row, and the same on every machine.
std::vector<double> around(double middle, double relative_spread, std::size_t count, unsigned seed) {
  std::vector<double> samples;
  unsigned state = seed * 2654435761u + 12345u;
  for (std::size_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    samples.push_back(middle * (1 + relative_spread * (static_cast<double>(state >> 8) / 8388608.0 - 1)));
  }
  return samples;
}

const Environment kEnvironment = {{"wgu", "0.1.0 (Release)"},   {"cpu", "AMD EPYC 7763 (family 25, model 1)"},
                                  {"usable_cpus", "2"},         {"virtual_machine", "yes"},
                                  {"governor", "not readable"}, {"os", "Linux 6.18.0 x86_64"},
                                  {"compiler", "g++ 12.2.0"},   {"sysctl/net.core.rmem_max", "212992"}};

struct Subject {
  const char* name;
  double tcp, tcp4, udp, cores, ping, ping_tail;  // bit/s, bit/s, packet/s, cores per Gbit/s, s, s
};
constexpr std::array<Subject, 8> kSubjects = {{{"wgu", 5.6e9, 7.9e9, 121e3, 0.31, 96e-6, 240e-6},
                                               {"tailscale-wireguard-go", 1.5e9, 1.76e9, 10e3, 1.04, 514e-6, 3370e-6},
                                               {"wireguard-go", 1.29e9, 1.44e9, 11e3, 1.22, 433e-6, 3200e-6},
                                               {"boringtun", 0.2e9, 0.22e9, 46e3, 4.5, 215e-6, 593e-6},
                                               {"gotatun", 0.46e9, 0.43e9, 42e3, 3.1, 235e-6, 786e-6},
                                               {"wireguard-go-2022", 0.21e9, 0.19e9, 13e3, 6.8, 471e-6, 2260e-6},
                                               {"null cipher", 7.1e9, 9.8e9, 139e3, 0.22, 88e-6, 210e-6},
                                               {"veth", 9.2e9, 22.7e9, 163e3, 0, 20e-6, 48e-6}}};

void add_curves(Results& run, const Subject& subject) {
  Curve latency{"latency/load:50", subject.name, "percentile", "s", {}};
  for (const double p : {50.0, 75.0, 90.0, 95.0, 99.0, 99.5, 99.9, 99.99}) {
    const double nines = -std::log10(1 - p / 100);
    latency.points.emplace_back(p, subject.ping * std::pow(subject.ping_tail / subject.ping, (nines - 0.3) / 1.7));
  }
  Curve loss{"loss/bytes:64", subject.name, "packet/s", "1", {}};
  for (int i = 1; i <= 9; ++i) {
    const double rate = 20e3 * i;
    loss.points.emplace_back(rate, rate <= subject.udp * 0.9 ? 0 : std::max(2e-5, 1 - subject.udp / rate));
  }
  run.curves.push_back(std::move(latency));
  run.curves.push_back(std::move(loss));
}

}  // namespace

Results tunnel() {
  Results run;
  run.command = "tunnel";
  run.begun = "2026-11-23T13:39:01Z";
  run.seconds = 498;
  run.configuration = {{"mtu", "1420"}, {"rounds", "5"}, {"seconds_a_round", "4"}, {"workers", "1"}, {"veth_gso", "on"}};
  run.configuration_hash = "5d2c90cf1be2a7714b6a4b9f1d1e77aa";
  run.environment = kEnvironment;
  unsigned seed = 1;
  for (const Subject& s : kSubjects) {
    const bool is_bare = s.cores == 0;
    const Limit cpu = is_bare ? Limit::kNetwork : Limit::kCpu;
    const auto add = [&](const char* name, const char* metric, const char* unit, bool higher, double value, double relative, Limit limit,
                         const char* note = "") {
      run.rows.push_back({name, s.name, metric, unit, higher, around(value, relative, 5, ++seed), limit, note});
    };
    add("tcp/streams:1/forward", "throughput", "bit/s", true, s.tcp, 0.06, cpu);
    add("tcp/streams:1/reverse", "throughput", "bit/s", true, s.tcp * 1.03, 0.08, cpu);
    add("tcp/streams:4/forward", "throughput", "bit/s", true, s.tcp4, 0.05, cpu);
    add("udp/bytes:64", "packet_rate", "packet/s", true, s.udp, 0.07, is_bare ? Limit::kGenerator : cpu,
        is_bare ? "generator saturated in 5 of 5 rounds" : "");
    if (!is_bare) {
      add("tcp/streams:1/forward", "cores_per_gbps", "core/(Gbit/s)", false, s.cores, 0.05, Limit::kUnknown);
      add("tcp/streams:1/forward", "cpu_seconds_per_gb", "s/GB", false, s.cores * 8, 0.05, Limit::kUnknown);
      add("idle", "resident", "B", false, 30e6 / s.cores, 0.01, Limit::kUnknown);
    }
    add("ping/idle", "latency_p50", "s", false, s.ping, 0.12, Limit::kUnknown);
    add("ping/idle", "latency_p99", "s", false, s.ping_tail, 0.2, Limit::kUnknown);
    add_curves(run, s);
  }
  run.left_out = {{"tcp/streams:16", "the profile is the default one; --full has it"},
                  {"peer mullvad", "its interface did not appear within 5 s: exit status 1, \"permission denied\""}};
  run.host_before = {{"interrupts", 1000}, {"softnet/0/processed", 5}, {"softnet/0/dropped", 0}, {"udp/RcvbufErrors", 12}};
  run.host_after = {{"interrupts", 91234567}, {"softnet/0/processed", 88123456}, {"softnet/0/dropped", 0}, {"udp/RcvbufErrors", 8412}};
  run.references = {"veth"};
  return run;
}

Results micro() {
  Results run;
  run.command = "micro";
  run.begun = "2026-11-23T14:01:00Z";
  run.seconds = 75.4;
  run.configuration = {{"repetitions", "11"}};
  run.configuration_hash = "c0ffee00c0ffee00c0ffee00c0ffee00";
  run.environment = kEnvironment;
  struct Table {
    const char* name;
    double fixed, per_byte;  // ns
  };
  constexpr std::array<Table, 6> kTables = {{{"avx512", 40, 0.27},
                                             {"avx2", 55, 0.42},
                                             {"portable", 190, 1.6},
                                             {"libsodium", 300, 1.0},
                                             {"openssl", 480, 0.75},
                                             {"boringssl", 130, 0.5}}};
  unsigned seed = 100;
  for (const char* operation : {"seal", "open"}) {
    for (const int batch : {1, 64}) {
      for (const int bytes : {64, 128, 256, 512, 1024, 1424, 8192}) {
        for (const Table& table : kTables) {
          const double nanoseconds = table.fixed * (batch == 1 ? 1.8 : 1) + table.per_byte * bytes;
          run.rows.push_back({std::string("aead/") + operation + "/bytes:" + std::to_string(bytes) + "/batch:" + std::to_string(batch),
                              table.name, "time", "s", false, around(nanoseconds * 1e-9, 0.04, 11, ++seed)});
        }
      }
    }
  }
  for (const char* name : {"handshake/initiate", "handshake/respond", "mac1/reject"}) {
    run.rows.push_back({name, "wgu", "time", "s", false, around(name[0] == 'm' ? 410e-9 : 98e-6, 0.03, 11, ++seed)});
  }
  return run;
}

std::vector<Results> earlier_tunnels() {
  std::vector<Results> runs;
  for (int day = 1; day <= 10; ++day) {
    Results run = tunnel();
    run.begun = "2026-11-" + std::string(day < 10 ? "0" : "") + std::to_string(day) + "T02:00:00Z";
    for (Row& row : run.rows) {
      const double change = row.subject == "wgu" ? 0.6 + 0.04 * day + (day >= 6 ? 0.08 : 0) : 1 + 0.01 * ((day * 7) % 3 - 1);
      for (double& sample : row.samples) sample *= row.higher_is_better ? change : 1 / change;
    }
    runs.push_back(std::move(run));
  }
  return runs;
}

Results hostile() {
  const std::string script = "<script>alert(\"1\")</script>";
  const std::string quotes = "\"' onload='x' & &amp; </title></style></svg>";
  const std::string broken = "\xFF\xC0\x80 \x01\x7F \xE2\x80\xAE turned";
  const std::string endless(5000, 'W');
  constexpr double kInfinite = std::numeric_limits<double>::infinity();
  Results run;
  run.command = script;
  run.begun = quotes;
  run.seconds = kInfinite;
  run.configuration = {{script, quotes}, {endless, broken}};
  run.configuration_hash = script;
  run.environment = {{script, script}, {quotes, endless}, {"", ""}};
  run.host_before = {{script, 1}, {"wraps", 10}};
  run.host_after = {{script, ~std::uint64_t{0}}, {"wraps", 5}};
  run.left_out = {{script, quotes}, {endless, endless}};
  const std::vector<double> awkward[] = {
      {}, {1}, {0, 0, 0}, {1e308, 1e307}, {1e-308}, {-5, 5}, {-1e308, 1e308}, {std::nan(""), kInfinite}, {std::nan(""), 3, -kInfinite}};
  for (const std::string& subject :
       {script, quotes, broken, endless, std::string("wgu"), std::string("veth"), std::string("null cipher"), std::string()}) {
    for (const char* unit : {"bit/s", "s", "B", "1", "s/GB", "<b>"}) {
      for (const auto& samples : awkward) {
        const std::string number = std::to_string(&samples - awkward);
        run.rows.push_back({"x/" + quotes + number, subject, script, unit, number != "1", samples, Limit::kGenerator, script});
        run.rows.push_back({"sweep/n:" + number, subject, "loss", unit, false, samples});
      }
    }
    for (const std::string& name : {std::string("latency/") + script, std::string("loss/1"), endless}) {
      for (const char* x_unit : {"percentile", "packet/s", "<i>"}) {
        run.curves.push_back({name, subject, x_unit, "s", {{0, 1}, {50, 1e308}, {99.9, 0}, {100, -1}}});
        run.curves.push_back({name, subject, x_unit, "1", {{1, kInfinite}, {2, std::nan("")}, {3, 1e-300}, {4, 1}}});
        run.curves.push_back({name, subject, x_unit, "B", {}});
        run.curves.push_back({name, subject, x_unit, "s/GB", {{100, 7}}});
      }
    }
  }
  return run;
}

Results empty() { return {}; }

}  // namespace wgu::bench::fixtures
