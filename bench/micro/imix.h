#pragma once
// Packet lengths as the Internet has them: "simple IMIX" (RFC 6985 section 5 writes it so), inner IP packets of 40, 576 and 1500
// bytes in the proportion 7:4:1; the longest is cut to the tunnel's MTU.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace wgu::bench {

inline constexpr std::uint32_t kImixMtu = 1420;

// `count` lengths of plaintexts as a tunnel seals them (padded to 16, never past the MTU), in a mixed order that is the same for
// the same seed.
[[nodiscard]] std::vector<std::uint32_t> imix_lengths(std::size_t count, std::uint64_t seed);

}  // namespace wgu::bench
