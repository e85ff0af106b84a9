#include "telemetry/host/cgroup.h"

#include <gtest/gtest.h>

#include "telemetry/fixture.h"

namespace wgu::telemetry {
namespace {

TEST(Cgroup, BothVersionsTellTheSameInDifferentUnits) {
  EXPECT_EQ(parse_cpu_stat("usage_usec 1\nnr_periods 900\nnr_throttled 30\nthrottled_usec 4500\n"), (Throttling{900, 30, 4'500'000}));
  EXPECT_EQ(parse_cpu_stat("nr_periods 900\nnr_throttled 30\nthrottled_time 4500\n"), (Throttling{900, 30, 4'500}));
}

TEST(Cgroup, WithoutBandwidthControlTellsNothing) {
  EXPECT_EQ(parse_cpu_stat("usage_usec 1\nuser_usec 1\nsystem_usec 0\n"), std::nullopt) << "v2's root: not measured is not zero";
  EXPECT_EQ(parse_cpu_stat(""), std::nullopt);
  EXPECT_EQ(parse_cpu_stat("nr_periods x\n"), std::nullopt);
  EXPECT_EQ(parse_cpu_stat("nr_periods 5\nthrottled_usec 18446744073709551615\n"), (Throttling{5, {}, {}})) << "too large in nanoseconds";
}

TEST(Cgroup, PathsAreOfV2OrOfV1sCpuController) {
  EXPECT_EQ(parse_cgroup("0::/a/b\n"), (CgroupPaths{"/a/b", {}, ""}));
  EXPECT_EQ(parse_cgroup("4:cpuset:/x\n2:cpu,cpuacct:/c:d\n0::/\n"), (CgroupPaths{"/", "/c:d", "cpu,cpuacct"}));
  EXPECT_EQ(parse_cgroup("4:cpuset:/x\n1:name=cpu:/y\n"), CgroupPaths{});
  EXPECT_EQ(parse_cgroup("0:\n0::relative\n\n:"), CgroupPaths{});
}

TEST(Cgroup, EveryGroupUpwardsWithALimitIsTold) {
  EXPECT_EQ(read_throttling(test::fixture("nic_server")),
            (std::vector<GroupThrottling>{{"/system.slice/wgu.service", {800, 0, 0}}, {"/system.slice", {900, 30, 4'500'000'000}}}));
}

TEST(Cgroup, InAContainerTheMountsTopIsTheOwnGroup) {
  EXPECT_EQ(read_throttling(test::fixture("guest_v1")), (std::vector<GroupThrottling>{{"/", {100, 5, 12345678}}}));
}

TEST(Cgroup, NothingIsNothing) { EXPECT_TRUE(read_throttling(test::fixture("bare")).empty()); }

}  // namespace
}  // namespace wgu::telemetry
