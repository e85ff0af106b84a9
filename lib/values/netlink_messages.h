#pragma once
// Netlink messages and the attributes in them, as the kernel sends them; whatever does not fit ends the walk.

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <span>

namespace wgu {

using NetlinkBytes = std::span<const std::uint8_t>;

// Zero where the bytes are too few.
template <class T>
T load(NetlinkBytes bytes) noexcept {
  T value{};
  if (bytes.size() >= sizeof value) std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

// `on_attribute(type, payload)`; stops at the first that does not fit.
template <class F>
void for_each_attribute(NetlinkBytes bytes, F&& on_attribute) {
  while (bytes.size() >= sizeof(rtattr)) {
    const auto header = load<rtattr>(bytes);
    if (header.rta_len < sizeof header || header.rta_len > bytes.size()) return;
    on_attribute(header.rta_type & NLA_TYPE_MASK, bytes.subspan(sizeof header, header.rta_len - sizeof header));
    bytes = bytes.subspan(std::min<std::size_t>(RTA_ALIGN(header.rta_len), bytes.size()));
  }
}

// `on_message(header, payload)` for each message of a datagram.
template <class F>
void for_each_message(NetlinkBytes bytes, F&& on_message) {
  while (bytes.size() >= sizeof(nlmsghdr)) {
    const auto header = load<nlmsghdr>(bytes);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes.size()) return;
    on_message(header, bytes.subspan(sizeof header, header.nlmsg_len - sizeof header));
    bytes = bytes.subspan(std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), bytes.size()));
  }
}

}  // namespace wgu
