#include "io/netlink.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>

#include "io/system_error.h"

namespace wgu::io {

Result<FileDescriptor> open_netlink_socket() {
  FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE));
  if (!socket) return system_error(errno, "open a netlink socket");
  return socket;
}

NetlinkRequest& NetlinkRequest::add(std::uint16_t type, const void* value, std::size_t size) {
  const rtattr header{static_cast<std::uint16_t>(sizeof(rtattr) + size), type};
  append(&header, sizeof header);
  append(value, size);
  return *this;
}

std::size_t NetlinkRequest::begin(std::uint16_t type) {
  const rtattr header{0, type};
  const std::size_t at = bytes_.size();
  append(&header, sizeof header);
  return at;
}

void NetlinkRequest::end(std::size_t at) {
  const auto size = static_cast<std::uint16_t>(bytes_.size() - at);
  std::memcpy(bytes_.data() + at + offsetof(rtattr, rta_len), &size, sizeof size);
}

Result<void> NetlinkRequest::exchange(int socket, std::uint32_t sequence, const OnAnswer& on_answer) {
  const auto size = static_cast<std::uint32_t>(bytes_.size());
  std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &size, sizeof size);
  std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_seq), &sequence, sizeof sequence);
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(socket, bytes_.data(), bytes_.size(), 0, reinterpret_cast<sockaddr*>(&kernel), sizeof kernel) < 0) {
    return system_error(errno, "rtnetlink request");
  }
  for (;;) {
    std::array<std::uint8_t, kNetlinkReceiveSize> answer;
    const ssize_t received = ::recv(socket, answer.data(), answer.size(), MSG_DONTWAIT);
    if (received < 0 && errno == EINTR) continue;
    if (received < 0) return system_error(errno, "rtnetlink answer");
    bool is_answered = false;
    int failure = 0;
    for_each_message(NetlinkBytes(answer.data(), static_cast<std::size_t>(received)), [&](const nlmsghdr& header, NetlinkBytes payload) {
      if (header.nlmsg_seq != sequence) return;  // of an earlier request whose answer could not be received
      is_answered = true;
      if (header.nlmsg_type == NLMSG_ERROR) {
        failure = -load<std::int32_t>(payload);
      } else {
        on_answer(header, payload);
      }
    });
    if (failure != 0) return system_error(failure, "rtnetlink");
    if (is_answered) return {};
  }
}

void NetlinkRequest::append(const void* value, std::size_t size) {
  const std::size_t at = bytes_.size();
  bytes_.resize(at + NLMSG_ALIGN(size));
  std::memcpy(bytes_.data() + at, value, size);
}

}  // namespace wgu::io
