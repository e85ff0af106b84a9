#include "values/probes.h"

#include <gtest/gtest.h>

namespace wgu::values {
namespace {

#ifdef WGU_PROBE_SEMAPHORES

TEST(Probes, NobodyTracesUntilATracerCountsItselfIn) {
  EXPECT_FALSE(WGU_PROBE_IS_TRACED(batch_sealed));
  // What a tracer does, from outside; and leaves as it was.
  wgu_batch_sealed_semaphore = 1;
  EXPECT_TRUE(WGU_PROBE_IS_TRACED(batch_sealed));
  EXPECT_FALSE(WGU_PROBE_IS_TRACED(batch_opened)) << "each has its own";
  wgu_batch_sealed_semaphore = 0;
  EXPECT_FALSE(WGU_PROBE_IS_TRACED(batch_sealed));
}

TEST(Probes, AreNothingToWhoeverPasses) {
  int evaluated = 0;
  WGU_PROBE(batch_sealed, ++evaluated, 2, 3, 4);
  EXPECT_EQ(evaluated, 1) << "arguments are evaluated once, traced or not: only cheap ones belong there";
}

#else

TEST(Probes, AreNotThere) { GTEST_SKIP() << "no <sys/sdt.h>: see probes_absent_test.cc"; }

#endif

}  // namespace
}  // namespace wgu::values
