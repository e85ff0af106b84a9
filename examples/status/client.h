#pragma once
// Asks a running daemon about itself, over its own socket.

#include <chrono>
#include <string>

#include "wgu/result.h"

namespace wgu::status {

inline constexpr const char* kDirectory = "/run/wgu";  // of the daemons' own sockets, IFNAME.sock; not where `wg` looks

[[nodiscard]] std::string socket_of(const std::string& interface_name);

// The body of the answer. `method`: "GET", or "POST". \errors ENOENT, ECONNREFUSED (no daemon), EACCES (not its user), ETIMEDOUT,
// EPROTO (not an answer, or not a good one: its text is in the message)
[[nodiscard]] Result<std::string> ask(const std::string& socket_path, const std::string& method, const std::string& page,
                                      std::chrono::milliseconds patience = std::chrono::seconds(5));

}  // namespace wgu::status
