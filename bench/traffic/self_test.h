#pragma once
// What our generator and sink reach by themselves on this machine, over loopback without a tunnel; and the rule by which a row that was
// limited by them says so.

#include <cstdint>
#include <string>
#include <vector>

#include "bench/results.h"
#include "bench/traffic/udp_sender.h"
#include "bench/traffic/udp_sink.h"
#include "wgu/result.h"

namespace wgu::bench {

struct SelfTestOptions {
  std::vector<std::uint32_t> sizes = {64};  // UDP payloads, as in UdpSendOptions
  unsigned segments = 1;                    // > 1: GSO on the sender, GRO on the sink
  double rate = 0;                          // datagrams a second; 0: as fast as possible
  std::int64_t duration = kSecond / 2;
  Family family = Family::kIpv4;
};

struct SelfTest {
  UdpSent sent{};
  UdpReceived received{};
  Family family = Family::kIpv4;
  [[nodiscard]] double sent_rate() const noexcept;  // datagrams a second
  [[nodiscard]] double received_rate() const noexcept;
  [[nodiscard]] std::string summary() const;  // one line for people
};

// Sender and sink in two threads of this process. \errors those of the sockets
Result<SelfTest> run_self_test(const SelfTestOptions& options);
// The one of three that sent the fastest: what else the machine does can only make it slower, and it is to be an upper end.
Result<SelfTest> best_self_test(const SelfTestOptions& options);

// The rule. The generator limited a trial when it, and not what lies between sender and sink, kept the rate from being higher:
//   1. paced: more than 0.1 % of what fell due was never sent, or failed in the kernel, and that is more than was lost on the way;
//   2. as fast as possible: less than 0.5 % of what was sent was lost on the way, so more might have been carried;
//   3. the sink's own socket overflowed, and that is more than half of what was lost.
// "Lost on the way" is what was sent and neither arrived nor overflowed at the sink.
[[nodiscard]] bool is_generator_limited(const UdpSent& sent, const UdpReceived& received, double rate) noexcept;

}  // namespace wgu::bench
