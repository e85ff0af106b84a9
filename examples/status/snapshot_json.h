#pragma once
// The other end of append_json(): a Snapshot as a daemon told it.

#include <string_view>

#include "wgu/result.h"
#include "wgu/telemetry.h"

namespace wgu::status {

// Figures that this version does not know are left out; those that it misses are zero, or absent. \errors EPROTO
[[nodiscard]] Result<Snapshot> parse_snapshot(std::string_view json);

}  // namespace wgu::status
