#pragma once
// On what a measurement was made. Part of every result: numbers from different machines or builds are not to be compared.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wgu::bench {

using Environment = std::vector<std::pair<std::string, std::string>>;  // in the order in which it is shown

// CPU, CPUs this process may use, virtual or not, frequency governor, operating system, compiler. What cannot be read says so. `root` holds
// proc/ and sys/.
[[nodiscard]] Environment read_environment(const std::string& root = "/");

// The value of the first line "name : value" of /proc/cpuinfo; empty when there is none.
[[nodiscard]] std::string cpuinfo_field(std::string_view cpuinfo, std::string_view name);

}  // namespace wgu::bench
