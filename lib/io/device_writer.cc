// add -> plan -> the caller writes -> clear, which gives the packets back.

#include "io/device_writer.h"

#include <cerrno>
#include <utility>

#include "io/virtio_net.h"
#include "values/probes.h"

namespace wgu::io {

void DeviceWriter::set_format(const DeviceFormat& format) {
  has_virtio_header_ = format.has_virtio_header;
  merger_ = Merger(kExpectedBatch, {.tcp_v4 = format.tcp_v4, .tcp_v6 = format.tcp_v6, .udp = format.udp, .moves_neighbours = true});
}

void DeviceWriter::add(std::span<Packet> packets) {
  for (Packet& packet : packets) packets_.push_back(std::move(packet));
}

std::span<const DeviceWriter::Write> DeviceWriter::plan() {
  writes_.clear();
  if (has_virtio_header_) {
    bytes_.clear();
    for (const Packet& packet : packets_) bytes_.push_back(packet.bytes());
    for (const DeviceWrite& write : merger_.merge(bytes_)) {
      writes_.push_back({write.pieces, write.packets, write.size + (write.packets - 1) * write.header.header_size});
    }
  } else {
    pieces_.clear();
    for (const Packet& packet : packets_) pieces_.push_back({packet.data(), packet.size()});
    for (const iovec& piece : pieces_) writes_.push_back({{&piece, 1}, 1, piece.iov_len});
  }
  return writes_;
}

void DeviceWriter::tell_tracers(std::uint8_t worker, const Write& write) const noexcept {
  std::size_t bytes = 0;
  for (const iovec& piece : write.pieces) bytes += piece.iov_len;
  WGU_PROBE(device_written, worker, write.packets, bytes - (has_virtio_header_ ? kVirtioNetHeaderSize : 0));
}

void DeviceWriter::clear() noexcept {
  packets_.clear();
  writes_.clear();
}

int write_to_device(int fd, const DeviceWriter::Write& write) noexcept {
  return ::writev(fd, write.pieces.data(), static_cast<int>(write.pieces.size())) < 0 ? errno : 0;
}

void finish_write(const DeviceWriter::Write& write, int error, Arrivals& arrivals) noexcept {
  ++arrivals.device_writes;
  if (write.packets > 1) ++arrivals.super_packets_written;
  if (error != 0) count_refused(write, arrivals);
}

void count_refused(const DeviceWriter::Write& write, Arrivals& arrivals) noexcept {
  arrivals.write_failures += write.packets;
  arrivals.write_failure_bytes += write.bytes;
}

}  // namespace wgu::io
