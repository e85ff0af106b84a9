// The drawing stretches with the page while its text does not: across, everything is in per cent; down, in pixels. One drawing a bar, in
// a grid with its words, so that a narrow page puts the words above the bar instead of shrinking both.
#include "bench/report/bar_chart.h"

#include <algorithm>
#include <optional>

#include "bench/quantity.h"
#include "bench/report/scale.h"
#include "bench/statistics.h"

namespace wgu::bench {
namespace {

constexpr double kHeight = 26, kMiddle = kHeight / 2, kBarTop = 6, kBarHeight = 14;

struct Bar {
  const Row* row;
  std::vector<double> samples;  // finite
  Spread spread;                // of them, when there are any
};

struct Frame {  // what the bars of a panel share
  DisplayUnit unit;
  Scale scale = Scale::from_zero(0, 1);
  bool has_bounds = false;         // somebody's limit is known
  std::vector<const Bar*> limits;  // those with samples; at most kColoursOfLimits
};

double across(const Frame& frame, double value) { return 100 * frame.scale.position(value / frame.unit.divisor); }

std::vector<Bar> bars_of(const Panel& panel) {
  std::vector<Bar> bars;
  for (const Row* row : panel.rows) {
    Bar bar{row, finite_samples(*row), {}};
    if (!bar.samples.empty()) bar.spread = spread(bar.samples);
    bars.push_back(std::move(bar));
  }
  return bars;
}

Frame frame_of(const std::vector<Bar>& bars) {
  double least = 0, greatest = 0;
  Frame frame;
  for (const Bar& bar : bars) {
    least = std::min(least, bar.spread.min);
    greatest = std::max(greatest, bar.spread.max);
    frame.has_bounds |= bar.row->limit != Limit::kUnknown;
    // Of memory the null cipher needs as much as wgu, and the wire none: no limits.
    const bool is_limit = role_of(bar.row->subject) == Role::kLimit && !bar.samples.empty() && bar.row->unit != "B";
    if (is_limit && frame.limits.size() < kColoursOfLimits) frame.limits.push_back(&bar);
  }
  const Row& first = *bars[0].row;
  frame.unit = display_unit(unit_of(first.unit, first.metric), std::max(greatest, -least));
  frame.scale = Scale::from_zero(least / frame.unit.divisor, greatest / frame.unit.divisor);
  return frame;
}

std::string in_words(const Bar& bar, const DisplayUnit& unit) {
  if (bar.samples.empty()) return bar.row->subject + ": no samples";
  std::string words = fmt::format("{}: {}", bar.row->subject, format_quantity(bar.spread.median, unit));
  if (bar.samples.size() > 1) {
    words += fmt::format(", median of {} between {} and {}", bar.samples.size(), format_number(bar.spread.min / unit.divisor),
                         format_quantity(bar.spread.max, unit));
  } else {
    words += ", one sample";
  }
  if (const std::string_view limit = limit_title(bar.row->limit); !limit.empty()) words += fmt::format("; limited by: {}", limit);
  if (!bar.row->note.empty()) words += "; " + bar.row->note;
  return words;
}

Html grid_lines(const Frame& frame) {
  Html out;
  for (const double tick : frame.scale.ticks()) {
    const double x = 100 * frame.scale.position(tick);
    out += html(R"(<line class="{}" x1="{}%" x2="{}%" y1="0" y2="{}"/>)", tick == 0 ? "zero" : "grid", x, x, kHeight);
  }
  for (const Bar* limit : frame.limits) {
    const double x = across(frame, limit->spread.median);
    out += html(R"(<line class="ceiling" x1="{}%" x2="{}%" y1="0" y2="{}"/>)", x, x, kHeight);
  }
  return out;
}

Html drawing(const Bar& bar, const Frame& frame, const std::string& style) {
  Html marks;
  if (!bar.samples.empty()) {
    const double zero = across(frame, 0), median = across(frame, bar.spread.median);
    marks += html(R"(<rect class="fill {}" x="{}%" width="{}%" y="{}" height="{}"/>)", style, std::min(zero, median),
                  std::max(std::abs(median - zero), 0.15), kBarTop, kBarHeight);
    if (bar.samples.size() > 1) {
      const double low = across(frame, bar.spread.min), high = across(frame, bar.spread.max);
      for (const char* layer : {"halo", "whisker"}) {
        marks += html(R"(<line class="{}" x1="{}%" x2="{}%" y1="{}" y2="{}"/>)", layer, low, high, kMiddle, kMiddle);
      }
    }
    for (const double sample : bar.samples) {
      marks += html(R"(<circle class="sample" cx="{}%" cy="{}" r="2.25"/>)", across(frame, sample), kMiddle);
    }
  }
  const std::string words = in_words(bar, frame.unit);
  return html(R"(<svg class="plot" height="{}" role="img" aria-label="{}">{}{}<rect class="touch" width="100%" height="100%">)"
              R"(<title>{}</title></rect></svg>)",
              kHeight, words, grid_lines(frame), marks, words);
}

// "61 %" of what the limit reaches; where less is better, how many times as much it is.
std::string share(const Bar& bar, const Bar& limit) {
  if (&bar == &limit || bar.samples.empty() || limit.spread.median <= 0) return "";
  const double quotient = bar.spread.median / limit.spread.median;
  const bool is_within = bar.row->higher_is_better ? quotient <= 1 : quotient >= 1;
  if (role_of(bar.row->subject) == Role::kLimit && !is_within) return "";  // the farther limit in terms of the nearer says nothing
  return bar.row->higher_is_better ? format_share(quotient) : format_number(quotient) + "×";
}

Html words_beside(const Bar& bar, const Frame& frame) {
  Html out;
  if (bar.samples.empty()) {
    out += html(R"(<span class="value none">no samples</span>)");
  } else {
    out += html(R"(<span class="value" data-unit="{}">{}</span>)", frame.unit.label, format_number(bar.spread.median / frame.unit.divisor));
  }
  for (const Bar* limit : frame.limits) {
    const std::string text = share(bar, *limit);
    out += html(R"(<span class="share" data-of="{}">{}</span>)", text.empty() ? "" : "of " + limit->row->subject, text);
  }
  if (frame.has_bounds) out += html(R"(<span class="bound">{}</span>)", limit_title(bar.row->limit));
  return out;
}

Html column_heads(const Frame& frame) {
  Html heads = html(R"(<span class="value">{}</span>)", frame.unit.label);
  for (const Bar* limit : frame.limits) heads += html(R"(<span class="share">of {}</span>)", limit->row->subject);
  if (frame.has_bounds) heads += html(R"(<span class="bound">limited by</span>)");
  return html(R"(<div class="bar heads" aria-hidden="true"><span class="who"></span><span class="plot"></span>{}</div>)", heads);
}

bool is_all_zero(const std::vector<Bar>& bars) {
  return std::all_of(bars.begin(), bars.end(),
                     [](const Bar& bar) { return !bar.samples.empty() && bar.spread.min == 0 && bar.spread.max == 0; });
}

Html axis_row(const Frame& frame) {
  Html labels;
  for (const double tick : frame.scale.ticks()) {
    const double at = frame.scale.position(tick);
    const char* anchor = at < 0.01 ? "start" : at > 0.99 ? "end" : "middle";
    labels += html(R"(<text x="{}%" y="11" text-anchor="{}">{}</text>)", 100 * at, anchor, tick == 0 ? "0" : fmt::format("{:.6g}", tick));
  }
  return html(R"(<div class="bar axis" aria-hidden="true"><span class="who"></span><svg class="plot" height="15">{}</svg></div>)", labels);
}

}  // namespace

Html bar_chart(const Panel& panel, const std::string& metric, const Subjects& subjects) {
  const std::vector<Bar> bars = bars_of(panel);
  if (is_all_zero(bars)) {
    return html(
        R"(<figure class="panel" aria-label="{}: {}"><figcaption>{}</figcaption><p class="all-zero">Zero in every round of all {}.</p>)"
        R"(</figure>)",
        metric, panel.name, name_title(panel.name), bars.size());
  }
  const Frame frame = frame_of(bars);
  Html list;
  for (const Bar& bar : bars) {
    const std::string style = subjects.style(bar.row->subject);
    list += html(R"(<li class="bar {}"><span class="who" title="{}">{}</span>{}{}</li>)",
                 role_of(bar.row->subject) == Role::kOurs ? "ours" : "others", bar.row->subject, bar.row->subject,
                 drawing(bar, frame, style), words_beside(bar, frame));
  }
  return html(R"(<figure class="panel columns-{}" aria-label="{}: {}"><figcaption>{}</figcaption>{}<ul class="bars">{}</ul>{}</figure>)",
              frame.limits.size() + (frame.has_bounds ? 1 : 0), metric, panel.name, name_title(panel.name), column_heads(frame), list,
              axis_row(frame));
}

}  // namespace wgu::bench
