#include "wgu/net.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <random>
#include <string>

namespace wgu {
namespace {

struct Accepted {
  std::string_view text;
  std::string_view printed;
};

TEST(IpAddress, AcceptsAndPrints) {
  const Accepted rows[] = {
      {"0.0.0.0", "0.0.0.0"},
      {"192.0.2.1", "192.0.2.1"},
      {"255.255.255.255", "255.255.255.255"},
      {"::", "::"},
      {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},
      {"::ffff:192.0.2.1", "::ffff:192.0.2.1"},
      {"2001:0db8:85a3:08d3:1319:8a2e:0370:7344", "2001:db8:85a3:8d3:1319:8a2e:370:7344"},
  };
  for (const auto& [text, printed] : rows) {
    const auto address = IpAddress::parse(text);
    ASSERT_TRUE(address.ok()) << text;
    EXPECT_EQ(address->to_string(), printed);
    EXPECT_EQ(address->family, text.find(':') == std::string_view::npos ? Family::kIpv4 : Family::kIpv6) << text;
    EXPECT_EQ(*IpAddress::parse(address->to_string()), *address) << text;
  }
  EXPECT_EQ(*IpAddress::parse("192.0.2.1"), IpAddress::v4(192, 0, 2, 1));
  const std::uint8_t bytes[16] = {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  EXPECT_EQ(*IpAddress::parse("2001:db8::1"), IpAddress::v6_from(bytes));
  EXPECT_EQ(IpAddress::v4_from(bytes), IpAddress::v4(0x20, 0x01, 0x0d, 0xb8));
  EXPECT_EQ(IpAddress().to_string(), "");
  EXPECT_EQ(IpAddress().bits(), 0u);
}

TEST(IpAddress, Refuses) {
  using namespace std::string_view_literals;
  const std::string_view rows[] = {"",
                                   " ",
                                   "192.0.2",
                                   "192.0.2.256",
                                   "192.0.2.01",
                                   "192.0.2.1 ",
                                   " 192.0.2.1",
                                   "192.0.2.1.",
                                   "0x7f.0.0.1",
                                   "1",
                                   "localhost",
                                   "fe80::1%2",
                                   ":",
                                   ":::",
                                   "1::2::3",
                                   "12345::",
                                   "[2001:db8::1]",
                                   "1:2:3:4:5:6:7",
                                   "1:2:3:4:5:6:7:8:9",
                                   "192.0.2.1\0"sv,
                                   "::1\0x"sv,
                                   "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000"};
  for (const auto text : rows) {
    const auto address = IpAddress::parse(text);
    ASSERT_FALSE(address.ok()) << text;
    EXPECT_EQ(address.error().code, EINVAL);
  }
  EXPECT_NE(IpAddress::parse("192.0.2.256").error().message.find("\"192.0.2.256\""), std::string::npos);
}

TEST(Prefix, AcceptsAndClearsHostBits) {
  const Accepted rows[] = {
      {"10.0.0.0/8", "10.0.0.0/8"},
      {"10.1.2.3/8", "10.0.0.0/8"},
      {"10.0.0.1", "10.0.0.1/32"},
      {"10.255.255.255/9", "10.128.0.0/9"},
      {"10.255.255.255/31", "10.255.255.254/31"},
      {"1.2.3.4/0", "0.0.0.0/0"},
      {"::/0", "::/0"},
      {"2001:db8::1", "2001:db8::1/128"},
      {"2001:db8:ffff::/33", "2001:db8:8000::/33"},
      {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/127", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127"},
  };
  for (const auto& [text, printed] : rows) {
    const auto prefix = Prefix::parse(text);
    ASSERT_TRUE(prefix.ok()) << prefix.error().message;
    EXPECT_EQ(prefix->to_string(), printed);
    EXPECT_EQ(*Prefix::parse(prefix->to_string()), *prefix) << text;
  }
}

TEST(Prefix, Refuses) {
  for (const auto* text : {"",
                           "/",
                           "/8",
                           "10.0.0.0/",
                           "10.0.0.0/33",
                           "10.0.0.0/ 8",
                           "10.0.0.0/8 ",
                           "10.0.0.0/+8",
                           "10.0.0.0/-1",
                           "10.0.0.0/08",
                           "10.0.0.0/08x",
                           "10.0.0.0/8x",
                           "10.0.0.0/8/8",
                           "10.0.0.0 /8",
                           "10.0.0.0/0x8",
                           "10.0.0.0/255.0.0.0",
                           "10.0.0.0/4294967304",
                           "::/129",
                           "::/99999999999999999999",
                           "10.0.0/8",
                           "[::]/0",
                           "example.com/24"}) {
    const auto prefix = Prefix::parse(text);
    ASSERT_FALSE(prefix.ok()) << text;
    EXPECT_EQ(prefix.error().code, EINVAL);
    EXPECT_NE(prefix.error().message.find('"' + std::string(text) + '"'), std::string::npos) << prefix.error().message;
  }
}

TEST(Prefix, ContainsAgreesWithComparingBitByBit) {
  const auto bit = [](const IpAddress& address, unsigned i) { return (address.bytes[i / 8] >> (7 - i % 8)) & 1; };
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    IpAddress base;
    base.family = family;
    for (unsigned i = 0; i < base.bits() / 8; ++i) base.bytes[i] = static_cast<std::uint8_t>(random());
    for (unsigned length = 0; length <= base.bits(); ++length) {
      const Prefix prefix = Prefix::masked(base, static_cast<std::uint8_t>(length));
      EXPECT_TRUE(prefix.contains(base)) << length;
      for (unsigned i = 0; i < base.bits(); ++i) {
        EXPECT_EQ(bit(prefix.address, i), i < length ? bit(base, i) : 0);
        IpAddress other = base;
        other.bytes[i / 8] ^= static_cast<std::uint8_t>(0x80 >> i % 8);
        EXPECT_EQ(prefix.contains(other), i >= length) << prefix.to_string() << ' ' << other.to_string();
      }
    }
  }
  EXPECT_EQ(Prefix::masked(IpAddress::v4(1, 2, 3, 4), 200).length, 32);
  EXPECT_FALSE(Prefix::parse("0.0.0.0/0")->contains(*IpAddress::parse("::")));
  EXPECT_FALSE(Prefix::parse("::/0")->contains(IpAddress::v4(0, 0, 0, 0)));
  EXPECT_FALSE(Prefix().contains(IpAddress()));
}

TEST(Endpoint, AcceptsAndPrints) {
  const Accepted rows[] = {
      {"192.0.2.1:51820", "192.0.2.1:51820"},
      {"192.0.2.1:0", "192.0.2.1:0"},
      {"192.0.2.1:65535", "192.0.2.1:65535"},
      {"[2001:db8::1]:51820", "[2001:db8::1]:51820"},
      {"[fe80::1%2]:51820", "[fe80::1%2]:51820"},
      {"[fe80::1%4294967295]:1", "[fe80::1%4294967295]:1"},
      {"[::]:1", "[::]:1"},
  };
  for (const auto& [text, printed] : rows) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint.ok()) << endpoint.error().message;
    EXPECT_TRUE(endpoint->is_set());
    EXPECT_EQ(endpoint->to_string(), printed);
    EXPECT_EQ(*Endpoint::parse(endpoint->to_string()), *endpoint) << text;
  }
  const auto endpoint = Endpoint::parse("[fe80::1%2]:51820");
  EXPECT_EQ(endpoint->address, *IpAddress::parse("fe80::1"));
  EXPECT_EQ(endpoint->scope, 2u);
  EXPECT_EQ(endpoint->port, 51820);
  EXPECT_FALSE(Endpoint().is_set());
  EXPECT_EQ(Endpoint().to_string(), "");
}

TEST(Endpoint, Refuses) {
  using namespace std::string_view_literals;
  const std::string_view rows[] = {"",
                                   ":",
                                   ":51820",
                                   "192.0.2.1",
                                   "192.0.2.1:",
                                   "192.0.2.1:65536",
                                   "192.0.2.1:+1",
                                   "192.0.2.1:-1",
                                   "192.0.2.1: 1",
                                   "192.0.2.1:1 ",
                                   "192.0.2.1:01",
                                   "192.0.2.1:1x",
                                   "192.0.2.1:4295018116",
                                   "[192.0.2.1]:1",
                                   "2001:db8::1:1",
                                   "[2001:db8::1]",
                                   "[2001:db8::1]:",
                                   "[2001:db8::1]1",
                                   "2001:db8::1]:1",
                                   "[2001:db8::1:1",
                                   "[]:1",
                                   "[fe80::1%]:1",
                                   "[fe80::1%x]:1",
                                   "[fe80::1%-1]:1",
                                   "[fe80::1%01]:1",
                                   "[fe80::1%1%2]:1",
                                   "[fe80::1%4294967296]:1",
                                   "[%1]:1",
                                   "192.0.2.1%1:1",
                                   "example.com:1",
                                   "192.0.2.1:1\0"sv,
                                   "[[2001:db8::1]]:1",
                                   "[192.0.2.1%1]:1",
                                   "192.0.2.1:99999999999999999999"};
  for (const auto text : rows) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_FALSE(endpoint.ok()) << text;
    EXPECT_EQ(endpoint.error().code, EINVAL);
  }
  EXPECT_NE(Endpoint::parse("192.0.2.1:65536").error().message.find("\"192.0.2.1:65536\""), std::string::npos);
}

}  // namespace
}  // namespace wgu
