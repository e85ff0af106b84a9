#pragma once
// Workers as an engine runs them, without the engine: a test holds the far ends of their devices and sockets and reaches each thread by
// calls, so it decides what the kernel says, and when a worker comes to a halt.

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/boot_clock.h"
#include "engine/worker.h"
#include "io/file_descriptor.h"
#include "io/udp.h"
#include "tunnel/configuration.h"
#include "tunnel/device.h"
#include "values/moved.h"

namespace wgu::engine {

using tunnel::Bytes;
using namespace std::chrono_literals;

class Workers {
 public:
  struct Setup {
    IoBackend io = IoBackend::kAuto;
    unsigned workers = 1;
    std::size_t buffers = 4096;
    io::DeviceFormat format{};
    bool receives_trains = false;
  };

  ~Workers() {
    if (crew_ == nullptr) return;
    stop();
    expect_all_explained();
  }

  [[nodiscard]] Result<void> start(const Setup& setup) {
    options_ = EngineOptions{.io = setup.io, .buffers_per_worker = setup.buffers};
    gate_.emplace(options_.host);
    crew_.reset(new Crew{options_, *gate_, {}, {}, [] {}});
    configuration_.emplace(setup.workers);
    if (Result<void> opened = crew_->events.open(setup.workers); !opened) return opened;
    Result<io::UdpBinding> bound = io::bind_udp(0, 0, setup.workers, {}, setup.receives_trains);
    if (!bound) return std::move(bound).error();
    binding = std::move(*bound);
    crew_->mail.resize(setup.workers);
    for (unsigned i = 0; i < setup.workers; ++i) {
      crew_->mail[i].resize(setup.workers);
      for (unsigned from = 0; from < setup.workers; ++from) {
        if (from != i) crew_->mail[i][from] = std::make_unique<Mailbox>();
      }
      int ends[2];
      if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends) != 0) return Error{errno, "socketpair"};
      const int size = 1 << 20;
      setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
      device.emplace_back(ends[0]);
      device_inside_.emplace_back(ends[1]);
      crew_->workers.push_back(std::make_unique<Worker>(
          WorkerOptions{
              .number = static_cast<std::uint8_t>(i), .read_fd = ends[1], .write_fd = ends[1], .format = setup.format, .mtu = 1420},
          *crew_));
      crew_->workers[i]->meter().set_level(TelemetryLevel::kEvents);
    }
    for (const auto& worker : crew_->workers) {
      if (Result<void> started = worker->start(); !started) return started;
    }
    for (unsigned i = 0; i < setup.workers; ++i) set_socket(binding.workers[i].v4.get(), i);
    return {};
  }

  // The IPv4 socket; the worker has no other.
  void set_socket(int v4, unsigned worker = 0) {
    call([v4](tunnel::Shard&, io::Loop& loop) { loop.set_sockets(v4, -1); }, worker);
  }
  void call(Worker::Call what, unsigned worker = 0) { crew_->workers[worker]->call(std::move(what)); }

  void set_up() {
    DeviceChange change;
    change.private_key = key.copy();
    apply(std::move(change));
    for (unsigned i = 0; i < crew_->workers.size(); ++i) call([](tunnel::Shard& shard, io::Loop&) { shard.set_up(true, boot_now()); }, i);
  }
  void apply(DeviceChange change) {
    configuration_->check(change).value();
    auto commit = configuration_->commit(std::move(change));
    for (unsigned i = 0; i < crew_->workers.size(); ++i)
      call([&](tunnel::Shard& shard, io::Loop&) { shard.apply(std::move(commit.additions[i]), boot_now()); }, i);
    for (unsigned i = 0; i < crew_->workers.size(); ++i) call([&](tunnel::Shard& shard, io::Loop&) { shard.apply(commit.removals[i]); }, i);
    configuration_->reclaim();
  }
  // Peers' homes go round: the first is worker 0's.
  void add_peer(const PublicKey& public_key, const std::string& allowed_ips, std::optional<Endpoint> at = {}) {
    DeviceChange change;
    PeerChange& peer = change.peers.emplace_back();
    peer.public_key = public_key;
    peer.endpoint = at;
    peer.allowed_ips.push_back({Prefix::parse(allowed_ips).value()});
    apply(std::move(change));
  }

  void write(const Bytes& packet, unsigned worker = 0) {
    ASSERT_EQ(::write(device[worker].get(), packet.data(), packet.size()), static_cast<ssize_t>(packet.size())) << std::strerror(errno);
  }
  [[nodiscard]] Endpoint at() const { return {IpAddress::v4(127, 0, 0, 1), binding.port, 0}; }

  // At the begin of a round of the worker's. After stop(): how it ended.
  [[nodiscard]] Counters counters(unsigned worker = 0) {
    if (is_stopped_) return crew_->workers[worker]->final_counters();
    Counters counters;
    call([&counters](tunnel::Shard& shard, io::Loop&) { counters = shard.counters(); }, worker);
    return counters;
  }
  // Waits until `counter` has come to `value`; false after ten seconds.
  [[nodiscard]] bool reaches(std::uint64_t Counters::*counter, std::uint64_t value, unsigned worker = 0) {
    return until([&] { return counters(worker).*counter >= value; });
  }
  template <class Condition>
  [[nodiscard]] static bool until(Condition condition) {
    const Instant end = boot_now() + 10s;
    while (!condition()) {
      if (boot_now() > end) return false;
      std::this_thread::sleep_for(1ms);
    }
    return true;
  }

  // The worker's thread does `first`, then waits in its call until resume(), or until stop().
  void halt(Worker::Call first = {}, unsigned worker = 0) {
    is_halted_ = true;
    has_halted_ = false;
    halted_ = worker;
    crew_->workers[worker]->post([this, first = std::move(first)](tunnel::Shard& shard, io::Loop& loop) {
      if (first) first(shard, loop);
      has_halted_ = true;
      has_halted_.notify_all();
      is_halted_.wait(true);
    });
    has_halted_.wait(false);
  }
  void resume() {
    let_go();
    crew_->workers[halted_]->wait();
  }

  // As an engine stops them.
  void stop() {
    if (std::exchange(is_stopped_, true)) return;
    for (const auto& worker : crew_->workers) worker->request_stop();
    let_go();
    crew_->stop_waking();
    for (const auto& worker : crew_->workers) worker->join();
    for (const auto& worker : crew_->workers) worker->drop_mail();
    crew_->mail.clear();
  }

  [[nodiscard]] std::vector<Event> take_events() {
    std::vector<Event> events;
    crew_->events.deliver([&events](const Event& event) { events.push_back(event); });
    return events;
  }

  PrivateKey key = PrivateKey::generate();
  std::vector<io::FileDescriptor> device;  // what a host's IP stack would hold, a queue a worker
  io::UdpBinding binding;

 private:
  void let_go() {
    is_halted_ = false;
    is_halted_.notify_all();
  }
  void expect_all_explained() {
    Counters sum;
    for (unsigned i = 0; i < crew_->workers.size(); ++i) {
      const Counters ended = counters(i);
      EXPECT_EQ(ended.unexplained(Direction::kOutbound), 0) << "worker " << i;
      EXPECT_EQ(ended.unexplained(Direction::kInbound), 0) << "worker " << i;
      sum += ended;
    }
    EXPECT_EQ(sum.outbound_forwarded, sum.outbound_adopted);
    EXPECT_EQ(sum.inbound_forwarded, sum.inbound_adopted);
    EXPECT_EQ(sum.outbound_queued + sum.inbound_queued, 0U) << "what a worker that has ended says to hold";
  }

  EngineOptions options_;
  std::optional<tunnel::HandshakeGate> gate_;
  std::unique_ptr<Crew> crew_;
  std::optional<tunnel::Configuration> configuration_;
  std::vector<io::FileDescriptor> device_inside_;
  std::atomic<bool> is_halted_{false}, has_halted_{false};
  unsigned halted_ = 0;
  bool is_stopped_ = false;
};

// A peer of theirs at 10.0.0.2: a tunnel in the test's hand, behind a socket of its own.
struct FarEnd {
  tunnel::Device device{"far", 2};
  io::FileDescriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};

  explicit FarEnd(Workers& workers) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    socklen_t length = sizeof address;
    EXPECT_EQ(getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &length), 0);
    PeerChange peer;
    peer.public_key = workers.key.public_key();
    peer.endpoint = workers.at();
    peer.allowed_ips.push_back({Prefix::parse("10.0.0.1/32").value()});
    device.change_peer(std::move(peer), now);
    workers.add_peer(device.public_key(), "10.0.0.2/32", Endpoint{IpAddress::v4(127, 0, 0, 1), ntohs(address.sin_port), 0});
  }

  void send(const Endpoint& to, const Bytes& message) {
    sockaddr_storage address;
    const socklen_t length = io::encode_address(to, address);
    ASSERT_EQ(sendto(socket.get(), message.data(), message.size(), 0, reinterpret_cast<const sockaddr*>(&address), length),
              static_cast<ssize_t>(message.size()));
  }
  // Carries what it has to say, and what is said to it, until `is_enough`.
  template <class Condition>
  [[nodiscard]] bool carry(Workers& workers, Condition is_enough) {
    return Workers::until([&] {
      device.advance(now);
      for (const tunnel::Sent& sent : device.take_sent()) send(sent.to, sent.bytes);
      Bytes message(2048);
      for (ssize_t size = 0; (size = recv(socket.get(), message.data(), message.size(), MSG_DONTWAIT)) >= 0;) {
        device.receive({message.begin(), message.begin() + size}, workers.at(), now);
      }
      return is_enough();
    });
  }
  // A session, confirmed: a packet has come out of the workers' device.
  void establish(Workers& workers) {
    device.send_bytes(tunnel::inner_packet(device.address, tunnel::ip("10.0.0.1"), 100), now);
    ASSERT_TRUE(carry(workers, [&] { return workers.counters().device_packets_sent == 1; }));
    Bytes packet(2048);
    ASSERT_EQ(::read(workers.device[0].get(), packet.data(), packet.size()), 100);
  }

  Instant now = boot_now();
};

// What depends on how the kernel and the scheduler cut the work into pieces: nobody can say by how much it moves.
inline Moved without_pace(Moved all) {
  for (const char* pace : {"rounds",
                           "rounds_idle",
                           "seal_batches",
                           "open_batches",
                           "batches_shared",
                           "shares_helped",
                           "device_reads",
                           "device_writes",
                           "super_packets_read",
                           "super_packets_written",
                           "socket_receives",
                           "socket_sends",
                           "trains_received",
                           "trains_sent",
                           "device_reads_starved",
                           "socket_reads_starved",
                           "buffers_in_use",
                           "buffers_in_use_peak",
                           "outbound_queued_peak",
                           "inbound_queued_peak",
                           "mailbox_peak"}) {
    all.erase(pace);
  }
  return all;
}

}  // namespace wgu::engine
