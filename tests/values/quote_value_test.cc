#include "values/quote_value.h"

#include <gtest/gtest.h>

namespace wgu {
namespace {

TEST(QuoteValue, ShowsWhateverBytesOnOneBoundedLine) {
  const std::pair<std::string, std::string> rows[] = {
      {"", "\"\""},
      {"10.0.0.0/33", "\"10.0.0.0/33\""},
      {"say \"hi\"\\", "\"say \\\"hi\\\"\\\\\""},
      {std::string("a\nb\0\x7f\xff", 6), "\"a\\x0ab\\x00\\x7f\\xff\""},
      {std::string(80, 'x'), "\"" + std::string(80, 'x') + "\""},
      {std::string(81, 'x'), "\"" + std::string(80, 'x') + "\"..."},
  };
  for (const auto& [value, expected] : rows) EXPECT_EQ(quote_value(value), expected);
}

}  // namespace
}  // namespace wgu
