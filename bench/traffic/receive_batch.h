#pragma once
// The receiving half that sink and echo share: buffers for several datagrams, filled by one recvmmsg, handed out one by one; what GRO put
// together is taken apart again.

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace wgu::bench {

class ReceiveBatch {
 public:
  explicit ReceiveBatch(unsigned messages);

  // Without waiting: how many messages there were, or a negative errno (-EAGAIN: none).
  int receive(int fd) noexcept;
  [[nodiscard]] unsigned capacity() const noexcept { return static_cast<unsigned>(messages_.size()); }

  // The datagrams of message `index` of the last receive(): visit(span<const uint8_t>). One that was cut short is visited empty.
  template <class Visit>
  void for_each_datagram(int index, Visit&& visit) const {
    const std::span<const std::uint8_t> bytes = message(index);
    const std::size_t stride = segment_size(index);
    if (stride == 0 || bytes.empty()) return visit(bytes);
    for (std::size_t at = 0; at < bytes.size(); at += stride) visit(bytes.subspan(at, std::min(stride, bytes.size() - at)));
  }

  [[nodiscard]] std::span<const std::uint8_t> message(int index) const noexcept;
  // For an answer: message `index` with its sender as its destination.
  [[nodiscard]] msghdr answer(int index) noexcept;

 private:
  [[nodiscard]] std::size_t segment_size(int index) const noexcept;  // 0: not put together

  struct Control {
    alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(int))];
  };
  std::vector<std::uint8_t> bytes_;
  std::vector<iovec> pieces_;
  std::vector<sockaddr_in6> senders_;  // room for either family
  std::vector<Control> controls_;
  std::vector<mmsghdr> messages_;
};

}  // namespace wgu::bench
