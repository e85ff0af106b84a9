// Each kernel against a sum that adds byte by byte, at every length and alignment; copies leave their surroundings alone.
#include "io/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <random>

#include "io/offload_model.h"

namespace wgu::io {
namespace {

using test::Bytes;

std::vector<const ChecksumKernel*> kernels() {
  std::vector<const ChecksumKernel*> here;
  for (const ChecksumKernel& kernel : checksum_kernels()) {
    if (kernel.runs_here()) here.push_back(&kernel);
  }
  return here;
}

// As a number, which the model's sums are.
std::size_t in_network_order(std::uint16_t word) {
  return std::endian::native == std::endian::little ? (word >> 8 | (word & 0xff) << 8) : word;
}

TEST(Checksum, ExampleOfRfc1071) {
  const Bytes bytes = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};  // section 3: ddf2
  for (const ChecksumKernel* kernel : kernels()) {
    EXPECT_EQ(in_network_order(kernel->sum(bytes.data(), bytes.size())), 0xddf2U) << kernel->name;
  }
  EXPECT_EQ(in_network_order(fold_sum(add_words(0, bytes))), 0xddf2U);
  EXPECT_EQ(in_network_order(fold_sum(add_header(0, bytes.data(), bytes.size()))), 0xddf2U);
}

TEST(Checksum, EveryLengthAndAlignment) {
  const Bytes bytes = test::pattern(2048 + 64);
  for (const ChecksumKernel* kernel : kernels()) {
    for (std::size_t size = 0; size <= 2048; ++size) {
      const std::size_t from = size * 7 % 64;
      const std::size_t to = size * 13 % 64;
      const std::span<const std::uint8_t> part(bytes.data() + from, size);
      const std::size_t expected = test::model_sum(part);
      ASSERT_EQ(in_network_order(kernel->sum(part.data(), size)), expected) << kernel->name << ", " << size << " bytes";

      Bytes copy(to + size + 64, 0xa5);
      ASSERT_EQ(in_network_order(kernel->copy(copy.data() + to, part.data(), size)), expected) << kernel->name << ", " << size << " bytes";
      ASSERT_TRUE(std::equal(part.begin(), part.end(), copy.begin() + static_cast<std::ptrdiff_t>(to))) << kernel->name << ", " << size;
      const auto untouched = [](std::uint8_t byte) { return byte == 0xa5; };
      ASSERT_TRUE(std::all_of(copy.begin(), copy.begin() + static_cast<std::ptrdiff_t>(to), untouched)) << kernel->name << ", " << size;
      ASSERT_TRUE(std::all_of(copy.end() - 64, copy.end(), untouched)) << kernel->name << ", " << size;
    }
  }
}

TEST(Checksum, CarriesOfTheLargestSumsAreKept) {
  for (const ChecksumKernel* kernel : kernels()) {
    for (const std::size_t size : {65535U, 65536U, 1U << 19}) {
      const std::uint16_t all_ones = size % 2 == 0 ? 0xffff : fold_sum(0xffff + network_word(0xff00));
      EXPECT_EQ(kernel->sum(Bytes(size, 0xff).data(), size), all_ones) << kernel->name;
      EXPECT_EQ(kernel->sum(Bytes(size, 0).data(), size), 0) << kernel->name;
    }
  }
  EXPECT_EQ(fold_sum(0xffffffff), 0xffff);
  EXPECT_EQ(fold_sum(0x10000), 1);
  EXPECT_EQ(fold_sum(0x1ffff), 1);
  EXPECT_EQ(fold_sum(0x1fffe), 0xffff);
}

TEST(Checksum, PartsAddUpToTheWhole) {
  std::mt19937 random(1071);
  const Bytes bytes = test::pattern(1500);
  for (int round = 0; round < 1000; ++round) {
    const std::size_t cut = random() % 750 * 2;
    const std::span<const std::uint8_t> whole(bytes.data(), cut + random() % (bytes.size() - cut));
    const WordSum sum = add_words(add_words(network_word(17), whole.first(cut)), whole.subspan(cut));
    Bytes copy(whole.size());
    const WordSum copied_first = copy_and_add(network_word(17), copy.data(), whole.first(cut));
    const WordSum copied = copy_and_add(copied_first, copy.data() + cut, whole.subspan(cut));
    ASSERT_EQ(in_network_order(fold_sum(sum)), test::model_sum(whole, 17)) << "seed 1071, round " << round;
    ASSERT_EQ(fold_sum(copied), fold_sum(sum)) << "seed 1071, round " << round;
    ASSERT_TRUE(std::equal(copy.begin(), copy.end(), whole.begin()));
  }
}

TEST(Checksum, CopiesMayGoAShortWayDown) {
  for (const ChecksumKernel* kernel : kernels()) {
    for (std::size_t size = 0; size <= 600; ++size) {
      const std::size_t distance = kOverlapDistance + size % 40;
      Bytes bytes = test::pattern(distance + size);
      const Bytes expected(bytes.begin() + static_cast<std::ptrdiff_t>(distance), bytes.end());
      ASSERT_EQ(in_network_order(kernel->copy(bytes.data(), bytes.data() + distance, size)), test::model_sum(expected)) << kernel->name;
      ASSERT_TRUE(std::equal(expected.begin(), expected.end(), bytes.begin())) << kernel->name << ", " << size << " bytes by " << distance;
    }
  }
}

TEST(Checksum, ARightChecksumMakesTheSumWhole) {
  Bytes bytes = test::pattern(60);
  test::set_number(bytes, 16, 0);
  test::set_number(bytes, 16, 0xffff - test::model_sum(bytes));
  EXPECT_TRUE(is_whole(add_words(0, bytes)));
  bytes[59] ^= 1;
  EXPECT_FALSE(is_whole(add_words(0, bytes)));
}

}  // namespace
}  // namespace wgu::io
