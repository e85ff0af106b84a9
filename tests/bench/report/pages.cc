// report_pages FOLDER: the fixtures as pages, for page_test.py.
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>

#include "bench/report/fixtures.h"
#include "bench/report/page.h"

int main(int argc, char** argv) try {
  using namespace wgu::bench;
  if (argc != 2) return std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]), 2;
  const std::filesystem::path folder = argv[1];
  const auto write = [&](const char* name, std::span<const Results> runs, std::span<const Results> earlier = {}) {
    std::ofstream file(folder / name, std::ios::binary);
    file << page(runs, earlier);
    if (!file.flush()) throw std::runtime_error(std::string(name) + ": could not be written");
  };
  const Results tunnel = fixtures::tunnel(), micro = fixtures::micro(), hostile = fixtures::hostile(), empty = fixtures::empty();
  const std::vector<Results> earlier = fixtures::earlier_tunnels();
  write("full.html", std::vector{tunnel, micro}, earlier);
  write("micro.html", {&micro, 1});
  write("hostile.html", std::vector{hostile, tunnel}, std::vector{hostile, empty});
  write("empty.html", {&empty, 1});
  write("none.html", {});
} catch (const std::exception& error) {
  std::fprintf(stderr, "report_pages: %s\n", error.what());
  return 1;
}
