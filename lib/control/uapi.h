#pragma once
/// \file
/// The cross-platform WireGuard configuration protocol ("UAPI", https://www.wireguard.com/xplatform/): text to values and back.
/// Nothing here does I/O or changes a device. Where the page is silent, wireguard-go's behaviour counts.

#include <cstdint>
#include <string>
#include <string_view>

#include "control/secret_text.h"
#include "wgu/device.h"
#include "wgu/result.h"

namespace wgu::control {

struct UapiRequest {
  enum class Operation : std::uint8_t { kGet, kSet };
  Operation operation = Operation::kGet;
  DeviceChange change;  ///< of kSet
};

/// One whole request, from its first line ("get=1" or "set=1") to the empty line that ends it, and nothing behind that. The
/// Error names the line, its key and, unless it is a secret, its value.
/// \errors EPROTO (not lines of key=value, no such operation, no end), EINVAL (unknown key, key in the wrong section, bad value)
Result<UapiRequest> parse_request(std::string_view text);

/// The whole reply to get=1, "errno=0" and the empty line included.
SecretText format_status(const DeviceStatus& status);

/// The set=1 request that parse_request() reads back as an equal change.
SecretText format_set(const DeviceChange& change);

/// The reply to set=1, and to any request that failed: 0 for success, else an errno value of either sign. It is written
/// negative, because `wg` takes the reply's value for -errno.
std::string format_error(int errno_value);

}  // namespace wgu::control
