#pragma once
// Who was measured: ours, a peer, or a limit. The same subject has the same colour, mark and place in every chart of a page.

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "bench/results.h"

namespace wgu::bench {

enum class Role : std::uint8_t {
  kOurs,   // wgu, whole or by the name of an AEAD kernel
  kPeer,   // any other implementation
  kLimit,  // a yardstick: the bare veth, wgu with its cipher replaced by a copy, the relay without a tunnel
};

[[nodiscard]] Role role_of(std::string_view subject);

inline constexpr int kColoursOfOurs = 4, kColoursOfPeers = 8, kColoursOfLimits = 2;  // page.css has as many of each

class Subjects {
 public:
  explicit Subjects(std::span<const Results> runs);

  // Ours first, then the peers, then the limits; within each in the order in which the files name them.
  [[nodiscard]] const std::vector<std::string>& in_order() const noexcept { return names_; }
  [[nodiscard]] std::size_t rank(const std::string& subject) const;  // in that order; unknown ones are last
  // "ours-1", "peer-3", "limit-2": the class of its marks in page.css. Peers beyond the last colour begin again.
  [[nodiscard]] std::string style(const std::string& subject) const;

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::size_t> ranks_;
  std::map<std::string, std::string> styles_;
};

}  // namespace wgu::bench
