#pragma once
// What queueing disciplines did with packets on their way out: rtnetlink's answer to RTM_GETQDISC, the caller's network namespace.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace wgu::telemetry {

struct Qdisc {
  std::uint32_t interface_index = 0;
  std::string kind;          // "fq_codel"
  std::uint32_t handle = 0;  // 0x80010000 is "8001:" of tc
  std::uint32_t parent = 0;  // 0xffffffff: the root; its counters include those of the qdiscs below it
  // 32 bits wide in the kernel, wrap.
  std::optional<std::uint32_t> drops, overlimits, requeues;
  std::optional<std::uint32_t> queued_packets, queued_bytes;  // gauges
  friend bool operator==(const Qdisc&, const Qdisc&) = default;
};
inline constexpr std::uint32_t kRootQdisc = 0xffffffff;  // TC_H_ROOT

// Adds those of one datagram of netlink messages. False: the dump goes on with the next one. What is cut or not understood is left out.
[[nodiscard]] bool parse_qdiscs(std::span<const std::uint8_t> messages, std::vector<Qdisc>& qdiscs);

// None: netlink is not there, or refused.
[[nodiscard]] std::optional<std::vector<Qdisc>> read_qdiscs();

}  // namespace wgu::telemetry
