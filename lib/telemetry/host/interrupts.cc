#include "telemetry/host/interrupts.h"

#include <filesystem>
#include <system_error>

#include "telemetry/host/kernel_text.h"

namespace wgu::telemetry {
namespace {

// "CPU0 CPU2": none when a word is something else.
std::vector<std::uint32_t> cpus_of_header(std::string_view line) {
  constexpr std::string_view kCpu = "CPU";
  std::vector<std::uint32_t> cpus;
  for (const std::string_view word : words_of(line)) {
    const auto cpu = word.starts_with(kCpu) ? number<std::uint32_t>(word.substr(kCpu.size())) : std::nullopt;
    if (!cpu) return {};
    cpus.push_back(*cpu);
  }
  return cpus;
}

}  // namespace

std::vector<InterruptRow> parse_interrupts(std::string_view text) {
  std::vector<InterruptRow> rows;
  const std::vector<std::string_view> lines = lines_of(text);
  if (lines.empty()) return rows;
  const std::vector<std::uint32_t> cpus = cpus_of_header(lines[0]);
  if (cpus.empty()) return rows;
  for (std::size_t at = 1; at < lines.size(); ++at) {
    const std::vector<std::string_view> words = words_of(lines[at]);
    if (words.size() < 1 + cpus.size() || !words[0].ends_with(':')) continue;
    InterruptRow row;
    row.name = words[0].substr(0, words[0].size() - 1);
    bool is_whole = true;
    for (std::size_t i = 0; i < cpus.size(); ++i) {
      const auto count = number<std::uint64_t>(words[1 + i]);
      is_whole = is_whole && count;
      if (count) row.by_cpu[cpus[i]] = *count;
    }
    if (!is_whole) continue;
    for (std::size_t i = 1 + cpus.size(); i < words.size(); ++i) {
      if (!row.description.empty()) row.description += ' ';
      row.description += words[i];
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::set<std::string> interrupts_of_interface(const std::string& root, std::string_view interface_name) {
  std::set<std::string> names;
  if (!is_path_part(interface_name)) return names;
  const std::string device = root + "/sys/class/net/" + std::string(interface_name) + "/device";
  // A virtio NIC's interrupts are its PCI parent's.
  for (const std::string& folder : {device + "/msi_irqs", device + "/../msi_irqs"}) {
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
      names.insert(entry->path().filename());
    }
    if (!names.empty()) return names;
  }
  if (auto irq = read_line(device + "/irq"); irq && *irq != "0") names.insert(std::move(*irq));
  return names;
}

}  // namespace wgu::telemetry
