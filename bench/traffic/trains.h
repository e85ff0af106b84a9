#pragma once
// UDP at next to no cost: trains that say nothing, and a reader that takes no more of them than their beginnings. For who measures what
// lies between the two, and not whether every byte comes through.

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "wgu/result.h"

namespace wgu::bench {

// Equal datagrams in one send that the kernel cuts (UDP_SEGMENT); one by one where it refuses to for the device on the way (EIO).
class TrainSource {
 public:
  // \pre packets <= max_segments(payload) (udp_sender.h)
  TrainSource(std::size_t payload, unsigned packets);
  TrainSource(const TrainSource&) = delete;
  TrainSource& operator=(const TrainSource&) = delete;

  [[nodiscard]] unsigned packets() const noexcept { return packets_; }
  // On a connected socket. How many packets it took: all of a train, none when there is no room for now, some when they went one by one.
  // \errors those of sendmmsg(2)
  Result<unsigned> send(int fd);

 private:
  std::vector<std::uint8_t> bytes_;
  unsigned packets_;
  iovec piece_{};  // one packet
  std::vector<mmsghdr> messages_;
  bool has_trains_ = true;
};

// One message of recvmmsg(2): a datagram, or several that came as a train.
struct TrainBeginning {
  std::size_t length = 0;                   // bytes that came
  std::size_t stride = 0;                   // of each datagram but the last, which may be shorter
  std::span<const std::uint8_t> at_hand{};  // of the first datagram, as much as was read
  [[nodiscard]] bool is_first_whole() const noexcept { return at_hand.size() == (stride < length ? stride : length); }
  // How many of its datagrams have `size` bytes or more.
  [[nodiscard]] std::size_t count_of(std::size_t size) const noexcept;
};

// Of the messages of one read the first is at hand up to `largest` bytes, all others up to kBeginning.
class TrainReader {
 public:
  inline static constexpr std::size_t kBeginning = 256;  // headers of data; WireGuard's messages without data are there whole
  explicit TrainReader(std::size_t largest);
  TrainReader(const TrainReader&) = delete;
  TrainReader& operator=(const TrainReader&) = delete;

  // Makes the socket keep trains together. \errors those of setsockopt(2)
  static Result<void> prepare(int fd);
  // Without waiting: what there is, until the next read. Nothing when reading fails.
  std::span<const TrainBeginning> read(int fd);

 private:
  inline static constexpr unsigned kMessages = 8;
  struct Control {
    alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int))];
  };
  std::vector<std::uint8_t> bytes_;
  std::array<iovec, kMessages> pieces_{};
  std::array<Control, kMessages> controls_{};
  std::array<mmsghdr, kMessages> messages_{};
  std::array<TrainBeginning, kMessages> read_{};
};

}  // namespace wgu::bench
