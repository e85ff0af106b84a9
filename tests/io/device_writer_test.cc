// The plan of writes to a device of either format. What is merged, and how, stands in merge_test.cc.

#include "io/device_writer.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <numeric>
#include <vector>

#include "io/file_descriptor.h"
#include "io/offload_model.h"

namespace wgu::io {
namespace {

// An IPv4 UDP datagram of one flow with right checksums.
Packet udp_packet(PacketPool& pool, std::uint8_t payload) {
  Packet packet = pool.take(16);
  const std::size_t size = 20 + 8 + payload;
  packet.resize(size);
  std::uint8_t* p = packet.data();
  std::memset(p, payload, size);
  const std::uint8_t header[28] = {
      0x45, 0, 0, static_cast<std::uint8_t>(size),        0, 0, 0x40, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 0, 7,
      0,    8, 0, static_cast<std::uint8_t>(8 + payload), 0, 0};
  std::memcpy(p, header, sizeof header);
  test::finish(packet.bytes(), 20, 17);
  return packet;
}

std::size_t total(const DeviceWriter::Write& write) {
  return std::accumulate(write.pieces.begin(), write.pieces.end(), std::size_t{0},
                         [](std::size_t sum, const iovec& piece) { return sum + piece.iov_len; });
}

TEST(DeviceWriter, PlainDeviceGetsPacketByPacket) {
  PacketPool pool(8, 256);
  DeviceWriter writer;
  EXPECT_TRUE(writer.is_empty());
  std::vector<Packet> packets;
  for (const int size : {10, 20, 30}) packets.push_back(udp_packet(pool, static_cast<std::uint8_t>(size)));
  writer.add(packets);
  for (const Packet& packet : packets) EXPECT_FALSE(packet);
  const auto plan = writer.plan();
  ASSERT_EQ(plan.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(plan[i].packets, 1u);
    EXPECT_EQ(total(plan[i]), 28 + 10 * (i + 1));
    EXPECT_EQ(plan[i].bytes, total(plan[i]));
  }
  EXPECT_EQ(pool.in_use(), 3u) << "until the writes are done";
  writer.clear();
  EXPECT_TRUE(writer.is_empty());
  EXPECT_EQ(pool.in_use(), 0u);
}

TEST(DeviceWriter, VirtioDeviceGetsAHeaderBeforeEachWrite) {
  PacketPool pool(8, 256);
  DeviceWriter writer;
  writer.set_format({.has_virtio_header = true});  // and no super-packets
  std::vector<Packet> packets;
  for (int i = 0; i < 2; ++i) packets.push_back(udp_packet(pool, 30));
  writer.add(packets);
  const auto plan = writer.plan();
  ASSERT_EQ(plan.size(), 2u);
  for (const auto& write : plan) EXPECT_EQ(total(write), 10u + 58u);
  writer.clear();
}

TEST(DeviceWriter, WritesAPlanInOneCall) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
  const FileDescriptor ours(ends[0]), other(ends[1]);
  PacketPool pool(8, 256);
  DeviceWriter writer;
  writer.set_format({.has_virtio_header = true});
  Packet packet = udp_packet(pool, 30);
  writer.add({&packet, 1});
  const auto plan = writer.plan();
  ASSERT_EQ(plan.size(), 1u);
  EXPECT_EQ(write_to_device(ours.get(), plan[0]), 0);
  char buffer[256];
  EXPECT_EQ(::recv(other.get(), buffer, sizeof buffer, MSG_DONTWAIT), 68);
  EXPECT_EQ(write_to_device(-1, plan[0]), EBADF);
  writer.clear();
}

TEST(DeviceWriter, WhatIsRefusedIsCountedAsThePacketsThatItWas) {
  PacketPool pool(8, 256);
  DeviceWriter writer;
  writer.set_format({.has_virtio_header = true, .udp = true});
  std::vector<Packet> packets;
  for (int i = 0; i < 4; ++i) packets.push_back(udp_packet(pool, 30));
  packets.push_back(udp_packet(pool, 20));  // shorter: the last of its super-packet
  packets.push_back(udp_packet(pool, 30));
  writer.add(packets);
  const auto plan = writer.plan();
  ASSERT_EQ(plan.size(), 2u);
  EXPECT_EQ(plan[0].packets, 5u);
  Arrivals arrivals;
  finish_write(plan[0], 0, arrivals);
  EXPECT_EQ(arrivals.write_failures, 0u);
  EXPECT_EQ(arrivals.write_failure_bytes, 0u);
  for (const auto& write : plan) finish_write(write, EAGAIN, arrivals);
  EXPECT_EQ(arrivals.write_failures, 6u);
  EXPECT_EQ(arrivals.write_failure_bytes, 5u * 58 + 48);
  EXPECT_EQ(arrivals.device_writes, 3u);
  writer.clear();
}

}  // namespace
}  // namespace wgu::io
