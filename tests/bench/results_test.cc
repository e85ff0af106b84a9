#include "bench/results.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cmath>
#include <limits>

#include "scratch_folder.h"

namespace wgu::bench {
namespace {

Results full() {
  Results results;
  results.command = "tunnel";
  results.begun = "2026-11-23T13:39:01Z";
  results.seconds = 12.5;
  results.configuration = {{"mtu", "1420"}, {"streams", ""}};
  results.configuration_hash = "00ff";
  results.environment = {{"wgu", "0.1.0"}, {"os", "Linux \"quoted\"\t\xc3\xa9"}, {"a_key_after_os", "kept in this order"}};
  results.host_before = {{"udp/InErrors", 0}, {"interrupts", std::numeric_limits<std::uint64_t>::max()}};
  results.host_after = {{"udp/InErrors", 7}};
  results.rows = {{"tcp/streams:1", "wgu", "throughput", "bit/s", true, {1e9, 0.1 + 0.2, 5e-324, -3}, Limit::kGenerator, "a note"},
                  {"tcp/streams:1", "veth", "throughput", "bit/s", true, {}, Limit::kProtocol, ""}};
  results.curves = {{"latency/load:50", "wgu", "percentile", "s", {{50, 1e-6}, {99.9, 2.5e-3}}}};
  results.left_out = {{"udp", "no root"}, {"udp", "a second reason"}};
  results.references = {"veth", "wireguard-go"};
  return results;
}

std::string json(const Results& results) { return format_results(results).value(); }

std::string replaced(const std::string& from, const std::string& to) {
  std::string text = json(full());
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from << " is not in " << text;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(Results, ComeBackAsTheyWere) {
  const Result<Results> read = parse_results(json(full()));
  ASSERT_TRUE(read.ok()) << read.error().message;
  EXPECT_EQ(*read, full());
  EXPECT_EQ(*parse_results(json(Results{})), Results{});
}

TEST(Results, StandOnOneLine) { EXPECT_EQ(json(full()).find('\n'), std::string::npos); }

TEST(Results, KeepEachLimit) {
  for (std::size_t i = 0; i < kLimits; ++i) {
    const auto limit = static_cast<Limit>(i);
    Results results = full();
    results.rows[0].limit = limit;
    EXPECT_EQ(parse_results(json(results))->rows[0].limit, limit);
  }
}

TEST(Results, NumbersThatJsonHasNotAreRefused) {
  for (const double bad : {std::nan(""), HUGE_VAL, -HUGE_VAL}) {
    Results sample = full(), point = full(), seconds = full();
    sample.rows[0].samples[1] = bad;
    point.curves[0].points[1].second = bad;
    seconds.seconds = bad;
    EXPECT_EQ(format_results(sample).error().message, "rows[0].samples[1]: is not a finite number");
    EXPECT_EQ(format_results(point).error().message, "curves[0].points[1]: is not a finite number");
    EXPECT_EQ(format_results(seconds).error().message, "seconds: is not a finite number");
  }
}

TEST(Results, TextThatIsNotUtf8IsRefused) {
  Results results = full();
  results.rows[0].note = "\xff";
  EXPECT_EQ(format_results(results).error().code, EINVAL);
}

TEST(Results, ARowThatIsThereTwiceIsRefusedBothWays) {
  Results results = full();
  results.rows[1].subject = "wgu";
  const std::string message = R"(rows[1]: name "tcp/streams:1", subject "wgu" and metric "throughput" are those of another row)";
  EXPECT_EQ(format_results(results).error().message, message);
  EXPECT_EQ(parse_results(replaced(R"("subject":"veth")", R"("subject":"wgu")")).error().message, message);
}

TEST(Results, AnEntryOfTheEnvironmentThatIsThereTwiceIsRefused) {
  Results results = full();
  results.environment.emplace_back("wgu", "0.2");
  EXPECT_EQ(format_results(results).error().message, "environment.wgu: is there twice");
}

TEST(Results, ReadingSaysWhichKeyIsWrong) {
  const struct {
    std::string from, to, message;
  } rows[] = {
      {R"("version":1)", R"("version":2)", "version: 2 is not the one that is known here, 1"},
      {R"("version":1)", R"("version":"1")", R"(version: a whole number that is not negative is expected, not "\"1\"")"},
      {R"("version":1,)", "", "version: is not there"},
      {R"("command":"tunnel")", R"("command":7)", R"(command: a text is expected, not "7")"},
      {R"("command":"tunnel")", R"("command":"tunnel","command":"x")", "command: is there twice"},
      {R"("command":"tunnel")", R"("command":"tunnel","extra":0)", "extra: is not a key of this format"},
      {R"("seconds":12.5)", R"("seconds":null)", R"(seconds: a number is expected, not "null")"},
      {R"("mtu":"1420")", R"("mtu":1420)", R"(configuration.mtu: a text is expected, not "1420")"},
      {R"("udp/InErrors":7)", R"("udp/InErrors":-7)",
       R"(host_after.udp/InErrors: a whole number that is not negative is expected, not "-7")"},
      {R"("limit":"generator")", R"("limit":"moon")", R"(rows[0].limit: "moon" is no limit)"},
      {R"("higher_is_better":true)", R"("higher_is_better":1)", R"(rows[0].higher_is_better: true or false is expected, not "1")"},
      {R"("note":"a note")", R"("nota":"a note")", "rows[0].note: is not there"},
      {R"("note":"a note")", R"("note":"a note","colour":"")", "rows[0].colour: is not a key of this format"},
      {"5e-324", "[]", "rows[0].samples[2]: a number is expected, not array"},
      {"[50.0,1e-06]", "[50.0]", "curves[0].points[0]: a pair of numbers is expected, not array"},
      {R"("reason":"no root")", R"("reason":1)", R"(left_out[0].reason: a text is expected, not "1")"},
      {R"(["veth","wireguard-go"])", R"(["veth",{}])", "references[1]: a text is expected, not object"},
      {R"("curves":[)", R"("curves":{}, "x":[)", "curves: an array is expected, not object"},
  };
  for (const auto& row : rows) {
    const Result<Results> read = parse_results(replaced(row.from, row.to));
    ASSERT_FALSE(read.ok()) << row.to;
    EXPECT_EQ(read.error().code, EINVAL);
    EXPECT_EQ(read.error().message, row.message);
  }
}

TEST(Results, WhatIsNoJsonIsRefused) {
  const std::string whole = json(full());
  for (const std::string& text : {std::string(), std::string("[]"), std::string("{"), whole.substr(0, whole.size() / 2), whole + "x",
                                  replaced("12.5", "1e999"), replaced("12.5", "NaN"), std::string(100'000, '[')}) {
    EXPECT_EQ(parse_results(text).error().code, EINVAL) << text.substr(0, 40);
  }
}

TEST(Results, TooMuchIsRefusedBeforeItIsParsed) { EXPECT_EQ(parse_results(std::string(kMaxResultsSize + 1, ' ')).error().code, EFBIG); }

TEST(Results, AreWrittenToAFileAndRead) {
  const test::ScratchFolder folder;
  ASSERT_TRUE(write_results(full(), folder.file("a.json")).ok());
  EXPECT_EQ(*read_results(folder.file("a.json")), full());
  EXPECT_EQ(folder.files(), 1U);
}

TEST(Results, ThatCannotBeWrittenLeaveTheOldFile) {
  const test::ScratchFolder folder;
  folder.write("a.json", "old");
  Results bad = full();
  bad.seconds = HUGE_VAL;
  EXPECT_EQ(write_results(bad, folder.file("a.json")).error().message, folder.file("a.json") + ": seconds: is not a finite number");
  EXPECT_EQ(read_results(folder.file("a.json")).error().code, EINVAL);
  EXPECT_EQ(folder.files(), 1U);
  EXPECT_EQ(write_results(full(), folder.file("absent/a.json")).error().code, ENOENT);
}

TEST(Results, ErrorsOfReadingNameTheFile) {
  const test::ScratchFolder folder;
  EXPECT_EQ(read_results(folder.file("absent.json")).error().message, folder.file("absent.json") + ": No such file or directory");
  folder.write("b.json", R"({"version":1})");
  EXPECT_EQ(read_results(folder.file("b.json")).error().message, folder.file("b.json") + ": command: is not there");
}

TEST(ConfigurationHash, IsOfTheConfigurationAndOfWhatMustBeEqual) {
  const Settings settings = {{"mtu", "1420"}};
  const Environment machine = {{"cpu", "x"}, {"wgu", "0.1"}, {"note/load", "3"}};
  const std::string hash = configuration_hash(settings, machine);
  EXPECT_EQ(hash.size(), 32U);
  EXPECT_EQ(configuration_hash(settings, {{"wgu", "0.2"}, {"build", "ab"}, {"cpu", "x"}}), hash) << "another build, another order";
  EXPECT_NE(configuration_hash(settings, {{"cpu", "y"}}), hash);
  EXPECT_NE(configuration_hash({{"mtu", "1280"}}, machine), hash);
  EXPECT_NE(configuration_hash({{"mtu", "1420"}, {"cpu", "x"}}, {}), hash) << "what is configuration is not environment";
  EXPECT_NE(configuration_hash({{"a", "b c d"}}, {}), configuration_hash({{"a b", "c d"}}, {}));
}

TEST(UtcNow, IsIso8601) {
  const std::string now = utc_now();
  ASSERT_EQ(now.size(), 20U) << now;
  EXPECT_EQ(now.substr(0, 2), "20");
  EXPECT_EQ(now[10], 'T');
  EXPECT_EQ(now.back(), 'Z');
}

}  // namespace
}  // namespace wgu::bench
