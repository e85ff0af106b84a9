// A line: "sl: LOCAL:PORT REMOTE:PORT STATE ...", in hexadecimal digits; the last column of a UDP socket is what it dropped.
#include "bench/lab/socket_table.h"

#include <charconv>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace wgu::bench {
namespace {

constexpr unsigned kListening = 0x0A;  // TCP_LISTEN

std::optional<unsigned> hexadecimal(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

// `visit(columns)` of each socket whose local port it is.
template <class Visit>
void for_each_at(std::string_view sockets, std::uint16_t port, Visit&& visit) {
  std::istringstream lines{std::string(sockets)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream text(line);
    std::vector<std::string> columns;
    for (std::string column; text >> column;) columns.push_back(std::move(column));
    if (columns.size() < 4) continue;
    const std::size_t colon = columns[1].find(':');
    if (colon != std::string::npos && hexadecimal(std::string_view(columns[1]).substr(colon + 1)) == port) visit(columns);
  }
}

}  // namespace

bool is_listening_at(std::string_view sockets, std::uint16_t port) {
  bool is_listening = false;
  for_each_at(sockets, port, [&](const auto& columns) { is_listening |= hexadecimal(columns[3]) == kListening; });
  return is_listening;
}

std::uint64_t dropped_at(std::string_view sockets, std::uint16_t port) {
  std::uint64_t sum = 0;
  for_each_at(sockets, port, [&](const auto& columns) {
    std::uint64_t dropped = 0;
    std::from_chars(columns.back().data(), columns.back().data() + columns.back().size(), dropped);
    sum += dropped;
  });
  return sum;
}

}  // namespace wgu::bench
