// receive:     one payload -> segments of the size that UDP_GRO names, the last may be shorter -> a datagram each: slices, or copies
// read_device: one read -> a packet, or the segments of a super-packet (split.h)
// A segment that finds no buffer is counted; what is too long for any buffer is counted as truncated.

#include "io/intake.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "io/udp.h"
#include "values/probes.h"

namespace wgu::io {
namespace {

constexpr std::size_t kPacketsPerRead = 64;      // UDP_MAX_SEGMENTS before Linux 6.9; a super-packet of the device has 47 full ones
constexpr std::size_t kLargePacketsPerRead = 8;  // of packets too long for the small buffers, 64 KiB hold no more

std::size_t available(PacketPool& pool) noexcept { return pool.count() - pool.in_use(); }

std::size_t bytes_of(const SuperPacket& super) noexcept {
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < super.segments(); ++i) bytes += super.segment_size(i);
  return bytes;
}

}  // namespace

Intake::Intake(const LoopOptions& options) noexcept
    : worker_(options.worker),
      pool_(*options.pool),
      large_pool_(options.large_pool),
      of_datagrams_{options.receive_headroom, 0, &Arrivals::truncated_datagrams, &Arrivals::unplaced_datagrams},
      of_device_packets_{options.device_headroom, options.device_tailroom, &Arrivals::truncated_device_packets,
                         &Arrivals::unplaced_device_packets},
      departing_size_(options.departing_size) {}

std::size_t Intake::affordable_reads(std::size_t wanted) const noexcept {
  const std::size_t packets = available(pool_);
  std::size_t reads = std::min(wanted, packets / kPacketsPerRead);
  if (large_pool_ != nullptr) reads = std::min(reads, available(*large_pool_) / kLargePacketsPerRead);
  return reads == 0 && packets != 0 ? 1 : reads;
}

Packet Intake::take(const Room& room, std::size_t size, Arrivals& arrivals) noexcept {
  const std::size_t needed = room.headroom + size + room.tailroom;
  PacketPool& pool = needed > pool_.capacity() && large_pool_ != nullptr ? *large_pool_ : pool_;
  if (needed > pool.capacity()) {
    ++(arrivals.*room.too_long);
    return Packet();
  }
  Packet packet = pool.take(room.headroom);
  if (packet) {
    packet.resize(size);
  } else {
    ++(arrivals.*room.unplaced);
  }
  return packet;
}

void Intake::receive(msghdr& message, std::span<const std::uint8_t> payload, Arrivals& arrivals, const Packet& whole) {
  ++arrivals.socket_receives;
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
  const ReceivedControl control = decode_control(message, way);
  const std::size_t segment = control.segment == 0 ? payload.size() : control.segment;
  const bool is_train = payload.size() > segment;
  if (is_train) ++arrivals.trains_received;
  if (WGU_PROBE_IS_TRACED(datagrams_received)) {
    WGU_PROBE(datagrams_received, worker_, payload.empty() ? 1 : (payload.size() + segment - 1) / segment, payload.size());
  }
  const std::size_t before = arrivals.from_network.size();
  const bool stays = is_train && whole && of_datagrams_.headroom == 0;
  std::size_t at = stays ? static_cast<std::size_t>(payload.data() - whole.data()) : 0;
  do {
    const auto bytes = payload.first(std::min(segment, payload.size()));
    payload = payload.subspan(bytes.size());
    Packet packet;
    if (stays) {
      packet = pool_.take_slice(whole, at, bytes.size());
      at += bytes.size();
      if (packet) {
        packet.resize(bytes.size());
      } else {
        ++arrivals.unplaced_datagrams;
      }
    } else if (packet = take(of_datagrams_, bytes.size(), arrivals); packet) {
      std::copy(bytes.begin(), bytes.end(), packet.data());
    }
    if (!packet) continue;
    arrivals.from_network.push_back({std::move(packet), way.remote, way.local, way.traffic_class, 0});
  } while (!payload.empty());
  if (control.stamp != WallTime{})
    arrivals.stamps.push_back({control.stamp, static_cast<std::uint32_t>(arrivals.from_network.size() - before)});
}

void Intake::read_device(std::span<const std::uint8_t> bytes, Arrivals& arrivals) {
  ++arrivals.device_reads;
  if (has_virtio_header_) return read_virtio(bytes, arrivals);
  WGU_PROBE(device_read, worker_, 1, bytes.size());
  Packet packet = take(of_device_packets_, bytes.size(), arrivals);
  if (!packet) return;
  std::copy(bytes.begin(), bytes.end(), packet.data());
  arrivals.from_device.push_back(std::move(packet));
}

void Intake::read_virtio(std::span<const std::uint8_t> bytes, Arrivals& arrivals) {
  SuperPacket super;
  if (bytes.size() < kVirtioNetHeaderSize ||
      super.parse(load_virtio_net_header(bytes.data()), bytes.subspan(kVirtioNetHeaderSize)) != SplitError::kNone) {
    ++arrivals.malformed_device_reads;
    return;
  }
  if (super.segments() > 1) ++arrivals.super_packets_read;
  if (WGU_PROBE_IS_TRACED(device_read)) WGU_PROBE(device_read, worker_, super.segments(), bytes_of(super));
  for (std::size_t i = 0; i < super.segments();) {
    if (const std::size_t together = super.segments() - i > 1 ? split_together(super, i, arrivals) : 0; together != 0) {
      i += together;
      continue;
    }
    Packet packet = take(of_device_packets_, super.segment_size(i), arrivals);
    if (packet) {
      super.write(i, packet.data());
      arrivals.from_device.push_back(std::move(packet));
    }
    ++i;
  }
}

// As many segments from `first` on as one large buffer and the pool take. 0: none.
std::size_t Intake::split_together(const SuperPacket& super, std::size_t first, Arrivals& arrivals) {
  if (large_pool_ == nullptr || !departing_size_) return 0;
  const Packet whole = large_pool_->take(0);
  if (!whole) return 0;
  const std::size_t spacing = departing_size_(super.segment_size(first));
  std::size_t i = first;
  for (std::size_t at = 0; i < super.segments() && at + spacing <= large_pool_->capacity(); ++i, at += spacing) {
    const std::size_t size = super.segment_size(i);
    Packet packet = pool_.take_slice(whole, at, spacing);
    if (!packet) break;
    packet.place(of_device_packets_.headroom, size);
    super.write(i, packet.data());
    arrivals.from_device.push_back(std::move(packet));
  }
  return i - first;
}

}  // namespace wgu::io
