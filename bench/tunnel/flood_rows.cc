// handshakes/peers:N    how many handshakes a second the daemon at b answers, each from another peer and another address
// flood/mac1:valid/...  how much of a TCP stream is kept while strangers send initiations that look right until much is computed, and how
//                       much longer round trips take; against the same flood sent to a socket that discards it, so that what the flood
//                       itself costs the machine does not count
// flood/mac1:forged/... the same with initiations that the first check refuses
// Each round has daemons of its own: what peers and cookies they gather is not to be seen in other rows.
#include <fmt/format.h>
#include <linux/filter.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "bench/lab/child.h"
#include "bench/lab/crowd.h"
#include "bench/traffic/pacing.h"
#include "bench/traffic/sockets.h"
#include "bench/tunnel/load.h"
#include "bench/tunnel/round_trips.h"
#include "bench/tunnel/scenario.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr unsigned kMembers = 1024;                 // the protocol allows each 50 initiations a second
constexpr std::size_t kWindow = 64;                 // unanswered at a time: below what daemons take for a flood
constexpr double kStockRate = 12'000;               // initiations a second that are made beforehand: the highest rate that can be shown
constexpr std::int64_t kLost = 100 * kMillisecond;  // without any answer for so long: the window is lost
constexpr std::size_t kStrangers = 256;
constexpr double kCapacity = 7'000;    // initiations a second that a core answers (X25519: 30 us, four a handshake): no flood yet
constexpr double kFloodRate = 70'000;  // ten times that

struct Answers {
  std::uint64_t responses = 0;
  std::uint64_t cookies = 0;
  std::uint64_t sent = 0;
  std::int64_t begin = 0, end = 0;  // of the counted part
  bool is_stock_used_up = false;
};

// Takes what has arrived; `wait` ns for the first.
void receive_answers(int socket, std::int64_t wait, Answers& answers) {
  pollfd ready{socket, POLLIN, 0};
  const timespec timeout{wait / kSecond, wait % kSecond};
  if (::ppoll(&ready, 1, &timeout, nullptr) <= 0) return;
  std::array<std::uint8_t, 256> bytes;
  for (ssize_t count; (count = ::recv(socket, bytes.data(), bytes.size(), MSG_DONTWAIT)) >= 4;) {
    if (count == noise::kResponseSize && bytes[0] == static_cast<std::uint8_t>(noise::MessageType::kResponse)) ++answers.responses;
    if (count == noise::kCookieReplySize && bytes[0] == static_cast<std::uint8_t>(noise::MessageType::kCookieReply)) ++answers.cookies;
  }
}

// Closed loop: kWindow initiations are always on their way.
Answers shake_hands(const CrowdSocket& socket, std::span<const InitiationBytes> stock, std::int64_t warm_up, std::int64_t duration) {
  Answers all;
  Answers before;
  std::uint64_t lost = 0;
  const std::int64_t begin = monotonic_now();
  std::int64_t last_answer = begin;
  for (std::int64_t now = begin; now < begin + warm_up + duration; now = monotonic_now()) {
    if (all.begin == 0 && now >= begin + warm_up) {
      all.begin = now;
      before = all;
    }
    if (all.sent == stock.size()) {
      all.is_stock_used_up = true;
      break;
    }
    const std::uint64_t answered = all.responses + all.cookies + lost;
    // A member keeps its address: no batch goes on from the last member to the first.
    const std::size_t member = all.sent % kMembers;
    // What was given up may still be answered, late.
    const std::uint64_t on_their_way = all.sent - std::min(answered, all.sent);
    const std::size_t window = kWindow - std::min<std::uint64_t>(on_their_way, kWindow);
    const std::size_t room = std::min({window, stock.size() - all.sent, kMembers - member, CrowdSocket::kBatch});
    if (room > 0) all.sent += socket.send(stock.subspan(all.sent, room), static_cast<std::uint32_t>(member));
    const std::uint64_t answers_before = all.responses + all.cookies;
    receive_answers(socket.descriptor(), room > 0 ? 0 : kMillisecond, all);
    if (all.responses + all.cookies > answers_before) last_answer = now;
    if (now - last_answer > kLost) {
      lost = all.sent - std::min(all.responses + all.cookies, all.sent);
      last_answer = now;
    }
  }
  all.end = monotonic_now();
  all.responses -= before.responses;
  all.cookies -= before.cookies;
  return all;
}

Result<Measured> measure_handshakes(const Subject& subject, const TestbedOptions& options, double warm_up, double seconds) {
  auto testbed = Testbed::create(subject, options);
  if (!testbed) return std::move(testbed).error();
  if (auto settled = settle_crowd(*testbed); !settled) return std::move(settled).error();
  const Crowd crowd(kMembers, testbed->public_key(End::kB));
  DeviceChange change;
  for (const PublicKey& key : crowd.public_keys()) {
    const auto number = static_cast<std::uint32_t>(change.peers.size());
    const auto byte = [number](int shift) { return static_cast<std::uint8_t>(number >> shift); };
    PeerChange& peer = change.peers.emplace_back();
    peer.public_key = key;
    peer.endpoint = Endpoint{crowd_address(number, options.family), CrowdSocket::kPort};
    peer.allowed_ips.push_back({Prefix::masked(IpAddress::v4(10, 78, byte(8), byte(0)), 32)});
  }
  if (auto configured = testbed->daemon(End::kB)->configure(change); !configured) return std::move(configured).error();
  const auto stock = crowd.initiations(static_cast<std::size_t>(kStockRate * (warm_up + seconds)));

  const auto before = testbed->usage();
  if (!before) return before.error();
  auto shaking = ChildCall<Answers>::start(testbed->at(End::kA), [&] {
    const auto socket = CrowdSocket::open({testbed->outer(End::kB), Testbed::kPort});
    return shake_hands(*socket, stock, static_cast<std::int64_t>(warm_up * 1e9), static_cast<std::int64_t>(seconds * 1e9));
  });
  if (!shaking) return std::move(shaking).error();
  const auto answers = shaking->get(steady_clock::now() + std::chrono::milliseconds(static_cast<int>((warm_up + seconds) * 1e3)) + 10s);
  if (!answers) return answers.error();
  const auto after = testbed->usage();
  if (!after) return after.error();

  const Cost cost = cost_between(*before, *after);
  const double measured_seconds = static_cast<double>(answers->end - answers->begin) / 1e9;
  if (answers->begin == 0 || measured_seconds <= 0) return Error{ENODATA, "all initiations were answered before the warm-up was over"};
  Measured measured;
  measured.figures = {{"handshakes", "handshake/s", true, static_cast<double>(answers->responses) / measured_seconds},
                      {"cookie_replies", "reply/s", false, static_cast<double>(answers->cookies) / measured_seconds}};
  const bool is_slow = cost.daemon_busy >= kSaturated || cost.machine_busy >= kMachineFull;
  measured.limit = answers->is_stock_used_up ? Limit::kGenerator : is_slow ? Limit::kCpu : Limit::kProtocol;
  if (answers->is_stock_used_up) measured.note = "more initiations were answered than had been made beforehand";
  return measured;
}

struct Flooded {
  std::uint64_t sent = 0;
};

Flooded flood(const CrowdSocket& socket, std::span<const InitiationBytes> stock, double rate, std::int64_t duration) {
  const std::int64_t begin = monotonic_now();
  const Schedule schedule(begin, rate);
  Flooded flooded;
  StopSignal never;
  for (std::int64_t now = begin; now < begin + duration; now = monotonic_now()) {
    // What is late is made up for, a batch at a time: the rate in the row's name is that of the whole flood.
    const std::uint64_t fallen_due = schedule.count_before(now);
    std::uint64_t due = std::min<std::uint64_t>(fallen_due - std::min(flooded.sent, fallen_due), CrowdSocket::kBatch);
    while (due > 0) {
      const std::size_t at = flooded.sent % stock.size();
      const std::size_t count = std::min<std::size_t>(due, stock.size() - at);
      const std::size_t sent = socket.send(stock.subspan(at, count), static_cast<std::uint32_t>(flooded.sent));
      if (sent == 0) break;
      flooded.sent += sent;
      due -= sent;
    }
    sleep_until(schedule.due(flooded.sent + 8), -1, 0, never);
  }
  return flooded;
}

// At b, where nobody reads: the kernel takes each datagram as far as the socket, and there lets go of it.
Result<io::FileDescriptor> open_discarding_socket(const Testbed& testbed) {
  const Visit visit(testbed.at(End::kB));
  auto socket = open_udp_sink({testbed.outer(End::kB), 0});
  if (!socket) return std::move(socket).error();
  sock_filter discard = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &discard};
  if (::setsockopt(socket->get(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) != 0) return io::system_error(errno, "discard");
  return socket;
}

struct Flood {
  std::span<const InitiationBytes> stock;
  double rate = 0;
};

// What becomes of the tunnel while the flood goes to `target`.
struct UnderFlood {
  TcpOutcome tcp{};
  double p99 = 0;         // s
  double flood_rate = 0;  // datagrams a second
};
Result<UnderFlood> measure_under_flood(Testbed& testbed, const Flood& what, const Endpoint& target, const LoadTimes& times) {
  constexpr double kStartUps = 0.8;  // s, of the stretch of TCP and that of round trips
  const double duration = 2 * (times.warm_up + times.seconds) + kStartUps;
  auto flooding = ChildCall<Flooded>::start(testbed.at(End::kA), [&] {
    const auto socket = CrowdSocket::open(target);
    return flood(*socket, what.stock, what.rate, static_cast<std::int64_t>(duration * 1e9));
  });
  if (!flooding) return std::move(flooding).error();
  auto tcp = load_tcp(testbed, {}, times);
  if (!tcp) return std::move(tcp).error();
  const auto round_trips = measure_round_trips(testbed, times.warm_up, times.seconds);
  if (!round_trips) return round_trips.error();
  const auto flooded = flooding->get(steady_clock::now() + std::chrono::milliseconds(static_cast<int>(duration * 1e3)) + 10s);
  if (!flooded) return flooded.error();
  return UnderFlood{std::move(*tcp), round_trips->measured.latency.percentile(99) / 1e9, static_cast<double>(flooded->sent) / duration};
}

Result<Measured> measure_flood(const Subject& subject, const TestbedOptions& options, bool has_valid_mac1, double rate,
                               const LoadTimes& times) {
  auto testbed = Testbed::create(subject, options);
  if (!testbed) return std::move(testbed).error();
  if (auto ready = testbed->await_traffic(); !ready) return std::move(ready).error();
  if (auto settled = settle_crowd(*testbed); !settled) return std::move(settled).error();
  auto stock = Crowd(kStrangers, testbed->public_key(End::kB)).initiations(kStrangers);
  if (!has_valid_mac1) {
    for (auto& message : stock) message[noise::Initiation::kMac1] ^= 1;
  }
  const auto discarding = open_discarding_socket(*testbed);
  if (!discarding) return discarding.error();
  const auto elsewhere = local_endpoint(discarding->get());
  if (!elsewhere) return elsewhere.error();
  const auto spared = measure_under_flood(*testbed, {stock, rate}, *elsewhere, times);
  if (!spared) return spared.error();
  const auto struck = measure_under_flood(*testbed, {stock, rate}, {testbed->outer(End::kB), Testbed::kPort}, times);
  if (!struck) return struck.error();

  Measured measured;
  measured.figures.push_back({"data_kept", "1", true, spared->tcp.bytes > 0 ? struck->tcp.bytes / spared->tcp.bytes : 0});
  measured.figures.push_back({"tail_growth", "1", false, spared->p99 > 0 ? struck->p99 / spared->p99 : 0});
  measured.figures.push_back({"latency_p99", "s", false, struck->p99});
  add_payload_figures(measured, struck->tcp.cost, struck->tcp.bytes, false);
  measured.figures.push_back({"flood_rate", "packet/s", true, std::min(spared->flood_rate, struck->flood_rate), Limit::kGenerator});
  measured.limit = limit_of(struck->tcp.evidence);
  return measured;
}

}  // namespace

void add_flood_scenarios(Scenarios& scenarios, const TunnelOptions& options) {
  if (!options.is_full) return;
  const double warm_up = options.warm_up;
  const double seconds = options.seconds;
  const TestbedOptions testbed_options = options.testbed;
  scenarios.push_back({fmt::format("handshakes/peers:{}", kMembers),
                       [=](Testbed& testbed) { return measure_handshakes(testbed.subject(), testbed_options, warm_up, seconds); }, true});
  const auto add = [&](const char* mac1, bool is_valid, double rate) {
    scenarios.push_back({fmt::format("flood/mac1:{}/rate:{:.0f}", mac1, rate),
                         [=](Testbed& testbed) {
                           return measure_flood(testbed.subject(), testbed_options, is_valid, rate, {warm_up, seconds});
                         },
                         true});
  };
  add("valid", true, kCapacity);
  add("valid", true, kFloodRate);
  add("forged", false, kFloodRate);
}

}  // namespace wgu::bench
