#pragma once
// Two engines in this process, each the other's peer over UDP on 127.0.0.1: nothing is asked of the system that needs privileges. Their
// devices are socket pairs, whose far ends stand for the IP stacks of two hosts.

#include <sys/types.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bench/memory/round.h"
#include "io/file_descriptor.h"
#include "wgu/engine.h"
#include "wgu/result.h"

namespace wgu::bench {

// One engine. Its threads are those that started with it.
struct TunnelEnd {
  std::vector<io::FileDescriptor> device;  // the far ends, one a queue
  PrivateKey key = PrivateKey::generate();
  std::optional<Engine> engine;
  std::set<pid_t> threads;
};

class TunnelPair {
 public:
  // Up, and with a session: one packet went through. No other thread may start meanwhile.
  // \errors those of Engine::start(), socketpair(2); EINVAL: io; ETIMEDOUT: no packet came through
  static Result<TunnelPair> start(const RoundOptions& options);

  [[nodiscard]] const std::vector<io::FileDescriptor>& entrance() const noexcept { return sender_.device; }
  [[nodiscard]] const std::vector<io::FileDescriptor>& exit() const noexcept { return receiver_.device; }
  [[nodiscard]] const std::set<pid_t>& sender_threads() const noexcept { return sender_.threads; }
  [[nodiscard]] const std::set<pid_t>& receiver_threads() const noexcept { return receiver_.threads; }
  [[nodiscard]] const char* io_backend() const { return sender_.engine->io_backend(); }
  // Of both engines, by "outbound/NAME" and "inbound/NAME"; without those that are zero.
  [[nodiscard]] std::map<std::string, std::uint64_t> drops();
  // Packets that the workers of neither engine account for, and such as left one and never came to another; of a loop that has stopped.
  [[nodiscard]] std::uint64_t unexplained();
  // Packets of a round that brought any, so far, at the engine with fewer.
  [[nodiscard]] double batch();

 private:
  TunnelPair() = default;
  Result<void> connect();
  TunnelEnd sender_, receiver_;
};

}  // namespace wgu::bench
