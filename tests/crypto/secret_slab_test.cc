#include "crypto/secret_slab.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bytes.h"

namespace wgu::crypto {
namespace {

struct Key {
  std::array<std::uint8_t, 32> bytes{};
};

bool is_zero(const void* memory, std::size_t size) {
  const auto* const bytes = static_cast<const std::uint8_t*>(memory);
  return std::all_of(bytes, bytes + size, [](std::uint8_t byte) { return byte == 0; });
}

TEST(SecretSlab, ErasesWhatIsGivenBack) {
  SecretSlab slab(sizeof(Key));
  Secret<Key> key(slab);
  EXPECT_TRUE(is_zero(&*key, sizeof(Key)));
  key->bytes.fill(0x5a);
  const Key* const slot = &*key;
  key.reset();
  EXPECT_FALSE(key);
  EXPECT_TRUE(is_zero(slot, sizeof(Key)));  // free, and still readable: the chunk stays
  Secret<Key> next(slab);
  EXPECT_EQ(&*next, slot);
  EXPECT_TRUE(is_zero(&*next, sizeof(Key)));
}

TEST(SecretSlab, SlotsAreZeroedAlignedAndApart) {
  for (const std::size_t slot_size : {1u, 32u, 64u, 65u, 200u, 5000u}) {
    SecretSlab slab(slot_size, 8);
    std::set<std::uintptr_t> slots;
    for (int i = 0; i < 20; ++i) {
      void* const slot = slab.take();
      const auto address = reinterpret_cast<std::uintptr_t>(slot);
      EXPECT_EQ(address % 64, 0u);
      EXPECT_TRUE(is_zero(slot, slot_size));
      std::memset(slot, 0xa5, slot_size);
      for (const auto other : slots) EXPECT_GE(address > other ? address - other : other - address, slot_size);
      slots.insert(address);
    }
    EXPECT_EQ(slab.in_use(), 20u);
    EXPECT_EQ(slab.chunks(), 3u);
    for (const auto address : slots) {
      slab.give_back(reinterpret_cast<void*>(address));
      EXPECT_TRUE(is_zero(reinterpret_cast<void*>(address), slot_size));
    }
    EXPECT_EQ(slab.in_use(), 0u);
  }
}

TEST(SecretSlab, AThousandSecretsCostFewChunksAndComeAndGoInThem) {
  SecretSlab slab(sizeof(Key));
  for (int round = 0; round < 3; ++round) {
    std::vector<Secret<Key>> keys;
    for (int i = 0; i < 1000; ++i) keys.emplace_back(slab);
    EXPECT_EQ(slab.in_use(), 1000u);
    EXPECT_EQ(slab.chunks(), 16u);  // of 64, and no more in the second round
  }
  EXPECT_EQ(slab.in_use(), 0u);
}

TEST(SecretSlab, SecretsMove) {
  SecretSlab slab(sizeof(Key));
  Secret<Key> a(slab);
  a->bytes[0] = 1;
  Secret<Key> b(std::move(a));
  EXPECT_FALSE(a);
  EXPECT_EQ(b->bytes[0], 1);
  Secret<Key> c(slab);
  const Key* const replaced = &*c;
  c->bytes[0] = 2;
  c = std::move(b);
  EXPECT_EQ(c->bytes[0], 1);
  EXPECT_TRUE(is_zero(replaced, sizeof(Key)));
  EXPECT_EQ(slab.in_use(), 1u);
}

TEST(SecretSlab, StaysOutOfCoreDumps) {
  SecretSlab slab(sizeof(Key));
  Secret<Key> key(slab);
  const auto address = reinterpret_cast<std::uintptr_t>(&*key);
  std::ifstream maps("/proc/self/smaps");
  std::string flags;
  bool is_ours = false;
  for (std::string line; std::getline(maps, line);) {
    std::uintptr_t begin = 0;
    std::uintptr_t end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) is_ours = begin <= address && address < end;
    if (is_ours && line.starts_with("VmFlags:")) flags = line + " ";
  }
  if (flags.empty()) GTEST_SKIP() << "this kernel shows no VmFlags";
  EXPECT_NE(flags.find(" dd "), std::string::npos) << flags;
}

TEST(SecretSlab, IsWipedInAForksChild) {
  SecretSlab slab(sizeof(Key));
  Secret<Key> key(slab);
  key->bytes.fill(0x5a);
  const pid_t child = fork();
  if (child == 0) _exit(is_zero(&*key, sizeof(Key)) ? 0 : 1);
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(key->bytes[0], 0x5a);
}

TEST(SecretSlabDeathTest, TheEndOfAChunkIsGuarded) {
  SecretSlab slab(64, 64);
  std::vector<void*> slots;
  for (int i = 0; i < 64; ++i) slots.push_back(slab.take());
  auto* const end = static_cast<volatile std::uint8_t*>(*std::max_element(slots.begin(), slots.end())) + 64;
  end[-1] = 1;
  EXPECT_DEATH(end[0] = 1, "");
  for (void* const slot : slots) slab.give_back(slot);
}

TEST(SecretSlabDeathTest, AWriteBeforeAChunkIsNoticed) {
  EXPECT_DEATH(
      {
        SecretSlab slab(64, 1);
        auto* const slot = static_cast<volatile std::uint8_t*>(slab.take());
        slot[-1] = static_cast<std::uint8_t>(~slot[-1]);
        slab.give_back(const_cast<std::uint8_t*>(slot));
      },
      "");
}

#ifndef NDEBUG
TEST(SecretSlabDeathTest, ASecretMustNotOutliveItsSlab) {
  EXPECT_DEATH(
      {
        Secret<Key> key;
        SecretSlab slab(sizeof(Key));
        key = Secret<Key>(slab);
      },
      "outlives its slab");
}
#endif

TEST(SecretBytes, EraseThemselves) {
  alignas(SecretBytes) std::array<std::uint8_t, sizeof(SecretBytes)> storage{};
  auto* const secret = new (storage.data()) SecretBytes;
  secret->bytes.fill(0x5a);
  ASSERT_EQ(storage[31], 0x5a);
  std::destroy_at(secret);
  look_again(storage.data());
  EXPECT_TRUE(is_zero(storage.data(), storage.size()));
}

}  // namespace
}  // namespace wgu::crypto
