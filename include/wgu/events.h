#pragma once
/// \file
/// What happens to a device now and then, as values: handshakes, sessions, endpoints, queues. Counters say how often, events say which
/// peer, when and why.

#include <cstdint>
#include <span>
#include <string_view>

#include "wgu/key.h"
#include "wgu/net.h"
#include "wgu/stats.h"
#include "wgu/time.h"

namespace wgu {

/// A closed list; the table in events.cc names and explains each.
enum class EventKind : std::uint8_t {
  kHandshakeBegun,        // the first initiation left: `cause`
  kHandshakeCompleted,    // as initiator: the response came; else the first packet on the session. value: nanoseconds since our message
  kHandshakeFailed,       // `reason`; the peer is not always known
  kSessionInstalled,      // value: our receiver index
  kSessionRetired,        // a newer one took its place for sending. value: our receiver index
  kSessionsErased,        // all keys of the peer are gone
  kEndpointChanged,       // `endpoint` is the new one
  kUnderLoad,             // handshakes need a cookie from now on. value: handshake messages that wait
  kMtuChanged,            // value: bytes; of the interface, or, with a `peer`, of the path to it (PathPolicy), 0: no longer known
  kSendFailed,            // `reason`. value: bytes of the datagram
  kQueueHigh,             // `reason` is the drop that threatens. value: packets in the queue
  kConfigurationChanged,  // value: peers
};
inline constexpr std::size_t kEventKindCount = static_cast<std::size_t>(EventKind::kConfigurationChanged) + 1;

struct Event {
  EventKind kind{};
  std::uint8_t worker = 0;
  bool is_initiator = false;                    ///< our part in the handshake
  RekeyCause cause = RekeyCause::kNoSession;    ///< where the kind names it
  Drop reason = Drop::kOutHandshakeGaveUp;      ///< likewise
  std::uint32_t held_back = 0;                  ///< events of this kind and worker before it that nobody was told of: they were too many
  Instant when{};
  WallTime wall{};                              ///< set by the engine; zero from a Tunnel, which knows no wall time of its own
  PublicKey peer{};                             ///< all zero: nobody in particular
  Endpoint endpoint{};                          ///< unset: not known
  std::uint64_t value = 0;                      ///< what the kind says

  friend bool operator==(const Event&, const Event&) = default;
};

struct EventInfo {
  EventKind kind;
  std::string_view name;   ///< snake_case
  std::string_view value;  ///< what Event::value is; empty: nothing
  bool has_cause = false;
  bool has_reason = false;
  bool says_role = false;  ///< Event::is_initiator means something
};
/// One row a kind, in the order of the enum.
std::span<const EventInfo, kEventKindCount> event_table() noexcept;

}  // namespace wgu
