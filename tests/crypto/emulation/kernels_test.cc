// This program has the kernels of every instruction set, all of them emulated: each runs here, whatever the CPU is.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "crypto/aead_kernels.h"

namespace wgu::crypto {
namespace {

TEST(EmulatedKernels, AreAllHereAndRunOnAnyMachine) {
  std::vector<std::string> names;
  for (const AeadKernel* kernel : kernels()) {
    names.emplace_back(kernel->name);
    EXPECT_TRUE(kernel->runs_here()) << kernel->name;
  }
  EXPECT_EQ(names, (std::vector<std::string>{"avx512", "avx2", "portable"}));
}

}  // namespace
}  // namespace wgu::crypto
