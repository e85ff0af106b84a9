// wgu-tunnel IFNAME: a WireGuard interface in user space, driven by `wg` and `wg-quick`, with wireguard-go's command line and
// environment. In order: options, into the background, sockets, engine (which drops privileges), servers, wait. Or it asks a daemon
// that runs (queries.h).
#include <poll.h>
#include <sys/signalfd.h>
#include <wgu/engine.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "control/uapi_server.h"
#include "control/uapi_socket.h"
#include "daemonise.h"
#include "engine/cpus.h"
#include "event_log.h"
#include "options.h"
#include "privileges.h"
#include "status_service.h"

namespace {

// A log that takes nothing any more (its reader has gone, its disk is full) is no reason to end a tunnel; fmt::print() would throw, and
// most lines come from threads that nothing may be thrown in.
void say(const std::string& line) noexcept { static_cast<void>(std::fputs(line.c_str(), stderr)); }

int fail(const std::string& what) {
  say(fmt::format("wgu-tunnel: {}\n", what));
  return 1;
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
    say(fmt::format("counters {} {}\n", name, counters_of(engine)));
  }
}

PageSources sources_of(wgu::Engine& engine) {
  return {.snapshot =
              [&engine] {
                wgu::Snapshot snapshot = engine.snapshot();
                snapshot.host = engine.read_host();
                return snapshot;
              },
          .events = [&engine] { return engine.recent_events(); },
          .set_telemetry = [&engine](wgu::TelemetryLevel level) { engine.set_telemetry_level(level); }};
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
    if (line_level <= level) say(fmt::format("{}: {}: {}\n", line_level == wgu::LogLevel::kError ? "ERROR" : "DEBUG", name, line));
  };
  auto socket = options.uapi_fd ? wgu::control::UapiSocket::adopt(*options.uapi_fd, name) : wgu::control::UapiSocket::create(name);
  if (!socket) return fail(socket.error().message);

  auto status = StatusService::open(name, options.metrics, [&](const std::string& line) { log(wgu::LogLevel::kError, line); });
  if (!status) return fail(status.error().message);
  std::optional<EventLog> event_log;
  if (!options.event_log.empty()) {
    auto opened = EventLog::open(options.event_log);
    if (!opened) return fail(opened.error().message);
    event_log = std::move(opened).value();
  }

  wgu::EngineOptions engine_options{.interface_name = name,
                                    .workers = options.workers,
                                    .is_realtime = options.is_realtime,
                                    .io = options.io,
                                    .offloads = options.offloads,
                                    .path = options.path,
                                    .log = log,
                                    .before_threads = [&options] { return drop_privileges(options.is_realtime); },
                                    .telemetry = options.telemetry,
                                    .capture = options.capture};
  if (event_log) engine_options.on_event = [&](const wgu::Event& event) { event_log->write(event); };
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
  StatusService service = std::move(status).value();  // behind the engine that its threads ask: ends first, whatever ends us
  if (auto serving = service.serve(sources_of(*engine)); !serving) return fail(serving.error().message);
  log(wgu::LogLevel::kVerbose, "ready");
  daemon.ready();

  const std::string why = serve(*engine, *socket, signal_fd.get(), name);
  log(wgu::LogLevel::kVerbose, "ending: " + why);
  server->stop();
  service.stop();
  socket->remove_file();
  engine->stop();
  if (options.log_level == wgu::LogLevel::kVerbose) {
    say(fmt::format("counters {} {}\n", name, counters_of(*engine)));
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) try {
  int exit_status = 0;
  auto options = parse_options(argc, argv, exit_status);
  if (!options) return exit_status;
  if (options->query != Query::kNone) return run_query(options->query, options->interface_name, options->new_telemetry);
  return run(std::move(*options));
} catch (const std::exception& error) {
  return fail(error.what());
}
