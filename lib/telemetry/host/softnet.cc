// The table has no header; which columns it has is told by how many there are, as the kernel has only ever added them at the end.
#include "telemetry/host/softnet.h"

#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {

std::vector<SoftnetCpu> parse_softnet_stat(std::string_view text) {
  constexpr std::size_t kLeastWidth = 9;   // since 2.6; narrower is something else
  constexpr std::size_t kReceivedRps = 9;  // from 10 columns
  constexpr std::size_t kFlowLimit = 10;   // from 11
  constexpr std::size_t kBacklog = 11;     // from 12
  constexpr std::size_t kCpu = 12;         // from 13; before, rows are the CPUs that are online, in their order
  constexpr std::size_t kInputQueue = 13;  // from 15
  constexpr std::size_t kProcessQueue = 14;
  std::vector<SoftnetCpu> rows;
  std::uint32_t row = 0;
  for (const std::string_view line : lines_of(text)) {
    const std::vector<std::string_view> columns = words_of(line);
    if (columns.size() < kLeastWidth) continue;
    const auto column = [&](std::size_t index) {
      return index < columns.size() ? number<std::uint32_t>(columns[index], 16) : std::nullopt;
    };
    const auto cpu = columns.size() > kCpu ? column(kCpu) : std::optional(row);
    ++row;
    if (!cpu) continue;
    rows.push_back({*cpu, column(0), column(1), column(2), column(kReceivedRps), column(kFlowLimit), column(kBacklog), column(kInputQueue),
                    column(kProcessQueue)});
  }
  return rows;
}

}  // namespace wgu::telemetry
