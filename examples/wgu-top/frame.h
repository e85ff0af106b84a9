#pragma once
// One picture of a device, as lines of text.

#include <string>
#include <vector>

#include "rates.h"

namespace wgu::top {

struct FrameSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

// `later` is what `rates` refers to. No line is longer than `columns`; what does not fit into `rows` is left out, and the last line says
// how many peers that are.
[[nodiscard]] std::vector<std::string> frame(const Snapshot& later, const Rates& rates, FrameSize size);

}  // namespace wgu::top
