#include "telemetry/host/processors.h"

#include <gtest/gtest.h>

#include "telemetry/fixture.h"

namespace wgu::telemetry {
namespace {

TEST(Processors, AreTheNumberedFolders) {
  EXPECT_EQ(read_cpus(test::fixture("nic_server")), (std::set<std::uint32_t>{0, 1, 2, 3})) << "cpufreq is no CPU";
  EXPECT_TRUE(read_cpus(test::fixture("bare")).empty());
}

TEST(Processors, FrequencyIsInHertz) {
  const CpuFrequency frequency = read_frequency(test::fixture("nic_server"), 3);
  EXPECT_EQ(frequency.governor, "schedutil");
  EXPECT_EQ(frequency.hertz, 2'400'003'000U);
  EXPECT_EQ(frequency.highest_hertz, 3'900'000'000U);
}

TEST(Processors, FrequencyThatNobodyTellsIsNone) {
  for (const auto& [machine, cpu] : {std::pair("nic_server", 2U), std::pair("guest_v1", 0U)}) {
    const CpuFrequency frequency = read_frequency(test::fixture(machine), cpu);
    EXPECT_EQ(frequency.governor, std::nullopt) << machine;
    EXPECT_EQ(frequency.hertz, std::nullopt) << machine;
    EXPECT_EQ(frequency.highest_hertz, std::nullopt) << machine;
  }
}

TEST(Processors, BoostIsToldOrNot) {
  EXPECT_EQ(boost_is_on(test::fixture("nic_server")), true);
  EXPECT_EQ(boost_is_on(test::fixture("guest_v1")), std::nullopt);
}

TEST(Processors, NumaNodes) {
  EXPECT_EQ(numa_node_of_cpu(test::fixture("nic_server"), 1), 0U);
  EXPECT_EQ(numa_node_of_cpu(test::fixture("nic_server"), 3), 1U);
  EXPECT_EQ(numa_node_of_cpu(test::fixture("guest_v1"), 0), std::nullopt);
  EXPECT_EQ(numa_node_of_interface(test::fixture("nic_server"), "eth0"), 1U);
  EXPECT_EQ(numa_node_of_interface(test::fixture("nic_server"), "wg0"), std::nullopt);
  EXPECT_EQ(numa_node_of_interface(test::fixture("nic_server"), "../net/eth0"), std::nullopt);
  EXPECT_EQ(numa_node_of_interface(test::fixture("guest_v1"), "eth0"), std::nullopt) << "-1";
}

}  // namespace
}  // namespace wgu::telemetry
