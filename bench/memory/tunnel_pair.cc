#include "bench/memory/tunnel_pair.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string_view>
#include <utility>

#include "bench/memory/confinement.h"
#include "bench/memory/device_queue.h"
#include "bench/memory/inner_packet.h"
#include "bench/memory/task_times.h"

namespace wgu::bench {
namespace {

constexpr std::uint32_t kUsualMtu = 1420;
constexpr int kPatience = 5000;  // milliseconds for a handshake and a packet

Error system_error(const char* attempted) { return {errno, std::string(attempted) + ": " + std::strerror(errno)}; }

Result<IoBackend> backend_of(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, IoBackend>, 3> kBackends = {
      {{"auto", IoBackend::kAuto}, {"uring", IoBackend::kUring}, {"epoll", IoBackend::kEpoll}}};
  for (const auto& [known, backend] : kBackends) {
    if (name == known) return backend;
  }
  return Error{EINVAL, "no such I/O backend: " + name};
}

Result<void> start_end(TunnelEnd& end, const RoundOptions& options, const std::vector<int>& cpus) {
  auto backend = backend_of(options.io);
  if (!backend) return std::move(backend).error();
  const std::uint32_t largest = *std::max_element(options.sizes.begin(), options.sizes.end());
  EngineOptions engine_options{.workers = options.workers,
                               .cpus = cpus,
                               .io = *backend,
                               .follow_interface = false,
                               .mtu = static_cast<std::uint16_t>(std::max(largest, kUsualMtu))};
  std::vector<io::FileDescriptor> near_ends;
  for (unsigned queue = 0; queue < options.workers; ++queue) {
    auto made = make_device_queue();
    if (!made) return std::move(made).error();
    end.device.push_back(std::move(made->far));
    near_ends.push_back(std::move(made->near));
  }
  for (io::FileDescriptor& near_end : near_ends) engine_options.device_fds.push_back(near_end.release());
  // CPUs that nobody named stay the engine's to choose from: that two workers share one is for its placement to see.
  const Confinement confinement(cpus_of_workers(cpus, options.workers));
  const std::set<pid_t> before = threads_of_this_process();
  Result<Engine> started = Engine::start(std::move(engine_options));
  if (!started) return std::move(started).error();
  end.engine.emplace(std::move(started).value());
  const std::set<pid_t> now = threads_of_this_process();
  std::set_difference(now.begin(), now.end(), before.begin(), before.end(), std::inserter(end.threads, end.threads.end()));
  return {};
}

Result<void> introduce(TunnelEnd& end, TunnelEnd& peer, const IpAddress& peer_address) {
  DeviceChange change;
  change.private_key = end.key.copy();
  PeerChange& added = change.peers.emplace_back();
  added.public_key = peer.key.public_key();
  added.endpoint = Endpoint{IpAddress::v4(127, 0, 0, 1), peer.engine->status().listen_port, 0};
  added.allowed_ips.push_back({Prefix::masked(peer_address, 32)});
  return end.engine->apply(std::move(change));
}

}  // namespace

Result<TunnelPair> TunnelPair::start(const RoundOptions& options) {
  TunnelPair pair;
  if (auto started = start_end(pair.sender_, options, options.sender_cpus); !started) return std::move(started).error();
  if (auto started = start_end(pair.receiver_, options, options.receiver_cpus); !started) return std::move(started).error();
  if (auto known = introduce(pair.receiver_, pair.sender_, kSenderAddress); !known) return std::move(known).error();
  if (auto known = introduce(pair.sender_, pair.receiver_, kReceiverAddress); !known) return std::move(known).error();
  if (auto connected = pair.connect(); !connected) return std::move(connected).error();
  return pair;
}

// What waits for a handshake is bounded (staged_queue.h): a full window at once would lose its beginning.
Result<void> TunnelPair::connect() {
  std::array<std::uint8_t, kMinInnerPacket> packet{};
  write_inner_packet(packet, {});
  if (send(entrance().front().get(), packet.data(), packet.size(), 0) < 0) return system_error("writing to the device");
  std::vector<pollfd> waits;
  for (const auto& queue : exit()) waits.push_back({queue.get(), POLLIN, 0});
  if (poll(waits.data(), waits.size(), kPatience) <= 0) return Error{ETIMEDOUT, "no packet came through the tunnel over 127.0.0.1"};
  for (const pollfd& queue : waits) {
    if ((queue.revents & POLLIN) != 0 && recv(queue.fd, packet.data(), packet.size(), 0) < 0)
      return system_error("reading from the device");
  }
  return {};
}

std::map<std::string, std::uint64_t> TunnelPair::drops() {
  Counters sum = sender_.engine->counters();
  sum += receiver_.engine->counters();
  std::map<std::string, std::uint64_t> drops;
  for (const DropInfo& info : drop_table()) {
    const std::uint64_t count = sum.dropped(info.drop);
    if (count == 0) continue;
    drops[(info.direction == Direction::kOutbound ? "outbound/" : "inbound/") + std::string(info.name)] = count;
  }
  return drops;
}

std::uint64_t TunnelPair::unexplained() {
  std::uint64_t packets = 0;
  const auto add = [&packets](std::int64_t difference) { packets += static_cast<std::uint64_t>(std::abs(difference)); };
  for (TunnelEnd* end : {&sender_, &receiver_}) {
    Counters sum;
    for (const Counters& worker : end->engine->worker_counters()) {
      for (const Direction direction : {Direction::kOutbound, Direction::kInbound}) add(worker.unexplained(direction));
      sum += worker;
    }
    add(static_cast<std::int64_t>(sum.outbound_forwarded - sum.outbound_adopted));
    add(static_cast<std::int64_t>(sum.inbound_forwarded - sum.inbound_adopted));
  }
  return packets;
}

double TunnelPair::batch() {
  const auto of = [](const Counters& counters, std::uint64_t packets) {
    return static_cast<double>(packets) / static_cast<double>(std::max<std::uint64_t>(counters.rounds - counters.rounds_idle, 1));
  };
  const Counters sender = sender_.engine->counters(), receiver = receiver_.engine->counters();
  return std::min(of(sender, sender.device_packets_received), of(receiver, receiver.datagrams_received));
}

}  // namespace wgu::bench
