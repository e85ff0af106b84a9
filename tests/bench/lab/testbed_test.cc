#include "bench/lab/testbed.h"

#include <gtest/gtest.h>

#include "bench/offloads.h"
#include "tests_in_sandbox.h"

namespace wgu::bench {
namespace {

TEST(Testbed, BareWireCarriesTraffic) {
  in_sandbox([] {
    auto testbed = Testbed::create({"veth"}, {});
    ASSERT_TRUE(testbed) << testbed.error().message;
    const auto ready = testbed->await_traffic();
    EXPECT_TRUE(ready) << ready.error().message;
    EXPECT_EQ(testbed->daemon(End::kA), nullptr);
    const auto usage = testbed->usage();
    ASSERT_TRUE(usage);
    EXPECT_EQ(usage->daemons, 0);
    EXPECT_TRUE(usage->threads.empty());
    EXPECT_TRUE(testbed->wire_drops().ok());
    EXPECT_GE(testbed->udp_counters().at("udp/OutDatagrams"), 1U) << "the counters are another namespace's";
  });
}

TEST(Testbed, BareWireCarriesIPv6) {
  in_sandbox([] {
    TestbedOptions options;
    options.family = Family::kIpv6;
    auto testbed = Testbed::create({"veth"}, options);
    ASSERT_TRUE(testbed) << testbed.error().message;
    EXPECT_EQ(testbed->inner(End::kB).to_string(), "fd77::2");
    EXPECT_EQ(testbed->outer(End::kA).to_string(), "2001:db8::1");
    const auto ready = testbed->await_traffic();
    EXPECT_TRUE(ready) << ready.error().message;
  });
}

TEST(Testbed, WholeInnerPacketFitsTheWire) {
  TestbedOptions options;
  EXPECT_EQ(options.outer_mtu(), 1500U);
  options.inner_mtu = 9000;
  EXPECT_EQ(options.outer_mtu(), 9080U);
}

TEST(Testbed, WireWithoutSuperPacketsHasNoneAtBothEnds) {
  in_sandbox([] {
    TestbedOptions options;
    options.has_wire_gso = false;
    auto testbed = Testbed::create({"veth"}, options).value();
    for (const End end : {End::kA, End::kB}) {
      const Visit visit(testbed.at(end));
      for (const char* wire : {"wire", "inner"}) EXPECT_FALSE(has_offload(wire, "tx-udp-segmentation").value()) << wire;
    }
  });
}

TEST(Testbed, DaemonThatDoesNotStartIsNamed) {
  in_sandbox([] {
    const auto testbed = Testbed::create({"broken", "echo cannot; false"}, {});
    ASSERT_FALSE(testbed);
    EXPECT_NE(testbed.error().message.find("cannot"), std::string::npos) << testbed.error().message;
  });
}

}  // namespace
}  // namespace wgu::bench
