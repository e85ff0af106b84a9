// ethtool(8)'s features over its ioctl: the names of the string set ETH_SS_FEATURES, then the bits of ETHTOOL_GFEATURES in that order.
#include "bench/offloads.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

namespace wgu::bench {
namespace {

constexpr std::array<std::string_view, 9> kMatter = {"tx-checksum-ip-generic",
                                                     "tx-generic-segmentation",
                                                     "tx-tcp-segmentation",
                                                     "tx-tcp6-segmentation",
                                                     "tx-udp-segmentation",
                                                     "rx-checksum",
                                                     "rx-gro",
                                                     "rx-gro-list",
                                                     "rx-udp-gro-forwarding"};

// Room for an ethtool request whose answer has a variable length, aligned for all of them.
template <class Request>
class Variable {
 public:
  Variable(std::uint32_t command, std::size_t tail) : storage_((sizeof(Request) + tail + 7) / 8) { request()->cmd = command; }
  [[nodiscard]] Request* request() { return reinterpret_cast<Request*>(storage_.data()); }

 private:
  std::vector<std::uint64_t> storage_;
};

class Interface {
 public:
  explicit Interface(const std::string& name) : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    const std::size_t length = std::min(name.size(), sizeof request_.ifr_name - 1);
    std::memcpy(request_.ifr_name, name.data(), length);
  }
  ~Interface() {
    if (socket_ >= 0) ::close(socket_);
  }
  Interface(const Interface&) = delete;
  Interface& operator=(const Interface&) = delete;

  [[nodiscard]] bool ask(void* ethtool_request) {
    request_.ifr_data = static_cast<char*>(ethtool_request);
    return socket_ >= 0 && ::ioctl(socket_, SIOCETHTOOL, &request_) == 0;
  }

 private:
  int socket_;
  ifreq request_{};
};

std::vector<std::string> feature_names(Interface& interface) {
  Variable<ethtool_sset_info> info(ETHTOOL_GSSET_INFO, sizeof(std::uint32_t));
  info.request()->sset_mask = std::uint64_t{1} << ETH_SS_FEATURES;
  if (!interface.ask(info.request()) || info.request()->sset_mask == 0) return {};
  const std::size_t count = info.request()->data[0];
  Variable<ethtool_gstrings> strings(ETHTOOL_GSTRINGS, count * ETH_GSTRING_LEN);
  strings.request()->string_set = ETH_SS_FEATURES;
  strings.request()->len = static_cast<std::uint32_t>(count);
  if (!interface.ask(strings.request())) return {};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    const char* name = reinterpret_cast<const char*>(strings.request()->data) + i * ETH_GSTRING_LEN;
    names.emplace_back(name, ::strnlen(name, ETH_GSTRING_LEN));
  }
  return names;
}

}  // namespace

Environment read_offloads(const std::string& interface_name) {
  constexpr std::size_t kBits = 32;
  Interface interface(interface_name);
  const std::vector<std::string> names = feature_names(interface);
  const std::size_t blocks = (names.size() + kBits - 1) / kBits;
  Variable<ethtool_gfeatures> features(ETHTOOL_GFEATURES, blocks * sizeof(ethtool_get_features_block));
  features.request()->size = static_cast<std::uint32_t>(blocks);
  if (names.empty() || !interface.ask(features.request())) return {};
  Environment found;
  for (const std::string_view name : kMatter) {
    const auto entry = std::find(names.begin(), names.end(), name);
    if (entry == names.end()) continue;
    const auto i = static_cast<std::size_t>(entry - names.begin());
    const ethtool_get_features_block& block = features.request()->features[i / kBits];
    const std::uint32_t bit = std::uint32_t{1} << i % kBits;
    const bool is_fixed = (block.available & bit) == 0 || (block.never_changed & bit) != 0;
    found.emplace_back("offload/" + std::string(name), std::string((block.active & bit) != 0 ? "on" : "off") + (is_fixed ? ", fixed" : ""));
  }
  return found;
}

}  // namespace wgu::bench
