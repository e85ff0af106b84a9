#pragma once
// The engine's side of a capture (lib/capture): which packets and secrets its workers show it. Where capture is not built in (WGU_CAPTURE),
// recorder_absent.cc stands in for recorder.cc, and to ask for files is an error.
//
//   Recording  the files, with a tap of the control side's own; one an engine
//   Recorder   a worker's tap; its thread only

#include <memory>
#include <string>

#include "io/loop.h"
#include "values/handshake_secrets.h"
#include "wgu/engine.h"

namespace wgu::engine {

class Recording {
 public:
  Recording();
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  // Makes the files that are asked for, if any. \errors ENOTSUP (not built in), EEXIST, others of the system
  Result<void> open(const CaptureFiles& files, const std::string& interface_name);
  [[nodiscard]] bool is_on() const noexcept { return impl_ != nullptr; }
  // The device's private key, before the first handshake that rests on it. One thread at a time.
  void identity(const PrivateKey& key) noexcept;
  // Ends the files; what they hold, in words. \pre every recorder is closed
  std::string finish(WallTime when);

 private:
  friend class Recorder;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

class Recorder {
 public:
  Recorder();
  ~Recorder();
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  void open(Recording& recording);  // which outlives it, or close()
  void close() noexcept;
  [[nodiscard]] bool is_on() const noexcept { return impl_ != nullptr; }

  // \pre is_on(), for all below
  void set_local_port(std::uint16_t port) noexcept;
  void arrived(const io::Arrivals& arrivals, WallTime when) noexcept;
  void leaving(const TunnelOutput& output, WallTime when) noexcept;
  void handshake(const HandshakeSecrets& secrets) noexcept;
  void end_round(Counters& counters) noexcept;  // writes what was shown, and counts it

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace wgu::engine
