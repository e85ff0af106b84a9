#include "bench/lab/handshake_watch.h"

#include <gtest/gtest.h>

#include <vector>

namespace wgu::bench {
namespace {

// IPv4, UDP, and a message of that type and size: written out from RFC 791, RFC 768 and the whitepaper's 5.4.3.
std::vector<std::uint8_t> packet(std::uint8_t type, std::size_t size) {
  std::vector<std::uint8_t> bytes(20 + 8 + size);
  bytes[0] = 0x45;  // version 4, five words
  bytes[9] = 17;    // UDP
  bytes[24] = static_cast<std::uint8_t>((8 + size) >> 8);
  bytes[25] = static_cast<std::uint8_t>(8 + size);
  bytes[28] = type;
  return bytes;
}

TEST(HandshakeWatch, KnowsAResponse) {
  EXPECT_TRUE(is_response(packet(2, 92)));
  EXPECT_FALSE(is_response(packet(1, 148))) << "an initiation";
  EXPECT_FALSE(is_response(packet(4, 92))) << "data that happens to be as long";
  EXPECT_FALSE(is_response(packet(2, 93)));
  auto options = packet(2, 92);
  options[0] = 0x46;
  options.insert(options.begin() + 20, 4, 0);
  EXPECT_TRUE(is_response(options)) << "with an IP option before UDP";
  auto tcp = packet(2, 92);
  tcp[9] = 6;
  EXPECT_FALSE(is_response(tcp));
  auto version = packet(2, 92);
  version[0] = 0x55;
  EXPECT_FALSE(is_response(version));
  const auto whole = packet(2, 92);
  for (std::size_t size = 0; size < whole.size(); ++size) EXPECT_FALSE(is_response(std::span(whole).first(size))) << size;
}

TEST(HandshakeWatch, KnowsAResponseInIPv6) {
  auto bytes = packet(2, 92);
  bytes.insert(bytes.begin(), 20, 0);  // RFC 8200: 40 bytes of header
  bytes[0] = 0x60;
  bytes[6] = 17;  // the next header: UDP
  bytes[20] = 0;
  bytes[29] = 0;
  EXPECT_TRUE(is_response(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(is_response(std::span(bytes).first(size))) << size;
  bytes[6] = 58;
  EXPECT_FALSE(is_response(bytes)) << "ICMPv6";
}

}  // namespace
}  // namespace wgu::bench
