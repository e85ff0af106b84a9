#include "wgu/events.h"

#include <array>

namespace wgu {
namespace {

constexpr std::array<EventInfo, kEventKindCount> kEvents{{
    {.kind = EventKind::kHandshakeBegun, .name = "handshake_begun", .value = "", .has_cause = true},
    {.kind = EventKind::kHandshakeCompleted, .name = "handshake_completed", .value = "nanoseconds", .says_role = true},
    {.kind = EventKind::kHandshakeFailed, .name = "handshake_failed", .value = "", .has_reason = true},
    {.kind = EventKind::kSessionInstalled, .name = "session_installed", .value = "index", .says_role = true},
    {.kind = EventKind::kSessionRetired, .name = "session_retired", .value = "index", .says_role = true},
    {.kind = EventKind::kSessionsErased, .name = "sessions_erased", .value = ""},
    {.kind = EventKind::kEndpointChanged, .name = "endpoint_changed", .value = ""},
    {.kind = EventKind::kUnderLoad, .name = "under_load", .value = "packets"},
    {.kind = EventKind::kMtuChanged, .name = "mtu_changed", .value = "bytes"},
    {.kind = EventKind::kSendFailed, .name = "send_failed", .value = "bytes", .has_reason = true},
    {.kind = EventKind::kQueueHigh, .name = "queue_high", .value = "packets", .has_reason = true},
    {.kind = EventKind::kConfigurationChanged, .name = "configuration_changed", .value = "peers"},
}};

constexpr bool is_in_enum_order() {
  for (std::size_t i = 0; i < kEvents.size(); ++i) {
    if (static_cast<std::size_t>(kEvents[i].kind) != i) return false;
  }
  return true;
}
static_assert(is_in_enum_order());

}  // namespace

std::span<const EventInfo, kEventKindCount> event_table() noexcept { return kEvents; }

}  // namespace wgu
