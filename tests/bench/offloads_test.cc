#include "bench/offloads.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace wgu::bench {
namespace {

TEST(Offloads, OfTheLoopbackInterfaceAreOnOrOff) {
  const Environment offloads = read_offloads("lo");
  if (offloads.empty()) GTEST_SKIP() << "no loopback interface tells its features here";
  const std::set<std::string> values = {"on", "off", "on, fixed", "off, fixed"};
  for (const auto& [key, value] : offloads) {
    EXPECT_TRUE(key.starts_with("offload/")) << key;
    EXPECT_TRUE(values.contains(value)) << key << " " << value;
  }
  // Loopback never drops: its transmit checksum cannot be switched off.
  EXPECT_EQ(value_of(offloads, "offload/tx-checksum-ip-generic"), "on, fixed");
}

TEST(Offloads, OfNoInterfaceAreNone) {
  EXPECT_TRUE(read_offloads("wgu-absent0").empty());
  EXPECT_TRUE(read_offloads("").empty());
  EXPECT_TRUE(read_offloads("a name that is far too long for an interface").empty());
}

TEST(Offloads, RefusalsSayWhy) {
  EXPECT_EQ(has_offload("wgu-absent0", "tx-udp-segmentation").error().code, ENODEV);
  EXPECT_EQ(has_offload("a name that is far too long for an interface", "x").error().code, EINVAL);
  EXPECT_EQ(has_offload("lo", "no-such-offload").error().code, ENOENT);
}

}  // namespace
}  // namespace wgu::bench
