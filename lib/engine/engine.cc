// An engine is a crew of workers, the configuration they carry out, and a supervisor thread that follows the interface:
//
//   interface up   -> bind_udp, sockets to the workers, shards up
//   interface down -> shards down, sockets closed
//   MTU            -> to the shards
//   device gone    -> stopped
//   a worker that has to share its CPU changes places with a colleague, unless the CPUs were named (placement.h)
//
// Every change is a call to each worker, one after the other under `mutex`; packets never wait for it.
#include "wgu/engine.h"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "engine/boot_clock.h"
#include "engine/cpus.h"
#include "engine/device_steering.h"
#include "engine/host_sources.h"
#include "engine/peer_watches.h"
#include "engine/steering.h"
#include "engine/worker.h"
#include "io/link_watcher.h"
#include "io/path_mtu.h"
#include "io/tun.h"
#include "io/udp.h"
#include "tunnel/configuration.h"

namespace wgu {

using engine::Worker;
using namespace std::chrono_literals;

namespace {

// How often the supervisor asks the device itself (a second opinion to netlink), and tries again to bind sockets.
constexpr Duration kProbeInterval = std::chrono::seconds(1);

}  // namespace

struct Engine::Impl {
  explicit Impl(EngineOptions given) : options(std::move(given)), gate(options.host), crew{options, gate, {}, {}, {}} {}
  ~Impl() { stop("stopped"); }

  Result<void> start();
  Result<void> start_workers();
  void announce_recording() const;
  void supervise();
  void place_workers();
  void follow_link(const io::LinkState& before);
  Result<io::UdpBinding> bind(std::uint16_t port, std::uint32_t mark) const;
  void stamp(const io::UdpBinding& bound) const;
  Result<void> bring_up();
  void bring_down();
  Result<void> apply(DeviceChange change);
  Result<std::optional<io::UdpBinding>> rebind(const DeviceChange& change);
  void use_binding(std::optional<io::UdpBinding> fresh);
  void on_all_workers(const Worker::Call& call);
  void stop(const std::string& why);
  void tell(EventKind kind, std::uint64_t value);
  void log(LogLevel level, const std::string& line) const {
    if (options.log) options.log(level, line);
  }
  [[nodiscard]] std::function<void(const std::string&)> log_verbose() const {
    return [this](const std::string& line) { log(LogLevel::kVerbose, line); };
  }

  EngineOptions options;
  tunnel::HandshakeGate gate;
  engine::Crew crew;
  io::Tun tun;
  std::optional<io::LinkWatcher> watcher;
  std::optional<engine::Placement> placement;  // the supervisor's, once it runs
  io::FileDescriptor stop_event;               // asks the supervisor to end
  io::FileDescriptor stopped_event;            // readable from the end on
  std::thread supervisor;

  // Guards all below, and the one call that workers answer at a time.
  mutable std::mutex mutex;
  engine::DeviceSteering steering;
  engine::PeerWatches watches;
  std::optional<tunnel::Configuration> configuration;
  std::optional<io::UdpBinding> binding;
  std::string interface_name;
  std::string stop_reason;
  bool is_up = false;
  bool is_running = false;
  bool bind_has_failed = false;  // said in the log once
};

// --- Start and stop --------------------------------------------------------------------------------------------------------

Result<void> Engine::Impl::start() {
  const bool are_cpus_named = !options.cpus.empty();
  if (!are_cpus_named) options.cpus = engine::affinity_of_this_thread();
  if (options.workers == 0) options.workers = static_cast<unsigned>(options.cpus.size());
  if (options.workers == 0 || options.workers > tunnel::kMaxWorkers) {
    return Error{EINVAL, "workers: " + std::to_string(options.workers) + " is not in 1.." + std::to_string(tunnel::kMaxWorkers)};
  }
  if (options.buffers_per_worker < 64) {
    return Error{EINVAL, "buffers_per_worker: " + std::to_string(options.buffers_per_worker) + " is below 64"};
  }
  std::vector<io::FileDescriptor> given;
  for (const int fd : std::exchange(options.device_fds, {})) given.emplace_back(fd);
  const io::TunOffloads offloads{.tcp = options.offloads.tcp_segmentation, .udp = options.offloads.udp_segmentation};
  Result<io::Tun> opened =
      given.empty() ? io::open_tun(options.interface_name, options.workers, offloads) : io::adopt_tun(std::move(given), offloads);
  if (!opened) return std::move(opened).error();
  tun = std::move(opened).value();
  interface_name = tun.name;
  if (tun.queue_length != 0)
    log(LogLevel::kVerbose, "txqueuelen asked " + std::to_string(io::kQueueLength) + ", granted " + std::to_string(tun.queue_length));

  std::uint16_t mtu = options.mtu;
  if (options.follow_interface) {
    Result<io::LinkWatcher> watching = io::LinkWatcher::open(tun);
    if (!watching) return std::move(watching).error();
    watcher = std::move(watching).value();
    if (watcher->state().mtu != 0) mtu = static_cast<std::uint16_t>(std::min<std::uint32_t>(watcher->state().mtu, UINT16_MAX));
  }
  options.mtu = mtu;
  stop_event = io::FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  stopped_event = io::FileDescriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_event || !stopped_event) return Error{errno, std::string("eventfd: ") + std::strerror(errno)};

  if (options.offloads.device_steering && !tun.name.empty() && tun.queues.size() > 1) steering.attach(tun.queues[0].get(), log_verbose());
  if (Result<void> recording = crew.recording.open(options.capture, interface_name); !recording) return recording;
  if (options.before_threads) {
    if (Result<void> agreed = options.before_threads(); !agreed) return agreed;
  }
  if (Result<void> opened_hub = crew.events.open(options.workers); !opened_hub) return opened_hub;
  announce_recording();
  configuration.emplace(options.workers);
  if (Result<void> started = start_workers(); !started) return started;
  if (!watcher || watcher->state().is_up) {
    if (Result<void> up = bring_up(); !up && !watcher) return up;
  }
  if (!are_cpus_named && options.cpus.size() > 1 && options.workers <= options.cpus.size() &&
      engine::run_times(crew.workers[0]->thread_number())) {
    std::uint64_t seed = 0;
    options.host.random({reinterpret_cast<std::uint8_t*>(&seed), sizeof seed});
    placement.emplace(options.cpus, options.workers, seed);
  }
  supervisor = std::thread([this] { supervise(); });
  return {};
}

// Of a level that is shown where nobody has chosen one: secrets leave the process.
void Engine::Impl::announce_recording() const {
  if (!options.capture.packets.empty())
    log(LogLevel::kError, "all packets, and the keys that decrypt them, are written to " + options.capture.packets);
  if (!options.capture.keys.empty())
    log(LogLevel::kError, "the keys of all sessions, and the private key, are written to " + options.capture.keys);
}

Result<void> Engine::Impl::start_workers() {
  crew.device_gone = [this] { eventfd_write(stop_event.get(), 1); };
  crew.mail.resize(options.workers);
  for (unsigned to = 0; to < options.workers; ++to) {
    crew.mail[to].resize(options.workers);
    for (unsigned from = 0; from < options.workers; ++from) {
      if (to != from) crew.mail[to][from] = std::make_unique<engine::Mailbox>();
    }
    // With fewer queues than workers, the first ones read; the others write through a queue they share.
    const std::size_t queues = tun.queues.size();
    crew.workers.push_back(
        std::make_unique<Worker>(engine::WorkerOptions{.number = static_cast<std::uint8_t>(to),
                                                       .cpu = options.cpus.empty() ? -1 : options.cpus[to % options.cpus.size()],
                                                       .read_fd = to < queues ? tun.queues[to].get() : -1,
                                                       .write_fd = tun.queues[to % queues].get(),
                                                       .format = tun.format,
                                                       .mtu = options.mtu},
                                 crew));
    crew.workers.back()->meter().set_level(options.telemetry);
  }
  is_running = true;
  for (const auto& worker : crew.workers) {
    if (Result<void> started = worker->start(); !started) return started;
  }
  log(LogLevel::kVerbose, std::to_string(options.workers) + " worker(s), " + crew.workers[0]->loop_name() + ", " +
                              std::to_string(tun.queues.size()) + " device queue(s)" + (tun.format.tcp_v4 ? ", TSO" : "") +
                              (tun.format.udp ? ", USO" : "") + (steering.is_attached() ? ", steered" : ""));
  return {};
}

void Engine::Impl::stop(const std::string& why) {
  {
    const std::lock_guard lock(mutex);
    if (stop_reason.empty()) stop_reason = why;
  }
  if (stop_event) eventfd_write(stop_event.get(), 1);
  if (supervisor.joinable() && supervisor.get_id() != std::this_thread::get_id()) supervisor.join();

  {
    const std::lock_guard lock(mutex);
    steering.detach();
    if (!is_running) return;
    is_running = false;
    for (const auto& worker : crew.workers) worker->request_stop();
    crew.stop_waking();
    for (const auto& worker : crew.workers) worker->join();
    for (const auto& worker : crew.workers) worker->drop_mail();
    crew.mail.clear();
    if (crew.recording.is_on()) log(LogLevel::kError, crew.recording.finish(options.host.wall_time()));
    binding.reset();
    tun.queues.clear();
    is_up = false;
  }
  // The supervisor has ended. Without the lock, as always: the callback may wait for a thread that asks this engine something.
  crew.events.deliver(options.on_event);
  if (stopped_event) eventfd_write(stopped_event.get(), 1);
}

// --- The interface ---------------------------------------------------------------------------------------------------------

void Engine::Impl::supervise() {
  pollfd waits[3] = {{stop_event.get(), POLLIN, 0}, {watcher ? watcher->fd() : -1, POLLIN, 0}, {crew.events.fd(), POLLIN, 0}};
  Instant last_probe = engine::boot_now();
  Instant last_placement = last_probe;
  const Duration interval = placement ? engine::Placement::kInterval : watcher ? kProbeInterval : -1ms;
  while (true) {
    poll(waits, 3, static_cast<int>(interval / 1ms));
    if (waits[0].revents != 0) break;
    if (waits[2].revents != 0) crew.events.deliver(options.on_event);
    if (placement && engine::boot_now() - last_placement >= engine::Placement::kInterval) {
      last_placement = engine::boot_now();
      place_workers();
    }
    if (!watcher) continue;
    const std::lock_guard lock(mutex);
    const io::LinkState before = watcher->state();
    watcher->read_changes();
    if (const Instant now = engine::boot_now(); now - last_probe >= kProbeInterval) {
      last_probe = now;
      watcher->probe();
    }
    if (watcher->state().is_gone) break;
    follow_link(before);
  }
  const std::lock_guard lock(mutex);
  if (stop_reason.empty()) stop_reason = "the device " + interface_name + " is gone";
  eventfd_write(stopped_event.get(), 1);
}

void Engine::Impl::place_workers() {
  std::vector<engine::RunTimes> times;
  for (const auto& worker : crew.workers) {
    const auto of_worker = engine::run_times(worker->thread_number());
    if (!of_worker) return;
    times.push_back(*of_worker);
  }
  const auto exchange = placement->decide(engine::boot_now(), times);
  if (!exchange) return;
  const auto pin = [this](std::size_t worker) { return engine::pin_thread(crew.workers[worker]->thread_number(), placement->cpu(worker)); };
  Result<void> pinned = pin(exchange->worker);
  if (pinned && exchange->other < crew.workers.size()) pinned = pin(exchange->other);
  log(LogLevel::kVerbose, "worker " + std::to_string(exchange->worker) + " goes to CPU " +
                              std::to_string(placement->cpu(exchange->worker)) + ": it waited " +
                              std::to_string(static_cast<int>(100 * exchange->waited)) + " % of its time");
  if (pinned) return;
  // The cpuset has shrunk: what was known of places is wrong, and the kernel has chosen some itself.
  log(LogLevel::kVerbose, pinned.error().message + "; workers stay where they are from now on");
  placement.reset();
}

void Engine::Impl::follow_link(const io::LinkState& before) {
  const io::LinkState& now = watcher->state();
  interface_name = now.name;
  if (now.mtu != before.mtu && now.mtu != 0) {
    const auto mtu = static_cast<std::uint16_t>(std::min<std::uint32_t>(now.mtu, UINT16_MAX));
    on_all_workers([mtu](tunnel::Shard& shard, io::Loop&) { shard.set_mtu(mtu); });
    tell(EventKind::kMtuChanged, mtu);
    log(LogLevel::kVerbose, "MTU " + std::to_string(mtu));
  }
  if (now.is_up && !is_up) static_cast<void>(bring_up());  // a failure is logged, and tried again at the next probe
  if (!now.is_up && is_up) bring_down();
}

Result<io::UdpBinding> Engine::Impl::bind(std::uint16_t port, std::uint32_t mark) const {
  Result<io::UdpBinding> bound =
      io::bind_udp(port, mark, options.workers, engine::receiver_index_steering(options.workers), options.offloads.receive_trains);
  if (bound && options.path.discover_mtu) {
    if (Result<void> prepared = io::discover_path_mtu(*bound); !prepared) return std::move(prepared).error();
  }
  if (bound) stamp(*bound);
  return bound;
}

// Who measures no delays has no control messages that say when datagrams came.
void Engine::Impl::stamp(const io::UdpBinding& bound) const {
  const bool are_wanted = crew.workers[0]->meter().level() >= TelemetryLevel::kSampled;
  if (Result<void> set = io::set_timestamps(bound, are_wanted); !set)
    log(LogLevel::kVerbose, set.error().message + ": the kernel's queue delay is not measured");
}

Result<void> Engine::Impl::bring_up() {
  Result<io::UdpBinding> bound = bind(configuration->listen_port(), configuration->firewall_mark());
  if (!bound) {
    if (!std::exchange(bind_has_failed, true)) log(LogLevel::kError, "the interface is up, but without sockets: " + bound.error().message);
    return std::move(bound).error();
  }
  bind_has_failed = false;
  use_binding(std::move(bound).value());
  on_all_workers([](tunnel::Shard& shard, io::Loop&) { shard.set_up(true, engine::boot_now()); });
  is_up = true;
  log(LogLevel::kVerbose, "interface up, UDP port " + std::to_string(binding->port));
  return {};
}

void Engine::Impl::bring_down() {
  on_all_workers([](tunnel::Shard& shard, io::Loop&) { shard.set_up(false, engine::boot_now()); });
  use_binding(std::nullopt);
  is_up = false;
  log(LogLevel::kVerbose, "interface down");
}

// The workers let go of the old sockets before they are closed.
void Engine::Impl::use_binding(std::optional<io::UdpBinding> fresh) {
  if (fresh) {
    configuration->set_listen_port(fresh->port);
    if (!fresh->notes.empty()) log(LogLevel::kVerbose, fresh->notes);
  }
  for (std::size_t i = 0; i < crew.workers.size(); ++i) {
    const int v4 = fresh ? fresh->workers[i].v4.get() : -1;
    const int v6 = fresh ? fresh->workers[i].v6.get() : -1;
    Worker& worker = *crew.workers[i];
    worker.call([&worker, v4, v6, port = configuration->listen_port()](tunnel::Shard&, io::Loop& loop) {
      loop.set_sockets(v4, v6);
      if (worker.recorder().is_on()) worker.recorder().set_local_port(port);
    });
  }
  binding = std::move(fresh);
}

// --- Configuration ---------------------------------------------------------------------------------------------------------

void Engine::Impl::on_all_workers(const Worker::Call& call) {
  for (const auto& worker : crew.workers) worker->post(call);
  for (const auto& worker : crew.workers) worker->wait();
}

Result<void> Engine::Impl::apply(DeviceChange change) {
  const std::lock_guard lock(mutex);
  if (!is_running) return Error{ESHUTDOWN, "the engine has stopped"};
  // All that can fail comes first.
  if (Result<void> sound = configuration->check(change); !sound) return sound;
  Result<std::optional<io::UdpBinding>> fresh = rebind(change);
  if (!fresh) return std::move(fresh).error();

  configuration->tell_homes(steering.is_attached());
  tunnel::Configuration::Commit commit = configuration->commit(std::move(change));
  if (*fresh) use_binding(std::move(*fresh));
  if (commit.additions[0].private_key) crew.recording.identity(*commit.additions[0].private_key);
  watches.leave(crew, *configuration);
  on_all_workers(
      [&commit](tunnel::Shard& shard, io::Loop&) { shard.apply(std::move(commit.additions[shard.worker()]), engine::boot_now()); });
  on_all_workers([&commit](tunnel::Shard& shard, io::Loop&) { shard.apply(commit.removals[shard.worker()]); });
  configuration->reclaim();
  watches.enter(crew, *configuration);
  steering.apply(commit.homes, log_verbose());
  tell(EventKind::kConfigurationChanged, configuration->peer_count());
  return {};
}

void Engine::Impl::tell(EventKind kind, std::uint64_t value) {
  if (!crew.workers[0]->meter().wants_events()) return;
  crew.events.tell({.kind = kind, .when = engine::boot_now(), .wall = options.host.wall_time(), .value = value});
}

// Sockets for a new port, or the new mark on those that stay. Nothing when there is nothing to do now.
Result<std::optional<io::UdpBinding>> Engine::Impl::rebind(const DeviceChange& change) {
  if (!binding) return std::optional<io::UdpBinding>();
  const std::uint32_t mark = change.firewall_mark.value_or(configuration->firewall_mark());
  if (change.listen_port && *change.listen_port != binding->port) {
    Result<io::UdpBinding> bound = bind(*change.listen_port, mark);
    if (!bound) return std::move(bound).error();
    return std::optional(std::move(bound).value());
  }
  if (mark != configuration->firewall_mark()) {
    if (Result<void> marked = io::set_mark(*binding, mark); !marked) {
      static_cast<void>(io::set_mark(*binding, configuration->firewall_mark()));  // some sockets may have it already
      return std::move(marked).error();
    }
  }
  return std::optional<io::UdpBinding>();
}

// --- The public face -------------------------------------------------------------------------------------------------------

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;

Result<Engine> Engine::start(EngineOptions options) {
  auto impl = std::make_unique<Impl>(std::move(options));
  if (Result<void> started = impl->start(); !started) return std::move(started).error();
  return Engine(std::move(impl));
}

Result<void> Engine::apply(DeviceChange change) { return impl_->apply(std::move(change)); }

DeviceStatus Engine::status() {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->is_running) return {};
  // One call a worker: each fills the peers at home there.
  std::vector<std::vector<std::pair<tunnel::PeerId, PeerStatus*>>> homes(impl_->options.workers);
  DeviceStatus status =
      impl_->configuration->status([&homes](tunnel::PeerId id, PeerStatus& peer) { homes[id.home].emplace_back(id, &peer); });
  impl_->on_all_workers([&](tunnel::Shard& shard, io::Loop&) {
    for (const auto& [id, peer] : homes[shard.worker()]) shard.fill(id, *peer);
    if (shard.worker() == 0) status.private_key = shard.private_key();
  });
  return status;
}

std::vector<Counters> Engine::worker_counters() {
  const std::lock_guard lock(impl_->mutex);
  std::vector<Counters> counters(impl_->crew.workers.size());
  if (impl_->is_running) {
    impl_->on_all_workers([&counters](tunnel::Shard& shard, io::Loop&) { counters[shard.worker()] = shard.counters(); });
  } else {
    for (std::size_t i = 0; i < counters.size(); ++i) counters[i] = impl_->crew.workers[i]->final_counters();
  }
  return counters;
}

Counters Engine::counters() {
  Counters sum;
  for (const Counters& counters : worker_counters()) sum += counters;
  return sum;
}

Snapshot Engine::snapshot() {
  Snapshot snapshot = make_snapshot(status(), worker_counters());
  snapshot.interface_name = interface_name();
  snapshot.taken = impl_->options.host.wall_time();
  snapshot.level = telemetry_level();
  snapshot.measures.resize(kMeasureCount);
  for (const auto& worker : impl_->crew.workers) worker->meter().add_to(snapshot.measures);
  const std::lock_guard lock(impl_->mutex);
  impl_->watches.add_stages(snapshot.peers);
  return snapshot;
}

std::vector<HostReading> Engine::read_host() const {
  const std::lock_guard lock(impl_->mutex);  // the sockets stay open; packets wait for nothing
  return wgu::read_host(engine::host_sources(impl_->interface_name, impl_->binding));
}

void Engine::set_telemetry_level(TelemetryLevel level) {
  const std::lock_guard lock(impl_->mutex);
  for (const auto& worker : impl_->crew.workers) worker->meter().set_level(level);
  if (impl_->binding) impl_->stamp(*impl_->binding);
}

Result<void> Engine::watch_peer(const PublicKey& peer, bool is_watched) {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->is_running) return Error{ESHUTDOWN, "the engine has stopped"};
  return impl_->watches.set(peer, is_watched, impl_->crew, *impl_->configuration);
}

TelemetryLevel Engine::telemetry_level() const { return impl_->crew.workers[0]->meter().level(); }

std::vector<Event> Engine::recent_events() const { return impl_->crew.events.recent(); }

std::string Engine::interface_name() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->interface_name;
}

unsigned Engine::workers() const { return impl_->options.workers; }

const char* Engine::io_backend() const { return impl_->crew.workers[0]->loop_name(); }

bool Engine::is_up() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->is_up;
}

void Engine::stop() { impl_->stop("stopped"); }

std::string Engine::wait() {
  pollfd ended{impl_->stopped_event.get(), POLLIN, 0};
  while (poll(&ended, 1, -1) < 0 && errno == EINTR) {
  }
  const std::lock_guard lock(impl_->mutex);
  return impl_->stop_reason;
}

int Engine::stopped_fd() const { return impl_->stopped_event.get(); }

}  // namespace wgu
