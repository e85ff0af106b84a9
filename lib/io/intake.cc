// receive:     one payload -> segments of the size that UDP_GRO names, the last may be shorter -> a datagram each
// read_device: one read -> a packet, or the segments of a super-packet (split.h)
// A segment that finds no buffer is counted; what is too long for any buffer is counted as truncated.

#include "io/intake.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "io/split.h"
#include "io/udp.h"

namespace wgu::io {
namespace {

constexpr std::size_t kPacketsPerRead = 64;      // UDP_MAX_SEGMENTS before Linux 6.9; a super-packet of the device has 47 full ones
constexpr std::size_t kLargePacketsPerRead = 8;  // of packets too long for the small buffers, 64 KiB hold no more

std::size_t available(PacketPool& pool) noexcept { return pool.count() - pool.in_use(); }

}  // namespace

Intake::Intake(const LoopOptions& options) noexcept
    : pool_(*options.pool),
      large_pool_(options.large_pool),
      receive_headroom_(options.receive_headroom),
      device_headroom_(options.device_headroom),
      device_tailroom_(options.device_tailroom) {}

std::size_t Intake::affordable_reads(std::size_t wanted) const noexcept {
  const std::size_t packets = available(pool_);
  std::size_t reads = std::min(wanted, packets / kPacketsPerRead);
  if (large_pool_ != nullptr) reads = std::min(reads, available(*large_pool_) / kLargePacketsPerRead);
  return reads == 0 && packets != 0 ? 1 : reads;
}

bool Intake::fits(std::size_t headroom, std::size_t size, std::size_t tailroom) const noexcept {
  const std::size_t capacity = large_pool_ != nullptr ? std::max(pool_.capacity(), large_pool_->capacity()) : pool_.capacity();
  return headroom + size + tailroom <= capacity;
}

Packet Intake::take(std::size_t headroom, std::size_t size, std::size_t tailroom) noexcept {
  const bool is_small = headroom + size + tailroom <= pool_.capacity();
  return is_small || large_pool_ == nullptr ? pool_.take(headroom) : large_pool_->take(headroom);
}

void Intake::receive(msghdr& message, std::span<const std::uint8_t> payload, Arrivals& arrivals) {
  if ((message.msg_flags & MSG_TRUNC) != 0) {
    ++arrivals.truncated_datagrams;
    return;
  }
  Datagram way;
  if (message.msg_name != nullptr) {
    sockaddr_storage address{};
    std::memcpy(&address, message.msg_name, std::min<std::size_t>(message.msg_namelen, sizeof address));
    way.remote = decode_address(address);
  }
  const std::size_t named = decode_control(message, way);
  const std::size_t segment = named == 0 ? payload.size() : named;
  do {
    const auto bytes = payload.first(std::min(segment, payload.size()));
    payload = payload.subspan(bytes.size());
    if (!fits(receive_headroom_, bytes.size(), 0)) {
      ++arrivals.truncated_datagrams;
      continue;
    }
    Packet packet = take(receive_headroom_, bytes.size(), 0);
    if (!packet) {
      ++arrivals.unplaced_datagrams;
      continue;
    }
    packet.resize(bytes.size());
    std::copy(bytes.begin(), bytes.end(), packet.data());
    arrivals.from_network.push_back({std::move(packet), way.remote, way.local, way.traffic_class, 0});
  } while (!payload.empty());
}

void Intake::read_device(std::span<const std::uint8_t> bytes, Arrivals& arrivals) {
  VirtioNetHeader header;
  if (has_virtio_header_) {
    if (bytes.size() < kVirtioNetHeaderSize) {
      ++arrivals.malformed_device_reads;
      return;
    }
    header = load_virtio_net_header(bytes.data());
    bytes = bytes.subspan(kVirtioNetHeaderSize);
  }
  SuperPacket super;
  if (has_virtio_header_ && super.parse(header, bytes) != SplitError::kNone) {
    ++arrivals.malformed_device_reads;
    return;
  }
  const std::size_t count = has_virtio_header_ ? super.segments() : 1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t size = has_virtio_header_ ? super.segment_size(i) : bytes.size();
    if (!fits(device_headroom_, size, device_tailroom_)) {
      ++arrivals.truncated_device_packets;
      continue;
    }
    Packet packet = take(device_headroom_, size, device_tailroom_);
    if (!packet) {
      ++arrivals.unplaced_device_packets;
      continue;
    }
    packet.resize(size);
    if (has_virtio_header_) {
      super.write(i, packet.data());
    } else {
      std::copy(bytes.begin(), bytes.end(), packet.data());
    }
    arrivals.from_device.push_back(std::move(packet));
  }
}

}  // namespace wgu::io
