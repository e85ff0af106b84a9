// ethtool(8)'s features over its ioctl: the names of the string set ETH_SS_FEATURES, then the bits of ETHTOOL_GFEATURES in that order.
#include "bench/offloads.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "io/file_descriptor.h"
#include "io/system_error.h"

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
constexpr std::size_t kBits = 32;  // of a block

// Room for an ethtool request whose answer has a variable length, aligned for all of them.
template <class Request>
class Variable {
 public:
  Variable(std::uint32_t command, std::size_t tail) : storage_((sizeof(Request) + tail + 7) / 8) { (*this)->cmd = command; }
  [[nodiscard]] Request* operator->() { return reinterpret_cast<Request*>(storage_.data()); }

  Result<void> ask_of(const std::string& interface_name) {
    ifreq request{};
    if (interface_name.size() >= sizeof request.ifr_name) return Error{EINVAL, "no interface can have the name " + interface_name};
    std::memcpy(request.ifr_name, interface_name.data(), interface_name.size());
    request.ifr_data = reinterpret_cast<char*>(storage_.data());
    const io::FileDescriptor socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket || ::ioctl(socket.get(), SIOCETHTOOL, &request) != 0) return io::system_error(errno, "the offloads of " + interface_name);
    return {};
  }

 private:
  std::vector<std::uint64_t> storage_;
};

Result<std::vector<std::string>> offload_names(const std::string& interface_name) {
  Variable<ethtool_sset_info> info(ETHTOOL_GSSET_INFO, sizeof(std::uint32_t));
  info->sset_mask = std::uint64_t{1} << ETH_SS_FEATURES;
  if (auto asked = info.ask_of(interface_name); !asked) return std::move(asked).error();
  const std::size_t count = info->sset_mask == 0 ? 0 : info->data[0];
  Variable<ethtool_gstrings> strings(ETHTOOL_GSTRINGS, count * ETH_GSTRING_LEN);
  strings->string_set = ETH_SS_FEATURES;
  strings->len = static_cast<std::uint32_t>(count);
  if (auto asked = strings.ask_of(interface_name); !asked) return std::move(asked).error();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) {
    const char* name = reinterpret_cast<const char*>(strings->data) + i * ETH_GSTRING_LEN;
    names.emplace_back(name, ::strnlen(name, ETH_GSTRING_LEN));
  }
  return names;
}

// All that one interface has.
class Offloads {
 public:
  struct Offload {
    std::size_t index = 0;
    bool is_on = false;
    bool is_fixed = false;
  };

  static Result<Offloads> read(const std::string& interface_name) {
    auto names = offload_names(interface_name);
    if (!names) return std::move(names).error();
    Offloads offloads(std::move(*names));
    offloads.states_->size = static_cast<std::uint32_t>(offloads.blocks());
    if (auto asked = offloads.states_.ask_of(interface_name); !asked) return std::move(asked).error();
    return offloads;
  }
  [[nodiscard]] std::optional<Offload> find(std::string_view name) {
    const auto entry = std::find(names_.begin(), names_.end(), name);
    if (entry == names_.end()) return {};
    const auto i = static_cast<std::size_t>(entry - names_.begin());
    const ethtool_get_features_block& block = states_->features[i / kBits];
    const std::uint32_t bit = std::uint32_t{1} << i % kBits;
    return Offload{i, (block.active & bit) != 0, (block.available & bit) == 0 || (block.never_changed & bit) != 0};
  }
  [[nodiscard]] std::size_t blocks() const { return (names_.size() + kBits - 1) / kBits; }

 private:
  explicit Offloads(std::vector<std::string> names)
      : names_(std::move(names)), states_(ETHTOOL_GFEATURES, blocks() * sizeof(ethtool_get_features_block)) {}

  std::vector<std::string> names_;
  Variable<ethtool_gfeatures> states_;
};

Error unknown(const std::string& interface_name, const std::string& offload) {
  return {ENOENT, interface_name + " knows no offload " + offload};
}

}  // namespace

Environment read_offloads(const std::string& interface_name) {
  auto offloads = Offloads::read(interface_name);
  if (!offloads) return {};
  Environment found;
  for (const std::string_view name : kMatter) {
    const auto offload = offloads->find(name);
    if (!offload) continue;
    found.emplace_back("offload/" + std::string(name), std::string(offload->is_on ? "on" : "off") + (offload->is_fixed ? ", fixed" : ""));
  }
  return found;
}

Result<void> set_offload(const std::string& interface_name, const std::string& name, bool is_on) {
  auto offloads = Offloads::read(interface_name);
  if (!offloads) return std::move(offloads).error();
  const auto offload = offloads->find(name);
  if (!offload) return unknown(interface_name, name);
  Variable<ethtool_sfeatures> wish(ETHTOOL_SFEATURES, offloads->blocks() * sizeof(ethtool_set_features_block));
  wish->size = static_cast<std::uint32_t>(offloads->blocks());
  ethtool_set_features_block& block = wish->features[offload->index / kBits];
  block.valid = std::uint32_t{1} << offload->index % kBits;
  block.requested = is_on ? block.valid : 0;
  if (auto asked = wish.ask_of(interface_name); !asked) return asked;
  const auto is_so = has_offload(interface_name, name);
  if (!is_so) return is_so.error();
  if (*is_so != is_on) return Error{EPERM, interface_name + " does not let " + name + " be changed"};
  return {};
}

Result<bool> has_offload(const std::string& interface_name, const std::string& name) {
  auto offloads = Offloads::read(interface_name);
  if (!offloads) return std::move(offloads).error();
  const auto offload = offloads->find(name);
  if (!offload) return unknown(interface_name, name);
  return offload->is_on;
}

}  // namespace wgu::bench
