#include "bench/traffic/receive_batch.h"

#include <netinet/udp.h>

#include <cerrno>
#include <cstring>

namespace wgu::bench {
namespace {

constexpr std::size_t kBuffer = 65536;             // the longest datagram, or what GRO puts together
constexpr std::size_t kStride = kBuffer + 3 * 64;  // buffers a power of two apart would share their cache sets

}  // namespace

ReceiveBatch::ReceiveBatch(unsigned messages)
    : bytes_(kStride * messages), pieces_(messages), senders_(messages), controls_(messages), messages_(messages) {
  for (std::size_t i = 0; i < messages; ++i) {
    pieces_[i] = {&bytes_[i * kStride], kBuffer};
    messages_[i].msg_hdr.msg_iov = &pieces_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_name = &senders_[i];
    messages_[i].msg_hdr.msg_control = controls_[i].bytes;
  }
}

int ReceiveBatch::receive(int fd) noexcept {
  for (mmsghdr& message : messages_) {
    message.msg_hdr.msg_namelen = sizeof(sockaddr_in6);
    message.msg_hdr.msg_controllen = sizeof(Control);
  }
  const int count = recvmmsg(fd, messages_.data(), capacity(), MSG_DONTWAIT, nullptr);
  return count < 0 ? -errno : count;
}

std::span<const std::uint8_t> ReceiveBatch::message(int index) const noexcept {
  const mmsghdr& message = messages_[static_cast<std::size_t>(index)];
  if ((message.msg_hdr.msg_flags & MSG_TRUNC) != 0) return {};
  return {static_cast<const std::uint8_t*>(pieces_[static_cast<std::size_t>(index)].iov_base), message.msg_len};
}

msghdr ReceiveBatch::answer(int index) noexcept {
  msghdr answer = messages_[static_cast<std::size_t>(index)].msg_hdr;
  answer.msg_control = nullptr;
  answer.msg_controllen = 0;
  answer.msg_flags = 0;
  return answer;
}

std::size_t ReceiveBatch::segment_size(int index) const noexcept {
  auto& header = const_cast<msghdr&>(messages_[static_cast<std::size_t>(index)].msg_hdr);  // the macros know no const
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != IPPROTO_UDP || control->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(control), sizeof size);
    return size > 0 ? static_cast<std::size_t>(size) : 0;
  }
  return 0;
}

}  // namespace wgu::bench
