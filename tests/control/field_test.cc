// Single values, read strictly, and how an Error shows the name of a key.

#include "control/field.h"

#include <gtest/gtest.h>
#include <net/if.h>

#include <cerrno>
#include <string>

namespace wgu::control {
namespace {

TEST(Decimal, TakesDigitsUpToTheMaximum) {
  EXPECT_EQ(parse_decimal("0", 0), 0U);
  EXPECT_EQ(parse_decimal("65535", 65535), 65535U);
  EXPECT_EQ(parse_decimal("18446744073709551615", ~std::uint64_t{0}), ~std::uint64_t{0});
}

TEST(Decimal, RefusesEverythingElse) {
  for (const std::string_view text :
       {"", " ", "+1", "-0", "-1", "1 ", " 1", "1.0", "1e3", "0x1", "1,000", "one", "65536", "18446744073709551616"}) {
    EXPECT_EQ(parse_decimal(text, 65535), std::nullopt) << text;
  }
  EXPECT_EQ(parse_decimal(std::string_view("1\0", 2), 65535), std::nullopt);
  EXPECT_EQ(parse_decimal("18446744073709551616", ~std::uint64_t{0}), std::nullopt);
}

TEST(Number, FitsItsTargetOrLeavesItAlone) {
  std::optional<std::uint16_t> port;
  EXPECT_EQ(take_number(port, "65536"), "\"65536\" is not a number from 0 to 65535");
  EXPECT_EQ(port, std::nullopt);
  EXPECT_EQ(take_number(port, "65535"), std::nullopt);
  EXPECT_EQ(port, 65535);
}

TEST(EndpointText, ScopeIsANumberOrAnInterface) {
  EXPECT_EQ(parse_endpoint("192.0.2.1:51820")->to_string(), "192.0.2.1:51820");
  EXPECT_EQ(parse_endpoint("[fe80::1%7]:1")->scope, 7U);
  EXPECT_EQ(parse_endpoint("[fe80::1%lo]:1")->scope, if_nametoindex("lo"));
  for (const std::string_view text : {"", ":", "example.com:1", "[fe80::1%]:1", "[fe80::1%nosuch]:1", "[fe80::1%lo:1", "fe80::1%lo]:1",
                                      "%]", "[%lo]:1", "[fe80::1%lo%lo]:1", "[fe80::1%4294967296]:1"}) {
    const auto endpoint = parse_endpoint(text);
    ASSERT_FALSE(endpoint.ok()) << text;
    EXPECT_EQ(endpoint.error().code, EINVAL) << text;
  }
}

TEST(QuotedName, ShowsNamesAndNothingThatCouldBeAKey) {
  EXPECT_EQ(quoted_name("ListenPort"), "\"ListenPort\"");
  EXPECT_EQ(quoted_name("persistent_keepalive_interval"), "\"persistent_keepalive_interval\"");
  EXPECT_EQ(quoted_name(""), "\"\"");
  EXPECT_EQ(quoted_name("a\nb"), "(not shown, 3 characters)");
  EXPECT_EQ(quoted_name(std::string(43, 'a')), "(not shown, 43 characters)") << "base64 less its '='";
  EXPECT_EQ(quoted_name("abc123"), "(not shown, 6 characters)");
}

}  // namespace
}  // namespace wgu::control
