#include "bench/tunnel/result_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <span>
#include <system_error>

#include "bench/report/page.h"
#include "bench/whole_file.h"

namespace wgu::bench {
namespace {

namespace fs = std::filesystem;

constexpr const char* kResults = ".json";
constexpr const char* kPage = ".html";

// FILE.json and FILE.html go together; of another name, nothing follows.
std::string beside(const fs::path& file, const char* extension, const char* other) {
  return file.extension() == extension ? fs::path(file).replace_extension(other).string() : std::string();
}

void complete(ResultFiles& files, const std::string& command, std::string begun) {
  if (files.out.empty() && files.page.empty()) {
    std::erase(begun, ':');  // not on every file system
    files.out = fmt::format("wgu-bench-{}-{}{}", command, begun, kResults);
  }
  if (files.page.empty()) files.page = beside(files.out, kResults, kPage);
  if (files.out.empty()) files.out = beside(files.page, kPage, kResults);
}

Result<std::string> settle(const std::string& file) try {
  if (file.empty()) return file;
  const auto relative = fs::weakly_canonical(file).lexically_relative(fs::weakly_canonical("/var/run"));
  const std::string absolute = fs::absolute(file).string();
  if (!relative.empty() && *relative.begin() != "..") {
    return Error{EINVAL, absolute + ": nothing that is written below /run survives the run"};
  }
  const WholeFile can_be_made(absolute);
  return absolute;
} catch (const std::system_error& error) {
  return Error{error.code().value(), error.what()};
}

}  // namespace

Result<ResultFiles> settle(ResultFiles files, const std::string& command, const std::string& begun) {
  if (!files.are_wanted) return ResultFiles{{}, {}, false};
  complete(files, command, begun);
  for (std::string* file : {&files.out, &files.page}) {
    auto settled = settle(*file);
    if (!settled) return std::move(settled).error();
    *file = std::move(*settled);
  }
  if (files.out == files.page) return Error{EINVAL, files.out + ": results and page cannot be one file"};
  return files;
}

Result<void> write_files(const Results& results, const ResultFiles& files) {
  if (!files.out.empty()) {
    if (auto written = write_results(results, files.out); !written) return written;
    fmt::print("\nresults: {}\n", files.out);
  }
  if (!files.page.empty()) {
    if (auto written = write_whole_file(files.page, page(std::span(&results, 1))); !written) return written;
    fmt::print("page:    {}\n", files.page);
  }
  return {};
}

}  // namespace wgu::bench
