// Parsing is strict: what does not print back as the same name is no name.
#include "bench/micro/row_name.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace wgu::bench {
namespace {

// The part of `rest` up to the next slash, taken off it.
std::string_view take_part(std::string_view& rest) {
  const std::string_view part = rest.substr(0, rest.find('/'));
  rest.remove_prefix(std::min(part.size() + 1, rest.size()));
  return part;
}

std::optional<std::uint32_t> number_after(std::string_view prefix, std::string_view part) {
  if (!part.starts_with(prefix)) return std::nullopt;
  part.remove_prefix(prefix.size());
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
  return error == std::errc() && end == part.data() + part.size() && value > 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

std::string_view operation_name(Operation operation) { return operation == Operation::kSeal ? "seal" : "open"; }

std::string bytes_name(std::uint32_t bytes) { return bytes == kImix ? "imix" : std::to_string(bytes); }

std::string row_name(const AeadRow& row) {
  return fmt::format("aead/{}/{}/bytes:{}/batch:{}", operation_name(row.operation), row.table, bytes_name(row.bytes), row.batch);
}

std::optional<AeadRow> parse_row_name(std::string_view name) {
  std::string_view rest = name;
  if (take_part(rest) != "aead") return std::nullopt;
  AeadRow row;
  row.operation = take_part(rest) == "open" ? Operation::kOpen : Operation::kSeal;
  row.table = take_part(rest);
  const std::string_view bytes = take_part(rest);
  const auto length = bytes == "bytes:imix" ? std::optional(kImix) : number_after("bytes:", bytes);
  const auto batch = number_after("batch:", take_part(rest));
  if (row.table.empty() || !length || !batch) return std::nullopt;
  row.bytes = *length;
  row.batch = *batch;
  return row_name(row) == name ? std::optional(row) : std::nullopt;
}

}  // namespace wgu::bench
