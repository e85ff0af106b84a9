// Read from files, so that a test can lay out a machine of its own.
#include "bench/environment.h"

#include <sched.h>
#include <sys/utsname.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>

namespace wgu::bench {
namespace {

constexpr const char* kUnknown = "not readable";

std::string contents(const std::string& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

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
  const std::string cpuinfo = contents(root + "/proc/cpuinfo");
  const std::string family = cpuinfo_field(cpuinfo, "cpu family");
  std::string cpu = cpuinfo_field(cpuinfo, "model name");
  // Cloud machines hide the model's name; family and model still tell the microarchitecture.
  if (!cpu.empty() && !family.empty()) cpu += " (family " + family + ", model " + cpuinfo_field(cpuinfo, "model") + ")";
  return {
      {"cpu", or_unknown(cpu)},
      {"usable_cpus", usable_cpus()},
      {"virtual_machine", has_word(cpuinfo_field(cpuinfo, "flags"), "hypervisor") ? "yes" : "no sign of one"},
      {"governor", or_unknown(first_line(root + "/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"))},
      {"os", operating_system()},
      {"compiler", compiler()},
  };
}

}  // namespace wgu::bench
