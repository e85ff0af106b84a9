#include "options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <map>

#include <fmt/format.h>

#include "control/uapi_socket.h"

namespace {

const std::vector<std::string> kLevels{"off", "events", "sampled", "all"};

// A descriptor that the caller left open for us, named by an environment variable as wireguard-go has it.
std::optional<int> descriptor_from(const char* variable) {
  const char* text = std::getenv(variable);
  if (text == nullptr || *text == '\0') return std::nullopt;
  int fd = -1;
  const std::string_view view(text);
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), fd);
  if (error != std::errc() || end != view.data() + view.size() || fd < 0) {
    throw CLI::ValidationError(variable, fmt::format("\"{}\" is not a descriptor", view));
  }
  return fd;
}

// "all", "none", or those to use.
wgu::Offloads offloads_named(const std::vector<std::string>& names) {
  const auto has = [&](std::string_view name) { return std::find(names.begin(), names.end(), name) != names.end(); };
  const bool all = has("all");
  return {.tcp_segmentation = all || has("tso"),
          .udp_segmentation = all || has("uso"),
          .send_trains = all || has("gso"),
          .receive_trains = all || has("gro"),
          .device_steering = all || has("steer")};
}

void read_environment(Options& options) {
  options.tun_fd = descriptor_from("WG_TUN_FD");
  options.uapi_fd = descriptor_from("WG_UAPI_FD");
  const char* foreground = std::getenv("WG_PROCESS_FOREGROUND");
  if (foreground != nullptr && std::string_view(foreground) == "1") options.is_foreground = true;
  const char* level = std::getenv("LOG_LEVEL");
  const std::string_view name = level == nullptr ? "" : level;
  if (name == "verbose" || name == "debug") options.log_level = wgu::LogLevel::kVerbose;
  if (name == "silent") options.log_level = wgu::LogLevel::kSilent;
  options.keeps_output = !name.empty() && name != "silent";
}

void add_daemon_options(CLI::App& app, Options& options, std::string& backend, std::vector<std::string>& offloads, std::string& level) {
  app.add_option("IFNAME", options.interface_name, "Name of the interface to make, or to ask about")->required();
  app.add_flag("-f,--foreground", options.is_foreground, "Stay in the foreground");
  app.add_option("--workers", options.workers, "Worker threads (default: one for each CPU)")->check(CLI::Range(1, 256));
  app.add_option("--cpus", options.cpus, "CPUs to pin workers to, e.g. 0-3,6 (default: the affinity mask)");
  app.add_flag("--realtime", options.is_realtime,
               "Workers run before all that is not real-time (SCHED_RR): far less delay where applications fill the CPUs, fewer small\n"
               "packets at overload");
  app.add_option("--io", backend, "I/O backend: auto is io_uring where the kernel allows it")
      ->check(CLI::IsMember({"auto", "uring", "epoll"}))
      ->capture_default_str();
  app.add_option("--offload", offloads,
                 "Many packets in one operation: tso, uso (to and from the interface, TCP and UDP), gso, gro (sending, receiving UDP);\n"
                 "steer (a BPF program brings packets to their peer's worker). Separated by commas; all; none. What the kernel\n"
                 "does not grant is left out")
      ->delimiter(',')
      ->check(CLI::IsMember({"all", "none", "tso", "uso", "gso", "gro", "steer"}))
      ->capture_default_str();
  app.add_flag("--path-mtu", options.path.discover_mtu,
               "Learn each peer's path MTU (DF on outer packets, ICMP) and tell inner senders whose packets are too large for it");
  app.add_flag("--clamp-mss", options.path.clamp_mss, "Lower the MSS of TCP connections through the tunnel to what it carries, both ways");
  app.add_option("--metrics", options.metrics,
                 "Serve /metrics (Prometheus, OpenMetrics), /json and /events over HTTP at PORT (of 127.0.0.1), ADDRESS:PORT,\n"
                 "[ADDRESS]:PORT or unix:/PATH; may stand several times")
      ->type_name("PLACE")
      ->allow_extra_args(false);
  app.add_option("--events", options.event_log,
                 "Append events (handshakes, sessions, endpoints, ...) to FILE as lines of JSON; - is stderr")
      ->type_name("FILE");
  app.add_option("--telemetry", level, "What is measured besides the counters: events; histograms of one round in 64; of every round")
      ->check(CLI::IsMember(kLevels))
      ->capture_default_str();
  app.add_option("--watch-peer", options.watched_peers,
                 "Public key of a peer of which to tell drops by reason and stage times; may be repeated")
      ->allow_extra_args(false);
}

// `limit`: in MiB.
void add_capture_options(CLI::App& app, wgu::CaptureFiles& capture, std::uint64_t& limit) {
  app.add_option("--capture", capture.packets,
                 "Write all packets, inside and outside, with the keys that decrypt them, to this new file (pcapng, for Wireshark);\n"
                 "only where built in (-DWGU_CAPTURE=ON), as --key-log");
  app.add_option("--capture-limit", limit, "MiB of packets to capture at the most")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  app.add_option("--key-log", capture.keys,
                 "Write the keys of all sessions, and the private key, to this new file (Wireshark's wg.keylog_file)");
}

// The daemon leaves for the root directory: what it opens, or removes at its end, is found from there.
void make_absolute(Options& options) {
  constexpr std::string_view kUnix = "unix:";
  const auto absolute = [](const std::string& path) { return std::filesystem::absolute(path).string(); };
  for (std::string* path : {&options.capture.packets, &options.capture.keys, &options.event_log}) {
    if (!path->empty() && *path != "-") *path = absolute(*path);
  }
  for (std::string& place : options.metrics) {
    if (place.starts_with(kUnix)) place = std::string(kUnix) + absolute(place.substr(kUnix.size()));
  }
}

void add_queries(CLI::App& app, Options& options) {
  CLI::Option_group* queries = app.add_option_group("Questions to the running daemon of IFNAME, instead of starting one");
  const auto add = [&](const char* name, Query query, const char* help) {
    queries->add_flag_callback(
        name, [&options, query] { options.query = query; }, help);
  };
  add("--status", Query::kStatus, "Its peers, where its packets went, percentiles of what it measured");
  add("--json", Query::kJson, "All of it, as JSON");
  add("--check", Query::kCheck, "Whether every packet is accounted for, while packets flow; exit status 1 if not");
  queries->add_option("--set-telemetry", options.new_telemetry, "Measure more or less from now on")->check(CLI::IsMember(kLevels));
  queries->require_option(0, 1);
}

}  // namespace

std::optional<Options> parse_options(int argc, char** argv, int& exit_status) {
  CLI::App app("A WireGuard interface in user space. Configure it with wg(8) or wg-quick(8).");
  Options options;
  const std::map<std::string, wgu::IoBackend> backends = {
      {"auto", wgu::IoBackend::kAuto}, {"uring", wgu::IoBackend::kUring}, {"epoll", wgu::IoBackend::kEpoll}};
  std::string backend = "auto";
  std::string level = "events";
  std::vector<std::string> offloads{"all"};
  std::uint64_t capture_limit = options.capture.packets_limit >> 20;
  add_daemon_options(app, options, backend, offloads, level);
  add_capture_options(app, options.capture, capture_limit);
  add_queries(app, options);
  app.set_version_flag("--version", "wgu-tunnel " WGU_VERSION);
  app.footer(
      "Environment, as wireguard-go: WG_TUN_FD, WG_UAPI_FD (open descriptors), WG_PROCESS_FOREGROUND=1,\n"
      "LOG_LEVEL=verbose|error|silent. SIGUSR1 prints the counters to stderr; SIGTERM, SIGINT or deleting\n"
      "the interface ends the daemon.");
  try {
    app.parse(argc, argv);
    options.io = backends.at(backend);
    options.offloads = offloads_named(offloads);
    options.telemetry = wgu::telemetry_level_named(level).value_or(wgu::TelemetryLevel::kEvents);
    if (!options.new_telemetry.empty()) options.query = Query::kSetTelemetry;
    options.capture.packets_limit = capture_limit << 20;
    read_environment(options);
    make_absolute(options);
    options.keeps_output |= options.event_log == "-";
  } catch (const CLI::ParseError& error) {
    exit_status = app.exit(error) == 0 ? 0 : 2;
    return std::nullopt;
  }
  if (auto valid = wgu::control::check_interface_name(options.interface_name); !valid) {
    fmt::print(stderr, "wgu-tunnel: {}\n", valid.error().message);
    exit_status = 1;
    return std::nullopt;
  }
  return options;
}
