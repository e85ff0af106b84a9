// As in bar_chart.cc: per cent across, pixels down. Lines stand in a drawing of their own that is stretched (their strokes are not).
// A line is told from the others by colour, dashes, mark and its name at its end; on a narrow page by the legend instead.
#include "bench/report/curve_chart.h"

#include <algorithm>
#include <cmath>

namespace wgu::bench {
namespace {

constexpr double kHeight = 240, kWidth = 1000, kLineOfText = 15;
constexpr std::size_t kMarksALine = 12;
constexpr std::size_t kLettersAtEnd = 22;

double down(const CurveChart& chart, double y) { return kHeight * (1 - chart.y.position(y)); }
double across(const CurveChart& chart, double x) { return chart.x.position(x); }

// Cuts between characters, not inside one.
std::string shortened(const std::string& name) {
  std::size_t letters = 0, at = 0;
  for (; at < name.size(); ++at) {
    const bool begins_letter = (static_cast<unsigned char>(name[at]) & 0xC0) != 0x80;
    if (begins_letter && ++letters > kLettersAtEnd) break;
  }
  return at < name.size() ? name.substr(0, at) + "…" : name;
}

Html axes(const CurveChart& chart) {
  Html out;
  const auto& rows = chart.y.scale.ticks();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double y = kHeight * (1 - chart.y.scale.position(rows[i]));
    out += html(R"(<line class="{}" x1="0" x2="100%" y1="{}" y2="{}"/>)", rows[i] == 0 ? "zero" : "grid", y, y);
    out += html(R"(<text x="-7" y="{}" text-anchor="end">{}</text>)", y + 4, chart.y.labels[i]);
  }
  const auto& columns = chart.x.scale.ticks();
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const double x = 100 * chart.x.scale.position(columns[i]);
    out += html(R"(<line class="grid" x1="{}%" x2="{}%" y1="0" y2="{}"/>)", x, x, kHeight + 4);
    out += html(R"(<text x="{}%" y="{}" text-anchor="middle">{}</text>)", x, kHeight + 17, chart.x.labels[i]);
  }
  out += html(R"(<text class="axis-title" x="100%" y="{}" text-anchor="end">{}</text>)", kHeight + 34, chart.x.title);
  return out;
}

Html path(const CurveChart& chart, const CurveLine& line, const std::string& style) {
  std::string along, band, back;
  bool has_band = false;
  for (const CurvePoint& point : line.points) {
    const std::string x = coordinate(kWidth * across(chart, point.x));
    along += fmt::format("{}{} {}", along.empty() ? "M" : "L", x, coordinate(down(chart, point.y)));
    band += fmt::format("{}{} {}", band.empty() ? "M" : "L", x, coordinate(down(chart, point.high)));
    back = fmt::format("L{} {}", x, coordinate(down(chart, point.low))) + back;
    has_band |= point.low < point.high;
  }
  Html out;
  if (has_band) out += html(R"(<path class="band {}" d="{}{}Z"/>)", style, band, back);
  if (line.points.size() > 1) out += html(R"(<path class="line {}" d="{}"/>)", style, along);
  return out;
}

Html marks(const CurveChart& chart, const CurveLine& line, const std::string& style) {
  Html out;
  const std::size_t every = (line.points.size() + kMarksALine - 1) / kMarksALine;
  for (std::size_t i = 0; i < line.points.size(); ++i) {
    const CurvePoint& point = line.points[i];
    const double x = 100 * across(chart, point.x), y = down(chart, point.y);
    const bool is_marked = i % every == 0 || i + 1 == line.points.size();
    out +=
        html(R"(<svg class="mark {}" x="{}%" y="{}" width="1" height="1">{}<circle class="touch" r="10"><title>{}</title></circle></svg>)",
             style, x, y, is_marked ? html(R"(<use href="#mark-{}"/>)", style) : Html{}, point.words);
  }
  return out;
}

// Each as near to its line's end as the others leave it room.
Html names_at_ends(const CurveChart& chart, const Subjects& subjects) {
  struct Name {
    double y;
    const CurveLine* line;
  };
  std::vector<Name> names;
  for (const CurveLine& line : chart.lines) {
    if (!line.points.empty()) names.push_back({down(chart, line.points.back().y), &line});
  }
  std::stable_sort(names.begin(), names.end(), [](const Name& a, const Name& b) { return a.y < b.y; });
  for (std::size_t i = 1; i < names.size(); ++i) names[i].y = std::max(names[i].y, names[i - 1].y + kLineOfText);
  double lowest = std::max(kHeight, kLineOfText * static_cast<double>(names.size()));
  for (std::size_t i = names.size(); i-- > 0;) {
    names[i].y = std::min(names[i].y, lowest);
    lowest = names[i].y - kLineOfText;
  }
  Html out;
  for (const Name& name : names) {
    const double x = 100 * across(chart, name.line->points.back().x);
    const std::string& subject = name.line->subject;
    out +=
        html(R"(<text class="end-name {}" x="{}%" dx="12" y="{}">{}</text>)", subjects.style(subject), x, name.y + 4, shortened(subject));
  }
  return out;
}

Html legend(const CurveChart& chart, const Subjects& subjects) {
  Html entries;
  for (const CurveLine& line : chart.lines) {
    const std::string style = subjects.style(line.subject);
    entries += html(R"(<li><svg class="key" width="30" height="12" aria-hidden="true"><line class="line {}" x1="1" x2="29" y1="6" y2="6"/>)"
                    R"(<svg class="mark {}" x="15" y="6" width="1" height="1"><use href="#mark-{}"/></svg></svg>{}</li>)",
                    style, style, style, line.subject);
  }
  return html(R"(<ul class="legend">{}</ul>)", entries);
}

std::string in_words(const CurveChart& chart) {
  std::string words = fmt::format("{}: {} by {}.", chart.title, chart.y.title, chart.x.title);
  for (const CurveLine& line : chart.lines) {
    if (line.points.empty()) continue;
    words += fmt::format(" {}: {}", line.subject, line.points.front().words);
    if (line.points.size() > 1) words += fmt::format(", …, {}", line.points.back().words);
    words += ".";
  }
  return words;
}

}  // namespace

Html curve_chart(const CurveChart& chart, const Subjects& subjects) {
  Html paths, points;
  for (auto line = chart.lines.rbegin(); line != chart.lines.rend(); ++line) {  // ours last, so on top
    const std::string style = subjects.style(line->subject);
    paths += path(chart, *line, style);
    points += marks(chart, *line, style);
  }
  return html(R"(<figure class="panel curve"><figcaption>{}</figcaption><p class="y-title">{}</p>)"
              R"(<svg class="plane" height="{}" role="img" aria-label="{}">{})"
              R"(<svg class="lines" viewBox="0 0 {} {}" width="100%" height="{}" preserveAspectRatio="none">{}</svg>{}{}</svg>{}</figure>)",
              chart.title, chart.y.title, kHeight, in_words(chart), axes(chart), kWidth, kHeight, kHeight, paths, points,
              names_at_ends(chart, subjects), legend(chart, subjects));
}

Html curve_marks() {
  constexpr std::string_view kCircle = "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0 -8 0Z", kSquare = "M-3.5-3.5h7v7h-7Z",
                             kDiamond = "M0-5L5 0L0 5L-5 0Z", kUp = "M0-5L4.7 3.5h-9.4Z", kDown = "M0 5L4.7-3.5h-9.4Z",
                             kPlus = "M-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3Z", kBar = "M-2-5h4v10h-4Z", kLevel = "M-5-2h10v4h-10Z";
  Html out;
  const auto add = [&](std::string_view kind, int number, std::string_view shape) {
    out += html(R"(<path id="mark-{}-{}" d="{}"/>)", kind, number, shape);
  };
  const std::string_view peers[kColoursOfPeers] = {kSquare, kDiamond, kUp, kDown, kPlus, kBar, kLevel, kCircle};
  for (int i = 0; i < kColoursOfOurs; ++i) add("ours", i + 1, i % 2 == 0 ? kCircle : kDiamond);
  for (int i = 0; i < kColoursOfPeers; ++i) add("peer", i + 1, peers[i]);
  for (int i = 0; i < kColoursOfLimits; ++i) add("limit", i + 1, i == 0 ? kPlus : kLevel);
  return html(R"(<svg class="definitions" width="0" height="0" aria-hidden="true"><defs>{}</defs></svg>)", out);
}

}  // namespace wgu::bench
