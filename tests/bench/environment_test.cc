#include "bench/environment.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "scratch_folder.h"
namespace wgu::bench {
namespace {

constexpr const char* kCpuinfo =
    "processor\t: 0\nvendor_id\t: Maker\ncpu family\t: 25\nmodel\t\t: 17\nmodel name\t: Some CPU @ 2.6: fast\nflags\t\t: fpu avx2 "
    "hypervisor lahf_lm\n\n"
    "processor\t: 1\nmodel name\t: Another CPU\n";

class Machine : public testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) const { folder_.write(path, text); }
  [[nodiscard]] std::string value(const std::string& key) const { return value_of(read_environment(root_), key); }
  test::ScratchFolder folder_;
  std::string root_ = folder_.file("");
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
  write("proc/sys/net/core/rmem_max", "212992\n");
  write("proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n");
  EXPECT_EQ(value("cpu"), "Some CPU @ 2.6: fast (family 25, model 17)");
  EXPECT_EQ(value("cpu_features"), "avx2");
  EXPECT_EQ(value("virtual_machine"), "yes");
  EXPECT_EQ(value("governor"), "powersave");
  EXPECT_EQ(value("sysctl/net.core.rmem_max"), "212992");
  EXPECT_EQ(value("sysctl/net.ipv4.tcp_rmem"), "4096 131072 6291456");
}

TEST_F(Machine, SaysWhatItCannotRead) {
  EXPECT_EQ(value("cpu"), "not readable");
  EXPECT_EQ(value("cpu_features"), "none of those that matter");
  EXPECT_EQ(value("governor"), "not readable");
  EXPECT_EQ(value("turbo"), "not readable");
  EXPECT_EQ(value("sysctl/net.core.rmem_max"), "") << "not every kernel has every one";
}

TEST_F(Machine, IsVirtualOnlyByTheWholeWord) {
  write("proc/cpuinfo", "model name : x\nflags : fpu hypervisor_like\n");
  EXPECT_EQ(value("virtual_machine"), "no sign of one");
}

TEST_F(Machine, ThatIsAnArmHasItsFeatures) {
  write("proc/cpuinfo", "processor : 0\nFeatures : fp asimd evtstrm\n");
  EXPECT_EQ(value("cpu_features"), "asimd");
}

TEST_F(Machine, TurboIsOnUnlessOneOfTwoDriversSaysNot) {
  const struct {
    const char *file, *content, *turbo;
  } rows[] = {{"intel_pstate/no_turbo", "0\n", "on"}, {"intel_pstate/no_turbo", "1\n", "off"}};
  for (const auto& row : rows) {
    write(std::string("sys/devices/system/cpu/") + row.file, row.content);
    EXPECT_EQ(value("turbo"), row.turbo);
  }
}

TEST_F(Machine, TurboOfTheOtherDriver) {
  write("sys/devices/system/cpu/cpufreq/boost", "1\n");
  EXPECT_EQ(value("turbo"), "on");
  write("sys/devices/system/cpu/cpufreq/boost", "0\n");
  EXPECT_EQ(value("turbo"), "off");
}

TEST(Environment, NamesTheBuildAndWhatItIsBuiltWith) {
  const Environment environment = read_environment();
  for (const char* key : {"wgu", "build", "compiler", "libsodium", "liburing", "os", "usable_cpus"}) {
    EXPECT_NE(value_of(environment, key), "") << key;
  }
  EXPECT_EQ(environment.front().first, "wgu");
}

TEST(Environment, HasEachKeyOnce) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : read_environment()) keys.push_back(key);
  std::sort(keys.begin(), keys.end());
  EXPECT_EQ(std::adjacent_find(keys.begin(), keys.end()), keys.end());
}

TEST(MustBeEqual, AllButTheBuildAndNotes) {
  for (const char* key : {"cpu", "compiler", "sysctl/net.core.rmem_max", "offload/rx-gro", "wireguard-go", "anything new"}) {
    EXPECT_TRUE(must_be_equal(key)) << key;
  }
  for (const char* key : {"wgu", "build", "kernel_table", "kernels_run", "note/load_average"}) EXPECT_FALSE(must_be_equal(key)) << key;
}

TEST(BuildId, IsHexadecimalAndTheSameEachTime) {
  EXPECT_EQ(build_id(), build_id());
  EXPECT_EQ(build_id().find_first_not_of("0123456789abcdef"), std::string::npos);
}

}  // namespace
}  // namespace wgu::bench
