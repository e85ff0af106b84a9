#pragma once
// Packets inside and outside the tunnel in one pcapng file that decrypts itself, and a key log, for diagnosis. Both hold secrets.
//
//   Capture  the files; one a device
//   Tap      where a worker puts its packets; one a worker, nobody else touches it
//
// A tap gathers packets in its own buffer and writes when that is full, or at flush(): no lock, no allocation, but write(2). Secrets are
// written at once, so that they stand before every packet that they decrypt, whichever worker writes it.

#include <array>
#include <atomic>
#include <memory>
#include <string>

#include "capture/bounded_file.h"
#include "capture/key_log.h"
#include "capture/outer_headers.h"
#include "capture/pcapng.h"
#include "values/handshake_secrets.h"
#include "wgu/result.h"

namespace wgu::capture {

struct CaptureOptions {
  std::string packets_path{};  // pcapng; empty: no packets
  std::string key_log_path{};  // text, for a capture made elsewhere; empty: none
  std::string interface_name = "wg";
  std::uint64_t packets_limit = std::uint64_t{1} << 30;  // bytes; then it ends, and what follows is counted
  std::uint64_t key_log_limit = std::uint64_t{1} << 24;  // bytes: some 50,000 handshakes
};

struct CaptureCounts {
  std::array<InterfaceStatistics, kCaptureInterfaces> packets;  // by CaptureInterface; what taps have not flushed is neither
  std::uint64_t handshakes = 0;                                 // of which secrets were written
  std::uint64_t handshakes_dropped = 0;                         // ... or not, in full in one of the files
  std::uint64_t packets_bytes = 0;
  std::uint64_t key_log_bytes = 0;
};

class Capture;

class Tap {
 public:
  explicit Tap(Capture& capture);  // which outlives it
  ~Tap() { flush(); }
  Tap(const Tap&) = delete;
  Tap& operator=(const Tap&) = delete;

  // As read from the device or written to it.
  void inner(Direction direction, std::span<const std::uint8_t> packet, WallTime when) noexcept;
  // As sent or received: one datagram, never a train.
  void outer(Direction direction, const OuterPath& path, std::span<const std::uint8_t> payload, WallTime when) noexcept;
  // The device's private key, when the capture begins and when it changes: Wireshark needs it before the first initiation to us.
  void identity(std::span<const std::uint8_t, kKeySize> private_key) noexcept;
  // Once a handshake message is made, and before it is sent.
  void handshake(const HandshakeSecrets& secrets) noexcept;
  void flush() noexcept;
  // Of this tap, both sides of the tunnel together; what it has not flushed is in neither.
  [[nodiscard]] const InterfaceStatistics& packets() const noexcept { return packets_; }

 private:
  void packet(CaptureInterface on, Direction direction, WallTime when, std::span<const std::uint8_t> headers,
              std::span<const std::uint8_t> payload) noexcept;
  bool write_keys(const KeyLogText& text) noexcept;
  void count(std::size_t interface, std::uint64_t packets, bool are_written) noexcept;

  Capture& capture_;
  Bytes buffer_;
  Endpoint last_remote_;  // of those without a local address, and what the routing table says of it
  IpAddress last_source_;
  std::array<std::uint64_t, kCaptureInterfaces> buffered_{};
  InterfaceStatistics packets_;
};

class Capture {
 public:
  // \errors EINVAL (neither file), EEXIST, others of the system: then there is no file
  static Result<std::unique_ptr<Capture>> create(const CaptureOptions& options);

  [[nodiscard]] CaptureCounts counts() const noexcept;  // any thread
  // Ends the packets with what was seen and dropped. \pre every tap is gone
  void finish(WallTime when) noexcept;

 private:
  friend class Tap;
  Capture() = default;

  std::unique_ptr<BoundedFile> packets_;
  std::unique_ptr<BoundedFile> key_log_;
  std::array<std::atomic<std::uint64_t>, kCaptureInterfaces> seen_{};
  std::array<std::atomic<std::uint64_t>, kCaptureInterfaces> dropped_{};
  std::atomic<std::uint64_t> handshakes_{0};
  std::atomic<std::uint64_t> handshakes_dropped_{0};
};

}  // namespace wgu::capture
