#include "bench/report/figure_list.h"

#include "bench/quantity.h"
#include "bench/statistics.h"

namespace wgu::bench {

Html figure_list(std::span<const Row* const> rows) {
  Html entries;
  for (const Row* row : rows) {
    const std::vector<double> samples = finite_samples(*row);
    const std::string limit = row->limit == Limit::kUnknown ? "" : fmt::format(", limited by {}", limit_title(row->limit));
    if (samples.empty()) {
      entries += html(R"(<div><dt>{}</dt><dd class="number">no samples</dd></div>)", name_title(row->name));
      continue;
    }
    const Spread all = spread(samples);
    const DisplayUnit unit = display_unit(unit_of(row->unit, row->metric), all.median);
    const std::string interval = samples.size() == 1
                                     ? "one sample"
                                     : fmt::format("{} – {}", format_number(all.min / unit.divisor), format_number(all.max / unit.divisor));
    entries += html(R"(<div class="{}"><dt>{} <span>{}</span></dt><dd class="number"><b>{}</b> <span>{}{}</span></dd></div>)",
                    role_of(row->subject) == Role::kOurs ? "ours" : "others", name_title(row->name), row->subject,
                    format_quantity(all.median, unit), interval, limit);
  }
  return html(R"(<dl class="figures">{}</dl>)", entries);
}

}  // namespace wgu::bench
