#pragma once
// One variable and its values, and what the runs with one value add up to.

#include <string>
#include <string_view>
#include <vector>

#include "bench/results.h"
#include "wgu/result.h"

namespace wgu::bench {

struct Variation {
  std::string name;  // of an option, without its dashes, or of an environment variable
  bool is_environment = false;
  std::vector<std::string> values;  // at least two, no two equal

  [[nodiscard]] std::string key() const;  // in the results' configuration: "streams", "ENV:WGU_AEAD"
  // What a run with that value is started with.
  [[nodiscard]] std::vector<std::string> arguments(const std::string& value) const;
  [[nodiscard]] Settings environment(const std::string& value) const;
  // PREFIX-KEY=VALUE.json; what does not belong into a file's name is replaced.
  [[nodiscard]] std::string file_name(const std::string& prefix, const std::string& value) const;
};

// "KEY=V1,V2,..." with KEY the name of an option, dashes or not, or ENV:NAME. \errors EINVAL: the message says what is wrong
Result<Variation> parse_variation(std::string_view text);

// Which value has its turn: each round begins with another, so that none always follows the same.
[[nodiscard]] std::size_t turn(std::size_t round, std::size_t place, std::size_t values);

// Adds one more run's samples, row by row, and what it left out; the first run is what `sum` begins as. Curves stay those of the first.
void add_round(Results& sum, const Results& round);

}  // namespace wgu::bench
