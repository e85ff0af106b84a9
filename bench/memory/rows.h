#pragma once
// Rounds as rows of a result, and those rows as the table that is printed.

#include <span>
#include <string>
#include <vector>

#include "bench/memory/round.h"
#include "bench/results.h"

namespace wgu::bench {

inline constexpr const char* kNullCipher = "null cipher";  // subjects
inline constexpr const char* kRelaySubject = "relay";      // relay_pair.h

// "memory/bytes:64/flows:1/workers:2", "memory/bytes:imix/..."
[[nodiscard]] std::string memory_row_name(const std::string& size, unsigned flows, unsigned workers);

// A row a metric. CPU time is that of the engines' threads alone, over the packets that arrived; missing where the kernel does not tell.
// \pre not empty, and each carried something
[[nodiscard]] std::vector<Row> memory_rows(const std::string& name, const std::string& subject, std::span<const RoundReport> rounds);

// Medians, the spread of the rate, and what shares of the null cipher's rate and of the relay's it is, round by round.
[[nodiscard]] std::string format_memory_table(std::span<const Row> rows);

// What counting and measuring cost, as shares of the CPU time that a packet takes; empty where no engine was measured.
[[nodiscard]] std::string format_metering_table(std::span<const Row> rows);

}  // namespace wgu::bench
