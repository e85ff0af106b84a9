#pragma once
// /proc/net/{tcp,udp}{,6}: the sockets of a network namespace, as the kernel prints them.

#include <cstdint>
#include <string_view>

namespace wgu::bench {

// Of the text of tcp or tcp6: does somebody listen at that port?
[[nodiscard]] bool is_listening_at(std::string_view sockets, std::uint16_t port);
// Of the text of udp or udp6: what the sockets of that port dropped since they are there, all together.
[[nodiscard]] std::uint64_t dropped_at(std::string_view sockets, std::uint16_t port);

}  // namespace wgu::bench
