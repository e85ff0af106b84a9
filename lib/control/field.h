#pragma once
/// \file
/// The values that UAPI lines and configuration files have in common, read strictly, and how an Error may show their names.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

#include "values/quote_value.h"
#include "wgu/net.h"
#include "wgu/result.h"

namespace wgu::control {

/// Digits only: no sign, no space, no overflow, nothing above `max`.
std::optional<std::uint64_t> parse_decimal(std::string_view text, std::uint64_t max) noexcept;

/// What is wrong with a value, for an Error that goes on to say where; empty when it was taken.
using Complaint = std::optional<std::string>;

/// Any number that fits its target, in decimal.
template <class Number>
Complaint take_number(std::optional<Number>& target, std::string_view value) {
  constexpr std::uint64_t kMax = std::numeric_limits<Number>::max();
  const auto number = parse_decimal(value, kMax);
  if (!number) return quote_value(value) + " is not a number from 0 to " + std::to_string(kMax);
  target = static_cast<Number>(*number);
  return {};
}

/// As Endpoint::parse, but the scope of a link-local address may also be an interface's name ("[fe80::1%eth0]:51820"), which is
/// what `wg` sends. Looks the name up in the calling thread's network namespace. Host names are not resolved. \errors EINVAL
Result<Endpoint> parse_endpoint(std::string_view text);

/// A key's name for an Error, in quotes. Text that is no plausible name may be a misplaced secret and is not shown.
std::string quoted_name(std::string_view name);

}  // namespace wgu::control
