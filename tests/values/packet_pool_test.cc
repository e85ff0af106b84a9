#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <limits>
#include <new>
#include <set>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "wgu/packet.h"

namespace wgu {
namespace {

static_assert(!std::is_copy_constructible_v<Packet> && std::is_nothrow_move_constructible_v<Packet>);

TEST(PacketPool, HandsOutDistinctAlignedBuffersUntilExhausted) {
  constexpr std::size_t kCount = 7;
  constexpr std::size_t kCapacity = 1000;  // no multiple of the alignment
  PacketPool pool(kCount, kCapacity);
  EXPECT_EQ(pool.count(), kCount);
  EXPECT_EQ(pool.capacity(), kCapacity);
  std::vector<Packet> packets;
  std::set<std::uintptr_t> starts;
  for (std::size_t i = 0; i < kCount; ++i) {
    Packet packet = pool.take(kPacketHeadroom);
    ASSERT_TRUE(packet);
    EXPECT_EQ(packet.size(), 0u);
    EXPECT_EQ(packet.headroom(), kPacketHeadroom);
    EXPECT_EQ(packet.tailroom(), kCapacity - kPacketHeadroom);
    const auto start = reinterpret_cast<std::uintptr_t>(packet.data()) - kPacketHeadroom;
    EXPECT_EQ(start % 64, 0u);
    for (const auto other : starts) EXPECT_GE(start > other ? start - other : other - start, kCapacity);
    starts.insert(start);
    packet.place(0, kCapacity);
    std::memset(packet.data(), 0xa5, kCapacity);
    packets.push_back(std::move(packet));
    EXPECT_EQ(pool.in_use(), i + 1);
  }
  EXPECT_FALSE(pool.take(0));
  EXPECT_EQ(pool.in_use(), kCount);
  packets.pop_back();
  EXPECT_TRUE(pool.take(0));
  packets.clear();
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(PacketPool, TheBufferLastGivenBackIsTheNextTaken) {
  PacketPool pool(4, 256);
  Packet a = pool.take(0);
  Packet b = pool.take(0);
  const auto* const a_data = a.data();
  const auto* const b_data = b.data();
  a = Packet();
  b = Packet();
  EXPECT_EQ((b = pool.take(0)).data(), b_data);
  EXPECT_EQ((a = pool.take(0)).data(), a_data);
}

TEST(PacketPool, ReservesWithoutTouching) {
  const auto resident_bytes = [] {
    std::FILE* const file = std::fopen("/proc/self/statm", "r");
    long size = 0;
    long resident = 0;
    EXPECT_EQ(std::fscanf(file, "%ld %ld", &size, &resident), 2);
    std::fclose(file);
    return resident * 4096;
  };
  const long before = resident_bytes();
  PacketPool pool(2048, 65536);
  EXPECT_LT(resident_bytes() - before, 64l << 20) << "of 128 MiB";
}

TEST(PacketPool, RefusesWhatCannotBeAddressed) {
  EXPECT_THROW(PacketPool(std::numeric_limits<std::size_t>::max() / 1024, 2048), std::bad_alloc);
  EXPECT_THROW(PacketPool(1, std::size_t{1} << 33), std::bad_alloc);
  PacketPool empty(0, 2048);
  EXPECT_FALSE(empty.take(0));
}

TEST(Packet, MovesOwnershipAndItsEdges) {
  PacketPool pool(2, 256);
  Packet packet = pool.take(64);
  packet.resize(100);
  packet.grow_front(16);
  EXPECT_EQ(packet.headroom(), 48u);
  EXPECT_EQ(packet.size(), 116u);
  packet.trim_front(20);
  EXPECT_EQ(packet.headroom(), 68u);
  EXPECT_EQ(packet.bytes().size(), 96u);
  EXPECT_EQ(packet.tailroom(), 256u - 68 - 96);

  Packet moved = std::move(packet);
  EXPECT_FALSE(packet);
  EXPECT_EQ(pool.in_use(), 1u);
  PacketBlock* const block = moved.release();
  EXPECT_FALSE(moved);
  EXPECT_EQ(pool.in_use(), 1u);
  moved = Packet(block);
  EXPECT_EQ(moved.size(), 96u);
  moved = pool.take(0);  // gives the first back
  EXPECT_EQ(pool.in_use(), 1u);
  Packet& itself = moved;
  moved = std::move(itself);
  EXPECT_TRUE(moved);
}

// What the engine does: the owner takes, other threads destroy. Each packet carries a pattern, so that a buffer handed out twice,
// or handed out before its last holder was done with it, shows.
TEST(PacketPool, PacketsComeHomeFromOtherThreads) {
  constexpr std::size_t kBuffers = 16;
  constexpr int kRounds = 20000;
  constexpr std::size_t kThreads = 3;
  PacketPool pool(kBuffers, 64);
  std::array<std::atomic<PacketBlock*>, kThreads> hands{};
  std::atomic<bool> is_over{false};
  std::atomic<int> mismatches{0};
  std::vector<std::thread> threads;
  for (auto& hand : hands) {
    threads.emplace_back([&hand, &is_over, &mismatches] {
      for (;;) {
        const bool is_last = is_over.load();
        PacketBlock* const block = hand.exchange(nullptr);
        if (block == nullptr) {
          if (is_last) return;
          std::this_thread::yield();
          continue;
        }
        Packet packet(block);
        for (const std::uint8_t byte : packet.bytes()) mismatches += byte != packet.bytes().front();
        std::memset(packet.data(), 0xee, packet.size());
      }
    });
  }
  int taken = 0;
  for (unsigned turn = 0; taken < kRounds; ++turn) {
    Packet packet = pool.take(0);
    if (!packet) {
      std::this_thread::yield();
      continue;
    }
    ++taken;
    packet.resize(64);
    std::memset(packet.data(), taken & 0x7f, packet.size());
    PacketBlock* expected = nullptr;
    PacketBlock* const block = packet.release();
    // A hand that is full: the owner gives this one back itself.
    if (!hands[turn % kThreads].compare_exchange_strong(expected, block)) packet = Packet(block);
  }
  is_over = true;
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(mismatches, 0);
  EXPECT_EQ(pool.in_use(), 0u);
  std::vector<Packet> all;
  for (std::size_t i = 0; i < kBuffers; ++i) {
    all.push_back(pool.take(0));
    ASSERT_TRUE(all.back());
  }
  EXPECT_FALSE(pool.take(0));
}

TEST(PacketPool, SlicesShareABufferThatComesBackWithTheLast) {
  PacketPool large(2, 4096);
  PacketPool pool(3, 100);
  const std::uint8_t* const own = pool.take(0).data();  // of the buffer that is taken first
  Packet whole = large.take(0);
  const std::uint8_t* const storage = whole.data();
  std::vector<Packet> slices;
  for (std::size_t i = 0; i < 3; ++i) {
    slices.push_back(pool.take_slice(whole, i * 1000, 1000));
    ASSERT_TRUE(slices.back());
    slices.back().place(16, 984);
    EXPECT_EQ(slices.back().data(), storage + i * 1000 + 16);
    EXPECT_EQ(slices.back().headroom(), 16u);
    EXPECT_EQ(slices.back().tailroom(), 0u) << "what follows belongs to the next";
  }
  EXPECT_FALSE(pool.take_slice(whole, 3000, 1000)) << "each takes one of its own pool";
  EXPECT_TRUE(slices[0].is_slice());
  EXPECT_FALSE(whole.is_slice());
  whole = Packet();
  EXPECT_EQ(large.in_use(), 1u);
  slices.erase(slices.begin() + 1);
  slices.pop_back();
  EXPECT_EQ(large.in_use(), 1u);
  EXPECT_EQ(pool.in_use(), 1u);
  slices.clear();
  EXPECT_EQ(large.in_use(), 0u);
  // As they were: a buffer of the pool's own size and place, and one that nobody shares.
  Packet packet = pool.take(0);
  EXPECT_EQ(packet.data(), own);
  EXPECT_EQ(packet.tailroom(), 100u);
  whole = large.take(0);
  EXPECT_EQ(whole.data(), storage);
  EXPECT_EQ(whole.tailroom(), 4096u);
  whole = Packet();
  EXPECT_EQ(large.in_use(), 0u) << "nobody else held it";
}

TEST(PacketPool, SlicesComeHomeFromOtherThreads) {
  constexpr std::size_t kSlices = 8;
  PacketPool large(2, kSlices * 64);
  PacketPool pool(2 * kSlices, 64);
  for (int round = 0; round < 500; ++round) {
    Packet whole = large.take(0);
    ASSERT_TRUE(whole);
    std::vector<Packet> here;
    std::vector<Packet> there;
    for (std::size_t i = 0; i < kSlices; ++i) {
      Packet slice = pool.take_slice(whole, i * 64, 64);
      ASSERT_TRUE(slice);
      slice.resize(64);
      std::memset(slice.data(), round & 0x7f, slice.size());
      (i % 2 == 0 ? here : there).push_back(std::move(slice));
    }
    std::thread other([&there, round] {
      for (const Packet& slice : there) {
        for (const std::uint8_t byte : slice.bytes()) ASSERT_EQ(byte, round & 0x7f);
        std::memset(slice.data(), 0xee, slice.size());
      }
      there.clear();
    });
    whole = Packet();
    here.clear();
    other.join();
    ASSERT_EQ(large.in_use(), 0u);
    ASSERT_EQ(pool.in_use(), 0u);
  }
}

TEST(PacketPool, AnotherThreadMayBecomeTheOwner) {
  PacketPool pool(1, 64);
  std::thread([&pool] {
    pool.bind_to_this_thread();
    Packet packet = pool.take(0);
    EXPECT_TRUE(packet);
    const auto* const data = packet.data();
    packet = Packet();
    packet = pool.take(0);
    EXPECT_EQ(packet.data(), data);
  }).join();
  pool.bind_to_this_thread();
  EXPECT_TRUE(pool.take(0));
}

#ifndef NDEBUG
TEST(PacketPoolDeathTest, APacketMustNotOutliveItsPool) {
  EXPECT_DEATH(
      {
        Packet packet;
        PacketPool pool(1, 64);
        packet = pool.take(0);
      },
      "outlives its pool");
}
#endif

// Pages in the middle of a large pool are marked so; "nh" in smaps is MADV_NOHUGEPAGE (proc(5)).
TEST(PacketPool, ItsPagesStaySmall) {
  PacketPool pool(256, 65536);
  std::vector<Packet> packets;
  for (int i = 0; i < 128; ++i) packets.push_back(pool.take(0));
  const auto address = reinterpret_cast<std::uintptr_t>(packets.back().data());
  std::ifstream maps("/proc/self/smaps");
  bool is_ours = false;
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0;
    unsigned long end = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &begin, &end) == 2) is_ours = begin <= address && address < end;
    if (!is_ours || line.rfind("VmFlags:", 0) != 0) continue;
    EXPECT_NE((line + " ").find(" nh "), std::string::npos) << line;
    return;
  }
  GTEST_SKIP() << "no VmFlags in /proc/self/smaps";
}

std::size_t resident_pages(const std::uint8_t* begin, std::size_t size) {
  const auto first = reinterpret_cast<std::uintptr_t>(begin) / 4096 * 4096;
  std::vector<unsigned char> pages(size / 4096);
  EXPECT_EQ(mincore(reinterpret_cast<void*>(first), size, pages.data()), 0);
  return static_cast<std::size_t>(std::count_if(pages.begin(), pages.end(), [](unsigned char page) { return (page & 1) != 0; }));
}

TEST(PacketPool, GivesUnusedMemoryBackAndKeepsWhatIsInUse) {
  constexpr std::size_t kCount = 256;
  constexpr std::size_t kCapacity = 8192;
  PacketPool pool(kCount, kCapacity);
  std::vector<Packet> packets;
  for (std::size_t i = 0; i < kCount; ++i) {
    packets.push_back(pool.take(0));
    packets.back().resize(kCapacity);
    std::memset(packets.back().data(), static_cast<int>(i), kCapacity);
  }
  const std::uint8_t* begin = packets.front().data();
  for (const Packet& packet : packets) begin = std::min<const std::uint8_t*>(begin, packet.data());
  ASSERT_GE(resident_pages(begin, kCount * kCapacity), kCount * 2 - 1);
  pool.release_unused();
  for (std::size_t i = 0; i < kCount; ++i) EXPECT_EQ(packets[i].data()[kCapacity - 1], i) << "in use";
  // All go back but every tenth.
  std::vector<std::pair<std::size_t, Packet>> kept;
  for (std::size_t i = 0; i < kCount; i += 10) kept.emplace_back(i, std::move(packets[i]));
  packets.clear();
  pool.release_unused();
  for (const auto& [i, packet] : kept) {
    EXPECT_TRUE(std::all_of(packet.data(), packet.data() + kCapacity, [value = i](std::uint8_t byte) { return byte == value; })) << i;
  }
  EXPECT_LE(resident_pages(begin, kCount * kCapacity), kept.size() * 3);
  while (Packet packet = pool.take(0)) {
    packet.resize(kCapacity);
    packet.data()[0] = packet.data()[kCapacity - 1] = 1;
    kept.emplace_back(0, std::move(packet));
  }
  EXPECT_EQ(kept.size(), kCount);
}

}  // namespace
}  // namespace wgu
