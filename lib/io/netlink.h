#pragma once
// Netlink messages written, and a request with its one answer. How they are read: values/netlink_messages.h.

#include <linux/netlink.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "io/file_descriptor.h"
#include "values/netlink_messages.h"
#include "wgu/result.h"

namespace wgu::io {

// A link with many virtual functions needs more than a page.
inline constexpr std::size_t kNetlinkReceiveSize = 32768;

Result<FileDescriptor> open_netlink_socket();

class NetlinkRequest {
 public:
  // Attributes begin at a multiple of four behind the header: one that is shorter (rtgenmsg) has to be padded by its caller.
  template <class Header>
  NetlinkRequest(std::uint16_t type, std::uint16_t flags, const Header& header) {
    nlmsghdr message{};
    message.nlmsg_type = type;
    message.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    append(&message, sizeof message);
    append(&header, sizeof header);
  }
  NetlinkRequest& add(std::uint16_t type, const void* value, std::size_t size);
  NetlinkRequest& add(std::uint16_t type, std::uint32_t value) { return add(type, &value, sizeof value); }
  NetlinkRequest& add(std::uint16_t type, const std::string& text) { return add(type, text.c_str(), text.size() + 1); }  // and its end
  // An attribute that holds others, from begin() to end() with what that returned.
  [[nodiscard]] std::size_t begin(std::uint16_t type);
  void end(std::size_t at);
  template <class Header>
  void add_header(const Header& header) {  // of what such an attribute describes
    append(&header, sizeof header);
  }

  using OnAnswer = std::function<void(const nlmsghdr&, NetlinkBytes)>;
  // The one answer. A request without an answer of its own asks for NLM_F_ACK: the answer is then of type NLMSG_ERROR, code 0, and not
  // shown. The kernel works in send(2) itself, so that nothing waits here. \errors of the system; those that the kernel answers
  Result<void> exchange(int socket, std::uint32_t sequence, const OnAnswer& on_answer);

 private:
  void append(const void* value, std::size_t size);
  std::vector<std::uint8_t> bytes_;
};

}  // namespace wgu::io
