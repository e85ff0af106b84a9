// Shared by ring.cc and poller.cc. A device read ends in exactly one DeviceRead, which decides what the loop does with the source
// next.

#include "io/message.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>
#include <utility>

namespace wgu::io {

Result<void> check_options(const LoopOptions& options) {
  if (options.pool == nullptr) return Error{EINVAL, "loop options: no packet pool"};
  const std::size_t capacity = options.pool->capacity();
  const std::size_t device = options.device_headroom + std::max<std::size_t>(options.device_tailroom, 1);
  if (options.read_pool != nullptr && options.read_pool->capacity() < kReceiveBuffer)
    return Error{EINVAL, "loop options: read buffers of " + std::to_string(options.read_pool->capacity()) + " bytes, less than " +
                             std::to_string(kReceiveBuffer)};
  if (capacity > device && capacity > options.receive_headroom) return {};
  return Error{EINVAL, "packet buffers of " + std::to_string(capacity) + " bytes hold nothing beside the room asked for (device " +
                           std::to_string(device) + ", receive " + std::to_string(options.receive_headroom) + ")"};
}

void fail_first(std::span<Datagram>& datagrams, int error, Arrivals& arrivals) {
  Datagram& first = datagrams.front();
  arrivals.send_failures.push_back({first.tag, static_cast<std::uint32_t>(first.packet.size()), error});
  first.packet = Packet();
  datagrams = datagrams.subspan(1);
}

bool zero_means_end(int fd) noexcept {
  int type = 0;
  socklen_t length = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) != 0) return true;
  return type != SOCK_DGRAM;
}

DeviceRead classify_device_error(int error) noexcept {
  switch (error) {
    case EAGAIN:
    case EINTR:
      return DeviceRead::kEmpty;
    case EBADFD:  // a TUN queue whose device was deleted
    case EBADF:
    case ENODEV:
    case ENXIO:
    case ECONNRESET:  // a socket in a TUN's place: the other end was closed with packets unread
      return DeviceRead::kGone;
    default:
      return DeviceRead::kFailed;
  }
}

DeviceRead read_device(int fd, bool zero_is_end, std::span<std::uint8_t> buffer, Intake& intake, Arrivals& arrivals) {
  if (intake.is_starved()) return DeviceRead::kStarved;
  const ssize_t length = ::read(fd, buffer.data(), buffer.size());
  if (length < 0) return classify_device_error(errno);
  if (length == 0 && zero_is_end) return DeviceRead::kGone;
  intake.read_device(buffer.first(static_cast<std::size_t>(length)), arrivals);
  return DeviceRead::kPacket;
}

void make_nonblocking(int fd) noexcept {
  if (fd < 0) return;
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

bool is_readable_now(int fd) noexcept {
  pollfd entry{fd, POLLIN, 0};
  return ::poll(&entry, 1, 0) > 0;
}

bool has_news(const Arrivals& arrivals) noexcept {
  return !arrivals.from_device.empty() || !arrivals.from_network.empty() || !arrivals.send_failures.empty() ||
         !arrivals.stale_sources.empty() || !arrivals.narrow_paths.empty() || arrivals.device_gone ||
         std::any_of(std::begin(Arrivals::kCounts), std::end(Arrivals::kCounts), [&](auto count) { return arrivals.*count != 0; });
}

bool move_arrivals(Arrivals& source, Arrivals& target) {
  for (const auto count : Arrivals::kOperations) target.*count += std::exchange(source.*count, 0);
  if (!has_news(source)) return false;
  const auto append = [](auto& from, auto& to) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  append(source.from_device, target.from_device);
  append(source.from_network, target.from_network);
  append(source.stamps, target.stamps);
  append(source.send_failures, target.send_failures);
  append(source.stale_sources, target.stale_sources);
  append(source.narrow_paths, target.narrow_paths);
  for (const auto count : Arrivals::kCounts) target.*count += source.*count;
  target.device_gone |= source.device_gone;
  source.clear();
  return true;
}

}  // namespace wgu::io
