// Head, headline, what was measured on, one section a run, history. Written as XML that is HTML as well, so that a test can parse it.
// The policy in the head admits the page's own style and script by their hashes and nothing else: text that slipped through the escaping
// would still not run.
#include "bench/report/page.h"

#include <sodium.h>

#include <array>

#include "bench/quantity.h"
#include "bench/report/headline.h"
#include "bench/report/history_chart.h"
#include "bench/report/page_assets.h"
#include "bench/report/run_section.h"

namespace wgu::bench {
namespace {

std::string integrity(std::string_view text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()), text.size());
  std::array<char, sodium_base64_ENCODED_LEN(crypto_hash_sha256_BYTES, sodium_base64_VARIANT_ORIGINAL)> base64{};
  sodium_bin2base64(base64.data(), base64.size(), hash.data(), hash.size(), sodium_base64_VARIANT_ORIGINAL);
  return fmt::format("'sha256-{}'", base64.data());
}

Html head(const std::string& title) {
  const std::string policy = fmt::format("default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
                                         integrity(kPageStyle), integrity(kPageScript));
  return html(R"(<head><meta charset="utf-8"/><meta http-equiv="Content-Security-Policy" content="{}"/>)"
              R"(<meta name="viewport" content="width=device-width, initial-scale=1"/><meta name="color-scheme" content="light dark"/>)"
              R"(<meta name="referrer" content="no-referrer"/><title>{}</title><style>{}</style></head>)",
              policy, title, Html{std::string(kPageStyle)});
}

Html figure_card(const KeyFigure& figure) {
  Html beside;
  if (!figure.beside_best_peer.empty()) beside += html("<li>{}</li>", figure.beside_best_peer);
  std::string limits;
  for (const std::string& limit : figure.beside_limits) limits += (limits.empty() ? "" : ", ") + limit;
  if (!limits.empty()) beside += html("<li>{}</li>", limits);
  const Html list = beside.empty() ? Html{} : html("<ul>{}</ul>", beside);
  return html(R"(<li class="card"><p class="what">{} <small>{}</small><span>{}</span></p><p class="figure">{} <span>{}</span></p>)"
              R"(<p class="interval">{}</p>{}</li>)",
              metric_title(figure.metric), figure.higher_is_better ? "" : "less is better", name_title(figure.name), figure.number,
              figure.unit, figure.interval, list);
}

Html navigation(std::span<const Results> runs, bool has_history) {
  if (runs.size() + (has_history ? 1 : 0) < 2) return {};
  Html links;
  for (std::size_t i = 0; i < runs.size(); ++i) links += html(R"(<li><a href="#run-{}">{}</a></li>)", i + 1, runs[i].command);
  if (has_history) links += html(R"(<li><a href="#history">history</a></li>)");
  return html(R"(<nav aria-label="Runs"><ul>{}</ul></nav>)", links);
}

Html how_to_read() {
  return html(
      R"(<figure class="how-to-read"><svg class="plot" width="150" height="26" aria-hidden="true">)"
      R"(<line class="zero" x1="0" x2="0" y1="0" y2="26"/><rect class="fill ours-1" x="0" width="96" y="6" height="14"/>)"
      R"(<line class="ceiling" x1="140" x2="140" y1="0" y2="26"/>)"
      R"(<line class="halo" x1="86" x2="112" y1="13" y2="13"/><line class="whisker" x1="86" x2="112" y1="13" y2="13"/>)"
      R"(<circle class="sample" cx="86" cy="13" r="2.25"/><circle class="sample" cx="93" cy="13" r="2.25"/>)"
      R"(<circle class="sample" cx="99" cy="13" r="2.25"/><circle class="sample" cx="112" cy="13" r="2.25"/></svg>)"
      R"(<figcaption>A bar ends at the median of the rounds; the whisker goes from the least to the greatest, each dot is one round. )"
      R"(A dashed line is a limit: the bare wire, or wgu without its cipher.</figcaption></figure>)");
}

}  // namespace

std::string page(std::span<const Results> runs, std::span<const Results> earlier) {
  const Subjects subjects(runs);
  const std::vector<KeyFigure> figures = key_figures(runs, subjects);
  const History history = history_of(earlier, runs, subjects);
  const Environment environment = runs.empty() ? Environment{} : runs[0].environment;

  std::string commands;
  for (const Results& run : runs) commands += (commands.empty() ? "" : ", ") + run.command;
  const std::string day = runs.empty() ? "" : runs[0].begun.substr(0, 10);

  Html cards;
  for (const KeyFigure& figure : figures) cards += figure_card(figure);
  if (!cards.empty()) cards = html(R"(<ul class="cards">{}</ul>)", cards);
  Html measured_on;
  if (!environment.empty()) measured_on = html(R"(<section><h2>Measured on</h2>{}</section>)", environment_list(environment));
  Html sections;
  for (std::size_t i = 0; i < runs.size(); ++i) sections += run_section({runs[i], environment, i + 1}, subjects);

  const Html body =
      html(R"(<header><p class="kicker">wgu-bench <span>{}</span><span>{}</span></p><button id="theme" type="button" hidden="hidden">)"
           R"(Theme</button><h1>{}</h1>{}</header>{}<main>{}{}{}{}{}</main>)",
           commands, day, headline(figures, runs), figures.empty() ? Html{} : html(R"(<p class="of">{}</p>)", name_title(figures[0].name)),
           navigation(runs, !history.charts.empty()), cards, figures.empty() ? Html{} : how_to_read(), measured_on, sections,
           history_section(history, subjects));
  return "<!DOCTYPE html>\n" +
         html(R"(<html lang="en">{}<body>{}{}<div id="hint" role="status" hidden="hidden"></div><script>{}</script></body></html>)",
              head("wgu-bench: " + commands + (day.empty() ? "" : ", " + day)), curve_marks(), body, Html{std::string(kPageScript)})
             .markup +
         "\n";
}

}  // namespace wgu::bench
