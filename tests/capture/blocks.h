#pragma once
// A naive reader of pcapng, to check the writer with: cuts a file into blocks by their first length and insists on the second.

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace wgu::capture::test {

inline std::uint32_t word(const std::vector<std::uint8_t>& bytes, std::size_t at) {
  if (at + 4 > bytes.size()) throw std::out_of_range("a cut block");
  return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | static_cast<std::uint32_t>(bytes[at + 3]) << 24;
}

struct BlockRead {
  std::uint32_t type = 0;
  std::vector<std::uint8_t> body;  // without type and lengths
};

inline std::vector<BlockRead> blocks_of(const std::vector<std::uint8_t>& file) {
  std::vector<BlockRead> blocks;
  for (std::size_t at = 0; at < file.size();) {
    const std::uint32_t length = word(file, at + 4);
    if (length < 12 || length % 4 != 0 || at + length > file.size() || word(file, at + length - 4) != length) {
      ADD_FAILURE() << "block " << blocks.size() << " at " << at << " has a wrong length";
      return blocks;
    }
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(at);
    blocks.push_back({word(file, at), {begin + 8, begin + length - 4}});
    at += length;
  }
  return blocks;
}

}  // namespace wgu::capture::test
