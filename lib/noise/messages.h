#pragma once
// The four messages on the wire (whitepaper 5.4), as offsets into byte buffers: no packed structs, no alignment, little-endian.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace wgu::noise {

enum class MessageType : std::uint8_t { kInitiation = 1, kResponse = 2, kCookieReply = 3, kData = 4 };

inline constexpr std::size_t kInitiationSize = 148;
inline constexpr std::size_t kResponseSize = 92;
inline constexpr std::size_t kCookieReplySize = 64;
inline constexpr std::size_t kDataHeaderSize = 16;
inline constexpr std::size_t kDataMinSize = 32;  // header and tag: a keepalive

// initiation: type(4) sender(4) ephemeral(32) static(32+16) timestamp(12+16) mac1(16) mac2(16)
struct Initiation {
  static constexpr std::size_t kSender = 4, kEphemeral = 8, kStatic = 40, kTimestamp = 88, kMac1 = 116, kMac2 = 132;
};
// response: type(4) sender(4) receiver(4) ephemeral(32) nothing(16) mac1(16) mac2(16)
struct Response {
  static constexpr std::size_t kSender = 4, kReceiver = 8, kEphemeral = 12, kNothing = 44, kMac1 = 60, kMac2 = 76;
};
// cookie reply: type(4) receiver(4) nonce(24) cookie(16+16)
struct CookieReply {
  static constexpr std::size_t kReceiver = 4, kNonce = 8, kCookie = 32;
};
// data: type(4) receiver(4) counter(8) ciphertext
struct Data {
  static constexpr std::size_t kReceiver = 4, kCounter = 8, kCiphertext = 16;
};

inline std::uint32_t load32(const std::uint8_t* p) noexcept {
  return static_cast<std::uint32_t>(p[0]) | static_cast<std::uint32_t>(p[1]) << 8 | static_cast<std::uint32_t>(p[2]) << 16 |
         static_cast<std::uint32_t>(p[3]) << 24;
}
inline std::uint64_t load64(const std::uint8_t* p) noexcept {
  return static_cast<std::uint64_t>(load32(p)) | static_cast<std::uint64_t>(load32(p + 4)) << 32;
}
inline void store32(std::uint8_t* p, std::uint32_t v) noexcept {
  for (int i = 0; i < 4; ++i) p[i] = static_cast<std::uint8_t>(v >> (8 * i));
}
inline void store64(std::uint8_t* p, std::uint64_t v) noexcept {
  store32(p, static_cast<std::uint32_t>(v));
  store32(p + 4, static_cast<std::uint32_t>(v >> 32));
}

}  // namespace wgu::noise
