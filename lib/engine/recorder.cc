// arrived -> packets from the device (inner, outbound), datagrams (outer, inbound)
// leaving -> datagrams (outer, outbound), packets to the device (inner, inbound)
#include "engine/recorder.h"

#include "capture/capture.h"

namespace wgu::engine {

struct Recording::Impl {
  explicit Impl(std::unique_ptr<capture::Capture> opened) : capture(std::move(opened)), tap(*capture) {}
  std::unique_ptr<capture::Capture> capture;
  capture::Tap tap;
};

Recording::Recording() = default;
Recording::~Recording() = default;

Result<void> Recording::open(const CaptureFiles& files, const std::string& interface_name) {
  if (files.packets.empty() && files.keys.empty()) return {};
  auto created = capture::Capture::create({.packets_path = files.packets,
                                           .key_log_path = files.keys,
                                           .interface_name = interface_name.empty() ? "wg" : interface_name,
                                           .packets_limit = files.packets_limit});
  if (!created) return std::move(created).error();
  impl_ = std::make_unique<Impl>(std::move(created).value());
  return {};
}

void Recording::identity(const PrivateKey& key) noexcept {
  if (impl_) impl_->tap.identity(key.reveal());
}

std::string Recording::finish(WallTime when) {
  if (!impl_) return {};
  impl_->tap.flush();
  impl_->capture->finish(when);
  const capture::CaptureCounts counts = impl_->capture->counts();
  std::uint64_t seen = 0, dropped = 0;
  for (const capture::InterfaceStatistics& side : counts.packets) {
    seen += side.seen;
    dropped += side.dropped;
  }
  return "captured " + std::to_string(seen - dropped) + " of " + std::to_string(seen) + " packets (" +
         std::to_string(counts.packets_bytes) + " bytes), the keys of " + std::to_string(counts.handshakes) + " of " +
         std::to_string(counts.handshakes + counts.handshakes_dropped) + " handshake messages";
}

struct Recorder::Impl {
  explicit Impl(capture::Capture& capture) : tap(capture) {}
  capture::Tap tap;
  std::uint16_t local_port = 0;

  void outer(Direction direction, const Datagram& datagram, WallTime when) noexcept {
    tap.outer(direction, {datagram.remote, datagram.local, local_port, datagram.traffic_class}, datagram.packet.bytes(), when);
  }
};

Recorder::Recorder() = default;
Recorder::~Recorder() = default;

void Recorder::open(Recording& recording) {
  if (recording.is_on()) impl_ = std::make_unique<Impl>(*recording.impl_->capture);
}

void Recorder::close() noexcept { impl_.reset(); }

void Recorder::set_local_port(std::uint16_t port) noexcept { impl_->local_port = port; }

void Recorder::arrived(const io::Arrivals& arrivals, WallTime when) noexcept {
  for (const Packet& packet : arrivals.from_device) impl_->tap.inner(Direction::kOutbound, packet.bytes(), when);
  for (const Datagram& datagram : arrivals.from_network) impl_->outer(Direction::kInbound, datagram, when);
}

void Recorder::leaving(const TunnelOutput& output, WallTime when) noexcept {
  for (const Datagram& datagram : output.to_network) impl_->outer(Direction::kOutbound, datagram, when);
  for (const Packet& packet : output.to_device) impl_->tap.inner(Direction::kInbound, packet.bytes(), when);
}

void Recorder::handshake(const HandshakeSecrets& secrets) noexcept { impl_->tap.handshake(secrets); }

void Recorder::end_round(Counters& counters) noexcept {
  impl_->tap.flush();
  const capture::InterfaceStatistics packets = impl_->tap.packets();
  counters.packets_captured = packets.seen - packets.dropped;
  counters.packets_not_captured = packets.dropped;
}

}  // namespace wgu::engine
