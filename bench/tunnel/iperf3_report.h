#pragma once
// What the iperf3 client writes with --json.

#include <cstdint>
#include <string_view>

#include "wgu/result.h"

namespace wgu::bench {

struct Iperf3Report {
  double seconds = 0;
  double bytes = 0;    // that arrived
  double packets = 0;  // UDP: that arrived
  double lost = 0;     // UDP: datagrams
  friend bool operator==(const Iperf3Report&, const Iperf3Report&) = default;
};

// \errors EINVAL: not such a text; EIO: iperf3 says that it failed, with its words
Result<Iperf3Report> parse_iperf3(std::string_view json);

}  // namespace wgu::bench
