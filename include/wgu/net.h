#pragma once
/// \file
/// Addresses as values: no sockaddr, no name resolution. All bytes are in network order, ports in host order.

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "wgu/result.h"

namespace wgu {

enum class Family : std::uint8_t { kNone = 0, kIpv4 = 4, kIpv6 = 6 };

/// An IPv4 or IPv6 address. IPv4 uses the first four bytes; the others are zero.
struct IpAddress {
  Family family = Family::kNone;
  std::array<std::uint8_t, 16> bytes{};

  static IpAddress v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) noexcept;
  static IpAddress v4_from(const std::uint8_t* four_bytes) noexcept;
  static IpAddress v6_from(const std::uint8_t* sixteen_bytes) noexcept;
  /// "192.0.2.1" or "2001:db8::1". \errors EINVAL
  static Result<IpAddress> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] unsigned bits() const noexcept { return family == Family::kIpv4 ? 32 : family == Family::kIpv6 ? 128 : 0; }

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

/// An address block. `address` has no bits set beyond `length`; parse() and masked() see to it.
struct Prefix {
  IpAddress address;
  std::uint8_t length = 0;  ///< bits, 0..32 or 0..128

  /// "10.0.0.0/8", "::/0", or a bare address (full length). Host bits are cleared, as wg does. \errors EINVAL
  static Result<Prefix> parse(std::string_view text);
  static Prefix masked(IpAddress address, std::uint8_t length) noexcept;
  [[nodiscard]] bool contains(const IpAddress& candidate) const noexcept;
  [[nodiscard]] std::string to_string() const;

  friend bool operator==(const Prefix&, const Prefix&) = default;
  friend auto operator<=>(const Prefix&, const Prefix&) = default;
};

/// Where a peer's datagrams go: address, port, and for link-local IPv6 the interface.
struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  std::uint32_t scope = 0;  ///< IPv6 scope id (interface index); 0 when none

  /// "192.0.2.1:51820", "[2001:db8::1]:51820", "[fe80::1%2]:51820". \errors EINVAL
  static Result<Endpoint> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] bool is_set() const noexcept { return address.family != Family::kNone; }

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

/// The local address on which a peer last reached us ("sticky source"): replies leave from there. Unset: the kernel chooses.
struct LocalAddress {
  IpAddress address;
  std::uint32_t interface_index = 0;

  friend bool operator==(const LocalAddress&, const LocalAddress&) = default;
};

}  // namespace wgu
