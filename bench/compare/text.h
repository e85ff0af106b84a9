#pragma once
// A comparison in words.

#include <string>

#include "bench/compare/judgement.h"

namespace wgu::bench {

enum class Shown : std::uint8_t { kDifferences, kEveryRow };

// \param base, next  the rows' units, and what the runs were made on
[[nodiscard]] std::string format_comparison(const Comparison& comparison, const Results& base, const Results& next,
                                            const Criteria& criteria, Shown shown);

}  // namespace wgu::bench
