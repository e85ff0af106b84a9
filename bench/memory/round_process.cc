#include "bench/memory/round_process.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "bench/pipe.h"
#include "bench/subprocess.h"

namespace wgu::bench {
namespace {

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

}  // namespace

Result<RoundReport> run_round(const std::string& program, const std::string& aead, const RoundOptions& options) {
  auto output = make_pipe();
  if (!output) return std::move(output).error();
  Subprocess::Start start;
  start.program = program;
  start.arguments = {format_round(options)};
  if (!aead.empty()) start.environment = {{"WGU_AEAD", aead}};
  start.output = output->writing.get();
  auto process = Subprocess::start(start);
  if (!process.ok()) return process.error();
  output->writing.reset();

  const std::string said = read_all(output->reading.get());
  if (const int status = process->wait(); status != 0) {
    const char* why = status == Subprocess::kCannotExecute ? ": it cannot be executed" : "";
    return Error{EIO, fmt::format("a round failed: {}: exit status {}{}", program, status, why)};
  }
  auto report = parse_round_report(said);
  if (!report) return Error{EPROTO, fmt::format("{} reported nonsense: {}", program, report.error().message)};
  if (!aead.empty() && report->kernel != aead) {
    return Error{EPROTO, fmt::format("{} was to use {}, and used {}", program, aead, report->kernel)};
  }
  if (report->packets == 0) return Error{EIO, fmt::format("a round carried nothing ({} packets sent)", report->sent)};
  return report;
}

}  // namespace wgu::bench
