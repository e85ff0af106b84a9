// Results to JSON and back. Reading goes through Reader, which knows the path to where it is ("rows[3].samples[2]"), takes each key
// of an object once, and at the end refuses what nobody took. Sizes are bounded before parsing: by bytes and by depth.
#include "bench/results.h"

#include <sodium.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <ctime>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <system_error>
#include <tuple>

#include "bench/whole_file.h"
#include "values/quote_value.h"

namespace wgu::bench {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, kLimits> kLimitNames = {"unknown", "generator", "cpu", "network", "protocol", "wake-ups", "nothing"};
constexpr int kMaxDepth = 8;  // the format needs 5

// A sentence that begins with the key; becomes an Error on the way out.
class Refused : public std::runtime_error {
 public:
  Refused(const std::string& where, const std::string& what) : std::runtime_error(where.empty() ? what : where + ": " + what) {}
};

std::string at(const std::string& path, std::size_t index) { return path + "[" + std::to_string(index) + "]"; }
std::string at(const std::string& path, const std::string& key) { return path.empty() ? key : path + "." + key; }

using RowKey = std::tuple<std::string, std::string, std::string>;

void check_rows_are_unique(const std::vector<Row>& rows) {
  std::set<RowKey> seen;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (!seen.insert({rows[i].name, rows[i].subject, rows[i].metric}).second) {
      throw Refused(at("rows", i), "name " + quote_value(rows[i].name) + ", subject " + quote_value(rows[i].subject) + " and metric " +
                                       quote_value(rows[i].metric) + " are those of another row");
    }
  }
}

// --- Writing ---------------------------------------------------------------------------------------------------------------

double finite(double value, const std::string& path) {
  if (!std::isfinite(value)) throw Refused(path, "is not a finite number");
  return value;
}

Json pairs(const std::vector<std::pair<std::string, std::string>>& entries, const std::string& path) {
  Json object = Json::object();
  for (const auto& [key, value] : entries) {
    if (!object.emplace(key, value).second) throw Refused(at(path, key), "is there twice");
  }
  return object;
}

Json row_to_json(const Row& row, const std::string& path) {
  Json samples = Json::array();
  for (std::size_t i = 0; i < row.samples.size(); ++i) samples.push_back(finite(row.samples[i], at(at(path, "samples"), i)));
  return {{"name", row.name},
          {"subject", row.subject},
          {"metric", row.metric},
          {"unit", row.unit},
          {"higher_is_better", row.higher_is_better},
          {"samples", std::move(samples)},
          {"limit", limit_name(row.limit)},
          {"note", row.note}};
}

Json curve_to_json(const Curve& curve, const std::string& path) {
  Json points = Json::array();
  for (std::size_t i = 0; i < curve.points.size(); ++i) {
    const std::string here = at(at(path, "points"), i);
    points.push_back(Json::array({finite(curve.points[i].first, here), finite(curve.points[i].second, here)}));
  }
  return {
      {"name", curve.name}, {"subject", curve.subject}, {"x_unit", curve.x_unit}, {"y_unit", curve.y_unit}, {"points", std::move(points)}};
}

Json to_json(const Results& results) {
  check_rows_are_unique(results.rows);
  Json rows = Json::array();
  for (std::size_t i = 0; i < results.rows.size(); ++i) rows.push_back(row_to_json(results.rows[i], at("rows", i)));
  Json curves = Json::array();
  for (std::size_t i = 0; i < results.curves.size(); ++i) curves.push_back(curve_to_json(results.curves[i], at("curves", i)));
  Json left_out = Json::array();
  for (const auto& [name, reason] : results.left_out) left_out.push_back({{"name", name}, {"reason", reason}});
  return {{"version", kResultsVersion},
          {"command", results.command},
          {"begun", results.begun},
          {"seconds", finite(results.seconds, "seconds")},
          {"configuration", results.configuration},
          {"configuration_hash", results.configuration_hash},
          {"environment", pairs(results.environment, "environment")},
          {"host_before", results.host_before},
          {"host_after", results.host_after},
          {"rows", std::move(rows)},
          {"curves", std::move(curves)},
          {"left_out", std::move(left_out)},
          {"references", results.references}};
}

// --- Reading ---------------------------------------------------------------------------------------------------------------

// One value and the path to it.
class Reader {
 public:
  Reader(const Json& value, std::string path) : value_(value), path_(std::move(path)) {}

  [[nodiscard]] std::string text() const {
    if (!value_.is_string()) refuse("a text");
    return value_.get<std::string>();
  }
  [[nodiscard]] bool boolean() const {
    if (!value_.is_boolean()) refuse("true or false");
    return value_.get<bool>();
  }
  [[nodiscard]] double number() const {
    if (!value_.is_number()) refuse("a number");
    return value_.get<double>();
  }
  [[nodiscard]] std::uint64_t count() const {
    if (!value_.is_number_unsigned()) refuse("a whole number that is not negative");
    return value_.get<std::uint64_t>();
  }
  [[nodiscard]] Limit limit() const {
    const std::string name = text();
    for (std::size_t i = 0; i < kLimitNames.size(); ++i) {
      if (name == kLimitNames[i]) return static_cast<Limit>(i);
    }
    throw Refused(path_, quote_value(name) + " is no limit");
  }

  [[nodiscard]] Reader key(const std::string& name) {
    if (!value_.is_object()) refuse("an object");
    const auto entry = value_.find(name);
    if (entry == value_.end()) throw Refused(at(path_, name), "is not there");
    taken_.insert(name);
    return {*entry, at(path_, name)};
  }
  void check_all_taken() const {
    for (const auto& [name, value] : value_.items()) {
      if (!taken_.contains(name)) throw Refused(at(path_, name), "is not a key of this format");
    }
  }
  template <class Visit>  // (const std::string& key, const Reader& value)
  void each_entry(const Visit& visit) const {
    if (!value_.is_object()) refuse("an object");
    for (const auto& [name, value] : value_.items()) visit(name, Reader(value, at(path_, name)));
  }
  template <class Visit>  // (Reader element)
  void each_element(const Visit& visit) const {
    if (!value_.is_array()) refuse("an array");
    for (std::size_t i = 0; i < value_.size(); ++i) visit(Reader(value_[i], at(path_, i)));
  }
  [[nodiscard]] std::pair<double, double> point() const {
    if (!value_.is_array() || value_.size() != 2) refuse("a pair of numbers");
    return {Reader(value_[0], at(path_, 0)).number(), Reader(value_[1], at(path_, 1)).number()};
  }

 private:
  [[noreturn]] void refuse(const std::string& expected) const {
    throw Refused(path_, expected + " is expected, not " + (value_.is_primitive() ? quote_value(value_.dump()) : value_.type_name()));
  }

  const Json& value_;
  std::string path_;
  std::set<std::string> taken_{};
};

std::vector<std::pair<std::string, std::string>> read_pairs(const Reader& reader) {
  std::vector<std::pair<std::string, std::string>> entries;
  reader.each_entry([&](const std::string& key, const Reader& value) { entries.emplace_back(key, value.text()); });
  return entries;
}

HostCounters read_counters(const Reader& reader) {
  HostCounters counters;
  reader.each_entry([&](const std::string& key, const Reader& value) { counters.emplace(key, value.count()); });
  return counters;
}

Row read_row(Reader reader) {
  Row row{reader.key("name").text(), reader.key("subject").text(), reader.key("metric").text(), reader.key("unit").text()};
  row.higher_is_better = reader.key("higher_is_better").boolean();
  reader.key("samples").each_element([&](const Reader& sample) { row.samples.push_back(sample.number()); });
  row.limit = reader.key("limit").limit();
  row.note = reader.key("note").text();
  reader.check_all_taken();
  return row;
}

Curve read_curve(Reader reader) {
  Curve curve{reader.key("name").text(), reader.key("subject").text(), reader.key("x_unit").text(), reader.key("y_unit").text()};
  reader.key("points").each_element([&](const Reader& point) { curve.points.push_back(point.point()); });
  reader.check_all_taken();
  return curve;
}

std::pair<std::string, std::string> read_left_out(Reader reader) {
  std::pair<std::string, std::string> entry{reader.key("name").text(), reader.key("reason").text()};
  reader.check_all_taken();
  return entry;
}

Results from_json(const Json& json) {
  Reader reader(json, "");
  if (const std::uint64_t version = reader.key("version").count(); version != kResultsVersion) {
    throw Refused("version", std::to_string(version) + " is not the one that is known here, " + std::to_string(kResultsVersion));
  }
  Results results;
  results.command = reader.key("command").text();
  results.begun = reader.key("begun").text();
  results.seconds = reader.key("seconds").number();
  reader.key("configuration").each_entry([&](const std::string& key, const Reader& value) {
    results.configuration.emplace(key, value.text());
  });
  results.configuration_hash = reader.key("configuration_hash").text();
  results.environment = read_pairs(reader.key("environment"));
  results.host_before = read_counters(reader.key("host_before"));
  results.host_after = read_counters(reader.key("host_after"));
  reader.key("rows").each_element([&](const Reader& row) { results.rows.push_back(read_row(row)); });
  reader.key("curves").each_element([&](const Reader& curve) { results.curves.push_back(read_curve(curve)); });
  reader.key("left_out").each_element([&](const Reader& entry) { results.left_out.push_back(read_left_out(entry)); });
  reader.key("references").each_element([&](const Reader& subject) { results.references.push_back(subject.text()); });
  reader.check_all_taken();
  check_rows_are_unique(results.rows);
  return results;
}

// The parser would take the last of several equal keys, and any depth.
Json parse_strictly(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  return Json::parse(text, [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMaxDepth) throw Refused("", "nested deeper than any results file is");
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second) {
      throw Refused(value.get<std::string>(), "is there twice");
    }
    return true;
  });
}

Error error_of(const std::string& path, int code) { return {code, path + ": " + std::generic_category().message(code)}; }

}  // namespace

std::string_view limit_name(Limit limit) { return kLimitNames[static_cast<std::size_t>(limit)]; }

std::string configuration_hash(const Settings& configuration, const Environment& environment) {
  // Lengths in front, so that no two lists read alike.
  std::string text;
  const auto append = [&text](const std::string& key, const std::string& value) {
    text += std::to_string(key.size()) + " " + key + " " + std::to_string(value.size()) + " " + value + "\n";
  };
  for (const auto& [key, value] : configuration) append(key, value);
  text += "environment\n";
  for (const auto& [key, value] : Settings(environment.begin(), environment.end())) {
    if (must_be_equal(key)) append(key, value);
  }
  std::array<unsigned char, 16> hash{};
  crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(), nullptr, 0);
  std::array<char, 2 * hash.size() + 1> digits{};
  return sodium_bin2hex(digits.data(), digits.size(), hash.data(), hash.size());
}

std::string utc_now() {
  const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%FT%TZ", &utc)};
}

Result<std::string> format_results(const Results& results) try { return to_json(results).dump(); } catch (const Refused& refused) {
  return Error{EINVAL, refused.what()};
} catch (const Json::exception& exception) {
  return Error{EINVAL, exception.what()};
}

Result<Results> parse_results(std::string_view json) try {
  if (json.size() > kMaxResultsSize) return Error{EFBIG, "larger than any results file is"};
  return from_json(parse_strictly(json));
} catch (const Refused& refused) {
  return Error{EINVAL, refused.what()};
} catch (const Json::exception& exception) {
  return Error{EINVAL, exception.what()};
}

Result<void> write_results(const Results& results, const std::string& path) {
  const Result<std::string> json = format_results(results);
  if (!json.ok()) return Error{json.error().code, path + ": " + json.error().message};
  return write_whole_file(path, json.value() + '\n');
}

Result<Results> read_results(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return error_of(path, errno);
  std::string text;
  std::array<char, 65536> chunk{};
  while (stream.read(chunk.data(), chunk.size()), stream.gcount() > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(stream.gcount()));
    if (text.size() > kMaxResultsSize) return Error{EFBIG, path + ": larger than any results file is"};
  }
  if (stream.bad()) return error_of(path, EIO);
  Result<Results> results = parse_results(text);
  if (!results.ok()) return Error{results.error().code, path + ": " + results.error().message};
  return results;
}

}  // namespace wgu::bench
