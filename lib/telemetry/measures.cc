#include <algorithm>
#include <array>

#include "wgu/telemetry.h"

namespace wgu {
namespace {

// Counts and bounds that a text names are powers of two, which the histogram holds exactly: about 1 us to 8 s for times.
constexpr unsigned kMicrosecond = 10, kEightSeconds = 33;
constexpr double kNanoseconds = 1e-9;

constexpr MetricFamily kStage{"wgu_stage_seconds", "seconds", MetricType::kCounter, "How long packets took from one stage to another."};
constexpr MetricFamily kQueueDelay{"wgu_kernel_queue_delay_seconds", "seconds", MetricType::kCounter,
                                   "From a datagram's receipt by the kernel until a worker had it."};
constexpr MetricFamily kRoundTrip{"wgu_handshake_round_trip_seconds", "seconds", MetricType::kCounter,
                                  "From a handshake message of ours to the answer to it."};
constexpr MetricFamily kPacketSize{"wgu_packet_size_bytes", "bytes", MetricType::kCounter,
                                   "Sizes of inner packets read and of datagrams received."};
constexpr MetricFamily kBatchSize{"wgu_batch_packets", "", MetricType::kCounter, "Packets that a round of a worker brought."};

constexpr std::array<MeasureInfo, kMeasureCount> kMeasures{{
    {Measure::kReadToSealed, "read_to_sealed", kStage, {"stage", "read_to_sealed"}, kNanoseconds, kMicrosecond, kEightSeconds},
    {Measure::kSealedToSent, "sealed_to_sent", kStage, {"stage", "sealed_to_sent"}, kNanoseconds, kMicrosecond, kEightSeconds},
    {Measure::kReceivedToOpened, "received_to_opened", kStage, {"stage", "received_to_opened"}, kNanoseconds, kMicrosecond, kEightSeconds},
    {Measure::kOpenedToWritten, "opened_to_written", kStage, {"stage", "opened_to_written"}, kNanoseconds, kMicrosecond, kEightSeconds},
    {Measure::kKernelQueueDelay, "kernel_queue_delay", kQueueDelay, {}, kNanoseconds, kMicrosecond, kEightSeconds},
    {Measure::kHandshakeRoundTrip, "handshake_round_trip", kRoundTrip, {}, kNanoseconds, kMicrosecond, kEightSeconds},
    {Measure::kPacketSizeOut, "packet_size_out", kPacketSize, {"direction", "transmit"}, 1, 5, 16},
    {Measure::kPacketSizeIn, "packet_size_in", kPacketSize, {"direction", "receive"}, 1, 5, 16},
    {Measure::kBatchSizeOut, "batch_size_out", kBatchSize, {"direction", "transmit"}, 1, 0, 12},
    {Measure::kBatchSizeIn, "batch_size_in", kBatchSize, {"direction", "receive"}, 1, 0, 12},
}};

constexpr bool is_in_enum_order() {
  for (std::size_t i = 0; i < kMeasures.size(); ++i) {
    if (static_cast<std::size_t>(kMeasures[i].measure) != i) return false;
  }
  return true;
}
static_assert(is_in_enum_order());

constexpr std::array<std::string_view, 4> kLevels{"off", "events", "sampled", "all"};
static_assert(kLevels.size() == static_cast<std::size_t>(TelemetryLevel::kAll) + 1);

}  // namespace

std::span<const MeasureInfo, kMeasureCount> measure_table() noexcept { return kMeasures; }

std::string_view name_of(TelemetryLevel level) noexcept { return kLevels[static_cast<std::size_t>(level)]; }

std::optional<TelemetryLevel> telemetry_level_named(std::string_view name) noexcept {
  const auto found = std::find(kLevels.begin(), kLevels.end(), name);
  return found == kLevels.end() ? std::nullopt : std::optional(static_cast<TelemetryLevel>(found - kLevels.begin()));
}

}  // namespace wgu
