#pragma once
// Datagrams that leave by one sendmsg: same way, all of one size but the last, which may be shorter (UDP_SEGMENT, udp(7)). The
// kernel cuts the train up as late as it can, at best in the hardware.

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "io/loop.h"
#include "io/udp.h"

namespace wgu::io {

// Destinations that refused a train: their datagrams go one by one for a while, and then a train is tried again; where only the size
// was wrong, smaller ones still go in trains. Routes, links and path MTUs change, so no refusal is for ever. A handful of destinations;
// the least recent refusal gives way.
//
//   unknown --add--> refused --kFor over--> on trial --accept--> unknown,  on trial --add--> refused
class TrainRefusals {
 public:
  using Steady = std::chrono::steady_clock;
  static constexpr auto kFor = std::chrono::seconds(10);  // rare enough to cost nothing, and a mended path is noticed

  enum class Verdict : std::uint8_t {
    kTogether,
    kOnTrial,  // together; what follows had better wait until it is known, or it overtakes what has to be sent again
    kOneByOne,
  };

  // `discovers_path_mtu`: of the sockets (path_mtu.h). `lasting`: instead of kFor.
  explicit TrainRefusals(bool discovers_path_mtu = false, Steady::duration lasting = kFor) noexcept
      : discovers_path_mtu_(discovers_path_mtu), lasting_(lasting) {}
  [[nodiscard]] bool discovers_path_mtu() const noexcept { return discovers_path_mtu_; }

  // Of datagrams of `size` bytes and more.
  void add(const Endpoint& remote, std::size_t size, Steady::time_point now) noexcept;
  // A train of such datagrams has left.
  void accept(const Endpoint& remote, std::size_t size) noexcept {
    if (count_ != 0) end_trial(remote, size);
  }
  // Of datagrams of `size` bytes. `now` is asked only while there is a refusal.
  template <class Clock>
  [[nodiscard]] Verdict verdict_on(const Endpoint& remote, std::size_t size, Clock now) const noexcept {
    return count_ == 0 ? Verdict::kTogether : look_up(remote, size, now());
  }

 private:
  struct Refusal {
    Endpoint remote;
    std::size_t size = 0;
    Steady::time_point until{};
  };
  [[nodiscard]] Verdict look_up(const Endpoint& remote, std::size_t size, Steady::time_point now) const noexcept;
  void end_trial(const Endpoint& remote, std::size_t size) noexcept;
  std::array<Refusal, 32> refusals_{};
  std::size_t count_ = 0;  // of refusals_ in use
  bool discovers_path_mtu_;
  Steady::duration lasting_;
};

// Must not move while the kernel holds `header`.
class Train {
 public:
  // UDP_MAX_SEGMENTS of include/linux/udp.h before Linux 6.9, 128 since; and what the length of an IPv4 packet leaves for payload.
  static constexpr std::size_t kMaxSegments = 64;
  static constexpr std::size_t kMaxBytes = 65'507;

  // Takes datagrams from the front as long as they go together, one at least. Returns how many.
  // \pre `datagrams` is not empty, and this is empty
  std::size_t load(std::span<Datagram> datagrams, bool may_be_several) noexcept;
  [[nodiscard]] const msghdr* header() const noexcept { return &header_; }
  [[nodiscard]] Family family() const noexcept { return remote_.address.family; }
  [[nodiscard]] std::size_t size() const noexcept { return count_; }
  void tell_tracers(std::uint8_t worker) const noexcept;  // as it is handed over; for when datagrams_sent is traced

  // Accounts for the result of sendmsg (bytes, or -errno) and gives the packets back. A train that was refused as such is sent
  // one by one; so is one whose sticky source is gone, from whatever address the kernel chooses. Where path MTUs are discovered, an
  // error is believed when it comes twice (path_mtu.h), and what the kernel says of the path is reported.
  void finish(int fd, int result, TrainRefusals& refusals, Arrivals& arrivals) noexcept;
  // Nothing could be handed over.
  void fail(int error, Arrivals& arrivals) noexcept;

 private:
  void prepare(std::size_t first, std::size_t count) noexcept;
  void settle(int fd, int error, TrainRefusals& refusals, Arrivals& arrivals) noexcept;
  void report(std::size_t index, int error, Arrivals& arrivals) const;
  [[nodiscard]] int send_again(int fd, std::size_t index, Arrivals& arrivals) noexcept;
  void clear() noexcept;

  std::array<Packet, kMaxSegments> packets_;
  std::array<std::uint64_t, kMaxSegments> tags_;
  std::array<iovec, kMaxSegments> payload_;  // what lies together is one piece
  std::size_t count_ = 0;
  Endpoint remote_;
  LocalAddress local_;
  std::uint8_t traffic_class_ = 0;
  sockaddr_storage address_;
  msghdr header_;
  alignas(cmsghdr) std::array<std::uint8_t, kControlSize> control_;
};

}  // namespace wgu::io
