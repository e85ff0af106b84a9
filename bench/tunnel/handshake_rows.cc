// handshakes/peers:N    how many handshakes a second the daemon at b answers, each from another peer and another address
// Each round has daemons of its own: what peers they have is not to be seen in other rows.
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

#include "bench/lab/child.h"
#include "bench/lab/crowd.h"
#include "bench/traffic/pacing.h"
#include "bench/tunnel/limit.h"
#include "bench/tunnel/scenario.h"

namespace wgu::bench {
namespace {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

constexpr unsigned kMembers = 1024;                 // the protocol allows each 50 initiations a second
constexpr std::size_t kWindow = 64;                 // unanswered at a time: below what daemons take for a flood
constexpr double kStockRate = 12'000;               // initiations a second that are made beforehand: the highest rate that can be shown
constexpr std::int64_t kLost = 100 * kMillisecond;  // without any answer for so long: the window is lost

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

}  // namespace

void add_handshake_scenarios(Scenarios& scenarios, const TunnelOptions& options) {
  if (!options.is_full) return;
  scenarios.push_back({fmt::format("handshakes/peers:{}", kMembers),
                       [testbed_options = options.testbed, warm_up = options.warm_up, seconds = options.seconds](Testbed& testbed) {
                         return measure_handshakes(testbed.subject(), testbed_options, warm_up, seconds);
                       },
                       true});
}

}  // namespace wgu::bench
