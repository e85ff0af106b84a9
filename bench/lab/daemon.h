#pragma once
// One WireGuard daemon in one network namespace, whoever wrote it: started by its command line, ready when its control socket answers,
// configured over that socket (the UAPI of https://www.wireguard.com/xplatform/).

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/lab/child.h"
#include "bench/lab/network_namespace.h"
#include "bench/lab/process_usage.h"
#include "wgu/device.h"
#include "wgu/result.h"

namespace wgu::bench {

// The shell's command line: each {} in `command` becomes the interface's name, which is appended when there is none.
std::string command_line(std::string_view command, std::string_view interface_name);
// What "errno=" at the end of a reply says; none when the reply does not end so.
std::optional<int> errno_of(std::string_view reply);

class Daemon {
 public:
  // Starts it in `where` and waits until it answers: it may stay in the foreground or leave for the background. `interface_name` is free
  // in every namespace: daemons share the folder of the control sockets. \errors ETIMEDOUT, ECHILD (it ended): with the end of its output
  static Result<Daemon> start(const NetworkNamespace& where, std::string_view command, const std::string& interface_name);
  Daemon(Daemon&& other) noexcept = default;
  Daemon& operator=(Daemon&&) noexcept;
  ~Daemon() { stop(); }

  // \errors EPROTO (no sensible answer), ETIMEDOUT, EIO (the daemon says no; with its number)
  Result<void> configure(const DeviceChange& change) const;
  Result<std::string> status() const;  // the answer to get=1
  void stop() noexcept;                // SIGTERM, three seconds, SIGKILL; and its control socket

  [[nodiscard]] bool is_running() const;
  [[nodiscard]] const std::string& interface_name() const noexcept { return interface_name_; }
  [[nodiscard]] const std::vector<pid_t>& processes() const noexcept { return processes_; }  // its own and those it started
  [[nodiscard]] std::string last_output() const;                                             // the end of what it printed

 private:
  Daemon() = default;
  std::string interface_name_;
  std::unique_ptr<Child> child_;  // what was started; has ended when the daemon left for the background
  std::vector<pid_t> processes_;
  io::FileDescriptor output_;
};

}  // namespace wgu::bench
