#include "telemetry/host/system_stat.h"

#include <unistd.h>

#include <algorithm>

#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {

SystemStat parse_system_stat(std::string_view text) {
  constexpr std::string_view kCpu = "cpu";
  SystemStat stat;
  for (const std::string_view line : lines_of(text)) {
    const std::vector<std::string_view> words = words_of(line);
    if (words.size() < 2) continue;
    if (words[0] == "intr") stat.interrupts = number<std::uint64_t>(words[1]);
    if (words[0] == "ctxt") stat.context_switches = number<std::uint64_t>(words[1]);
    if (!words[0].starts_with(kCpu)) continue;
    CpuTicks ticks;
    for (std::size_t i = 0; i < std::min(kCpuStateNames.size(), words.size() - 1); ++i) {
      ticks[static_cast<CpuState>(i)] = number<std::uint64_t>(words[i + 1]);
    }
    if (words[0] == kCpu) {
      stat.all = ticks;
    } else if (const auto cpu = number<std::uint32_t>(words[0].substr(kCpu.size()))) {
      stat.by_cpu[*cpu] = ticks;
    }
  }
  return stat;
}

std::optional<std::uint64_t> ticks_per_second() noexcept {
  const long ticks = ::sysconf(_SC_CLK_TCK);
  return ticks > 0 ? std::optional(static_cast<std::uint64_t>(ticks)) : std::nullopt;
}

}  // namespace wgu::telemetry
