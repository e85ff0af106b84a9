#include "bench/lab/testbed.h"

#include <gtest/gtest.h>

#include "bench/lab/link.h"
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
  });
}

TEST(Testbed, WireWithoutSuperPacketsHasNoneAtBothEnds) {
  in_sandbox([] {
    TestbedOptions options;
    options.has_wire_gso = false;
    auto testbed = Testbed::create({"veth"}, options).value();
    for (const End end : {End::kA, End::kB}) {
      const Visit visit(testbed.at(end));
      for (const char* wire : {"wire", "inner"}) EXPECT_FALSE(has_feature(wire, "tx-udp-segmentation").value()) << wire;
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
