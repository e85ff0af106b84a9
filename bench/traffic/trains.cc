#include "bench/traffic/trains.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "io/system_error.h"

namespace wgu::bench {
namespace {

// As UDP_GRO tells it; `length` when the message is one datagram.
std::size_t stride_of(msghdr& header, std::size_t length) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&header); control != nullptr; control = CMSG_NXTHDR(&header, control)) {
    if (control->cmsg_level != IPPROTO_UDP || control->cmsg_type != UDP_GRO) continue;
    int size = 0;
    std::memcpy(&size, CMSG_DATA(control), sizeof size);
    if (size > 0) return static_cast<std::size_t>(size);
  }
  return length;
}

bool is_for_now(int error) { return error == EAGAIN || error == ENOBUFS || error == EINTR; }

}  // namespace

TrainSource::TrainSource(std::size_t payload, unsigned packets)
    : bytes_(payload * packets), packets_(packets), piece_{bytes_.data(), payload}, messages_(packets) {
  for (mmsghdr& message : messages_) {
    message.msg_hdr.msg_iov = &piece_;
    message.msg_hdr.msg_iovlen = 1;
  }
}

Result<unsigned> TrainSource::send(int fd) {
  if (has_trains_) {
    struct {
      alignas(cmsghdr) char bytes[CMSG_SPACE(sizeof(std::uint16_t))];
    } control{};
    iovec whole{bytes_.data(), bytes_.size()};
    msghdr message{};
    message.msg_iov = &whole;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    cmsghdr* header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = IPPROTO_UDP;
    header->cmsg_type = UDP_SEGMENT;
    header->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
    const auto segment = static_cast<std::uint16_t>(piece_.iov_len);
    std::memcpy(CMSG_DATA(header), &segment, sizeof segment);
    if (::sendmsg(fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return packets_;
    if (is_for_now(errno)) return 0U;
    if (errno != EIO) return io::system_error(errno, "send a train");
    has_trains_ = false;
  }
  const int count = ::sendmmsg(fd, messages_.data(), packets_, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count >= 0) return static_cast<unsigned>(count);
  if (is_for_now(errno)) return 0U;
  return io::system_error(errno, "send datagrams");
}

std::size_t TrainBeginning::count_of(std::size_t size) const noexcept {
  if (stride == 0 || stride < size) return 0;
  return length / stride + (length % stride >= std::max<std::size_t>(size, 1) ? 1 : 0);
}

TrainReader::TrainReader(std::size_t largest) : bytes_(largest + (kMessages - 1) * kBeginning) {
  for (std::size_t i = 0; i < kMessages; ++i) {
    pieces_[i] = i == 0 ? iovec{bytes_.data(), largest} : iovec{&bytes_[largest + (i - 1) * kBeginning], kBeginning};
  }
}

Result<void> TrainReader::prepare(int fd) {
  const int on = 1;
  if (::setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) != 0) return io::system_error(errno, "UDP_GRO");
  return {};
}

std::span<const TrainBeginning> TrainReader::read(int fd) {
  for (std::size_t i = 0; i < kMessages; ++i) {
    messages_[i].msg_hdr = {};
    messages_[i].msg_hdr.msg_iov = &pieces_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
    messages_[i].msg_hdr.msg_control = controls_[i].bytes;
    messages_[i].msg_hdr.msg_controllen = sizeof controls_[i].bytes;
  }
  // MSG_TRUNC: the length is that of what came, whatever there was room for.
  const int count = ::recvmmsg(fd, messages_.data(), kMessages, MSG_DONTWAIT | MSG_TRUNC, nullptr);
  for (std::size_t i = 0; count > 0 && i < static_cast<std::size_t>(count); ++i) {
    const std::size_t length = messages_[i].msg_len;
    const std::size_t stride = stride_of(messages_[i].msg_hdr, length);
    const std::size_t at_hand = std::min({stride, length, pieces_[i].iov_len});
    read_[i] = {length, stride, {static_cast<const std::uint8_t*>(pieces_[i].iov_base), at_hand}};
  }
  return std::span(read_).first(static_cast<std::size_t>(std::max(count, 0)));
}

}  // namespace wgu::bench
