#include "bench/memory/round_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "io/file_descriptor.h"

namespace wgu::bench {
namespace {

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (std::string& text : texts) list.push_back(text.data());
  list.push_back(nullptr);
  return list;
}

std::vector<std::string> variables(const std::string& aead) {
  std::vector<std::string> list;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    if (!std::string_view(*entry).starts_with("WGU_AEAD=")) list.emplace_back(*entry);
  }
  if (!aead.empty()) list.push_back("WGU_AEAD=" + aead);
  return list;
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 4096> part;
  while (true) {
    const ssize_t size = read(fd, part.data(), part.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(part.data(), static_cast<std::size_t>(size));
  }
}

// The exit status in words; empty: it ended as it should.
std::string end_of(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0) {
    if (errno != EINTR) return std::strerror(errno);
  }
  if (WIFSIGNALED(status)) return fmt::format("ended by signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return WEXITSTATUS(status) == 0 ? "" : fmt::format("exit status {}", WEXITSTATUS(status));
}

}  // namespace

Result<RoundReport> run_round(const std::string& program, const std::string& aead, const RoundOptions& options) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return Error{errno, std::string("pipe: ") + std::strerror(errno)};
  const io::FileDescriptor output(ends[0]);
  io::FileDescriptor its_output(ends[1]);
  std::vector<std::string> arguments = {program, format_round(options), std::to_string(getpid())};
  std::vector<std::string> environment = variables(aead);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, its_output.get(), STDOUT_FILENO);
  pid_t process = -1;
  const int error = posix_spawn(&process, program.c_str(), &actions, nullptr, pointers(arguments).data(), pointers(environment).data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) return Error{error, program + ": " + std::strerror(error)};
  its_output.reset();

  const std::string said = read_all(output.get());
  if (const std::string end = end_of(process); !end.empty()) return Error{EIO, fmt::format("a round failed: {}: {}", program, end)};
  auto report = parse_round_report(said);
  if (!report) return Error{EPROTO, fmt::format("{} reported nonsense: {}", program, report.error().message)};
  if (!aead.empty() && report->kernel != aead) {
    return Error{EPROTO, fmt::format("{} was to use {}, and used {}", program, aead, report->kernel)};
  }
  if (report->packets == 0) return Error{EIO, fmt::format("a round carried nothing ({} packets sent)", report->sent)};
  return report;
}

}  // namespace wgu::bench
