// The filling is a window into one table of noise, placed by the packet's number: comparing costs a memcmp, and neighbours differ.
#include "bench/memory/inner_packet.h"

#include <array>
#include <cstring>

namespace wgu::bench {
namespace {

constexpr std::size_t kHeaders = 28;  // IPv4 without options, UDP
constexpr std::uint16_t kFirstPort = 1024;
constexpr std::uint16_t kDiscard = 9;     // RFC 863
constexpr std::size_t kPositions = 4093;  // of the window; prime, so that every bit of a number moves it

constexpr auto kNoise = [] {
  std::array<std::uint8_t, kPositions + kMaxInnerPacket> noise{};
  std::uint64_t state = 0x9e3779b97f4a7c15;
  for (std::uint8_t& byte : noise) {  // xorshift64
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    byte = static_cast<std::uint8_t>(state >> 32);
  }
  return noise;
}();

const std::uint8_t* filling_of(PacketNumber number) noexcept { return &kNoise[(number.sequence * 61 + number.flow * 17) % kPositions]; }

void write_u16(std::uint8_t* at, std::size_t value) noexcept {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}

// Of the identification: what of the number a packet without a filling could not be checked by.
std::uint16_t digest_of(PacketNumber number) noexcept {
  const std::uint64_t folded = number.sequence ^ number.sequence >> 32;  // a product spreads bits upwards only
  return static_cast<std::uint16_t>(folded * 0x9e3779b97f4a7c15 >> 48);
}

// RFC 791 and 768; the UDP checksum is zero, "not computed".
std::array<std::uint8_t, kHeaders> headers_of(PacketNumber number, std::size_t length) noexcept {
  std::array<std::uint8_t, kHeaders> headers = {0x45, 0, 0, 0, 0, 0, 0, 0, 64, 17};
  write_u16(&headers[2], length);
  write_u16(&headers[4], digest_of(number));
  std::memcpy(&headers[12], kSenderAddress.bytes.data(), 4);
  std::memcpy(&headers[16], kReceiverAddress.bytes.data(), 4);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < 20; i += 2) sum += static_cast<std::uint32_t>(headers[i] << 8 | headers[i + 1]);
  sum = (sum & 0xffff) + (sum >> 16);
  write_u16(&headers[10], ~(sum + (sum >> 16)) & 0xffff);
  write_u16(&headers[20], kFirstPort + number.flow);
  write_u16(&headers[22], kDiscard);
  write_u16(&headers[24], length - 20);
  return headers;
}

}  // namespace

void write_inner_packet(std::span<std::uint8_t> bytes, PacketNumber number) noexcept {
  const auto headers = headers_of(number, bytes.size());
  std::memcpy(bytes.data(), headers.data(), kHeaders);
  std::memcpy(&bytes[kHeaders], &number.flow, sizeof number.flow);
  std::memcpy(&bytes[kHeaders + sizeof number.flow], &number.sequence, sizeof number.sequence);
  std::memcpy(bytes.data() + kMinInnerPacket, filling_of(number), bytes.size() - kMinInnerPacket);
}

std::optional<PacketNumber> read_inner_packet(std::span<const std::uint8_t> bytes) noexcept {
  if (bytes.size() < kMinInnerPacket || bytes.size() > kMaxInnerPacket) return std::nullopt;
  PacketNumber number;
  std::memcpy(&number.flow, &bytes[kHeaders], sizeof number.flow);
  std::memcpy(&number.sequence, &bytes[kHeaders + sizeof number.flow], sizeof number.sequence);
  if (number.flow >= kMaxFlows) return std::nullopt;
  const auto headers = headers_of(number, bytes.size());
  if (std::memcmp(bytes.data(), headers.data(), kHeaders) != 0) return std::nullopt;
  if (std::memcmp(bytes.data() + kMinInnerPacket, filling_of(number), bytes.size() - kMinInnerPacket) != 0) return std::nullopt;
  return number;
}

}  // namespace wgu::bench
