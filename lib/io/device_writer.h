#pragma once
// Packets on their way to the device, gathered until they are handed over together: one by one to a plain device, merged into
// super-packets (merge.h) to one with a virtio header.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "io/loop.h"
#include "io/merge.h"

namespace wgu::io {

class DeviceWriter {
 public:
  void set_format(const DeviceFormat& format);
  void add(std::span<Packet> packets);  // consumes
  [[nodiscard]] bool is_empty() const noexcept { return packets_.empty(); }

  // What to write, in order; valid until clear().
  struct Write {
    std::span<const iovec> pieces;
    std::size_t packets;
    std::size_t bytes;  // of these packets
  };
  std::span<const Write> plan();
  void tell_tracers(std::uint8_t worker, const Write& write) const noexcept;  // as it is handed over; for when device_written is traced
  void clear() noexcept;

 private:
  static constexpr std::size_t kExpectedBatch = 1024;  // packets of one wait(): merged without allocating
  bool has_virtio_header_ = false;
  Merger merger_{kExpectedBatch};
  std::vector<Packet> packets_;
  std::vector<std::span<std::uint8_t>> bytes_;
  std::vector<iovec> pieces_;
  std::vector<Write> writes_;
};

// One writev of what plan() said. 0, or an errno.
int write_to_device(int fd, const DeviceWriter::Write& write) noexcept;

// Accounts for the result of such a write: 0, or an errno.
void finish_write(const DeviceWriter::Write& write, int error, Arrivals& arrivals) noexcept;
void count_refused(const DeviceWriter::Write& write, Arrivals& arrivals) noexcept;

}  // namespace wgu::io
