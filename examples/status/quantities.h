#pragma once
// Numbers as people read them.

#include <cstdint>
#include <string>

namespace wgu::status {

[[nodiscard]] std::string bytes_text(double bytes);             // "1.21 MiB"
[[nodiscard]] std::string count_text(double count);             // "950", "12.3 k", "4.56 M"
[[nodiscard]] std::string bit_rate_text(double bits_a_second);  // "4.56 Gbit/s"
[[nodiscard]] std::string duration_text(double nanoseconds);    // "830 ns", "12.3 us", "4.56 ms", "1.2 s"
[[nodiscard]] std::string age_text(std::int64_t seconds);       // "12 s", "3 min", "2 h 5 min", "4 d"

}  // namespace wgu::status
