#pragma once
// On what a measurement was made. Part of every result: numbers from different machines or builds are not to be compared.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wgu::bench {

using Environment = std::vector<std::pair<std::string, std::string>>;  // in the order in which it is shown

// The build that measures (wgu, build, compiler, libsodium, liburing) and the machine: CPU and those of its features that matter here,
// CPUs this process may use, virtual or not, frequency governor and turbo, kernel, and the sysctls that bound a tunnel, as
// "sysctl/net.core.rmem_max". What cannot be read says so. `root` holds proc/ and sys/. Commands append what only they know: versions of
// peers, offloads (offloads.h).
[[nodiscard]] Environment read_environment(const std::string& root = "/");

// Must two runs agree in this key to be compared? All must, except those that tell builds of wgu apart, since these are what is
// compared, and those that begin with "note/", which are for the reader.
[[nodiscard]] bool must_be_equal(std::string_view key);

// The value of `key`; empty when it is not there.
[[nodiscard]] std::string value_of(const Environment& environment, std::string_view key);

// The value of the first line "name : value" of /proc/cpuinfo; empty when there is none.
[[nodiscard]] std::string cpuinfo_field(std::string_view cpuinfo, std::string_view name);

// The identification that the linker gave the running program, in hexadecimal digits; empty when it gave none.
[[nodiscard]] std::string build_id();

}  // namespace wgu::bench
