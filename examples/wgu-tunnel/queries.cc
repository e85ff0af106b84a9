#include "queries.h"

#include <fmt/format.h>

#include <chrono>
#include <thread>
#include <vector>

#include "status/client.h"
#include "status/conservation.h"
#include "status/snapshot_json.h"
#include "status/status_text.h"

namespace {

using wgu::status::ask;

// Two snapshots are the least that say something of packets between workers; a quiet moment, which ends it, comes soon on most
// machines, and a second is what one can wait for.
constexpr std::size_t kLeastSnapshots = 2, kMostSnapshots = 40;
constexpr auto kBetweenSnapshots = std::chrono::milliseconds(25);

int fail(const std::string& why) {
  fmt::print(stderr, "wgu-tunnel: {}\n", wgu::status::printable(why));
  return 1;
}

wgu::Result<wgu::Snapshot> snapshot_of(const std::string& socket) {
  const auto text = ask(socket, "GET", "/json");
  if (!text) return text.error();
  return wgu::status::parse_snapshot(*text);
}

int check(const std::string& socket) {
  std::vector<wgu::Snapshot> snapshots;
  while (true) {
    auto snapshot = snapshot_of(socket);
    if (!snapshot) return fail(snapshot.error().message);
    snapshots.push_back(std::move(snapshot).value());
    if (snapshots.size() < kLeastSnapshots) continue;
    const auto found = wgu::status::judge(snapshots);
    if (found.is_settled() || snapshots.size() == kMostSnapshots) {
      fmt::print("{}", wgu::status::to_text(found));
      return found.holds() ? 0 : 1;
    }
    std::this_thread::sleep_for(kBetweenSnapshots);
  }
}

int print_status(const std::string& socket) {
  const auto snapshot = snapshot_of(socket);
  if (!snapshot) return fail(snapshot.error().message);
  fmt::print("{}", wgu::status::status_text(*snapshot));
  return 0;
}

int print_answer(const std::string& socket, const char* method, const std::string& page) {
  const auto text = ask(socket, method, page);
  if (!text) return fail(text.error().message);
  fmt::print("{}", *text);
  return 0;
}

}  // namespace

int run_query(Query query, const std::string& interface_name, const std::string& level) {
  const std::string socket = wgu::status::socket_of(interface_name);
  switch (query) {
    case Query::kStatus:
      return print_status(socket);
    case Query::kJson:
      return print_answer(socket, "GET", "/json");
    case Query::kCheck:
      return check(socket);
    case Query::kSetTelemetry:
      return print_answer(socket, "POST", "/telemetry/" + level);
    case Query::kNone:
      break;
  }
  return fail("nothing was asked");
}
