// `wgu-bench report`: result files in, one page out.
#include <cstdio>
#include <memory>

#include "bench/commands.h"
#include "bench/compare/history.h"
#include "bench/report/page.h"
#include "bench/results.h"
#include "bench/whole_file.h"

namespace wgu::bench {
namespace {

struct Options {
  std::vector<std::string> files;
  std::string out = "report.html";
  std::string history;
};

int write_page(const Options& options) {
  std::vector<Results> runs;
  for (const std::string& file : options.files) runs.push_back(read_results(file).value());
  const std::vector<Results> earlier = options.history.empty() ? std::vector<Results>{} : read_history(options.history).value();
  const std::string text = page(runs, earlier);
  if (options.out == "-") return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;

  write_whole_file(options.out, text).value();
  std::printf("%s\n", options.out.c_str());
  return 0;
}

}  // namespace

void add_report(CLI::App& program, Run& run) {
  auto options = std::make_shared<Options>();
  CLI::App* command = program.add_subcommand("report", "Results as one HTML page that needs no network.");
  command->add_option("files", options->files, "Result files, shown in this order")->required()->check(CLI::ExistingFile);
  command->add_option("--out", options->out, "Where the page is written; - for standard output")->capture_default_str();
  command->add_option("--history", options->history, "Earlier runs, for charts over time")->check(CLI::ExistingFile);
  command->callback([options, &run] { run = [options] { return write_page(*options); }; });
}

}  // namespace wgu::bench
