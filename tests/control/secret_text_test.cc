// Text that erases itself: what no longer belongs to it is gone from its memory.

#include "control/secret_text.h"

#include <gtest/gtest.h>

#include <string>
#include <type_traits>
#include <utility>

namespace wgu::control {
namespace {

static_assert(!std::is_copy_constructible_v<SecretText> && !std::is_copy_assignable_v<SecretText>);

TEST(SecretText, GrowsAndMovesLikeAString) {
  SecretText text;
  EXPECT_TRUE(text.empty());
  std::string expected;
  for (int i = 0; i < 1000; ++i) {
    text += 'x';
    text += std::to_string(i);
    expected += 'x' + std::to_string(i);
  }
  EXPECT_EQ(text.view(), expected);
  const SecretText moved = std::move(text);
  EXPECT_EQ(moved.view(), expected);
}

TEST(SecretText, ExtendMakesRoomBehindTheText) {
  SecretText text;
  text += "ab";
  const auto room = text.extend(3);
  ASSERT_EQ(room.size(), 3U);
  room[0] = 'c';
  text.truncate(3);
  EXPECT_EQ(text.view(), "abc");
}

TEST(SecretText, ReleaseGivesTheMemoryBackAndTheTextStaysUsable) {
  SecretText text;
  text += "ab";
  text.release();
  EXPECT_TRUE(text.empty());
  text.release();
  text.clear();
  text += "c";
  EXPECT_EQ(text.view(), "c");
}

TEST(SecretText, RemovedAndTruncatedTextIsErasedInPlace) {
  SecretText text;
  text += "secret-secret-secret";
  const char* const memory = text.view().data();
  const auto remains = [memory] { return std::string(memory, 20); };  // the block is kept, so it may be looked at
  text.truncate(6);
  EXPECT_EQ(remains(), "secret" + std::string(14, '\0'));
  text.remove_prefix(3);
  EXPECT_EQ(remains(), "ret" + std::string(17, '\0'));
  text.clear();
  EXPECT_EQ(remains(), std::string(20, '\0'));
  EXPECT_TRUE(text.empty());
}

}  // namespace
}  // namespace wgu::control
