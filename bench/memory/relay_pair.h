#pragma once
// What lies between feeder and drain without a tunnel: packets go from socket pair to UDP over 127.0.0.1 to socket pair, as in TunnelPair,
// in trains as long as its own, but nothing looks into them. No line of the library runs here: it is the limit of all rows of `memory`, and
// tells `compare` what the machine did between two runs.

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "bench/memory/round.h"
#include "io/file_descriptor.h"
#include "wgu/result.h"

namespace wgu::bench {

class RelayPair {
 public:
  // A thread a worker at each end, on its CPU. \errors of the sockets
  static Result<RelayPair> start(const RoundOptions& options);
  RelayPair(RelayPair&&) noexcept = default;
  RelayPair& operator=(RelayPair&&) = delete;
  ~RelayPair();

  [[nodiscard]] const std::vector<io::FileDescriptor>& entrance() const noexcept { return entrance_; }
  [[nodiscard]] const std::vector<io::FileDescriptor>& exit() const noexcept { return exit_; }
  [[nodiscard]] const std::set<pid_t>& sender_threads() const noexcept { return sender_threads_; }
  [[nodiscard]] const std::set<pid_t>& receiver_threads() const noexcept { return receiver_threads_; }
  [[nodiscard]] static const char* io_backend() noexcept { return "blocking calls"; }
  [[nodiscard]] static std::map<std::string, std::uint64_t> drops() { return {}; }  // what is lost was lost in a socket
  [[nodiscard]] static std::uint64_t unexplained() noexcept { return 0; }
  [[nodiscard]] static double batch() noexcept { return 0; }                         // nobody counts

 private:
  RelayPair() = default;
  std::vector<io::FileDescriptor> entrance_, exit_;  // the far ends, one a queue
  std::vector<io::FileDescriptor> inside_;           // what the threads read and write
  std::set<pid_t> sender_threads_, receiver_threads_;
  std::vector<std::thread> threads_;
};

}  // namespace wgu::bench
