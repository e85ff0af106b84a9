#include "status/quantities.h"

#include <gtest/gtest.h>

namespace wgu::status {
namespace {

TEST(Quantities, HaveThreeDigitsAndAUnit) {
  EXPECT_EQ(bytes_text(0), "0 B");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1.00 KiB");
  EXPECT_EQ(bytes_text(1536), "1.50 KiB");
  EXPECT_EQ(bytes_text(10.0 * 1024 * 1024), "10.0 MiB");
  EXPECT_EQ(bytes_text(123.0 * 1024 * 1024 * 1024), "123 GiB");
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(999.6), "1.00 k") << "not 1000";
  EXPECT_EQ(count_text(12345), "12.3 k");
  EXPECT_EQ(count_text(4.56e6), "4.56 M");
  EXPECT_EQ(bit_rate_text(4.56e9), "4.56 Gbit/s");
  EXPECT_EQ(duration_text(830), "830 ns");
  EXPECT_EQ(duration_text(12300), "12.3 us");
  EXPECT_EQ(duration_text(4.56e6), "4.56 ms");
  EXPECT_EQ(duration_text(9.996e6), "10.0 ms");
  EXPECT_EQ(duration_text(120e9), "120 s");
}

TEST(Quantities, AgesAreAsExactAsAnyoneCares) {
  EXPECT_EQ(age_text(0), "0 s");
  EXPECT_EQ(age_text(59), "59 s");
  EXPECT_EQ(age_text(60), "1 min");
  EXPECT_EQ(age_text(7500), "2 h 5 min");
  EXPECT_EQ(age_text(4 * 86400), "4 d");
}

}  // namespace
}  // namespace wgu::status
