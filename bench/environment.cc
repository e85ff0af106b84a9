// Read from files, so that a test can lay out a machine of its own; what stands in no file (affinity, kernel, versions of libraries) is the
// running program's.
#include "bench/environment.h"

#include <link.h>
#include <sched.h>
#include <sodium.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <span>
#include <sstream>

#include "telemetry/host/kernel_text.h"
#include "telemetry/host/processors.h"

namespace wgu::bench {
namespace {

constexpr const char* kUnknown = "not readable";

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  return begin == std::string_view::npos ? "" : text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

bool has_word(const std::string& text, std::string_view word) {
  std::istringstream words(text);
  for (std::string each; words >> each;) {
    if (each == word) return true;
  }
  return false;
}

std::string or_unknown(const std::string& value) { return value.empty() ? kUnknown : value; }

std::string operating_system() {
  utsname name{};
  return uname(&name) == 0 ? std::string(name.sysname) + " " + name.release + " " + name.machine : kUnknown;
}

std::string usable_cpus() {
  cpu_set_t cpus;
  return sched_getaffinity(0, sizeof cpus, &cpus) == 0 ? std::to_string(CPU_COUNT(&cpus)) : kUnknown;
}

// Of the instruction sets that a cipher kernel, ours or a comparator's, chooses by; in the order of the list.
std::string features(const std::string& flags) {
  constexpr std::array kMatter = {"ssse3",    "avx",        "bmi2",         "avx2", "adx",   "avx512f", "avx512vl",
                                  "avx512bw", "avx512ifma", "avx512_vbmi2", "vaes", "asimd", "sve"};
  std::string found;
  for (const char* feature : kMatter) {
    if (!has_word(flags, feature)) continue;
    if (!found.empty()) found += ' ';
    found += feature;
  }
  return found.empty() ? "none of those that matter" : found;
}

std::string governor(const std::string& root) {
  const telemetry::CpuFrequency frequency = telemetry::read_frequency(root, 0);
  return frequency.governor ? *frequency.governor : kUnknown;
}

std::string turbo(const std::string& root) {
  const auto is_on = telemetry::boost_is_on(root);
  return !is_on ? kUnknown : *is_on ? "on" : "off";
}

Environment sysctls(const std::string& root) {
  constexpr std::array kMatter = {"net.core.rmem_max",
                                  "net.core.rmem_default",
                                  "net.core.wmem_max",
                                  "net.core.wmem_default",
                                  "net.core.netdev_max_backlog",
                                  "net.core.netdev_budget",
                                  "net.core.netdev_budget_usecs",
                                  "net.core.default_qdisc",
                                  "net.core.busy_poll",
                                  "net.core.busy_read",
                                  "net.core.bpf_jit_enable",
                                  "net.ipv4.tcp_congestion_control",
                                  "net.ipv4.tcp_rmem",
                                  "net.ipv4.tcp_wmem",
                                  "kernel.io_uring_disabled",
                                  "vm.nr_hugepages"};
  Environment found;
  for (const std::string name : kMatter) {
    std::string path = name;
    std::replace(path.begin(), path.end(), '.', '/');
    auto value = telemetry::read_line(root + "/proc/sys/" + path);
    if (!value) continue;  // kernels differ in which they have
    std::replace(value->begin(), value->end(), '\t', ' ');
    found.emplace_back("sysctl/" + name, *std::move(value));
  }
  return found;
}

// The note GNU in one loaded object's program headers: name size, description size, type, name, description.
std::string build_id_of(const dl_phdr_info& object) {
  constexpr std::size_t kHeader = 3 * sizeof(std::uint32_t);
  constexpr std::string_view kGnu{"GNU", 4};
  constexpr std::array<char, 17> kDigits{"0123456789abcdef"};
  for (const auto& segment : std::span(object.dlpi_phdr, object.dlpi_phnum)) {
    if (segment.p_type != PT_NOTE) continue;
    std::string_view notes(reinterpret_cast<const char*>(object.dlpi_addr + segment.p_vaddr), segment.p_memsz);
    while (notes.size() >= kHeader) {
      std::array<std::uint32_t, 3> header{};
      std::copy_n(notes.data(), kHeader, reinterpret_cast<char*>(header.data()));
      const auto padded = [](std::uint32_t size) { return (std::size_t{size} + 3) / 4 * 4; };
      const std::size_t length = kHeader + padded(header[0]) + padded(header[1]);
      if (length > notes.size()) break;
      if (header[2] == NT_GNU_BUILD_ID && notes.substr(kHeader, header[0]) == kGnu) {
        std::string digits;
        for (const char c : notes.substr(kHeader + padded(header[0]), header[1])) {
          const auto byte = static_cast<unsigned char>(c);
          digits += {kDigits[byte >> 4], kDigits[byte & 15]};
        }
        return digits;
      }
      notes.remove_prefix(length);
    }
  }
  return {};
}

std::string wgu_version() {
#ifdef __OPTIMIZE__
  return WGU_VERSION " (" WGU_BUILD_TYPE ")";
#else
  return WGU_VERSION " (" WGU_BUILD_TYPE "), not optimised: its numbers mean nothing";
#endif
}

std::string compiler() {
#ifdef __clang__
  return __VERSION__;
#else
  return "g++ " __VERSION__;
#endif
}

}  // namespace

std::string cpuinfo_field(std::string_view cpuinfo, std::string_view name) {
  while (!cpuinfo.empty()) {
    const std::string_view line = cpuinfo.substr(0, cpuinfo.find('\n'));
    cpuinfo.remove_prefix(std::min(line.size() + 1, cpuinfo.size()));
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && trimmed(line.substr(0, colon)) == name) return std::string(trimmed(line.substr(colon + 1)));
  }
  return {};
}

Environment read_environment(const std::string& root) {
  const std::string cpuinfo = telemetry::read_text(root + "/proc/cpuinfo").value_or(std::string());
  const std::string family = cpuinfo_field(cpuinfo, "cpu family");
  std::string flags = cpuinfo_field(cpuinfo, "flags");
  if (flags.empty()) flags = cpuinfo_field(cpuinfo, "Features");  // Arm
  std::string cpu = cpuinfo_field(cpuinfo, "model name");
  // Cloud machines hide the model's name; family and model still tell the microarchitecture.
  if (!cpu.empty() && !family.empty()) cpu += " (family " + family + ", model " + cpuinfo_field(cpuinfo, "model") + ")";
  Environment environment = {
      {"wgu", wgu_version()},
      {"build", or_unknown(build_id())},
      {"compiler", compiler()},
      {"libsodium", sodium_version_string()},
      {"liburing", WGU_LIBURING_VERSION},
      {"cpu", or_unknown(cpu)},
      {"cpu_features", features(flags)},
      {"usable_cpus", usable_cpus()},
      {"virtual_machine", has_word(flags, "hypervisor") ? "yes" : "no sign of one"},
      {"governor", governor(root)},
      {"turbo", turbo(root)},
      {"os", operating_system()},
  };
  for (auto& entry : sysctls(root)) environment.push_back(std::move(entry));
  return environment;
}

bool must_be_equal(std::string_view key) {
  // Which kernels there are, and which is chosen, is a property of the build.
  constexpr std::array<std::string_view, 5> kOfTheBuild = {"wgu", "build", "kernel_table", "kernels_run", "kernels_this_cpu_cannot_run"};
  return !key.starts_with("note/") && std::find(kOfTheBuild.begin(), kOfTheBuild.end(), key) == kOfTheBuild.end();
}

std::string value_of(const Environment& environment, std::string_view key) {
  const auto entry = std::find_if(environment.begin(), environment.end(), [&](const auto& pair) { return pair.first == key; });
  return entry == environment.end() ? std::string() : entry->second;
}

std::string build_id() {
  std::string id;
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* out) {
        *static_cast<std::string*>(out) = build_id_of(*object);
        return 1;  // the first object is the program itself
      },
      &id);
  return id;
}

}  // namespace wgu::bench
