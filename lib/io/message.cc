// Shared by ring.cc and poller.cc. A datagram is prepared once in place and finished once with the kernel's answer; a device
// read ends in exactly one DeviceRead, which decides what the loop does with the source next.

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
  if (capacity > device && capacity > options.receive_headroom) return {};
  return Error{EINVAL, "packet buffers of " + std::to_string(capacity) + " bytes hold nothing beside the room asked for (device " +
                           std::to_string(device) + ", receive " + std::to_string(options.receive_headroom) + ")"};
}

void OutgoingMessage::prepare(Datagram&& outgoing) noexcept {
  datagram = std::move(outgoing);
  payload = {datagram.packet.data(), datagram.packet.size()};
  header = {};
  header.msg_name = &address;
  header.msg_namelen = encode_address(datagram.remote, address);
  header.msg_iov = &payload;
  header.msg_iovlen = 1;
  header.msg_controllen = encode_control(datagram, control.data());
  header.msg_control = header.msg_controllen != 0 ? control.data() : nullptr;
}

void report_send_failure(const Datagram& datagram, int error, Arrivals& arrivals) {
  arrivals.send_failures.push_back({datagram.tag, static_cast<std::uint32_t>(datagram.packet.size()), error});
}

void finish_send(OutgoingMessage& message, int fd, int result, Arrivals& arrivals) noexcept {
  if (result < 0 && message.has_source() && is_local_address_error(-result)) {
    // A plain call: an address goes once, and its datagrams are then few.
    message.datagram.local = {};
    message.prepare(std::move(message.datagram));
    result = ::sendmsg(fd, &message.header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
    if (result == 0) arrivals.stale_sources.push_back(message.datagram.tag);
  }
  if (result < 0) report_send_failure(message.datagram, -result, arrivals);
  message.datagram.packet = Packet();
}

DeviceBuffer::DeviceBuffer(const LoopOptions& options) noexcept : headroom(options.device_headroom) {
  const std::size_t behind = std::max<std::size_t>(options.device_tailroom, 1);
  usable = options.pool->capacity() - headroom - behind;
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

void deliver_device_packet(Packet packet, const DeviceBuffer& buffer, std::size_t length, Arrivals& arrivals) {
  if (length > buffer.usable) {
    ++arrivals.truncated_device_packets;
    return;
  }
  packet.place(buffer.headroom, length);
  arrivals.from_device.push_back(std::move(packet));
}

DeviceRead read_device(int fd, bool zero_is_end, const DeviceBuffer& buffer, PacketPool& pool, Arrivals& arrivals) {
  Packet packet = pool.take(buffer.headroom);
  if (!packet) return DeviceRead::kStarved;
  const ssize_t length = ::read(fd, packet.data(), buffer.read_size());
  if (length < 0) return classify_device_error(errno);
  if (length == 0 && zero_is_end) return DeviceRead::kGone;
  deliver_device_packet(std::move(packet), buffer, static_cast<std::size_t>(length), arrivals);
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
         !arrivals.stale_sources.empty() || arrivals.device_gone ||
         (arrivals.write_failures | arrivals.truncated_datagrams | arrivals.truncated_device_packets | arrivals.starved_device_reads |
          arrivals.starved_socket_reads) != 0;
}

bool move_arrivals(Arrivals& source, Arrivals& target) {
  if (!has_news(source)) return false;
  const auto append = [](auto& from, auto& to) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
  };
  append(source.from_device, target.from_device);
  append(source.from_network, target.from_network);
  append(source.send_failures, target.send_failures);
  append(source.stale_sources, target.stale_sources);
  target.write_failures += source.write_failures;
  target.truncated_datagrams += source.truncated_datagrams;
  target.truncated_device_packets += source.truncated_device_packets;
  target.starved_device_reads += source.starved_device_reads;
  target.starved_socket_reads += source.starved_socket_reads;
  target.device_gone |= source.device_gone;
  source.clear();
  return true;
}

}  // namespace wgu::io
