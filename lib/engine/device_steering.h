#pragma once
// The program on the device that brings packets to their home's queue (io/tun_steering.h), as far and as long as the kernel grants it.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "io/tun_steering.h"
#include "tunnel/configuration.h"

namespace wgu::engine {

class DeviceSteering {
 public:
  using Log = std::function<void(const std::string&)>;

  // `queue`: any of the device's, which outlives this or detach(). What is refused is only logged.
  void attach(int queue, const Log& log);
  void detach();
  [[nodiscard]] bool is_attached() const noexcept { return steering_.has_value(); }
  // May detach, when the kernel refuses what it has granted so far.
  void apply(const std::vector<tunnel::Configuration::HomeChange>& homes, const Log& log);

 private:
  int queue_ = -1;
  std::optional<io::TunSteering> steering_;
  // Of each family's prefixes one found no room, and none has gone since.
  bool is_v4_full_ = false;
  bool is_v6_full_ = false;
  bool was_ever_full_ = false;  // said in the log once
};

}  // namespace wgu::engine
