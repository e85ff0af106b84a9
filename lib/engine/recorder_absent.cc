// Where capture is not built in: nothing is ever open.
#include <cerrno>

#include "engine/recorder.h"

namespace wgu::engine {

struct Recording::Impl {};
Recording::Recording() = default;
Recording::~Recording() = default;

Result<void> Recording::open(const CaptureFiles& files, const std::string&) {
  if (files.packets.empty() && files.keys.empty()) return {};
  return Error{ENOTSUP, "packet capture and key log are not built in (-DWGU_CAPTURE=ON)"};
}

void Recording::identity(const PrivateKey&) noexcept {}
std::string Recording::finish(WallTime) { return {}; }

struct Recorder::Impl {};
Recorder::Recorder() = default;
Recorder::~Recorder() = default;
void Recorder::open(Recording&) {}
void Recorder::close() noexcept {}
void Recorder::set_local_port(std::uint16_t) noexcept {}
void Recorder::arrived(const io::Arrivals&, WallTime) noexcept {}
void Recorder::leaving(const TunnelOutput&, WallTime) noexcept {}
void Recorder::handshake(const HandshakeSecrets&) noexcept {}
void Recorder::end_round(Counters&) noexcept {}

}  // namespace wgu::engine
