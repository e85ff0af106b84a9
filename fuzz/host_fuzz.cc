// Whatever the kernel's files and netlink hold is read without harm, and every value that is told stood in the text. The first byte says
// which parser the rest is for; a text parser's result must not depend on what follows the text in memory.

#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>

#include "telemetry/host/cgroup.h"
#include "telemetry/host/interface_counters.h"
#include "telemetry/host/interrupts.h"
#include "telemetry/host/protocol_counters.h"
#include "telemetry/host/qdisc.h"
#include "telemetry/host/softnet.h"
#include "telemetry/host/system_stat.h"
#include "telemetry/host/tasks.h"

namespace {

using namespace wgu::telemetry;

void require(bool holds) {
  if (!holds) std::abort();
}

// What is read again from the same text, copied to where it ends at the end of an allocation.
template <class Parse>
auto read_twice(Parse&& parse, std::string_view text) {
  const auto first = parse(text);
  require(first == parse(std::string(text)));
  return first;
}

void softnet(std::string_view text) {
  for (const SoftnetCpu& row : read_twice(parse_softnet_stat, text)) {
    // Columns are only ever added at the end.
    require(!row.input_queue || text.size() >= 27);
  }
}

void protocols(std::string_view text) {
  for (const auto& [name, value] : read_twice([](std::string_view t) { return parse_protocol(t, "Udp"); }, text)) {
    require(text.find(name) != std::string_view::npos && text.find_first_of("0123456789") != std::string_view::npos);
  }
  for (const auto& [name, value] : read_twice([](std::string_view t) { return parse_protocol_6(t, "Udp6"); }, text)) {
    require(text.find("Udp6" + name) != std::string_view::npos);
  }
}

void interrupts(std::string_view text) {
  for (const InterruptRow& row : read_twice(parse_interrupts, text))
    require(!row.by_cpu.empty() && text.find(row.name + ':') != std::string_view::npos);
}

void interfaces(std::string_view text) {
  for (const auto& [name, counters] : read_twice(parse_net_dev, text)) require(!name.empty() && text.find(name) != std::string_view::npos);
}

void tasks(std::string_view text) {
  read_twice(parse_schedstat, text);
  if (const auto stat = read_twice(parse_task_stat, text)) require(text.find('(' + stat->name + ')') != std::string_view::npos);
  read_twice(parse_task_status, text);
  read_twice(parse_migrations, text);
}

void cgroups(std::string_view text) {
  const CgroupPaths paths = read_twice(parse_cgroup, text);
  require(!paths.unified || paths.unified->starts_with('/'));
  require(!paths.cpu || (paths.cpu->starts_with('/') && !paths.cpu_mount.empty()));
  if (const auto throttling = read_twice(parse_cpu_stat, text))
    require(throttling->periods || throttling->throttled_periods || throttling->throttled);
}

void qdiscs(std::span<const std::uint8_t> messages) {
  std::vector<Qdisc> found;
  static_cast<void>(parse_qdiscs(messages, found));
  for (const Qdisc& qdisc : found)
    require(qdisc.drops.has_value() == qdisc.requeues.has_value() && qdisc.kind.find('\0') == std::string::npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 's':
      softnet(text);
      break;
    case 'p':
      protocols(text);
      break;
    case 'i':
      interrupts(text);
      break;
    case 'd':
      interfaces(text);
      break;
    case 't':
      tasks(text);
      break;
    case 'c':
      cgroups(text);
      break;
    case 'S':
      read_twice(parse_system_stat, text);
      break;
    case 'q':
      qdiscs({data + 1, size - 1});
      break;
    default:
      break;
  }
  return 0;
}
