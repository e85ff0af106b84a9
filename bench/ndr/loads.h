#pragma once
// The loads of `wgu-bench ndr` by their names.

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/ndr/trial.h"
#include "wgu/result.h"

namespace wgu::bench {

struct NamedLoad {
  std::string name;  // as in row names: "bytes:64", "imix", "bytes:1392/gso:47"
  TrialLoad load;
};

// `text` is a UDP payload in bytes, "max" (what fits the MTU), or "imix". `segments` > 1: in trains of so many, or of as many as
// one send carries, if that is fewer. \errors EINVAL: neither; a size that does not fit the MTU or our own header; trains of mixed sizes
Result<NamedLoad> parse_load(std::string_view text, std::uint32_t mtu, unsigned segments, Family family);

}  // namespace wgu::bench
