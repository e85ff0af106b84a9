#include "bench/traffic/payload.h"

#include <cstring>

namespace wgu::bench {
namespace {

constexpr std::size_t kRunAt = 0, kCheckAt = 4, kSequenceAt = 8, kIntendedAt = 16;
static_assert(kIntendedAt + sizeof(std::int64_t) == kMinPayload);

// Not against forgers: against chance. Every bit of the payload moves half of the result (the finalizer of MurmurHash3, public domain).
std::uint32_t check_of(const Payload& payload) noexcept {
  std::uint64_t mixed =
      payload.sequence * 0x9e3779b97f4a7c15U ^ static_cast<std::uint64_t>(payload.intended) ^ (std::uint64_t{payload.run} << 32);
  mixed = (mixed ^ (mixed >> 33)) * 0xff51afd7ed558ccdU;
  mixed = (mixed ^ (mixed >> 33)) * 0xc4ceb9fe1a85ec53U;
  return static_cast<std::uint32_t>(mixed >> 32);
}

}  // namespace

void write_payload(std::span<std::uint8_t> bytes, const Payload& payload) noexcept {
  const std::uint32_t check = check_of(payload);
  std::memcpy(&bytes[kRunAt], &payload.run, sizeof payload.run);
  std::memcpy(&bytes[kCheckAt], &check, sizeof check);
  std::memcpy(&bytes[kSequenceAt], &payload.sequence, sizeof payload.sequence);
  std::memcpy(&bytes[kIntendedAt], &payload.intended, sizeof payload.intended);
}

std::optional<Payload> read_payload(std::span<const std::uint8_t> bytes, std::uint32_t run) noexcept {
  if (bytes.size() < kMinPayload) return std::nullopt;
  Payload payload;
  std::uint32_t check = 0;
  std::memcpy(&payload.run, &bytes[kRunAt], sizeof payload.run);
  std::memcpy(&check, &bytes[kCheckAt], sizeof check);
  std::memcpy(&payload.sequence, &bytes[kSequenceAt], sizeof payload.sequence);
  std::memcpy(&payload.intended, &bytes[kIntendedAt], sizeof payload.intended);
  if (payload.run != run || check != check_of(payload)) return std::nullopt;
  return payload;
}

}  // namespace wgu::bench
