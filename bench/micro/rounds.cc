// A pipe for each round: lines arrive as rows finish, its end is the end of the round.
#include "bench/micro/rounds.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "bench/pipe.h"
#include "bench/subprocess.h"

namespace wgu::bench {
namespace {

// The next line with its end, or what is left; empty at the end.
class Lines {
 public:
  explicit Lines(int fd) : fd_(fd) {}
  [[nodiscard]] std::string next() {
    std::size_t end = 0;
    while ((end = text_.find('\n')) == std::string::npos) {
      std::array<char, 4096> chunk{};
      const ssize_t length = ::read(fd_, chunk.data(), chunk.size());
      if (length < 0 && errno == EINTR) continue;
      if (length <= 0) return std::exchange(text_, {});
      text_.append(chunk.data(), static_cast<std::size_t>(length));
    }
    std::string line = text_.substr(0, end);
    text_.erase(0, end + 1);
    return line;
  }

 private:
  int fd_;
  std::string text_;
};

Result<void> measure_round(std::vector<MeasuredRow>& rows, std::vector<std::string> arguments, const std::string& which,
                           Progress& progress) {
  auto pipe = make_pipe();
  if (!pipe) return std::move(pipe).error();
  arguments.push_back(fmt::format("--one-round={}", pipe->writing.get()));
  Result<Subprocess> process = Subprocess::start({std::move(arguments), {}, pipe->writing.get()});
  if (!process.ok()) return process.error();
  pipe->writing.reset();
  Lines lines(pipe->reading.get());
  for (std::string line = lines.next(); !line.empty(); line = lines.next()) {
    const Result<MeasuredRow> row = parse_line(line);
    if (!row.ok()) return row.error();
    append(rows, *row);
    progress.show(which + row->name);
  }
  const int status = process->wait();
  if (status != 0) return Error{EIO, fmt::format("{}ended with status {}", which, status)};
  return {};
}

}  // namespace

Result<std::vector<MeasuredRow>> measure_rounds(std::size_t rounds, const std::vector<std::string>& arguments, Progress& progress) {
  std::vector<MeasuredRow> rows;
  for (std::size_t i = 1; i <= rounds; ++i) {
    const Result<void> round = measure_round(rows, arguments, fmt::format("round {} of {}: ", i, rounds), progress);
    if (!round.ok()) return round.error();
  }
  progress.clear();
  return rows;
}

}  // namespace wgu::bench
