// A name has at most one parameter that makes a sweep: the one with the most values over all names that differ in it alone.
#include "bench/report/groups.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>

namespace wgu::bench {
namespace {

struct Parameter {
  std::string family;  // the name with a * for the value
  std::string name;    // the name without it
  std::string key;
  double value = 0;
};

std::vector<Parameter> parameters_of(const std::string& name) {
  std::vector<Parameter> found;
  for (std::size_t begin = 0; begin < name.size();) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::size_t colon = name.find(':', begin);
    if (colon < end) {
      const std::string before = name.substr(0, begin), after = name.substr(std::min(end + 1, name.size()));
      const bool is_last = after.empty() && !before.empty();
      Parameter parameter{name.substr(0, colon + 1) + "*" + name.substr(end), is_last ? before.substr(0, begin - 1) : before + after,
                          name.substr(begin, colon - begin)};
      const char* const last = name.data() + end;
      const auto [rest, error] = std::from_chars(name.data() + colon + 1, last, parameter.value);
      if (error == std::errc() && rest == last && std::isfinite(parameter.value)) found.push_back(std::move(parameter));
    }
    begin = end + 1;
  }
  return found;
}

std::vector<std::string> distinct_names(std::span<const Row* const> rows) {
  std::vector<std::string> names;
  std::set<std::string> seen;
  for (const Row* row : rows) {
    if (seen.insert(row->name).second) names.push_back(row->name);
  }
  return names;
}

std::map<std::string, Parameter> sweep_parameters(const std::vector<std::string>& names) {
  std::map<std::string, std::set<double>> values;
  for (const std::string& name : names) {
    for (const Parameter& parameter : parameters_of(name)) values[parameter.family].insert(parameter.value);
  }
  std::map<std::string, Parameter> chosen;
  for (const std::string& name : names) {
    std::size_t most = kLeastPoints - 1;
    for (const Parameter& parameter : parameters_of(name)) {
      if (values[parameter.family].size() > most) {
        most = values[parameter.family].size();
        chosen[name] = parameter;
      }
    }
  }
  return chosen;
}

void add_to_sweep(std::vector<Sweep>& sweeps, const Parameter& parameter, const Row* row) {
  auto sweep = std::find_if(sweeps.begin(), sweeps.end(),
                            [&](const Sweep& each) { return each.name == parameter.name && each.parameter == parameter.key; });
  if (sweep == sweeps.end()) sweep = sweeps.insert(sweeps.end(), Sweep{parameter.name, parameter.key, {}});
  auto line = std::find_if(sweep->lines.begin(), sweep->lines.end(), [&](const auto& each) { return each.subject == row->subject; });
  if (line == sweep->lines.end()) line = sweep->lines.insert(line, Sweep::Line{row->subject, {}});
  line->points.emplace_back(parameter.value, row);
}

void add_to_panel(std::vector<Panel>& panels, const Row* row) {
  auto panel = std::find_if(panels.begin(), panels.end(), [&](const Panel& each) { return each.name == row->name; });
  if (panel == panels.end()) panel = panels.insert(panels.end(), Panel{row->name, {}});
  panel->rows.push_back(row);
}

MetricGroup arrange(std::span<const Row* const> rows, const Subjects& subjects) {
  MetricGroup group{rows[0]->metric, rows[0]->unit, rows[0]->higher_is_better, {}, {}, {}};
  const std::map<std::string, Parameter> parameters = sweep_parameters(distinct_names(rows));
  for (const Row* row : rows) {
    add_to_panel(group.names, row);
    const auto parameter = parameters.find(row->name);
    if (parameter == parameters.end()) {
      add_to_panel(group.panels, row);
    } else {
      add_to_sweep(group.sweeps, parameter->second, row);
    }
  }
  const auto by_rank = [&](const auto& a, const auto& b) { return subjects.rank(a.subject) < subjects.rank(b.subject); };
  for (Sweep& sweep : group.sweeps) {
    std::stable_sort(sweep.lines.begin(), sweep.lines.end(), by_rank);
    for (Sweep::Line& line : sweep.lines)
      std::stable_sort(line.points.begin(), line.points.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  }
  for (std::vector<Panel>* panels : {&group.panels, &group.names}) {
    for (Panel& panel : *panels) {
      std::stable_sort(panel.rows.begin(), panel.rows.end(), [&](const Row* a, const Row* b) { return by_rank(*a, *b); });
    }
  }
  return group;
}

}  // namespace

std::vector<MetricGroup> group_rows(std::span<const Row> rows, const Subjects& subjects) {
  std::vector<std::vector<const Row*>> metrics;
  for (const Row& row : rows) {
    const auto same = std::find_if(metrics.begin(), metrics.end(), [&](const std::vector<const Row*>& each) {
      return each[0]->metric == row.metric && each[0]->unit == row.unit;
    });
    if (same == metrics.end()) {
      metrics.push_back({&row});
    } else {
      same->push_back(&row);
    }
  }
  std::vector<MetricGroup> groups;
  for (const std::vector<const Row*>& metric : metrics) groups.push_back(arrange(metric, subjects));
  return groups;
}

std::vector<double> finite_samples(const Row& row) {
  std::vector<double> samples;
  std::copy_if(row.samples.begin(), row.samples.end(), std::back_inserter(samples), [](double sample) { return std::isfinite(sample); });
  return samples;
}

}  // namespace wgu::bench
