#pragma once
// Byte strings of vectors.

#include <cstdint>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace wgu::crypto {

using Bytes = std::vector<std::uint8_t>;

inline Bytes unhex(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) bytes.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
  return bytes;
}

inline std::string hex(std::span<const std::uint8_t> bytes) {
  std::string text;
  for (const std::uint8_t byte : bytes) text += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  return text;
}

inline Bytes text_bytes(std::string_view text) { return {text.begin(), text.end()}; }

// first, first + 1, ...
inline Bytes counting(std::size_t size, unsigned first = 0) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}

inline Bytes random_bytes(std::mt19937& random, std::size_t size) {
  Bytes bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random());
  return bytes;
}

// A compiler may assume that no one reads a destroyed object's bytes; after this it must take them from memory.
inline void look_again(void* memory) { asm volatile("" : : "r"(memory) : "memory"); }

inline std::span<const std::uint8_t, 32> key_of(const Bytes& bytes) { return std::span<const std::uint8_t, 32>(bytes.data(), 32); }

}  // namespace wgu::crypto
