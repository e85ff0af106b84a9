#pragma once
/// \file
/// What a device tells of itself at one moment (Snapshot), and the texts that monitoring reads: Prometheus, OpenMetrics, JSON. Pure
/// functions of values: no thread, no server, no global state; an application sends the text wherever it likes.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wgu/device.h"
#include "wgu/events.h"
#include "wgu/histogram.h"
#include "wgu/host_metrics.h"
#include "wgu/key.h"
#include "wgu/net.h"
#include "wgu/stats.h"
#include "wgu/time.h"

namespace wgu {

/// How much a device measures. Counters and the accounting for every packet are always there: they cost less than to ask whether
/// they are wanted.
enum class TelemetryLevel : std::uint8_t {
  kOff,      ///< counters only
  kEvents,   ///< ... and events (events.h)
  kSampled,  ///< ... and histograms of one round in 64; sockets stamp what they receive
  kAll,      ///< ... of every round
};
[[nodiscard]] std::string_view name_of(TelemetryLevel level) noexcept;  ///< "off", "events", "sampled", "all"
[[nodiscard]] std::optional<TelemetryLevel> telemetry_level_named(std::string_view name) noexcept;

/// What histograms are kept of. Times are those of a batch, counted once for each of its packets.
enum class Measure : std::uint8_t {
  kReadToSealed,        // outbound: from the wait that brought the packet to its seal
  kSealedToSent,        // ... to its handover to the socket
  kReceivedToOpened,    // inbound: from the wait that brought the datagram until its batch was opened
  kOpenedToWritten,     // ... to its handover to the device
  kKernelQueueDelay,    // inbound: from the kernel's receive timestamp (SO_TIMESTAMPNS) to the end of that wait
  kHandshakeRoundTrip,  // initiation to response, or response to first packet; of all handshakes, sampled or not
  kPacketSizeOut,       // bytes of inner packets read from the device
  kPacketSizeIn,        // bytes of datagrams received
  kBatchSizeOut,        // packets of one round
  kBatchSizeIn,
};
inline constexpr std::size_t kMeasureCount = static_cast<std::size_t>(Measure::kBatchSizeIn) + 1;
inline constexpr std::size_t kStageCount =
    static_cast<std::size_t>(Measure::kOpenedToWritten) + 1;  ///< of those, times from stage to stage

struct MeasureInfo {
  Measure measure;
  std::string_view key;  ///< snake_case
  MetricFamily family;
  MetricLabel label;
  double scale = 1;      ///< exported value = recorded value * scale
  unsigned least_bound;  ///< exponents of two: recorded values between which exported buckets lie
  unsigned greatest_bound;
};
/// One row a measure, in the order of the enum; rows of one family stand together.
std::span<const MeasureInfo, kMeasureCount> measure_table() noexcept;

/// One peer, without its secrets.
struct PeerSnapshot {
  PublicKey public_key;
  Endpoint endpoint;  ///< unset when not known
  std::vector<Prefix> allowed_ips;
  WallTime last_handshake;     ///< zero: never
  std::uint64_t rx_bytes = 0;  ///< as in PeerStatus
  std::uint64_t tx_bytes = 0;
  std::uint16_t path_mtu = 0;  ///< likewise: 0 when not known
  PeerCounters counters;
  // Of a peer that is watched (Engine::watch_peer); else empty.
  std::vector<std::uint64_t> drops;  ///< by Drop: packets that its home knew to be the peer's
  std::vector<Histogram> stages;     ///< by Measure, kStageCount of them
};

struct Snapshot {
  std::string interface_name;
  PublicKey public_key;  ///< all zero: the device has no key
  WallTime taken;
  TelemetryLevel level = TelemetryLevel::kOff;
  std::vector<Counters> workers;
  std::vector<PeerSnapshot> peers;
  std::vector<Histogram> measures;  ///< all workers together, by Measure; empty where nothing was ever measured
  std::vector<HostReading> host;    ///< what read_host() found, if anyone asked it (Engine::read_host)
};

/// What a device says, without its secrets; the name, the time and the measures are the caller's to add.
[[nodiscard]] Snapshot make_snapshot(DeviceStatus status, std::vector<Counters> workers);

enum class MetricsFormat : std::uint8_t {
  kPrometheus,   ///< text format 0.0.4
  kOpenMetrics,  ///< 1.0
};
/// For the HTTP header Content-Type, without which Prometheus 3 refuses the text.
[[nodiscard]] std::string_view content_type(MetricsFormat format) noexcept;

/// Appends the whole exposition: the names that exporters of WireGuard have established (wireguard_peer_receive_bytes_total, ...), and
/// wgu's own beside them. Counters stand for each worker: sums are the reader's.
void append_metrics(const Snapshot& snapshot, MetricsFormat format, std::string& out);

/// Appends the same as one line of JSON, without a newline: {"interface", "taken", "telemetry", "total": {counters}, "workers":
/// [{counters}, ...], "peers": [{..., and of watched ones "dropped", "stages": {as measures}}, ...], "measures": {name: {count, sum, mean,
/// p50, p90, p99, p999, min, max, buckets: [[upper bound, count], ...]}, ...}, "host": {name: [{labels, value}, ...], ...}}. In counters,
/// "unexplained" is zero in each direction when every packet is accounted for.
void append_json(const Snapshot& snapshot, std::string& out);

/// Appends an event as one line of JSON, without a newline: {"event", "time", "worker", "peer", "endpoint", ...}; what the kind does not
/// say is left out.
void append_json(const Event& event, std::string& out);

}  // namespace wgu
