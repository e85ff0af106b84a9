// The steering program where it runs: in reuseport groups of the kernel, for both families. What the kernel hashes is told
// from what the program chose by senders whose hash is known: the hash depends on addresses and ports alone.

#include "engine/steering.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <vector>

#include "io/udp.h"

namespace wgu::engine {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr unsigned kWorkers = 4;

IpAddress loopback(Family family) {
  if (family == Family::kIpv4) return IpAddress::v4(127, 0, 0, 1);
  IpAddress address{Family::kIpv6, {}};
  address.bytes[15] = 1;
  return address;
}

// Sizes and offsets as the whitepaper (5.4) has them.
Bytes message(std::uint8_t type, std::size_t size, std::size_t index_at = 0, std::uint8_t index = 0) {
  Bytes bytes(size, 0xee);  // no worker
  if (size > 0) bytes[0] = type;
  for (std::size_t i = 1; i < std::min<std::size_t>(size, 4); ++i) bytes[i] = 0;
  if (index_at != 0 && index_at < size) bytes[index_at] = index;
  return bytes;
}
Bytes initiation() { return message(1, 148); }
Bytes response(std::uint8_t index) { return message(2, 92, 8, index); }
Bytes cookie_reply(std::uint8_t index) { return message(3, 64, 4, index); }
Bytes data(std::uint8_t index, std::size_t size = 32) { return message(4, size, 4, index); }

class SteeringTest : public testing::TestWithParam<Family> {
 protected:
  void SetUp() override {
    auto binding = io::bind_udp(0, 0, kWorkers, receiver_index_steering(kWorkers));
    ASSERT_TRUE(binding) << binding.error().message;
    ASSERT_EQ(binding->notes.find("refused"), std::string::npos) << binding->notes;
    if (!socket_of(*binding, 0)) GTEST_SKIP() << "no IPv6 here: " << binding->notes;
    binding_.emplace(std::move(*binding));
    sockaddr_storage address{};
    const auto length = io::encode_address({loopback(GetParam()), binding_->port, 0}, address);
    for (int sender = 0; sender < 32; ++sender) {
      io::FileDescriptor socket(::socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
      if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), length) != 0) {
        GTEST_SKIP() << "no loopback of this family: " << std::strerror(errno);
      }
      senders_.push_back(std::move(socket));
    }
  }

  [[nodiscard]] const io::FileDescriptor& socket_of(const io::UdpBinding& binding, unsigned worker) const {
    return GetParam() == Family::kIpv4 ? binding.workers[worker].v4 : binding.workers[worker].v6;
  }

  // The worker that gets it, whole; kWorkers when nobody does.
  unsigned deliver(const io::FileDescriptor& sender, const Bytes& bytes) {
    EXPECT_EQ(::send(sender.get(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size())) << std::strerror(errno);
    std::array<pollfd, kWorkers> sockets{};
    for (unsigned worker = 0; worker < kWorkers; ++worker) sockets[worker] = {socket_of(*binding_, worker).get(), POLLIN, 0};
    if (::poll(sockets.data(), sockets.size(), 2000) < 1) return kWorkers;
    for (unsigned worker = 0; worker < kWorkers; ++worker) {
      if ((sockets[worker].revents & POLLIN) == 0) continue;
      Bytes received(70'000);
      const ssize_t size = ::recv(sockets[worker].fd, received.data(), received.size(), MSG_DONTWAIT);
      EXPECT_EQ(size, static_cast<ssize_t>(bytes.size()));
      received.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
      EXPECT_EQ(received, bytes) << "the program must not change the datagram";
      return worker;
    }
    return kWorkers;
  }

  unsigned hash_of(const io::FileDescriptor& sender) { return deliver(sender, initiation()); }

  // One sender for each worker to which the hash leads.
  std::vector<const io::FileDescriptor*> a_sender_for_each_hash() {
    std::vector<const io::FileDescriptor*> chosen;
    std::set<unsigned> seen;
    for (const auto& sender : senders_) {
      if (seen.insert(hash_of(sender)).second) chosen.push_back(&sender);
    }
    return chosen;
  }

  std::optional<io::UdpBinding> binding_;
  std::vector<io::FileDescriptor> senders_;
};

TEST_P(SteeringTest, InitiationsSpreadByHash) {
  std::set<unsigned> workers;
  for (const auto& sender : senders_) {
    const unsigned worker = hash_of(sender);
    ASSERT_LT(worker, kWorkers);
    EXPECT_EQ(hash_of(sender), worker) << "the same sender, the same worker";
    workers.insert(worker);
  }
  EXPECT_GT(workers.size(), 1U);  // 32 senders on one of 4 workers: 4^-31
}

TEST_P(SteeringTest, ReceiverIndexNamesTheWorker) {
  for (const auto* sender : a_sender_for_each_hash()) {
    for (std::uint8_t worker = 0; worker < kWorkers; ++worker) {
      EXPECT_EQ(deliver(*sender, response(worker)), worker);
      EXPECT_EQ(deliver(*sender, cookie_reply(worker)), worker);
      for (const std::size_t size : {32U, 48U, 1452U, 9000U, 65507U}) {
        EXPECT_EQ(deliver(*sender, data(worker, size)), worker) << size;
      }
    }
  }
}

TEST_P(SteeringTest, IndexThatNamesNoWorkerIsHashed) {
  for (const auto* sender : a_sender_for_each_hash()) {
    const unsigned hashed = hash_of(*sender);
    for (const unsigned index : {kWorkers, kWorkers + 1, 0x7FU, 0x80U, 0xFFU}) {
      EXPECT_EQ(deliver(*sender, response(static_cast<std::uint8_t>(index))), hashed) << index;
      EXPECT_EQ(deliver(*sender, cookie_reply(static_cast<std::uint8_t>(index))), hashed) << index;
      EXPECT_EQ(deliver(*sender, data(static_cast<std::uint8_t>(index))), hashed) << index;
    }
  }
}

TEST_P(SteeringTest, OtherTypesAreHashed) {
  for (const auto* sender : a_sender_for_each_hash()) {
    const unsigned hashed = hash_of(*sender);
    for (const unsigned type : {0U, 1U, 5U, 0x42U, 0xFFU}) {
      for (std::uint8_t worker = 0; worker < kWorkers; ++worker) {
        Bytes garbage(148, worker);  // a worker wherever one might look
        garbage[0] = static_cast<std::uint8_t>(type);
        EXPECT_EQ(deliver(*sender, garbage), hashed) << type;
      }
    }
  }
}

// A load beyond the end would end the program with 0, and worker 0 would get all of it.
TEST_P(SteeringTest, ShortDatagramsAreHashed) {
  for (const auto* sender : a_sender_for_each_hash()) {
    const unsigned hashed = hash_of(*sender);
    for (std::size_t size = 0; size < 32; ++size) {
      for (std::uint8_t type = 1; type <= 4; ++type) {
        Bytes bytes(size, static_cast<std::uint8_t>((hashed + 1) % kWorkers));
        if (size > 0) bytes[0] = type;
        EXPECT_EQ(deliver(*sender, bytes), hashed) << "type " << int{type} << ", " << size << " bytes";
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Families, SteeringTest, testing::Values(Family::kIpv4, Family::kIpv6),
                         [](const auto& row) { return row.param == Family::kIpv4 ? "Ipv4" : "Ipv6"; });

TEST(Steering, IsNothingForOneWorker) {
  EXPECT_TRUE(receiver_index_steering(0).program.empty());
  EXPECT_TRUE(receiver_index_steering(1).program.empty());
  EXPECT_FALSE(receiver_index_steering(2).program.empty());
}

}  // namespace
}  // namespace wgu::engine
