#include "bench/ndr/loads.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "bench/traffic/payload.h"

namespace wgu::bench {
namespace {

constexpr std::size_t kImixTurn = 1200;  // datagrams after which the sizes repeat: a hundred times 7:4:1

}  // namespace

Result<NamedLoad> parse_load(std::string_view text, std::uint32_t mtu, unsigned segments, Family family) {
  if (text == "imix") {
    if (segments > 1) return Error{EINVAL, "imix: a train has datagrams of one size"};
    return NamedLoad{"imix", {.sizes = imix_payloads(kImixTurn, mtu, family), .family = family}};
  }
  const auto largest = static_cast<std::uint32_t>(std::min<std::size_t>(mtu - std::min(mtu, udp_headers(family)), kMaxPayload));
  std::uint32_t size = largest;
  const auto [end, error] = text == "max" ? std::from_chars_result{text.data() + text.size(), std::errc()}
                                          : std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || end != text.data() + text.size() || size < kMinPayload || size > largest) {
    return Error{EINVAL, fmt::format("\"{}\" is neither imix, nor max, nor bytes from {} to {}", text, kMinPayload, largest)};
  }
  const unsigned train = std::min(segments, max_segments(size));
  return NamedLoad{train > 1 ? fmt::format("bytes:{}/gso:{}", size, train) : fmt::format("bytes:{}", size),
                   {.sizes = {size}, .segments = train, .family = family}};
}

}  // namespace wgu::bench
