#pragma once
// Names of AEAD rows: aead/{seal|open}/TABLE/bytes:{N|imix}/batch:N. Other programs find rows by them, so they never change.

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wgu::bench {

enum class Operation : std::uint8_t { kSeal, kOpen };

inline constexpr std::uint32_t kImix = 0;  // as AeadRow::bytes: IMIX lengths, several keys

struct AeadRow {
  Operation operation = Operation::kSeal;
  std::uint32_t bytes = kImix;  // of plaintext in a packet
  std::uint32_t batch = 1;      // packets
  std::string table;            // whose code

  friend bool operator==(const AeadRow&, const AeadRow&) = default;
  friend auto operator<=>(const AeadRow&, const AeadRow&) = default;
};

[[nodiscard]] std::string row_name(const AeadRow& row);
[[nodiscard]] std::optional<AeadRow> parse_row_name(std::string_view name);  // nothing for a row of another kind

[[nodiscard]] std::string_view operation_name(Operation operation);
[[nodiscard]] std::string bytes_name(std::uint32_t bytes);  // a number, or "imix"

}  // namespace wgu::bench
