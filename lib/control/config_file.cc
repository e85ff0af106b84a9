// A file is a list of lines with a state: no section yet, [Interface], or [Peer]; each [Peer] begins another peer. As in `wg`,
// all white space is taken out of a line before it is read. The two tables are the whole vocabulary; a third one knows the keys
// of wg-quick, which set up the interface around the tunnel and are a frequent mistake here.

#include "control/config_file.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <limits>
#include <optional>
#include <span>
#include <system_error>
#include <utility>

#include "control/field.h"
#include "control/secret_text.h"
#include "io/file_descriptor.h"
#include "values/quote_value.h"

namespace wgu::control {
namespace {

constexpr auto kPipePatience = std::chrono::seconds(10);

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

template <class Secret>
Complaint take_secret(std::optional<Secret>& target, std::string_view value) {
  auto key = Secret::from_base64(value);
  if (!key) return "the value (" + std::to_string(value.size()) + " characters, not shown) is not a key of 44 characters of base64";
  target = std::move(key).value();
  return {};
}

Complaint take_mark(std::optional<std::uint32_t>& target, std::string_view value) {
  if (value.starts_with("0x") || value.starts_with("0X")) {
    std::uint32_t mark = 0;
    const char* const end = value.data() + value.size();
    const auto [stop, error] = std::from_chars(value.data() + 2, end, mark, 16);
    if (error == std::errc{} && stop == end) {
      target = mark;
      return {};
    }
  } else if (const auto mark = equals_ignoring_case(value, "off") ? 0 : parse_decimal(value, std::numeric_limits<std::uint32_t>::max())) {
    target = static_cast<std::uint32_t>(*mark);
    return {};
  }
  return quote_value(value) + " is neither off, nor 0 to 4294967295, nor 0x0 to 0xffffffff";
}

Complaint take_keepalive(PeerChange& peer, std::string_view value) {
  if (!equals_ignoring_case(value, "off")) return take_number(peer.persistent_keepalive, value);
  peer.persistent_keepalive = std::uint16_t{0};
  return {};
}

Complaint take_endpoint(PeerChange& peer, std::string_view value) {
  auto endpoint = parse_endpoint(value);
  if (!endpoint) return endpoint.error().message;
  peer.endpoint = *endpoint;
  return {};
}

// May be repeated, and may be empty.
Complaint take_allowed_ips(PeerChange& peer, std::string_view value) {
  for (bool is_last = value.empty(); !is_last;) {
    const std::size_t comma = value.find(',');
    is_last = comma == std::string_view::npos;
    const std::string_view block = value.substr(0, comma);
    auto prefix = Prefix::parse(block);
    if (!prefix) return quote_value(block) + " is not an address block such as 10.0.0.0/8";
    peer.allowed_ips.push_back({*prefix, false});
    if (!is_last) value.remove_prefix(comma + 1);
  }
  return {};
}

// A peer that is being read; its key may come at any place in its section.
struct PeerSection {
  PeerChange change;
  std::size_t line = 0;
  bool has_public_key = false;
};

Complaint take_public_key(PeerSection& peer, std::string_view value) {
  auto key = PublicKey::from_base64(value);
  if (!key) return quote_value(value) + " is not a key of 44 characters of base64";
  if (peer.has_public_key) return "a second one in this section; is a [Peer] line missing?";
  peer.change.public_key = *key;
  peer.has_public_key = true;
  return {};
}

template <class Target>
struct Key {
  std::string_view name;
  Complaint (*take)(Target&, std::string_view value);
};

constexpr Key<DeviceChange> kInterfaceKeys[] = {
    {"PrivateKey", [](DeviceChange& device, std::string_view value) { return take_secret(device.private_key, value); }},
    {"ListenPort", [](DeviceChange& device, std::string_view value) { return take_number(device.listen_port, value); }},
    {"FwMark", [](DeviceChange& device, std::string_view value) { return take_mark(device.firewall_mark, value); }},
};

constexpr Key<PeerSection> kPeerKeys[] = {
    {"PublicKey", take_public_key},
    {"PresharedKey", [](PeerSection& peer, std::string_view value) { return take_secret(peer.change.preshared_key, value); }},
    {"AllowedIPs", [](PeerSection& peer, std::string_view value) { return take_allowed_ips(peer.change, value); }},
    {"Endpoint", [](PeerSection& peer, std::string_view value) { return take_endpoint(peer.change, value); }},
    {"PersistentKeepalive", [](PeerSection& peer, std::string_view value) { return take_keepalive(peer.change, value); }},
};

constexpr std::string_view kWgQuickKeys[] = {"Address", "DNS", "MTU", "Table", "PreUp", "PostUp", "PreDown", "PostDown", "SaveConfig"};

Error at_line(std::size_t line, std::string what) { return {EINVAL, "line " + std::to_string(line) + ": " + std::move(what)}; }

class ConfigParser {
 public:
  ConfigParser() {
    change_.private_key.emplace();
    change_.listen_port = std::uint16_t{0};
    change_.firewall_mark = 0U;
    change_.replace_peers = true;
  }

  Result<void> take_line(std::size_t number, std::string_view line) {
    if (line.empty()) return {};
    if (line.front() == '[') return begin_section(number, line);
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return at_line(number, "not of the form Key = Value");
    const std::string_view name = line.substr(0, equals);
    const std::string_view value = line.substr(equals + 1);
    switch (section_) {
      case Section::kNone:
        return at_line(number, quoted_name(name) + " stands before the first [Interface] or [Peer]");
      case Section::kInterface:
        return take(std::span(kInterfaceKeys), change_, "[Interface]", number, name, value);
      case Section::kPeer:
        return take(std::span(kPeerKeys), peer_, "[Peer]", number, name, value);
    }
    return {};
  }

  Result<DeviceChange> finish() && {
    if (auto ended = end_section(); !ended) return std::move(ended).error();
    return std::move(change_);
  }

 private:
  enum class Section : std::uint8_t { kNone, kInterface, kPeer };

  Result<void> begin_section(std::size_t number, std::string_view line) {
    if (auto ended = end_section(); !ended) return ended;
    if (equals_ignoring_case(line, "[Interface]")) {
      section_ = Section::kInterface;
    } else if (equals_ignoring_case(line, "[Peer]")) {
      section_ = Section::kPeer;
      peer_ = {};
      peer_.line = number;
      peer_.change.replace_allowed_ips = true;
    } else {
      return at_line(number, quote_value(line) + " is neither [Interface] nor [Peer]");
    }
    return {};
  }

  Result<void> end_section() {
    if (std::exchange(section_, Section::kNone) != Section::kPeer) return {};
    if (!peer_.has_public_key) return at_line(peer_.line, "this [Peer] has no PublicKey");
    change_.peers.push_back(std::move(peer_.change));
    return {};
  }

  template <class Target, std::size_t kCount>
  static Result<void> take(std::span<const Key<Target>, kCount> keys, Target& target, const char* section, std::size_t number,
                           std::string_view name, std::string_view value) {
    const auto is_named = [name](std::string_view candidate) { return equals_ignoring_case(candidate, name); };
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key<Target>& candidate) { return is_named(candidate.name); });
    if (key == keys.end()) {
      if (std::any_of(std::begin(kWgQuickKeys), std::end(kWgQuickKeys), is_named)) {
        return at_line(number, quoted_name(name) + " is a key of wg-quick, not of the tunnel; `wg-quick strip` leaves such keys out");
      }
      return at_line(number, quoted_name(name) + " is not a key of " + section);
    }
    if (auto complaint = key->take(target, value)) return at_line(number, std::string(key->name) + ": " + *complaint);
    return {};
  }

  DeviceChange change_;
  PeerSection peer_;
  Section section_ = Section::kNone;
};

// At most `limit` bytes of a file that may be a pipe, but not one that never ends or never speaks.
Result<SecretText> read_file(const std::string& path, std::size_t limit) {
  constexpr std::size_t kChunk = 16 * 1024;
  const auto failed = [&path](int code) {
    return Error{code, "cannot read " + quote_value(path) + ": " + std::generic_category().message(code)};
  };
  // O_NONBLOCK: opening a pipe that nobody writes to must not hang.
  const io::FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!file) return failed(errno);
  const auto give_up = std::chrono::steady_clock::now() + kPipePatience;
  SecretText text;
  for (;;) {
    const std::size_t size = text.size();
    const auto room = text.extend(std::min(kChunk, limit + 1 - size));
    const ssize_t count = ::read(file.get(), room.data(), room.size());
    const int code = count < 0 ? errno : 0;
    text.truncate(size + static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    if (count == 0) return text;
    if (text.size() > limit) return Error{EFBIG, quote_value(path) + " is longer than " + std::to_string(limit) + " bytes"};
    if (code == EAGAIN) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(give_up - std::chrono::steady_clock::now()).count();
      pollfd readable{file.get(), POLLIN, 0};
      if (left <= 0 || ::poll(&readable, 1, static_cast<int>(left)) == 0) return failed(ETIMEDOUT);
    } else if (code != 0 && code != EINTR) {
      return failed(code);
    }
  }
}

template <class Value>
Result<Value> parse_file(const std::string& path, std::size_t limit, Result<Value> (*parse)(std::string_view)) {
  auto text = read_file(path, limit);
  if (!text) return std::move(text).error();
  auto value = parse(text->view());
  if (!value) return Error{value.error().code, quote_value(path) + ": " + value.error().message};
  return value;
}

}  // namespace

Result<DeviceChange> parse_config(std::string_view text) {
  ConfigParser parser;
  SecretText line;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view written = text.substr(0, end);
    written = written.substr(0, written.find('#'));
    text.remove_prefix(std::min(end + 1, text.size()));
    line.clear();
    for (const char c : written) {
      if (!is_space(c)) line += c;
    }
    if (auto taken = parser.take_line(number, line.view()); !taken) return std::move(taken).error();
  }
  return std::move(parser).finish();
}

Result<PrivateKey> parse_private_key(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  auto key = PrivateKey::from_base64(text);
  if (!key) return Error{EINVAL, "not one line of 44 characters of base64 (" + std::to_string(text.size()) + " characters, not shown)"};
  return key;
}

Result<DeviceChange> read_config_file(const std::string& path) { return parse_file(path, kMaxConfigFile, parse_config); }

Result<PrivateKey> read_private_key_file(const std::string& path) { return parse_file(path, kMaxKeyFile, parse_private_key); }

}  // namespace wgu::control
