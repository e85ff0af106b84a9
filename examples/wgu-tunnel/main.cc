// wgu-tunnel IFNAME: a WireGuard interface in user space, driven by `wg` and `wg-quick`, with wireguard-go's command line and
// environment. In order: options, into the background, control socket, engine (which drops privileges), control server, wait.
#include <poll.h>
#include <sys/signalfd.h>
#include <wgu/engine.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "control/uapi_server.h"
#include "control/uapi_socket.h"
#include "daemonise.h"
#include "engine/cpus.h"
#include "privileges.h"

namespace {

struct Options {
  std::string interface_name;
  bool is_foreground = false;
  unsigned workers = 0;
  std::string cpus;
  wgu::IoBackend io = wgu::IoBackend::kAuto;
  wgu::Offloads offloads;
  wgu::PathPolicy path;
  wgu::CaptureFiles capture;
  std::vector<std::string> watched_peers;
  wgu::LogLevel log_level = wgu::LogLevel::kError;
  bool keeps_output = false;
  std::optional<int> tun_fd;
  std::optional<int> uapi_fd;
};

int fail(const std::string& what) {
  fmt::print(stderr, "wgu-tunnel: {}\n", what);
  return 1;
}

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
  return {.tcp_segmentation = all || has("tso"), .udp_segmentation = all || has("uso"), .send_trains = all || has("gso"), .receive_trains = all || has("gro"), .device_steering = all || has("steer")};
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

// Where every packet went, as one line of JSON; not to whom: a log is no place for the peers.
std::string counters_of(wgu::Engine& engine) {
  wgu::Snapshot snapshot = engine.snapshot();
  snapshot.peers.clear();
  std::string line;
  wgu::append_json(snapshot, line);
  return line;
}

// Until a signal to end, the engine's own end, or the loss of the control socket's file (as wireguard-go; looked at once a
// second). SIGUSR1 prints the counters.
std::string serve(wgu::Engine& engine, const wgu::control::UapiSocket& socket, int signals, const std::string& name) {
  pollfd waits[2] = {{signals, POLLIN, 0}, {engine.stopped_fd(), POLLIN, 0}};
  while (true) {
    if (poll(waits, 2, 1000) < 0 && errno != EINTR) return fmt::format("poll: {}", std::strerror(errno));
    if (waits[1].revents != 0) return engine.wait();
    if (socket.is_file_gone()) return "the control socket was removed";
    signalfd_siginfo info{};
    if (waits[0].revents == 0 || read(signals, &info, sizeof info) != sizeof info) continue;
    if (info.ssi_signo != SIGUSR1) return fmt::format("signal {}", info.ssi_signo);
    fmt::print(stderr, "counters {} {}\n", name, counters_of(engine));
  }
}

int run(Options options) {
  // Blocked before any thread exists, so that only serve() sees them.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGUSR1}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);

  Daemon daemon = options.is_foreground ? Daemon() : Daemon::into_background(options.keeps_output);
  const wgu::io::FileDescriptor signal_fd(signalfd(-1, &signals, SFD_CLOEXEC));
  if (!signal_fd) return fail(fmt::format("signalfd: {}", std::strerror(errno)));

  const std::string& name = options.interface_name;
  const auto log = [level = options.log_level, name](wgu::LogLevel line_level, const std::string& line) {
    if (line_level <= level) fmt::print(stderr, "{}: {}: {}\n", line_level == wgu::LogLevel::kError ? "ERROR" : "DEBUG", name, line);
  };
  auto socket = options.uapi_fd ? wgu::control::UapiSocket::adopt(*options.uapi_fd, name) : wgu::control::UapiSocket::create(name);
  if (!socket) return fail(socket.error().message);

  wgu::EngineOptions engine_options{.interface_name = name, .workers = options.workers, .io = options.io, .offloads = options.offloads, .path = options.path, .log = log, .before_threads = drop_privileges, .capture = options.capture};
  if (options.tun_fd) engine_options.device_fds = {*options.tun_fd};
  if (!options.cpus.empty()) {
    auto cpus = wgu::engine::parse_cpu_list(options.cpus);
    if (!cpus) return fail(cpus.error().message);
    engine_options.cpus = std::move(cpus).value();
  }
  auto engine = wgu::Engine::start(std::move(engine_options));
  if (!engine) return fail(engine.error().message);

  for (const std::string& text : options.watched_peers) {
    const auto key = wgu::PublicKey::from_base64(text);
    if (!key) return fail(fmt::format("--watch-peer {}: {}", text, key.error().message));
    if (auto watched = engine->watch_peer(*key, true); !watched) return fail(watched.error().message);
  }

  auto server = wgu::control::UapiServer::start(
      socket->take_listener(),
      {.set = [&](wgu::DeviceChange change) { return engine->apply(std::move(change)); },
       .get = [&] { return engine->status(); },
       .log = [&](const std::string& line) { log(wgu::LogLevel::kError, line); }});
  if (!server) return fail(server.error().message);
  log(wgu::LogLevel::kVerbose, "ready");
  daemon.ready();

  const std::string why = serve(*engine, *socket, signal_fd.get(), name);
  log(wgu::LogLevel::kVerbose, "ending: " + why);
  server->stop();
  socket->remove_file();
  engine->stop();
  if (options.log_level == wgu::LogLevel::kVerbose) {
    fmt::print(stderr, "counters {} {}\n", name, counters_of(*engine));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("A WireGuard interface in user space. Configure it with wg(8) or wg-quick(8).");
  Options options;
  app.add_option("IFNAME", options.interface_name, "Name of the interface to make")->required();
  app.add_flag("-f,--foreground", options.is_foreground, "Stay in the foreground");
  app.add_option("--workers", options.workers, "Worker threads (default: one for each CPU)")->check(CLI::Range(1, 256));
  app.add_option("--cpus", options.cpus, "CPUs to pin workers to, e.g. 0-3,6 (default: the affinity mask)");
  const std::map<std::string, wgu::IoBackend> backends = {
      {"auto", wgu::IoBackend::kAuto}, {"uring", wgu::IoBackend::kUring}, {"epoll", wgu::IoBackend::kEpoll}};
  std::string backend = "auto";
  app.add_option("--io", backend, "I/O backend: auto is io_uring where the kernel allows it")
      ->check(CLI::IsMember({"auto", "uring", "epoll"}))
      ->capture_default_str();
  std::vector<std::string> offloads{"all"};
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
  app.add_option("--watch-peer", options.watched_peers, "Public key of a peer of which to tell drops by reason and stage times; may be repeated");
  app.add_option("--capture", options.capture.packets,
                 "Write all packets, inside and outside, with the keys that decrypt them, to this new file (pcapng, for Wireshark);\n"
                 "only where built in (-DWGU_CAPTURE=ON), as --key-log");
  std::uint64_t capture_limit = options.capture.packets_limit >> 20;
  app.add_option("--capture-limit", capture_limit, "MiB of packets to capture at the most")->check(CLI::Range(1, 1 << 20))->capture_default_str();
  app.add_option("--key-log", options.capture.keys, "Write the keys of all sessions, and the private key, to this new file (Wireshark's wg.keylog_file)");
  app.set_version_flag("--version", "wgu-tunnel " WGU_VERSION);
  app.footer(
      "Environment, as wireguard-go: WG_TUN_FD, WG_UAPI_FD (open descriptors), WG_PROCESS_FOREGROUND=1,\n"
      "LOG_LEVEL=verbose|error|silent. SIGUSR1 prints the counters to stderr; SIGTERM, SIGINT or deleting\n"
      "the interface ends the daemon.");
  try {
    app.parse(argc, argv);
    options.io = backends.at(backend);
    options.offloads = offloads_named(offloads);
    read_environment(options);
    // The daemon leaves for the root directory before it opens them.
    options.capture.packets_limit = capture_limit << 20;
    for (std::string* path : {&options.capture.packets, &options.capture.keys}) {
      if (!path->empty()) *path = std::filesystem::absolute(*path);
    }
    if (auto valid = wgu::control::check_interface_name(options.interface_name); !valid) return fail(valid.error().message);
    return run(std::move(options));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}
