#pragma once
// A test's body inside the sandbox; skipped, with the reason, where there can be none.

#include <gtest/gtest.h>

#include <functional>

#include "bench/lab/sandbox.h"

namespace wgu::bench {

inline void in_sandbox(const std::function<void()>& body) {
  const auto status = run_in_sandbox([&body] {
    body();
    return testing::Test::HasFailure() ? 1 : 0;  // what failed in there has been printed in there
  });
  if (!status) GTEST_SKIP() << status.error().message;
  EXPECT_EQ(*status, 0) << "inside the sandbox; see above";
}

}  // namespace wgu::bench
