#pragma once
// What the daemon answers to an HTTP request, without any HTTP server: pure but for the sources it asks, and the count it keeps of its
// answers. Any number of threads at once.

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "wgu/telemetry.h"

// Where the answers come from; any thread.
struct PageSources {
  std::function<wgu::Snapshot()> snapshot;  // with the host's readings
  std::function<std::vector<wgu::Event>()> events;
  std::function<void(wgu::TelemetryLevel)> set_telemetry;
};

struct PageRequest {
  std::string_view method{}, path{};
  std::string_view accept{};  // empty: no such header
  bool has_body = false;
  bool is_control = false;  // came over the daemon's own socket, which only its user can open: may change something
};

struct PageResponse {
  unsigned code = 200;
  std::string content_type = "text/plain; charset=utf-8";  // empty: there is no body
  std::string body{};
  std::string allow{};  // with 405: the methods that there are
};

class Pages {
 public:
  explicit Pages(PageSources sources) : sources_(std::move(sources)) {}

  // Never throws: what fails is answered with 500.
  [[nodiscard]] PageResponse answer(const PageRequest& request) noexcept;

  // A connection that did not take its answer whole, for a reason of the client's or of time.
  void count_unfinished() noexcept { unfinished_.fetch_add(1, std::memory_order_relaxed); }

 private:
  [[nodiscard]] PageResponse dispatch(const PageRequest& request) const;
  [[nodiscard]] PageResponse metrics(std::string_view accept) const;
  [[nodiscard]] PageResponse json() const;
  [[nodiscard]] PageResponse events() const;
  [[nodiscard]] PageResponse set_telemetry(const PageRequest& request) const;

  static constexpr std::array<unsigned, 6> kCodes{200, 400, 404, 405, 413, 500};
  PageSources sources_;
  std::array<std::atomic<std::uint64_t>, kCodes.size()> answers_{};  // by kCodes
  std::atomic<std::uint64_t> unfinished_{0};
};
