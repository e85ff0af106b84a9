#pragma once
/// \file
/// Configuration files as `wg setconf` takes them, and files that hold one key.

#include <cstddef>
#include <string>
#include <string_view>

#include "wgu/device.h"
#include "wgu/key.h"
#include "wgu/result.h"

namespace wgu::control {

inline constexpr std::size_t kMaxConfigFile = std::size_t{64} << 20;  ///< bytes; as much as a UAPI request
inline constexpr std::size_t kMaxKeyFile = 1024;                      ///< bytes; a key takes 45

/// The whole of a [Interface]/[Peer] configuration, as the change that makes a device equal to it (`wg setconf`): what the file
/// does not name is cleared, peers and allowed IPs are replaced. Keys and sections in any case; '#' begins a comment; white
/// space counts nowhere. The Error names the line, its key and, unless it is a secret, its value. \errors EINVAL
Result<DeviceChange> parse_config(std::string_view text);

/// One key in base64, with or without a line feed behind it, and nothing else. \errors EINVAL
Result<PrivateKey> parse_private_key(std::string_view text);

/// The same of files. Pipes (process substitution) will do. \errors EINVAL (content, with the file's name), EFBIG, EISDIR, ETIMEDOUT (a
/// pipe that stays silent), others of the system
Result<DeviceChange> read_config_file(const std::string& path);
Result<PrivateKey> read_private_key_file(const std::string& path);

}  // namespace wgu::control
