// WGU_AEAD is read once a process, at the first use: each row asks a new one.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "crypto/aead_kernels.h"

namespace wgu::crypto {
namespace {

TEST(AeadDispatchDeathTest, EnvironmentForcesAKernelThatRunsHere) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");  // starts this program again
  const auto best = std::find_if(kernels().begin(), kernels().end(), [](const AeadKernel* kernel) { return kernel->runs_here(); });
  ASSERT_NE(best, kernels().end());
  const std::string best_name = (*best)->name;
  std::vector<std::pair<std::string, std::string>> rows = {{"", best_name}, {"no such kernel", best_name}, {"AVX2", best_name}};
  for (const AeadKernel* kernel : kernels()) rows.emplace_back(kernel->name, kernel->runs_here() ? kernel->name : best_name);
  for (const auto& [forced, expected] : rows) {
    setenv("WGU_AEAD", forced.c_str(), 1);
    EXPECT_EXIT(std::exit(kernel_name() == expected ? 0 : 1), testing::ExitedWithCode(0), "") << forced;
  }
  unsetenv("WGU_AEAD");
}

}  // namespace
}  // namespace wgu::crypto
