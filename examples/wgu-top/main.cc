// wgu-top IFNAME: what a running wgu-tunnel does, refreshed. Asks the daemon at each refresh and shows the difference to the one before:
//   snapshot -> wait for the interval, a key or a signal -> snapshot -> rates -> frame -> terminal (or, --once, stdout)
#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <csignal>
#include <memory>
#include <string>

#include <fmt/format.h>

#include "frame.h"
#include "io/file_descriptor.h"
#include "rates.h"
#include "status/client.h"
#include "status/snapshot_json.h"
#include "status/status_text.h"
#include "terminal.h"

namespace {

using Time = std::chrono::steady_clock::time_point;

struct Sample {
  wgu::Snapshot snapshot;
  Time when;
};

wgu::Result<Sample> sample(const std::string& interface_name) {
  const auto text = wgu::status::ask(wgu::status::socket_of(interface_name), "GET", "/json");
  if (!text) return text.error();
  const Time when = std::chrono::steady_clock::now();
  auto snapshot = wgu::status::parse_snapshot(*text);
  if (!snapshot) return std::move(snapshot).error();
  return Sample{std::move(snapshot).value(), when};
}

std::vector<std::string> picture(const Sample& earlier, const Sample& later, wgu::top::FrameSize size) {
  const double seconds = std::chrono::duration<double>(later.when - earlier.when).count();
  const auto rates = wgu::top::rates_between(earlier.snapshot, later.snapshot, seconds);
  if (!rates) return {"the daemon was started anew"};
  return wgu::top::frame(later.snapshot, *rates, size);
}

enum class Event { kTime, kResize, kQuit };

// Until the interval is over, a key or a signal.
class Events {
 public:
  Events() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH}) sigaddset(&signals, signal);
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    signals_ = wgu::io::FileDescriptor(signalfd(-1, &signals, SFD_CLOEXEC));
  }

  Event wait(Time until, bool takes_keys) {
    while (true) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      if (left.count() <= 0) return Event::kTime;
      pollfd waits[2] = {{signals_.get(), POLLIN, 0}, {takes_keys ? STDIN_FILENO : -1, POLLIN, 0}};
      if (poll(waits, 2, static_cast<int>(left.count())) <= 0) continue;
      signalfd_siginfo info{};
      if (waits[0].revents != 0 && read(signals_.get(), &info, sizeof info) == sizeof info) {
        return info.ssi_signo == SIGWINCH ? Event::kResize : Event::kQuit;
      }
      char key = 0;
      if (waits[1].revents != 0 && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
        return Event::kQuit;  // or no keyboard any more
    }
  }

 private:
  wgu::io::FileDescriptor signals_;
};

int fail(const std::string& why) {
  fmt::print(stderr, "wgu-top: {}\n", wgu::status::printable(why));
  return 1;
}

int print_once(const std::string& interface_name, std::chrono::duration<double> interval) {
  const auto earlier = sample(interface_name);
  if (!earlier) return fail(earlier.error().message);
  Events events;
  if (events.wait(earlier->when + std::chrono::ceil<std::chrono::milliseconds>(interval), false) == Event::kQuit) return 1;
  const auto later = sample(interface_name);
  if (!later) return fail(later.error().message);
  // For a reader without a screen: everything.
  for (const std::string& line : picture(*earlier, *later, {.columns = std::string::npos, .rows = std::string::npos}))
    fmt::print("{}\n", line);
  return 0;
}

int watch(const std::string& interface_name, std::chrono::duration<double> interval) {
  auto earlier = sample(interface_name);
  if (!earlier) return fail(earlier.error().message);
  Events events;
  const wgu::top::Terminal terminal;
  std::vector<std::string> lines{"wgu-top " + wgu::status::printable(interface_name) + ": one interval, please; q quits"};
  auto previous = std::move(earlier).value();
  std::optional<Sample> shown;
  while (true) {
    terminal.show(lines);
    const Time next = std::chrono::steady_clock::now() + std::chrono::ceil<std::chrono::milliseconds>(interval);
    for (Event event = events.wait(next, true); event != Event::kTime; event = events.wait(next, true)) {
      if (event == Event::kQuit) return 0;
      if (shown) terminal.show(picture(previous, *shown, terminal.size()));
    }
    auto now = sample(interface_name);
    if (!now) {
      lines = {wgu::status::printable(now.error().message), "waiting for it; q quits"};
      shown.reset();
      continue;
    }
    if (shown) previous = std::move(*shown);
    shown = std::move(now).value();
    lines = picture(previous, *shown, terminal.size());
  }
}

}  // namespace

int main(int argc, char** argv) try {
  CLI::App app("What a running wgu-tunnel does: rates, worker load, percentiles of the interval, drops by reason, peers. q quits.");
  std::string interface_name;
  double interval = 1;
  bool is_once = false;
  app.add_option("IFNAME", interface_name, "The daemon's interface")->required();
  app.add_option("-i,--interval", interval, "Seconds between two refreshes")->check(CLI::Range(0.1, 3600.0))->capture_default_str();
  app.add_flag("--once,--batch", is_once, "Print one frame, of one interval, and end; so without a terminal");
  app.set_version_flag("--version", "wgu-top " WGU_VERSION);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return (is_once || isatty(STDOUT_FILENO) == 0 ? print_once : watch)(interface_name, std::chrono::duration<double>(interval));
} catch (const std::exception& error) {
  return fail(error.what());
}
