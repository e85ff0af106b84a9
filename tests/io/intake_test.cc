// From read buffers to packets: bounds, and what is counted when something does not fit. Trains and super-packets of a real kernel
// stand in loop_test.cc and split_test.cc.

#include "io/intake.h"

#include <gtest/gtest.h>
#include <netinet/udp.h>

#include <cstring>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

#include "io/udp.h"
#include "io/virtio_net.h"

namespace wgu::io {
namespace {

class IntakeTest : public ::testing::Test {
 protected:
  void open(std::size_t small, std::size_t large, std::size_t receive_headroom = 16) {
    small_.emplace(small, 1000);
    large_.emplace(large, 70'000);
    LoopOptions options;
    options.pool = &*small_;
    options.large_pool = &*large_;
    options.receive_headroom = receive_headroom;
    options.device_headroom = 20;
    options.device_tailroom = 31;
    options.departing_size = [](std::size_t size) { return 20 + (size + 15) / 16 * 16 + 16; };
    intake_.emplace(options);
  }
  // As recvmsg leaves it: with `segment`, a train.
  void receive(std::span<const std::uint8_t> payload, int segment, int flags = 0, const Packet& whole = Packet()) {
    alignas(cmsghdr) std::uint8_t control[CMSG_SPACE(sizeof(int))];
    sockaddr_storage address;
    msghdr message{};
    message.msg_name = &address;
    message.msg_namelen = encode_address({IpAddress::v4(192, 0, 2, 7), 99, 0}, address);
    message.msg_flags = flags;
    if (segment != 0) {
      std::memset(control, 0, sizeof control);
      const cmsghdr header{.cmsg_len = CMSG_LEN(sizeof segment), .cmsg_level = SOL_UDP, .cmsg_type = UDP_GRO};
      std::memcpy(control, &header, sizeof header);
      std::memcpy(control + CMSG_LEN(0), &segment, sizeof segment);
      message.msg_control = control;
      message.msg_controllen = sizeof control;
    }
    intake_->receive(message, payload, arrivals_, whole);
  }
  std::vector<std::size_t> sizes() const {
    std::vector<std::size_t> all;
    for (const Datagram& datagram : arrivals_.from_network) all.push_back(datagram.packet.size());
    return all;
  }

  std::optional<PacketPool> small_, large_;
  std::optional<Intake> intake_;
  Arrivals arrivals_;
};

std::vector<std::uint8_t> counting(std::size_t size) {
  std::vector<std::uint8_t> bytes(size);
  std::iota(bytes.begin(), bytes.end(), std::uint8_t{1});
  return bytes;
}

TEST_F(IntakeTest, TrainsComeApart) {
  open(256, 64);
  const auto payload = counting(1000);
  receive(payload, 300);
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{300, 300, 300, 100}));
  std::size_t at = 0;
  for (const Datagram& datagram : arrivals_.from_network) {
    EXPECT_EQ(datagram.packet.headroom(), 16u);
    EXPECT_EQ(datagram.remote.to_string(), "192.0.2.7:99");
    EXPECT_EQ(std::memcmp(datagram.packet.data(), payload.data() + at, datagram.packet.size()), 0);
    at += datagram.packet.size();
  }
}

TEST_F(IntakeTest, TrainsStayWhereTheyWereReceived) {
  constexpr std::size_t kPrefix = 176;
  PacketPool reads(1, kReceiveBuffer);
  const auto payload = counting(1000);
  const auto receive_train = [&](std::size_t size, int segment) {
    const Packet whole = reads.take(0);
    ASSERT_TRUE(whole);
    std::memcpy(whole.data() + kPrefix, payload.data(), size);
    receive({whole.data() + kPrefix, size}, segment, 0, whole);
  };
  open(256, 64, 0);
  receive_train(1000, 300);
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{300, 300, 300, 100}));
  EXPECT_EQ(reads.in_use(), 1u);
  const std::uint8_t* first = arrivals_.from_network[0].packet.data();
  EXPECT_EQ(std::memcmp(first, payload.data(), payload.size()), 0);
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(arrivals_.from_network[i].packet.data(), first + i * 300);
    EXPECT_EQ(arrivals_.from_network[i].packet.tailroom(), 0u);
    EXPECT_EQ(arrivals_.from_network[i].remote.to_string(), "192.0.2.7:99");
  }
  arrivals_.clear();
  EXPECT_EQ(reads.in_use(), 0u);
  receive_train(600, 600);
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{600}));
  EXPECT_EQ(reads.in_use(), 0u) << "one datagram is not worth a buffer for 64 KiB";
  arrivals_.clear();
  open(2, 1, 0);
  receive_train(1000, 300);
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{300, 300}));
  EXPECT_EQ(arrivals_.unplaced_datagrams, 2u);
  arrivals_.clear();
  open(8, 8, 16);
  receive_train(1000, 300);
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{300, 300, 300, 100})) << "with headroom wanted, each in a buffer of its own";
  EXPECT_EQ(reads.in_use(), 0u);
  arrivals_.clear();
}

TEST_F(IntakeTest, OddSegmentSizes) {
  struct Row {
    std::size_t bytes;
    int segment;
    std::vector<std::size_t> expected;
  };
  for (const Row& row : {Row{600, 0, {600}}, Row{600, 600, {600}}, Row{600, 5000, {600}}, Row{600, 300, {300, 300}}, Row{0, 0, {0}},
                         Row{0, 300, {0}}, Row{600, -1, {600}}}) {
    open(256, 64);
    receive(counting(row.bytes), row.segment);
    EXPECT_EQ(sizes(), row.expected) << row.bytes << " in " << row.segment;
    arrivals_.clear();
  }
}

TEST_F(IntakeTest, SizeChoosesThePool) {
  open(64, 64);
  receive(counting(984), 0);  // with 16 of headroom, exactly a small buffer
  EXPECT_EQ(small_->in_use(), 1u);
  receive(counting(985), 0);
  EXPECT_EQ(large_->in_use(), 1u);
  intake_->read_device(counting(949), arrivals_);  // with 20 and 31
  EXPECT_EQ(small_->in_use(), 2u);
  intake_->read_device(counting(950), arrivals_);
  EXPECT_EQ(large_->in_use(), 2u);
  EXPECT_GE(arrivals_.from_device[1].tailroom(), 31u);
  arrivals_.clear();
}

TEST_F(IntakeTest, WhatDoesNotFitIsCounted) {
  open(2, 1);
  receive(counting(100), 0, MSG_TRUNC);
  EXPECT_EQ(arrivals_.truncated_datagrams, 1u);
  receive(std::vector<std::uint8_t>(69'985), 0);
  EXPECT_EQ(arrivals_.truncated_datagrams, 2u);
  intake_->read_device(std::vector<std::uint8_t>(69'950), arrivals_);
  EXPECT_EQ(arrivals_.truncated_device_packets, 1u);
  receive(counting(50), 10);
  EXPECT_EQ(sizes(), (std::vector<std::size_t>{10, 10}));
  EXPECT_EQ(arrivals_.unplaced_datagrams, 3u);
  intake_->read_device(counting(10), arrivals_);
  EXPECT_EQ(arrivals_.unplaced_device_packets, 1u);
  arrivals_.clear();
}

TEST_F(IntakeTest, ReadsAreLimitedByWhatTheyMayBring) {
  open(640, 640);
  EXPECT_EQ(intake_->affordable_reads(4), 4u);
  EXPECT_EQ(intake_->affordable_reads(100), 10u);  // 64 packets each
  std::vector<Packet> held;
  while (small_->in_use() < 639) held.push_back(small_->take(0));
  EXPECT_EQ(intake_->affordable_reads(4), 1u) << "whatever is left is worth a read";
  EXPECT_FALSE(intake_->is_starved());
  held.push_back(small_->take(0));
  EXPECT_TRUE(intake_->is_starved());
  held.clear();
  while (large_->in_use() < 640 - 16) held.push_back(large_->take(0));
  EXPECT_EQ(intake_->affordable_reads(4), 2u);
}

// A super-packet of TCP over IPv4 with `payload` bytes in segments of `segment`.
std::vector<std::uint8_t> tcp_super_packet(std::size_t payload, std::size_t segment) {
  std::vector<std::uint8_t> read(kVirtioNetHeaderSize + 40 + payload);
  const VirtioNetHeader header{.flags = kVirtioNeedsChecksum,
                               .gso_type = kVirtioGsoTcpV4,
                               .header_size = 40,
                               .gso_size = static_cast<std::uint16_t>(segment),
                               .checksum_start = 20,
                               .checksum_offset = 16};
  store_virtio_net_header(header, read.data());
  std::uint8_t* ip = read.data() + kVirtioNetHeaderSize;
  ip[0] = 0x45;
  ip[2] = static_cast<std::uint8_t>((40 + payload) >> 8);
  ip[3] = static_cast<std::uint8_t>(40 + payload);
  ip[9] = 6;
  ip[20 + 12] = 0x50;
  std::iota(ip + 40, ip + 40 + payload, std::uint8_t{1});
  return read;
}

// The next begins where the sealed one before it ends.
TEST_F(IntakeTest, SegmentsOfASuperPacketLieAsFarApartAsTheyWillLeave) {
  open(64, 4);
  intake_->set_device_format({.has_virtio_header = true});
  intake_->read_device(tcp_super_packet(1100, 500), arrivals_);
  ASSERT_EQ(arrivals_.from_device.size(), 3u);
  EXPECT_EQ(large_->in_use(), 1u);
  EXPECT_EQ(small_->in_use(), 3u);
  const std::size_t spacing = 20 + 544 + 16;  // 540 bytes of packet, padded
  for (std::size_t i = 0; i < 3; ++i) {
    const Packet& packet = arrivals_.from_device[i];
    EXPECT_EQ(packet.size(), i == 2 ? 140u : 540u);
    EXPECT_EQ(packet.data(), arrivals_.from_device[0].data() + i * spacing);
    EXPECT_EQ(packet.headroom(), 20u);
    EXPECT_EQ(packet.tailroom(), spacing - 20 - packet.size());
    EXPECT_EQ(packet.data()[40], static_cast<std::uint8_t>(i * 500 + 1)) << "its part of the payload";
  }
  arrivals_.clear();
  EXPECT_EQ(large_->in_use(), 0u);
}

// Headers and room of many small segments are more than the read was.
TEST_F(IntakeTest, ASuperPacketMayTakeSeveralBuffers) {
  open(3000, 4);
  intake_->set_device_format({.has_virtio_header = true});
  intake_->read_device(tcp_super_packet(60'000, 40), arrivals_);  // 1500 segments of 80, at a distance of 116
  ASSERT_EQ(arrivals_.from_device.size(), 1500u);
  EXPECT_EQ(large_->in_use(), 3u);  // 603 in 70,000 bytes
  for (std::size_t i = 0; i < 1500; ++i) {
    ASSERT_EQ(arrivals_.from_device[i].size(), 80u);
    ASSERT_EQ(arrivals_.from_device[i].data()[40], static_cast<std::uint8_t>(i * 40 + 1));
  }
  arrivals_.clear();
  // The pool is what bounds them; nothing is lost uncounted.
  open(100, 1);
  intake_->set_device_format({.has_virtio_header = true});
  intake_->read_device(tcp_super_packet(60'000, 40), arrivals_);
  EXPECT_EQ(arrivals_.from_device.size(), 100u);
  EXPECT_EQ(arrivals_.unplaced_device_packets, 1400u);
  arrivals_.clear();
  EXPECT_EQ(small_->in_use() + large_->in_use(), 0u);
}

TEST_F(IntakeTest, DeviceReadsWithAVirtioHeader) {
  open(64, 64);
  intake_->set_device_format({.has_virtio_header = true});
  std::vector<std::uint8_t> read(kVirtioNetHeaderSize + 28);
  std::uint8_t* ip = read.data() + kVirtioNetHeaderSize;
  ip[0] = 0x45;
  ip[3] = 28;
  ip[9] = 1;
  intake_->read_device(read, arrivals_);
  ASSERT_EQ(arrivals_.from_device.size(), 1u);
  EXPECT_EQ(arrivals_.from_device[0].size(), 28u);
  EXPECT_EQ(std::memcmp(arrivals_.from_device[0].data(), ip, 28), 0);

  intake_->read_device(std::span(read).first(9), arrivals_);  // not even a header
  read[1] = kVirtioGsoTcpV4;                                  // a super-packet of TCP without TCP in it
  intake_->read_device(read, arrivals_);
  EXPECT_EQ(arrivals_.malformed_device_reads, 2u);
  EXPECT_EQ(arrivals_.from_device.size(), 1u);
  arrivals_.clear();
}

}  // namespace
}  // namespace wgu::io
