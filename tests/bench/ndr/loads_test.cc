#include "bench/ndr/loads.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>

namespace wgu::bench {
namespace {

TEST(ParseLoad, KnowsBytesMaxAndImix) {
  EXPECT_EQ(parse_load("64", 1420, 1, Family::kIpv4)->name, "bytes:64");
  EXPECT_EQ(parse_load("64", 1420, 1, Family::kIpv4)->load.sizes, std::vector<std::uint32_t>{64});
  EXPECT_EQ(parse_load("64", 1420, 1, Family::kIpv4)->load.segments, 1U);
  EXPECT_EQ(parse_load("max", 1420, 1, Family::kIpv4)->name, "bytes:1392");
  const NamedLoad imix = parse_load("imix", 1420, 1, Family::kIpv4).value();
  EXPECT_EQ(imix.name, "imix");
  EXPECT_EQ(imix.load.sizes.size() % 12, 0U);
  EXPECT_EQ(std::count(imix.load.sizes.begin(), imix.load.sizes.end(), 24U) * 12, static_cast<std::ptrdiff_t>(imix.load.sizes.size()) * 7);
}

TEST(ParseLoad, SendsTrainsNoLongerThanOneSendCarries) {
  EXPECT_EQ(parse_load("64", 1420, 32, Family::kIpv4)->name, "bytes:64/gso:32");
  EXPECT_EQ(parse_load("max", 1420, 64, Family::kIpv4)->name, "bytes:1392/gso:47");
  EXPECT_EQ(parse_load("max", 1420, 64, Family::kIpv4)->load.segments, 47U);
  EXPECT_EQ(parse_load("max", 65535, 64, Family::kIpv4)->name, "bytes:65507");
}

TEST(ParseLoad, LeavesRoomForTheHeadersOfEitherFamily) {
  EXPECT_EQ(parse_load("max", 1420, 1, Family::kIpv6)->name, "bytes:1372");
  EXPECT_EQ(parse_load("1373", 1420, 1, Family::kIpv6).error().code, EINVAL);
  EXPECT_EQ(parse_load("imix", 1420, 1, Family::kIpv6)->load.sizes.size(), parse_load("imix", 1420, 1, Family::kIpv4)->load.sizes.size());
}

TEST(ParseLoad, RefusesWhatItCannotSend) {
  for (const char* text : {"", "x", "64x", "-1", "23", "1393", "99999999999"})
    EXPECT_EQ(parse_load(text, 1420, 1, Family::kIpv4).error().code, EINVAL) << text;
  EXPECT_EQ(parse_load("imix", 1420, 2, Family::kIpv4).error().code, EINVAL);
  EXPECT_EQ(parse_load("max", 20, 1, Family::kIpv4).ok(), false);
}

}  // namespace
}  // namespace wgu::bench
