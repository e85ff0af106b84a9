#include "bench/sweep/variation.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace wgu::bench {
namespace {

TEST(ParseVariation, AnOptionWithOrWithoutDashes) {
  for (const char* text : {"streams=1,4,16", "--streams=1,4,16"}) {
    const Variation variation = *parse_variation(text);
    EXPECT_EQ(variation.name, "streams");
    EXPECT_FALSE(variation.is_environment);
    EXPECT_EQ(variation.values, (std::vector<std::string>{"1", "4", "16"}));
    EXPECT_EQ(variation.key(), "streams");
    EXPECT_EQ(variation.arguments("4"), std::vector<std::string>{"--streams=4"});
    EXPECT_TRUE(variation.environment("4").empty());
  }
}

TEST(ParseVariation, AnEnvironmentVariable) {
  const Variation variation = *parse_variation("ENV:WGU_AEAD=avx2,portable");
  EXPECT_EQ(variation.key(), "ENV:WGU_AEAD");
  EXPECT_TRUE(variation.arguments("avx2").empty());
  EXPECT_EQ(variation.environment("avx2"), (Settings{{"WGU_AEAD", "avx2"}}));
}

TEST(ParseVariation, SaysWhatIsWrong) {
  const struct {
    const char *text, *message;
  } rows[] = {
      {"streams", R"("streams": KEY=V1,V2,... is expected)"},
      {"=1,2", R"("=1,2": the name of an option is expected in front of "=")"},
      {"--=1,2", R"("--=1,2": the name of an option is expected in front of "=")"},
      {"a b=1,2", R"("a b=1,2": the name of an option is expected in front of "=")"},
      {"ENV:=1,2", R"("ENV:=1,2": ENV: is followed by the name of an environment variable)"},
      {"a=1", R"("a=1": at least two values are needed, with a comma between them)"},
      {"a=1,", R"("a=1,": a value is empty)"},
      {"a=1,2,1", R"("a=1,2,1": "1" is there twice)"},
      {"out=a,b", R"("out=a,b": where the results go is not what is measured)"},
  };
  for (const auto& row : rows) {
    const Result<Variation> result = parse_variation(row.text);
    ASSERT_FALSE(result.ok()) << row.text;
    EXPECT_EQ(result.error().code, EINVAL);
    EXPECT_EQ(result.error().message, row.message);
  }
}

TEST(Variation, FileNamesHaveNoSlashes) {
  EXPECT_EQ(parse_variation("ENV:A=x/y,b c")->file_name("dir/p", "x/y"), "dir/p-A=x_y.json");
  EXPECT_EQ(parse_variation("mtu=1280,1420")->file_name("sweep", "1420"), "sweep-mtu=1420.json");
}

TEST(Turn, EveryValueOnceARoundAndFirstInTurn) {
  std::vector<std::size_t> first;
  for (std::size_t round = 0; round < 6; ++round) {
    std::vector<bool> had(3);
    for (std::size_t place = 0; place < 3; ++place) had[turn(round, place, 3)] = true;
    EXPECT_EQ(had, std::vector<bool>(3, true));
    first.push_back(turn(round, 0, 3));
  }
  EXPECT_EQ(first, (std::vector<std::size_t>{0, 1, 2, 0, 1, 2}));
}

TEST(AddRound, AddsSamplesRowByRow) {
  Results sum, round;
  sum.seconds = 1;
  sum.rows = {{"a", "wgu", "m", "s", true, {1}, Limit::kCpu, "n"}, {"a", "veth", "m", "s", true, {2}}};
  sum.left_out = {{"x", "no root"}};
  round.seconds = 2;
  round.rows = {
      {"a", "veth", "m", "s", true, {20}}, {"a", "wgu", "m", "s", true, {10}, Limit::kNetwork, "o"}, {"b", "wgu", "m", "s", true, {5}}};
  round.left_out = {{"x", "no root"}, {"y", "no peer"}};
  round.host_after = {{"interrupts", 9}};
  add_round(sum, round);
  ASSERT_EQ(sum.rows.size(), 3U);
  EXPECT_EQ(sum.rows[0].samples, (std::vector<double>{1, 10}));
  EXPECT_EQ(sum.rows[0].limit, Limit::kCpu);
  EXPECT_EQ(sum.rows[0].note, "n; limited by network in some rounds; o");
  EXPECT_EQ(sum.rows[1].samples, (std::vector<double>{2, 20}));
  EXPECT_EQ(sum.rows[2].samples, std::vector<double>{5});
  EXPECT_EQ(sum.left_out.size(), 2U);
  EXPECT_EQ(sum.seconds, 3);
  EXPECT_EQ(sum.host_after.at("interrupts"), 9U);
  add_round(sum, round);
  EXPECT_EQ(sum.rows[0].note, "n; limited by network in some rounds; o") << "nothing is said twice";
}

}  // namespace
}  // namespace wgu::bench
