// The prefix is chosen by the value as it will be printed: 999.7 kbit/s is "1.00 Mbit/s", not "1 000 kbit/s".
#include "bench/quantity.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <span>

namespace wgu::bench {
namespace {

constexpr std::string_view kNarrowSpace = "\u202F";

struct Prefix {
  double factor;
  std::string_view symbol;
};
constexpr std::array kAbove = {Prefix{1e18, "E"}, Prefix{1e15, "P"}, Prefix{1e12, "T"}, Prefix{1e9, "G"},
                               Prefix{1e6, "M"},  Prefix{1e3, "k"},  Prefix{1, ""}};
constexpr std::array kBelow = {Prefix{1, ""}, Prefix{1e-3, "m"}, Prefix{1e-6, "µ"}, Prefix{1e-9, "n"}};
constexpr std::array kBinary = {Prefix{1099511627776.0, "Ti"}, Prefix{1073741824.0, "Gi"}, Prefix{1048576.0, "Mi"}, Prefix{1024.0, "Ki"},
                                Prefix{1, ""}};

const Prefix& prefix_of(std::span<const Prefix> descending, double value) {
  for (const Prefix& prefix : descending) {
    if (std::abs(value) >= prefix.factor * 0.9995) return prefix;
  }
  return descending.back();
}

std::string superscript(int exponent) {
  constexpr std::array<std::string_view, 10> kDigits = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
  std::string out = exponent < 0 ? "⁻" : "";
  for (const char digit : std::to_string(std::abs(exponent))) out += kDigits[static_cast<std::size_t>(digit - '0')];
  return out;
}

std::string grouped(std::string digits) {
  const std::size_t begin = digits.starts_with('-') ? 1 : 0;
  for (std::size_t at = digits.size(); at > begin + 3;) digits.insert(at -= 3, kNarrowSpace);
  return digits;
}

std::string capitalised(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

}  // namespace

DisplayUnit display_unit(std::string_view unit, double greatest) {
  if (unit == kFraction) return {0.01, "%"};
  if (unit == "1") return {1, ""};
  const auto with = [&](std::span<const Prefix> prefixes, std::string_view symbol) {
    const Prefix& prefix = prefix_of(prefixes, greatest == 0 ? 1 : greatest);
    return DisplayUnit{prefix.factor, fmt::format("{}{}", prefix.symbol, symbol)};
  };
  if (unit == "s") return with(kBelow, "s");
  if (unit == "B") return with(kBinary, "B");
  if (unit == "packet/s") return with(kAbove, "pps");
  if (unit == "bit/s" || unit == "B/s" || unit == "Hz") return with(kAbove, unit);
  if (unit.ends_with("/s")) {
    DisplayUnit plain = with(kAbove, "");
    plain.label += (plain.label.empty() ? "" : " ") + std::string(unit);
    return plain;
  }
  return {1, std::string(unit)};
}

std::string_view unit_of(std::string_view unit, std::string_view metric) {
  constexpr std::array<std::string_view, 5> kOfAWhole = {"loss", "share", "fraction", "retransmits", "kept"};
  const auto is_mentioned = [&](std::string_view word) { return metric.find(word) != std::string_view::npos; };
  return unit == "1" && std::any_of(kOfAWhole.begin(), kOfAWhole.end(), is_mentioned) ? kFraction : unit;
}

std::string format_number(double value) {
  if (!std::isfinite(value)) return "not a number";
  if (value == 0) return "0";
  int exponent = static_cast<int>(std::floor(std::log10(std::abs(value))));
  if (std::abs(value) >= 9.995 * std::pow(10.0, exponent)) ++exponent;  // rounds up to one digit more
  if (exponent < -4 || exponent >= 9) return fmt::format("{:.2f}×10{}", value / std::pow(10.0, exponent), superscript(exponent));
  if (exponent < 3) return fmt::format("{:.{}f}", value, 2 - exponent);
  const double step = std::pow(10.0, exponent - 2);
  return grouped(fmt::format("{:.0f}", std::round(value / step) * step));
}

std::string format_quantity(double value, const DisplayUnit& unit) {
  const std::string number = format_number(value / unit.divisor);
  return unit.label.empty() ? number : fmt::format("{}\u00A0{}", number, unit.label);
}

std::string format_quantity(double value, std::string_view unit) { return format_quantity(value, display_unit(unit, value)); }

std::string format_plainly(double value, std::string_view unit) {
  const DisplayUnit display = display_unit(unit, value);
  const double shown = std::abs(value / display.divisor);
  // No prefix goes so far; the page has superscripts for that.
  if (std::isfinite(value) && shown != 0 && (shown < 1e-4 || shown >= 1e9)) return fmt::format("{:.2e} {}", value, unit);
  constexpr std::pair<std::string_view, std::string_view> kPlain[] = {{kNarrowSpace, " "}, {"\u00A0", " "}, {"µ", "u"}};
  std::string text = format_quantity(value, display);
  for (const auto& [fancy, plain] : kPlain) {
    for (std::size_t at; (at = text.find(fancy)) != std::string::npos;) text.replace(at, fancy.size(), plain);
  }
  return text;
}

std::string format_share(double share) {
  const double per_cent = 100 * share;
  return fmt::format("{}\u00A0%", per_cent >= 9.95 && per_cent < 999.5   ? fmt::format("{:.0f}", per_cent)
                                  : per_cent >= 0.095 && per_cent < 9.95 ? fmt::format("{:.1f}", per_cent)
                                                                         : format_number(per_cent));
}

std::string format_duration(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) return "an unknown time";
  if (seconds < 60) return format_quantity(seconds, "s");
  if (seconds >= 1e9) return format_number(seconds / 3600) + "\u00A0h";
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 3600) return fmt::format("{}\u00A0min {}\u00A0s", whole / 60, whole % 60);
  return fmt::format("{}\u00A0h {}\u00A0min", whole / 3600, whole % 3600 / 60);
}

std::string metric_title(std::string_view metric) {
  constexpr std::pair<std::string_view, std::string_view> kKnown[] = {
      {"cpu_seconds_per_gb", "CPU time per gigabyte"},
      {"cores_per_gbps", "Cores per Gbit/s"},
      {"resident", "Resident memory"},
      {"resident_per_peer", "Resident memory per peer"},
      {"cpu_time", "CPU time"},
      {"cpu_time_per_packet", "CPU time per packet"},
      {"sender_cpu_time_per_packet", "CPU time per packet, sender"},
      {"receiver_cpu_time_per_packet", "CPU time per packet, receiver"},
      {"loss", "Packets lost"},
  };
  for (const auto& [name, title] : kKnown) {
    if (metric == name) return std::string(title);
  }
  if (metric.starts_with("latency_p")) return fmt::format("Latency, p{}", metric.substr(9));
  std::string title(metric);
  std::replace(title.begin(), title.end(), '_', ' ');
  return capitalised(std::move(title));
}

std::string name_title(std::string_view name) {
  std::string title;
  for (const char c : name) {
    if (c == '/') {
      title += " · ";
    } else {
      title += c == ':' || c == '_' ? ' ' : c;
    }
  }
  return title;
}

std::string_view limit_title(Limit limit) {
  switch (limit) {
    case Limit::kGenerator:
      return "generator";
    case Limit::kCpu:
      return "CPU";
    case Limit::kNetwork:
      return "network";
    case Limit::kProtocol:
      return "protocol";
    case Limit::kWakeUps:
      return "wake-ups";
    case Limit::kNothing:
      return "nothing";
    case Limit::kUnknown:
      break;
  }
  return "";
}

}  // namespace wgu::bench
