#include "bench/tunnel/subjects.h"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "bench/tunnel/options.h"

namespace wgu::bench {
namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path& path) { return ::access(path.c_str(), X_OK) == 0 && fs::is_regular_file(path); }

fs::path own_folder() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

// Beside wgu-bench, as installed; in the build tree; then wherever the shell finds it.
std::string find_wgu_tunnel(const std::string& given) {
  if (!given.empty()) return fs::absolute(given);
  for (const fs::path& candidate : {own_folder() / "wgu-tunnel", own_folder() / "../examples/wgu-tunnel"}) {
    if (is_program(candidate)) return fs::canonical(candidate);
  }
  return "wgu-tunnel";
}

std::string quoted(const std::string& path) {
  std::string text = "'";
  for (const char c : path) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

}  // namespace

std::vector<Subject> subjects_of(const std::string& wgu_tunnel, const std::vector<Subject>& peers, Missing& missing) {
  std::vector<Subject> subjects = {{kBare}};
  const fs::path null = own_folder() / "wgu-tunnel-null";
  if (is_program(null)) {
    subjects.push_back({kNull, quoted(null) + " -f"});
  } else {
    missing.emplace_back(kNull, fmt::format("there is no {}: it is built with wgu-bench", null.string()));
  }
  subjects.push_back({kWgu, quoted(find_wgu_tunnel(wgu_tunnel)) + " -f"});
  subjects.insert(subjects.end(), peers.begin(), peers.end());
  return subjects;
}

}  // namespace wgu::bench
