#include "telemetry/host/kernel_text.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "telemetry/fixture.h"

namespace wgu::telemetry {
namespace {

TEST(KernelText, IsReadWhole) {
  EXPECT_EQ(read_text(test::fixture("guest_v1/sys/class/net/eth0/device/numa_node")), "-1\n");
  EXPECT_EQ(read_text(test::fixture("bare/proc/net/softnet_stat")), "");
  EXPECT_GT(read_text("/proc/self/status").value().size(), 100U) << "files of /proc say that they are empty";
}

TEST(KernelText, WhatCannotBeReadIsNone) {
  EXPECT_EQ(read_text(test::fixture("bare/proc/stat")), std::nullopt);
  EXPECT_EQ(read_text(test::fixture("bare/proc")), std::nullopt) << "a folder";
  EXPECT_EQ(read_line(test::fixture("bare/proc/net/softnet_stat")), std::nullopt) << "no line in it";
}

TEST(KernelText, WordsHaveNoSeparatorsAndNoneIsEmpty) {
  EXPECT_EQ(words_of("  a\t b  "), (std::vector<std::string_view>{"a", "b"}));
  EXPECT_EQ(lines_of("\na b\n\nc"), (std::vector<std::string_view>{"a b", "c"}));
  EXPECT_TRUE(words_of(" \t").empty());
  EXPECT_TRUE(words_of("").empty());
}

TEST(KernelText, ANumberIsAllOfItsText) {
  EXPECT_EQ(number<std::uint64_t>("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(number<std::uint32_t>("ffffffff", 16), UINT32_MAX);
  EXPECT_EQ(number<int>("-1"), -1);
  for (const char* text : {"", "-1", "+1", " 1", "1 ", "1x", "0x1", "18446744073709551616"})
    EXPECT_FALSE(number<std::uint64_t>(text)) << text;
}

TEST(KernelText, PathPartsStayInTheirFolder) {
  for (const char* name : {"eth0", "eth0:1", "a b", "...", ".hidden"}) EXPECT_TRUE(is_path_part(name)) << name;
  for (const char* name : {"", ".", "..", "a/b", "/"}) EXPECT_FALSE(is_path_part(name)) << name;
  EXPECT_FALSE(is_path_part(std::string_view("a\0b", 3)));
}

}  // namespace
}  // namespace wgu::telemetry
