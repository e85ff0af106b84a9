// Addresses, prefixes and endpoints to text and back. Parsing is strict: what is accepted has one meaning, and printing it
// gives a text that parses to the same value. Numbers are plain decimal, without sign, space or leading zero.

#include "wgu/net.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <limits>
#include <optional>

#include "values/quote_value.h"

namespace wgu {
namespace {

std::optional<std::uint32_t> parse_number(std::string_view text, std::uint32_t largest) noexcept {
  if (text.empty() || (text.size() > 1 && text.front() == '0')) return std::nullopt;
  std::uint32_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, failure] = std::from_chars(text.data(), end, number);  // unsigned: takes no sign and no space
  if (failure != std::errc{} || stop != end || number > largest) return std::nullopt;
  return number;
}

std::optional<IpAddress> parse_address(std::string_view text) noexcept {
  // inet_pton wants a NUL of its own behind the text, and would stop early at one inside it.
  char terminated[INET6_ADDRSTRLEN] = {};
  if (text.empty() || text.size() >= sizeof(terminated) || text.find('\0') != std::string_view::npos) return std::nullopt;
  std::memcpy(terminated, text.data(), text.size());

  IpAddress address;
  address.family = text.find(':') == std::string_view::npos ? Family::kIpv4 : Family::kIpv6;
  const int family = address.family == Family::kIpv4 ? AF_INET : AF_INET6;
  if (inet_pton(family, terminated, address.bytes.data()) != 1) return std::nullopt;
  return address;
}

// "192.0.2.1:51820" or "[2001:db8::1%2]:51820".
std::optional<Endpoint> parse_endpoint(std::string_view text) noexcept {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  const auto port = parse_number(text.substr(colon + 1), std::numeric_limits<std::uint16_t>::max());
  if (!port) return std::nullopt;

  const bool is_bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  Endpoint endpoint;
  endpoint.port = static_cast<std::uint16_t>(*port);
  if (is_bracketed) {
    host = host.substr(1, host.size() - 2);
    if (const std::size_t percent = host.find('%'); percent != std::string_view::npos) {
      const auto scope = parse_number(host.substr(percent + 1), std::numeric_limits<std::uint32_t>::max());
      if (!scope) return std::nullopt;
      endpoint.scope = *scope;
      host = host.substr(0, percent);
    }
  }
  const auto address = parse_address(host);
  if (!address || is_bracketed != (address->family == Family::kIpv6)) return std::nullopt;
  endpoint.address = *address;
  return endpoint;
}

// Clears the bits of `bytes` beyond the first `length`.
void clear_host_bits(std::array<std::uint8_t, 16>& bytes, unsigned length) noexcept {
  for (unsigned i = length / 8; i < bytes.size(); ++i) {
    const unsigned kept = i == length / 8 ? length % 8 : 0;
    bytes[i] = static_cast<std::uint8_t>(bytes[i] & ~(0xffu >> kept));
  }
}

}  // namespace

IpAddress IpAddress::v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept { return {Family::kIpv4, {a, b, c, d}}; }

IpAddress IpAddress::v4_from(const std::uint8_t* four_bytes) noexcept {
  return v4(four_bytes[0], four_bytes[1], four_bytes[2], four_bytes[3]);
}

IpAddress IpAddress::v6_from(const std::uint8_t* sixteen_bytes) noexcept {
  IpAddress address;
  address.family = Family::kIpv6;
  std::copy_n(sixteen_bytes, 16, address.bytes.begin());
  return address;
}

Result<IpAddress> IpAddress::parse(std::string_view text) {
  if (const auto address = parse_address(text)) return *address;
  return Error{EINVAL, quote_value(text) + " is not an IPv4 or IPv6 address"};
}

std::string IpAddress::to_string() const {
  if (family == Family::kNone) return {};
  char text[INET6_ADDRSTRLEN];
  inet_ntop(family == Family::kIpv4 ? AF_INET : AF_INET6, bytes.data(), text, sizeof(text));
  return text;
}

Result<Prefix> Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return Error{EINVAL, quote_value(text) + " is not an address block: no IPv4 or IPv6 address before the length"};
  if (slash == std::string_view::npos) return masked(*address, static_cast<std::uint8_t>(address->bits()));
  const auto length = parse_number(text.substr(slash + 1), address->bits());
  if (!length) {
    return Error{EINVAL, quote_value(text) + " is not an address block: the length must be 0 to " + std::to_string(address->bits())};
  }
  return masked(*address, static_cast<std::uint8_t>(*length));
}

Prefix Prefix::masked(IpAddress address, std::uint8_t length) noexcept {
  const auto bits = static_cast<std::uint8_t>(std::min<unsigned>(length, address.bits()));
  clear_host_bits(address.bytes, bits);
  return {address, bits};
}

bool Prefix::contains(const IpAddress& candidate) const noexcept {
  return candidate.family != Family::kNone && candidate.family == address.family && masked(candidate, length).address == address;
}

std::string Prefix::to_string() const { return address.to_string() + "/" + std::to_string(length); }

Result<Endpoint> Endpoint::parse(std::string_view text) {
  if (const auto endpoint = parse_endpoint(text)) return *endpoint;
  return Error{EINVAL, quote_value(text) + " is not an endpoint: expected ADDRESS:PORT or [ADDRESS]:PORT, the port 0 to 65535"};
}

std::string Endpoint::to_string() const {
  switch (address.family) {
    case Family::kNone:
      break;
    case Family::kIpv4:
      return address.to_string() + ":" + std::to_string(port);
    case Family::kIpv6: {
      std::string text = "[";
      text += address.to_string();
      if (scope != 0) text.append("%").append(std::to_string(scope));
      return text.append("]:").append(std::to_string(port));
    }
  }
  return {};
}

}  // namespace wgu
