// Handshakes as a server has them: a thousand peers, each from an address of its own, through the sans-IO Tunnel: queue, MAC1, look-ups,
// handshake, response, session, timers. The label says how near that comes to the bound: as if there were nothing to do but the four
// multiplications on the curve that a responder cannot avoid (its ephemeral key; es, ee, se), timed in turns with the batches.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <time.h>

#include <memory>
#include <vector>

#include "bench/lab/crowd.h"
#include "bench/micro/rows.h"
#include "crypto/x25519.h"
#include "wgu/tunnel.h"

namespace wgu::bench {
namespace {

constexpr unsigned kPeers = 1000;
constexpr std::size_t kBatch = 50;  // below what a tunnel takes for a flood; divides the peers
constexpr std::size_t kTurns = 4;   // of all peers, made beforehand; the first is not timed: it is when static-static is derived
constexpr Duration kTurn = std::chrono::milliseconds(25);  // a peer may come 50 times a second

double cpu_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
}

class Server {
 public:
  Server(const PrivateKey& key, const Crowd& crowd) {
    DeviceChange change;
    change.private_key = key.copy();
    for (const PublicKey& member : crowd.public_keys()) change.peers.emplace_back().public_key = member;
    tunnel_.apply(std::move(change), now_).value();
    tunnel_.set_up(true, now_);
  }

  // \param first  the number of the first message's member. How many were answered.
  std::size_t answer(std::span<const InitiationBytes> messages, std::uint32_t first) {
    std::vector<Datagram> datagrams(messages.size());
    for (std::size_t i = 0; i < messages.size(); ++i) {
      datagrams[i].packet = pool_.take(kPacketHeadroom);
      datagrams[i].packet.resize(messages[i].size());
      std::copy(messages[i].begin(), messages[i].end(), datagrams[i].packet.data());
      datagrams[i].remote = {crowd_address(first + static_cast<std::uint32_t>(i), Family::kIpv4), CrowdSocket::kPort};
    }
    tunnel_.receive(datagrams, now_, output_);
    while (tunnel_.next_deadline() <= now_) tunnel_.advance(now_, output_);
    const std::size_t answered = output_.to_network.size();
    output_.clear();
    return answered;
  }
  void turn() { now_ += kTurn; }

 private:
  PacketPool pool_{4 * kBatch, 2048};
  Tunnel tunnel_{{}, Host::system(), pool_};
  TunnelOutput output_;
  Instant now_{};
};

struct Stock {
  PrivateKey key = PrivateKey::generate();
  Crowd crowd{kPeers, key.public_key()};
  std::vector<InitiationBytes> initiations = crowd.initiations(kPeers * kTurns);
};

// What a handshake's multiplications take, by one after the other.
double bound_nanoseconds(const PrivateKey& ours, const PublicKey& theirs) {
  std::array<std::uint8_t, 32> out;
  const double begin = cpu_nanoseconds();
  crypto::x25519_public(ours.reveal(), out.data());
  for (int i = 0; i < 3; ++i) benchmark::DoNotOptimize(crypto::x25519(ours.reveal(), theirs.bytes, out.data()));
  return cpu_nanoseconds() - begin;
}

// `stock` is filled at the first measurement and kept for the repetitions.
void respond_to_crowd(benchmark::State& state, std::unique_ptr<Stock>& stock) {
  if (stock == nullptr) stock = std::make_unique<Stock>();
  const PublicKey any = stock->key.public_key();
  std::unique_ptr<Server> server;
  std::size_t next = stock->initiations.size();
  double spent = 0, bound = 0;
  for (auto _ : state) {
    state.PauseTiming();
    if (next == stock->initiations.size()) {
      server = std::make_unique<Server>(stock->key, stock->crowd);
      for (next = 0; next < kPeers; next += kBatch) {
        server->answer(std::span(stock->initiations).subspan(next, kBatch), static_cast<std::uint32_t>(next));
      }
    }
    if (next % kPeers == 0) server->turn();
    for (std::size_t i = 0; i < kBatch; ++i) bound += bound_nanoseconds(stock->key, any);
    const double begin = cpu_nanoseconds();
    state.ResumeTiming();
    const auto batch = std::span(stock->initiations).subspan(next, kBatch);
    const std::size_t answered = server->answer(batch, static_cast<std::uint32_t>(next % kPeers));
    spent += cpu_nanoseconds() - begin;
    next += kBatch;
    if (answered != kBatch) {
      state.SkipWithError("an initiation was not answered");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kBatch));
  state.SetLabel(fmt::format("{:.0f} % of what the curve allows", 100 * bound / spent));
}

}  // namespace

void add_crowd_rows(const AddRow& add) {
  add(fmt::format("handshake/crowd/peers:{}", kPeers),
      [stock = std::make_shared<std::unique_ptr<Stock>>()](benchmark::State& state) { respond_to_crowd(state, *stock); });
}

}  // namespace wgu::bench
