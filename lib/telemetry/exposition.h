#pragma once
// The lines of an exposition, family by family: each family's lines stand together, as both formats demand. What differs between them:
//
//                   Prometheus 0.0.4                  OpenMetrics 1.0
//   TYPE, HELP of   the sample's name, with _total    the family's, without
//   UNIT            no                                where there is one
//   numbers of le   1                                 1.0
//   last line       any                               # EOF

#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include "telemetry/number_text.h"
#include "wgu/telemetry.h"

namespace wgu::telemetry {

class Exposition {
 public:
  Exposition(MetricsFormat format, std::string& out) : is_open_metrics_(format == MetricsFormat::kOpenMetrics), out_(out) {}

  // The header of a family, once; samples of it follow.
  void begin(std::string_view name, std::string_view type, std::string_view unit, std::string_view help) {
    if (name == family_) return;
    family_ = name;
    is_counter_ = type == "counter";
    header("TYPE", type);
    if (is_open_metrics_ && !unit.empty()) header("UNIT", unit);
    header("HELP", help);
  }
  void begin(const MetricFamily& family) {
    begin(family.name, family.type == MetricType::kCounter ? "counter" : "gauge", family.unit, family.help);
  }

  // `labels` without braces, possibly followed by one more.
  template <class Number>
  void sample(std::string_view labels, const MetricLabel& label, Number value, double scale = 1, std::string_view suffix = "") {
    out_ += family_;
    out_ += is_counter_ ? "_total" : suffix;
    out_ += '{';
    out_ += labels;
    if (!label.name.empty()) append_label(label);
    out_ += "} ";
    if constexpr (std::is_floating_point_v<Number>) {
      append_number(out_, value);
    } else {
      append_scaled(out_, value, scale);
    }
    out_ += '\n';
  }

  void histogram(const MeasureInfo& info, const Histogram& values, std::string labels) {
    begin(info.family.name, "histogram", info.family.unit, info.family.help);
    if (!info.label.name.empty()) labels.append(",").append(info.label.name).append("=\"").append(info.label.value).append("\"");
    std::string bound;
    for (unsigned exponent = info.least_bound; exponent <= info.greatest_bound; ++exponent) {
      bound.clear();
      append_bound(bound, static_cast<double>(std::uint64_t{1} << exponent) * info.scale);
      sample(labels, {"le", bound}, values.count_up_to(std::uint64_t{1} << exponent), 1, "_bucket");
    }
    sample(labels, {"le", "+Inf"}, values.count(), 1, "_bucket");
    sample(labels, {}, values.sum(), info.scale, "_sum");
    sample(labels, {}, values.count(), 1, "_count");
  }

  void end() {
    if (is_open_metrics_) out_ += "# EOF\n";
  }

 private:
  void header(std::string_view what, std::string_view text) {
    out_.append("# ").append(what).append(" ").append(family_);
    if (is_counter_ && !is_open_metrics_) out_ += "_total";
    out_.append(" ").append(text).append("\n");  // our own words: nothing to escape
  }
  void append_label(const MetricLabel& label) { out_.append(",").append(label.name).append("=\"").append(label.value).append("\""); }
  void append_bound(std::string& text, double bound) const {
    append_number(text, bound);
    if (is_open_metrics_ && text.find_first_of(".e") == std::string::npos) text += ".0";
  }

  bool is_open_metrics_;
  bool is_counter_ = false;
  std::string_view family_;
  std::string& out_;
};

// Interface names may hold any byte but '/' and white space.
[[nodiscard]] inline std::string escaped(std::string_view value) {
  std::string text;
  for (const char c : value) {
    if (c == '\\' || c == '"') text += '\\';
    if (c == '\n') {
      text += "\\n";
    } else {
      text += c;
    }
  }
  return text;
}

[[nodiscard]] inline std::string label(std::string_view name, std::string_view value) {
  return std::string(name) + "=\"" + escaped(value) + "\"";
}

// The families of a snapshot. `text` may have had others before, and may get more behind; end() is the caller's.
void write(Exposition& text, const Snapshot& snapshot);

}  // namespace wgu::telemetry
