#include "bench/report/html.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace wgu::bench {
namespace {

constexpr const char* kReplaced = "\xEF\xBF\xBD";

TEST(Escaped, LeavesNothingThatIsMarkup) {
  EXPECT_EQ(escaped("<script>alert(1)</script>"), "&lt;script&gt;alert(1)&lt;/script&gt;");
  EXPECT_EQ(escaped("a & b &amp; c"), "a &amp; b &amp;amp; c");
  EXPECT_EQ(escaped("\" onload='x'"), "&quot; onload=&#39;x&#39;");
  EXPECT_EQ(escaped(""), "");
}

TEST(Escaped, KeepsTextOfEveryLengthOfUtf8) { EXPECT_EQ(escaped("a\tµ € 𝄞\n"), "a\tµ € 𝄞\n"); }

TEST(Escaped, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(escaped("a\xFF"
                    "b"),
            std::string("a") + kReplaced + "b");
  EXPECT_EQ(escaped("\xC0\x80"), std::string(kReplaced) + kReplaced) << "overlong";
  EXPECT_EQ(escaped("\xE0\x80\x80").find('\xE0'), std::string::npos) << "overlong";
  EXPECT_EQ(escaped("\xED\xA0\x80").find('\xED'), std::string::npos) << "surrogate";
  EXPECT_EQ(escaped("\xF4\x90\x80\x80").find('\xF4'), std::string::npos) << "beyond U+10FFFF";
  EXPECT_EQ(escaped("\xE2\x82"), std::string(kReplaced) + kReplaced) << "cut off";
  EXPECT_EQ(escaped("\xC3<"), std::string(kReplaced) + "&lt;") << "a lead byte takes no markup along";
}

TEST(Escaped, ReplacesControlsAndTurnsOfDirection) {
  EXPECT_EQ(escaped(std::string_view("\0", 1)), kReplaced);
  EXPECT_EQ(escaped("\x1b"), kReplaced);
  EXPECT_EQ(escaped("\x7f"), kReplaced);
  EXPECT_EQ(escaped("\u0085"), kReplaced);
  EXPECT_EQ(escaped("\u202E"), kReplaced);
  EXPECT_EQ(escaped("\u2066"), kReplaced);
  EXPECT_EQ(escaped("\xEF\xBF\xBF"), kReplaced) << "U+FFFF is not a character of XML";
}

TEST(Coordinate, IsAlwaysANumberOfMarkup) {
  EXPECT_EQ(coordinate(12), "12");
  EXPECT_EQ(coordinate(12.5), "12.5");
  EXPECT_EQ(coordinate(1.0 / 3), "0.33");
  EXPECT_EQ(coordinate(-0.001), "0");
  EXPECT_EQ(coordinate(100), "100");
  EXPECT_EQ(coordinate(std::nan("")), "0");
  EXPECT_EQ(coordinate(std::numeric_limits<double>::infinity()), "0");
}

TEST(Template, EscapesTextAndKeepsMarkup) {
  const Html inner = html("<b>{}</b>", "<");
  EXPECT_EQ(html(R"(<i title="{}">{}{}{}</i>)", std::string("\""), inner, 3, 0.5).markup, R"(<i title="&quot;"><b>&lt;</b>30.5</i>)");
}

}  // namespace
}  // namespace wgu::bench
