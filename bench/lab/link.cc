// Making a veth and a route takes netlink, one request and one answer each; all else are the older ioctls, which are shorter.

#include "bench/lab/link.h"

#include <linux/ethtool.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <sstream>
#include <vector>

#include "io/file_descriptor.h"
#include "io/system_error.h"

namespace wgu::bench {
namespace {

using io::FileDescriptor;
using io::system_error;

class NetlinkRequest {
 public:
  template <class Header>
  NetlinkRequest(std::uint16_t type, std::uint16_t flags, const Header& header) {
    nlmsghdr message{};
    message.nlmsg_type = type;
    message.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    append(&message, sizeof message);
    append(&header, sizeof header);
  }
  void add(std::uint16_t type, const void* value, std::size_t size) {
    const rtattr header{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
    append(&header, sizeof header);
    append(value, size);
  }
  void add(std::uint16_t type, std::uint32_t value) { add(type, &value, sizeof value); }
  void add(std::uint16_t type, const std::string& value) { add(type, value.c_str(), value.size() + 1); }
  // An attribute that holds others: its length is known at the end.
  [[nodiscard]] std::size_t begin(std::uint16_t type) {
    const rtattr header{0, type};
    const std::size_t at = bytes_.size();
    append(&header, sizeof header);
    return at;
  }
  void end(std::size_t at) {
    const auto size = static_cast<std::uint16_t>(bytes_.size() - at);
    std::memcpy(bytes_.data() + at + offsetof(rtattr, rta_len), &size, sizeof size);
  }
  template <class Header>
  void add_header(const Header& header) {
    append(&header, sizeof header);
  }

  Result<void> send(const std::string& attempted) {
    const auto size = static_cast<std::uint32_t>(bytes_.size());
    std::memcpy(bytes_.data() + offsetof(nlmsghdr, nlmsg_len), &size, sizeof size);
    const FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket || ::send(socket.get(), bytes_.data(), bytes_.size(), 0) < 0) return system_error(errno, attempted);
    alignas(nlmsghdr) std::array<char, 8192> answer;
    const ssize_t count = ::recv(socket.get(), answer.data(), answer.size(), 0);
    if (count < 0) return system_error(errno, attempted);
    nlmsgerr error{};
    if (static_cast<std::size_t>(count) < NLMSG_HDRLEN + sizeof error) return Error{EPROTO, attempted + ": a short answer"};
    std::memcpy(&error, answer.data() + NLMSG_HDRLEN, sizeof error);
    if (error.error != 0) return system_error(-error.error, attempted);
    return {};
  }

 private:
  void append(const void* value, std::size_t size) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + NLMSG_ALIGN(size));
    std::memcpy(bytes_.data() + at, value, size);
  }
  std::vector<std::uint8_t> bytes_;
};

FileDescriptor any_socket() { return FileDescriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)); }

Result<ifreq> request_for(const std::string& name) {
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name) return Error{EINVAL, "no interface can have the name " + name};
  std::memcpy(request.ifr_name, name.data(), name.size());
  return request;
}

Result<void> control(unsigned long call, ifreq& request, const std::string& attempted) {
  const FileDescriptor socket = any_socket();
  if (!socket || ::ioctl(socket.get(), call, &request) != 0) return system_error(errno, attempted + " " + request.ifr_name);
  return {};
}

sockaddr in_request(std::uint32_t network_order) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = network_order;
  sockaddr generic{};
  std::memcpy(&generic, &address, sizeof generic);
  return generic;
}

std::uint32_t ipv4_of(const IpAddress& address) {
  std::uint32_t network_order = 0;
  std::memcpy(&network_order, address.bytes.data(), sizeof network_order);
  return network_order;
}

// ethtool's structures end in arrays of whatever length.
template <class Header>
struct EthtoolCommand {
  explicit EthtoolCommand(std::uint32_t command, std::size_t tail) : words((sizeof(Header) + tail + 3) / 4) { words[0] = command; }
  Header& header() { return *reinterpret_cast<Header*>(words.data()); }
  Result<void> run(const std::string& name) {
    auto request = request_for(name);
    if (!request) return std::move(request).error();
    request->ifr_data = reinterpret_cast<char*>(words.data());
    return control(SIOCETHTOOL, *request, "ask for the features of");
  }
  std::vector<std::uint32_t> words;
};

struct FeatureIndex {
  std::uint32_t count = 0;  // of all features
  std::uint32_t index = 0;
};

Result<FeatureIndex> find_feature(const std::string& name, const std::string& feature) {
  EthtoolCommand<ethtool_sset_info> sizes(ETHTOOL_GSSET_INFO, sizeof(std::uint32_t));
  sizes.header().sset_mask = 1ULL << ETH_SS_FEATURES;
  if (auto ran = sizes.run(name); !ran) return std::move(ran).error();
  const std::uint32_t count = sizes.header().data[0];
  EthtoolCommand<ethtool_gstrings> names(ETHTOOL_GSTRINGS, std::size_t{count} * ETH_GSTRING_LEN);
  names.header().string_set = ETH_SS_FEATURES;
  names.header().len = count;
  if (auto ran = names.run(name); !ran) return std::move(ran).error();
  for (std::uint32_t i = 0; i < count; ++i) {
    const char* text = reinterpret_cast<const char*>(names.header().data) + std::size_t{i} * ETH_GSTRING_LEN;
    if (std::string(text, strnlen(text, ETH_GSTRING_LEN)) == feature) return FeatureIndex{count, i};
  }
  return Error{ENOENT, name + " knows no feature " + feature};
}

}  // namespace

Result<void> create_veth(const std::string& name, std::uint32_t mtu, const NetworkNamespace& there) {
  NetlinkRequest request(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, ifinfomsg{});
  request.add(IFLA_IFNAME, name);
  request.add(IFLA_MTU, mtu);
  const std::size_t info = request.begin(IFLA_LINKINFO);
  request.add(IFLA_INFO_KIND, std::string("veth"));
  const std::size_t data = request.begin(IFLA_INFO_DATA);
  const std::size_t peer = request.begin(VETH_INFO_PEER);
  request.add_header(ifinfomsg{});
  request.add(IFLA_IFNAME, name);
  request.add(IFLA_MTU, mtu);
  request.add(IFLA_NET_NS_FD, static_cast<std::uint32_t>(there.descriptor()));
  request.end(peer);
  request.end(data);
  request.end(info);
  return request.send("make the veth " + name);
}

Result<void> add_address(const std::string& name, const IpAddress& address, std::uint8_t prefix_length) {
  auto request = request_for(name);
  if (!request) return std::move(request).error();
  request->ifr_addr = in_request(ipv4_of(address));
  if (auto set = control(SIOCSIFADDR, *request, "give " + address.to_string() + " to"); !set) return set;
  request->ifr_netmask = in_request(htonl(prefix_length == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix_length)));
  return control(SIOCSIFNETMASK, *request, "set the prefix length of");
}

Result<void> set_mtu(const std::string& name, std::uint32_t mtu) {
  auto request = request_for(name);
  if (!request) return std::move(request).error();
  request->ifr_mtu = static_cast<int>(mtu);
  return control(SIOCSIFMTU, *request, "set the MTU " + std::to_string(mtu) + " of");
}

Result<void> bring_up(const std::string& name) {
  auto request = request_for(name);
  if (!request) return std::move(request).error();
  if (auto got = control(SIOCGIFFLAGS, *request, "read the flags of"); !got) return got;
  request->ifr_flags = static_cast<short>(request->ifr_flags | IFF_UP);
  return control(SIOCSIFFLAGS, *request, "bring up");
}

Result<void> add_route(const Prefix& prefix, const IpAddress& gateway) {
  rtmsg message{};
  message.rtm_family = AF_INET;
  message.rtm_dst_len = prefix.length;
  message.rtm_table = RT_TABLE_MAIN;
  message.rtm_protocol = RTPROT_STATIC;
  message.rtm_type = RTN_UNICAST;
  NetlinkRequest request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, message);
  request.add(RTA_DST, prefix.address.bytes.data(), 4);
  request.add(RTA_GATEWAY, gateway.bytes.data(), 4);
  return request.send("add a route to " + prefix.to_string());
}

Result<void> own_prefix(const Prefix& prefix) {
  rtmsg message{};
  message.rtm_family = AF_INET;
  message.rtm_dst_len = prefix.length;
  message.rtm_table = RT_TABLE_LOCAL;
  message.rtm_protocol = RTPROT_STATIC;
  message.rtm_scope = RT_SCOPE_HOST;
  message.rtm_type = RTN_LOCAL;
  NetlinkRequest request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, message);
  request.add(RTA_DST, prefix.address.bytes.data(), 4);
  request.add(RTA_OIF, ::if_nametoindex("lo"));
  return request.send("own all of " + prefix.to_string());
}

Result<void> set_feature(const std::string& name, const std::string& feature, bool is_on) {
  auto found = find_feature(name, feature);
  if (!found) return std::move(found).error();
  const std::uint32_t blocks = (found->count + 31) / 32;
  EthtoolCommand<ethtool_sfeatures> command(ETHTOOL_SFEATURES, blocks * sizeof(ethtool_set_features_block));
  command.header().size = blocks;
  ethtool_set_features_block& block = command.header().features[found->index / 32];
  block.valid = std::uint32_t{1} << (found->index % 32);
  block.requested = is_on ? block.valid : 0;
  if (auto ran = command.run(name); !ran) return ran;
  auto is_so = has_feature(name, feature);
  if (!is_so) return std::move(is_so).error();
  if (*is_so != is_on) return Error{EPERM, name + " does not let " + feature + " be changed"};
  return {};
}

Result<bool> has_feature(const std::string& name, const std::string& feature) {
  auto found = find_feature(name, feature);
  if (!found) return std::move(found).error();
  const std::uint32_t blocks = (found->count + 31) / 32;
  EthtoolCommand<ethtool_gfeatures> command(ETHTOOL_GFEATURES, blocks * sizeof(ethtool_get_features_block));
  command.header().size = blocks;
  if (auto ran = command.run(name); !ran) return std::move(ran).error();
  return (command.header().features[found->index / 32].active >> (found->index % 32) & 1) != 0;
}

std::optional<std::uint64_t> parse_dropped_frames(std::string_view net_dev, std::string_view name) {
  std::istringstream lines{std::string(net_dev)};
  for (std::string line; std::getline(lines, line);) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || line.find_first_not_of(' ') == std::string::npos) continue;
    const std::size_t begin = line.find_first_not_of(' ');
    if (std::string_view(line).substr(begin, colon - begin) != name) continue;
    // received: bytes packets errs drop fifo frame compressed multicast; sent: bytes packets errs drop ...
    std::istringstream fields(line.substr(colon + 1));
    std::array<std::uint64_t, 12> values{};
    for (auto& value : values) {
      if (!(fields >> value)) return std::nullopt;
    }
    return values[3] + values[11];
  }
  return std::nullopt;
}

Result<std::uint64_t> dropped_frames(const std::string& name) {
  std::ifstream file("/proc/thread-self/net/dev");
  std::ostringstream text;
  text << file.rdbuf();
  const auto count = parse_dropped_frames(text.str(), name);
  if (!count) return Error{ENODEV, "no counters of " + name};
  return *count;
}

}  // namespace wgu::bench
