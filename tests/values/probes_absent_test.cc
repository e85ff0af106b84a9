// The probes as they are where there is no <sys/sdt.h>.
#ifndef WGU_WITHOUT_PROBES  // -DWGU_PROBES=OFF has it
#define WGU_WITHOUT_PROBES
#endif
#include <gtest/gtest.h>

#include "values/probes.h"

namespace wgu::values {
namespace {

#ifdef WGU_PROBE_SEMAPHORES
#error "WGU_WITHOUT_PROBES does nothing"
#endif

TEST(ProbesAbsent, EvaluateNothingAndAreNeverTraced) {
  int evaluated = 0;
  WGU_PROBE(batch_sealed, ++evaluated, 2, 3, 4);
  EXPECT_EQ(evaluated, 0);
  EXPECT_FALSE(WGU_PROBE_IS_TRACED(batch_sealed));
  const int only_for_the_probe = 1;  // and no warning that it is not used
  WGU_PROBE(batch_opened, only_for_the_probe);
}

}  // namespace
}  // namespace wgu::values
