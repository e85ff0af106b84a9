#pragma once
// /proc/stat: where the CPUs' time went, interrupts and context switches of the machine.

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

namespace wgu::telemetry {

// Guest time, which the kernel writes behind them, is part of user and nice. Steal: a hypervisor ran somebody else.
enum class CpuState : std::uint8_t { kUser, kNice, kSystem, kIdle, kIowait, kIrq, kSoftirq, kSteal };
inline constexpr std::array<std::string_view, 8> kCpuStateNames = {"user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"};

class CpuTicks {
 public:
  [[nodiscard]] std::optional<std::uint64_t>& operator[](CpuState state) noexcept { return ticks_[static_cast<std::size_t>(state)]; }
  [[nodiscard]] const std::optional<std::uint64_t>& operator[](CpuState state) const noexcept {
    return ticks_[static_cast<std::size_t>(state)];
  }
  friend bool operator==(const CpuTicks&, const CpuTicks&) = default;

 private:
  std::array<std::optional<std::uint64_t>, kCpuStateNames.size()> ticks_;
};

struct SystemStat {
  CpuTicks all;
  std::map<std::uint32_t, CpuTicks> by_cpu;  // those that are online
  std::optional<std::uint64_t> interrupts;
  std::optional<std::uint64_t> context_switches;
  friend bool operator==(const SystemStat&, const SystemStat&) = default;
};

[[nodiscard]] SystemStat parse_system_stat(std::string_view text);
// The unit of all ticks. None where the system does not say.
[[nodiscard]] std::optional<std::uint64_t> ticks_per_second() noexcept;

}  // namespace wgu::telemetry
