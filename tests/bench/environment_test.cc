#include "bench/environment.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

namespace wgu::bench {
namespace {

constexpr const char* kCpuinfo =
    "processor\t: 0\nvendor_id\t: Maker\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: Some CPU @ 2.6: fast\nflags\t\t: fpu avx2 "
    "hypervisor lahf_lm\n\n"
    "processor\t: 1\nmodel name\t: Another CPU\n";

std::string value(const Environment& environment, const std::string& name) {
  const auto entry = std::find_if(environment.begin(), environment.end(), [&](const auto& pair) { return pair.first == name; });
  return entry == environment.end() ? "(absent)" : entry->second;
}

class Machine : public testing::Test {
 protected:
  Machine() { std::filesystem::create_directories(root_); }
  ~Machine() override { std::filesystem::remove_all(root_); }
  void write(const std::string& path, const std::string& text) const {
    std::filesystem::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::filesystem::path root_ = std::filesystem::path(testing::TempDir()) /
                                (std::string("wgu_environment_") + testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST(CpuinfoField, IsTheFirstOfThatNameWithoutItsPadding) {
  EXPECT_EQ(cpuinfo_field(kCpuinfo, "model name"), "Some CPU @ 2.6: fast");
  EXPECT_EQ(cpuinfo_field(kCpuinfo, "model"), "17");
  EXPECT_EQ(cpuinfo_field(kCpuinfo, "processor"), "0");
}

TEST(CpuinfoField, IsEmptyWhenThereIsNone) {
  EXPECT_EQ(cpuinfo_field(kCpuinfo, "name"), "");
  EXPECT_EQ(cpuinfo_field("", "model"), "");
  EXPECT_EQ(cpuinfo_field("no colon here\nmodel :\n", "model"), "");
}

TEST_F(Machine, IsReadFromItsFiles) {
  write("proc/cpuinfo", kCpuinfo);
  write("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "powersave\n");
  const Environment environment = read_environment(root_);
  EXPECT_EQ(value(environment, "cpu"), "Some CPU @ 2.6: fast (family 25, model 17)");
  EXPECT_EQ(value(environment, "virtual_machine"), "yes");
  EXPECT_EQ(value(environment, "governor"), "powersave");
}

TEST_F(Machine, SaysWhatItCannotRead) {
  const Environment environment = read_environment(root_);
  EXPECT_EQ(value(environment, "cpu"), "not readable");
  EXPECT_EQ(value(environment, "governor"), "not readable");
}

TEST_F(Machine, IsVirtualOnlyByTheWholeWord) {
  write("proc/cpuinfo", "model name : x\nflags : fpu hypervisor_like\n");
  EXPECT_EQ(value(read_environment(root_), "virtual_machine"), "no sign of one");
}

}  // namespace
}  // namespace wgu::bench
