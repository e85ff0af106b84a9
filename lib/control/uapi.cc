// set=1 is a flat list of lines with a state: device keys first; each public_key begins a peer's section and ends the one before,
// so that nothing carries over from peer to peer. The same peer may have several sections; they are applied in order. Every line
// is read into a DeviceChange before anyone sees it: a bad line changes nothing.
//
//   operation --set=1--> device lines --public_key--> peer lines --public_key--> next peer's lines ... --empty line--> done
//
// The two tables below are the whole vocabulary.

#include "control/uapi.h"

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <span>
#include <utility>

#include "control/field.h"
#include "values/quote_value.h"

namespace wgu::control {
namespace {

template <class Target>
struct Key {
  std::string_view name;
  Complaint (*take)(Target&, std::string_view value);
};

// "true" is the only value these keys have: to say false is to leave the line out.
Complaint take_true(bool& target, std::string_view value) {
  if (value != "true") return quote_value(value) + " is not \"true\"";
  target = true;
  return {};
}

template <class Secret>
Complaint take_secret(std::optional<Secret>& target, std::string_view value) {
  auto key = Secret::from_hex(value);
  if (!key) return "the value (" + std::to_string(value.size()) + " characters, not shown) is not a key of 64 hexadecimal digits";
  target = std::move(key).value();
  return {};
}

Complaint take_allowed_ip(PeerChange& peer, std::string_view value) {
  AllowedIpChange allowed_ip;
  std::string_view block = value;
  if (block.starts_with('-')) {
    allowed_ip.remove = true;
    block.remove_prefix(1);
  }
  auto prefix = Prefix::parse(block);
  if (!prefix || block.find('/') == std::string_view::npos) return quote_value(value) + " is not an address block such as 10.0.0.0/8";
  allowed_ip.prefix = *prefix;
  peer.allowed_ips.push_back(allowed_ip);
  return {};
}

constexpr Key<DeviceChange> kDeviceKeys[] = {
    {"private_key", [](DeviceChange& device, std::string_view value) { return take_secret(device.private_key, value); }},
    {"listen_port", [](DeviceChange& device, std::string_view value) { return take_number(device.listen_port, value); }},
    {"fwmark", [](DeviceChange& device, std::string_view value) { return take_number(device.firewall_mark, value); }},
    {"replace_peers", [](DeviceChange& device, std::string_view value) { return take_true(device.replace_peers, value); }},
};

constexpr Key<PeerChange> kPeerKeys[] = {
    {"allowed_ip", take_allowed_ip},
    {"preshared_key", [](PeerChange& peer, std::string_view value) { return take_secret(peer.preshared_key, value); }},
    {"endpoint",
     [](PeerChange& peer, std::string_view value) -> Complaint {
       auto endpoint = parse_endpoint(value);
       if (!endpoint) return endpoint.error().message;
       peer.endpoint = *endpoint;
       return {};
     }},
    {"persistent_keepalive_interval",
     [](PeerChange& peer, std::string_view value) { return take_number(peer.persistent_keepalive, value); }},
    {"replace_allowed_ips",
     [](PeerChange& peer, std::string_view value) {
       peer.allowed_ips.clear();  // those named earlier in this section are replaced as well
       return take_true(peer.replace_allowed_ips, value);
     }},
    {"update_only", [](PeerChange& peer, std::string_view value) { return take_true(peer.update_only, value); }},
    {"remove", [](PeerChange& peer, std::string_view value) { return take_true(peer.remove, value); }},
    {"protocol_version",
     [](PeerChange&, std::string_view value) -> Complaint {
       if (value != "1") return quote_value(value) + " is not the one version there is, 1";
       return {};
     }},
};

Error at_line(std::size_t line, int code, std::string what) { return {code, "line " + std::to_string(line) + ": " + std::move(what)}; }

class SetParser {
 public:
  Result<void> take_line(std::size_t number, std::string_view line) {
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return at_line(number, EPROTO, "not of the form key=value");
    const std::string_view name = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 1);
    if (name == "public_key") {
      auto key = PublicKey::from_hex(value);
      if (!key) return at_line(number, EINVAL, "public_key: " + quote_value(value) + " is not a key of 64 hexadecimal digits");
      change_.peers.emplace_back().public_key = *key;
      return {};
    }
    return change_.peers.empty() ? take(std::span(kDeviceKeys), change_, "device", number, name, value)
                                 : take(std::span(kPeerKeys), change_.peers.back(), "peer", number, name, value);
  }

  DeviceChange finish() && { return std::move(change_); }

 private:
  template <class Target, std::size_t kCount>
  static Result<void> take(std::span<const Key<Target>, kCount> keys, Target& target, const char* section, std::size_t number,
                           std::string_view name, std::string_view value) {
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key<Target>& candidate) { return candidate.name == name; });
    if (key == keys.end()) return at_line(number, EINVAL, quoted_name(name) + " is not a key of a " + section);
    if (auto complaint = key->take(target, value)) return at_line(number, EINVAL, std::string(name) + ": " + *complaint);
    return {};
  }

  DeviceChange change_;
};

void append_hex(SecretText& text, std::span<const std::uint8_t, kKeySize> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  for (const std::uint8_t byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
}

void append_key(SecretText& text, std::string_view name, std::span<const std::uint8_t, kKeySize> bytes) {
  ((text += name) += '=');
  append_hex(text, bytes);
  text += '\n';
}

void append_line(SecretText& text, std::string_view name, std::string_view value) { (((text += name) += '=') += value) += '\n'; }

void append_line(SecretText& text, std::string_view name, std::uint64_t value) { append_line(text, name, std::to_string(value)); }

void append_peer(SecretText& text, const PeerStatus& peer) {
  append_key(text, "public_key", peer.public_key.bytes);
  append_key(text, "preshared_key", peer.preshared_key.reveal());
  append_line(text, "protocol_version", 1);
  if (peer.endpoint.is_set()) append_line(text, "endpoint", peer.endpoint.to_string());
  append_line(text, "last_handshake_time_sec", static_cast<std::uint64_t>(std::max<std::int64_t>(peer.last_handshake.seconds, 0)));
  append_line(text, "last_handshake_time_nsec", peer.last_handshake.nanoseconds);
  append_line(text, "tx_bytes", peer.tx_bytes);
  append_line(text, "rx_bytes", peer.rx_bytes);
  append_line(text, "persistent_keepalive_interval", peer.persistent_keepalive);
  for (const Prefix& allowed_ip : peer.allowed_ips) append_line(text, "allowed_ip", allowed_ip.to_string());
}

void append_peer(SecretText& text, const PeerChange& peer) {
  append_key(text, "public_key", peer.public_key.bytes);
  if (peer.remove) append_line(text, "remove", "true");
  if (peer.update_only) append_line(text, "update_only", "true");
  if (peer.preshared_key) append_key(text, "preshared_key", peer.preshared_key->reveal());
  if (peer.endpoint) append_line(text, "endpoint", peer.endpoint->to_string());
  if (peer.persistent_keepalive) append_line(text, "persistent_keepalive_interval", *peer.persistent_keepalive);
  if (peer.replace_allowed_ips) append_line(text, "replace_allowed_ips", "true");
  for (const AllowedIpChange& allowed_ip : peer.allowed_ips) {
    text += allowed_ip.remove ? "allowed_ip=-" : "allowed_ip=";
    (text += allowed_ip.prefix.to_string()) += '\n';
  }
}

}  // namespace

Result<UapiRequest> parse_request(std::string_view text) {
  UapiRequest request;
  SetParser set;
  for (std::size_t number = 1;; ++number) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return at_line(number, EPROTO, "the request ends without an empty line");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end + 1);
    if (number == 1) {
      if (line == "set=1") {
        request.operation = UapiRequest::Operation::kSet;
      } else if (line != "get=1") {
        return at_line(number, EPROTO, "neither get=1 nor set=1");
      }
    } else if (line.empty()) {
      if (!text.empty()) return at_line(number, EPROTO, "there is more behind the empty line");
      request.change = std::move(set).finish();
      return request;
    } else if (request.operation == UapiRequest::Operation::kGet) {
      return at_line(number, EINVAL, "get=1 takes no keys");
    } else if (auto taken = set.take_line(number, line); !taken) {
      return std::move(taken).error();
    }
  }
}

SecretText format_status(const DeviceStatus& status) {
  SecretText text;
  if (!status.private_key.is_zero()) append_key(text, "private_key", status.private_key.reveal());
  append_line(text, "listen_port", status.listen_port);
  if (status.firewall_mark != 0) append_line(text, "fwmark", status.firewall_mark);
  for (const PeerStatus& peer : status.peers) append_peer(text, peer);
  text += format_error(0);
  return text;
}

SecretText format_set(const DeviceChange& change) {
  SecretText text;
  text += "set=1\n";
  if (change.private_key) append_key(text, "private_key", change.private_key->reveal());
  if (change.listen_port) append_line(text, "listen_port", *change.listen_port);
  if (change.firewall_mark) append_line(text, "fwmark", *change.firewall_mark);
  if (change.replace_peers) append_line(text, "replace_peers", "true");
  for (const PeerChange& peer : change.peers) append_peer(text, peer);
  text += '\n';
  return text;
}

std::string format_error(int errno_value) { return "errno=" + std::to_string(errno_value > 0 ? -errno_value : errno_value) + "\n\n"; }

}  // namespace wgu::control
