#pragma once
// The command line and the environment, as values.

#include <optional>
#include <string>
#include <vector>

#include "queries.h"
#include "wgu/engine.h"

struct Options {
  std::string interface_name;
  bool is_foreground = false;
  unsigned workers = 0;
  std::string cpus;
  bool is_realtime = false;
  wgu::IoBackend io = wgu::IoBackend::kAuto;
  wgu::Offloads offloads;
  wgu::PathPolicy path;
  wgu::CaptureFiles capture;
  std::vector<std::string> watched_peers;
  std::vector<std::string> metrics;  // where to listen
  std::string event_log;             // empty: none
  wgu::TelemetryLevel telemetry = wgu::TelemetryLevel::kEvents;
  Query query = Query::kNone;
  std::string new_telemetry;  // of Query::kSetTelemetry
  wgu::LogLevel log_level = wgu::LogLevel::kError;
  bool keeps_output = false;
  std::optional<int> tun_fd;
  std::optional<int> uapi_fd;
};

// None: the program is over, with `exit_status`; what there was to say is said.
std::optional<Options> parse_options(int argc, char** argv, int& exit_status);
