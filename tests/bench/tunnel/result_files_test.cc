#include "bench/tunnel/result_files.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "scratch_folder.h"

namespace wgu::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kBegun = "2026-11-23T13:39:01Z";

std::string here(const std::string& name) { return fs::absolute(name).string(); }

TEST(Settle, NamesBothByCommandAndTime) {
  const auto files = settle({}, "tunnel", kBegun);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(files->out, here("wgu-bench-tunnel-2026-11-23T133901Z.json"));
  EXPECT_EQ(files->page, here("wgu-bench-tunnel-2026-11-23T133901Z.html"));
  EXPECT_FALSE(fs::exists(files->out)) << "the run has yet to come";
}

TEST(Settle, OneNameGivesTheOther) {
  EXPECT_EQ(settle({.out = "a.json"}, "tunnel", kBegun).value(), (ResultFiles{here("a.json"), here("a.html")}));
  EXPECT_EQ(settle({.page = "b.html"}, "tunnel", kBegun).value(), (ResultFiles{here("b.json"), here("b.html")}));
  EXPECT_EQ(settle({"a.json", "b.html"}, "tunnel", kBegun).value(), (ResultFiles{here("a.json"), here("b.html")}));
  EXPECT_EQ(settle({.out = "results"}, "tunnel", kBegun).value(), (ResultFiles{here("results"), ""}));
}

TEST(Settle, NoneAreNone) { EXPECT_EQ(settle({"a.json", "b.html", false}, "tunnel", kBegun).value(), (ResultFiles{"", "", false})); }

TEST(Settle, RefusesWhatCouldNotBeWrittenAfterTheRun) {
  EXPECT_EQ(settle({.out = "absent/a.json"}, "tunnel", kBegun).error().code, ENOENT);
  EXPECT_EQ(settle({.page = "absent/a.html"}, "tunnel", kBegun).error().code, ENOENT);
  EXPECT_EQ(settle({.out = "/var/run/a.json"}, "tunnel", kBegun).error().code, EINVAL);
  EXPECT_EQ(settle({"a.json", "a.json"}, "tunnel", kBegun).error().code, EINVAL);
}

TEST(WriteFiles, WritesResultsAndTheirPage) {
  const test::ScratchFolder folder;
  Results results;
  results.command = "tunnel";
  results.begun = kBegun;
  results.rows = {{"tcp/streams:1/forward", "wgu", "throughput", "bit/s", true, {5e9}, Limit::kCpu, ""}};
  const auto files = settle({.out = folder.file("run.json")}, "tunnel", kBegun);
  ASSERT_TRUE(files) << files.error().message;
  const auto written = write_files(results, *files);
  ASSERT_TRUE(written) << written.error().message;
  EXPECT_EQ(read_results(folder.file("run.json")).value(), results);
  std::ifstream stream(folder.file("run.html"));
  const std::string page(std::istreambuf_iterator<char>(stream), {});
  EXPECT_TRUE(page.starts_with("<!DOCTYPE html>"));
  EXPECT_NE(page.find("streams 1"), std::string::npos);
  EXPECT_TRUE(write_files(results, {"", "", false}));
}

}  // namespace
}  // namespace wgu::bench
