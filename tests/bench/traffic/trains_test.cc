#include "bench/traffic/trains.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include "bench/traffic/sockets.h"

namespace wgu::bench {
namespace {

const Endpoint kLoopback{IpAddress::v4(127, 0, 0, 1), 0};

struct Pair {
  io::FileDescriptor sink = open_udp_sink(kLoopback).value();
  io::FileDescriptor source = open_udp_sender(local_endpoint(sink.get()).value()).value();
  void await() const {
    pollfd wait{sink.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&wait, 1, 5000), 1);
  }
};

TEST(TrainBeginning, CountsDatagramsThatAreLongEnough) {
  struct {
    std::size_t length, stride, size, count;
  } const rows[] = {
      {1000, 1000, 1000, 1}, {1000, 1000, 1001, 0}, {3000, 1000, 1000, 3}, {3200, 1000, 1000, 3},
      {3200, 1000, 200, 4},  {3200, 1000, 201, 3},  {0, 0, 1, 0},          {0, 0, 0, 0},
  };
  for (const auto& row : rows) {
    EXPECT_EQ((TrainBeginning{row.length, row.stride, {}}.count_of(row.size)), row.count) << row.length << " " << row.size;
  }
}

TEST(Trains, ArriveAsTheyWereSentAndAreReadInPart) {
  const Pair pair;
  TrainReader::prepare(pair.sink.get()).value();
  TrainSource source(1000, 20);
  EXPECT_EQ(source.packets(), 20U);
  for (int i = 0; i < 3; ++i) ASSERT_EQ(source.send(pair.source.get()).value(), 20U);
  ASSERT_EQ(::send(pair.source.get(), "and one", 7, 0), 7);
  pair.await();
  TrainReader reader(1500);
  const auto read = reader.read(pair.sink.get());
  ASSERT_EQ(read.size(), 4U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(read[i].length, 20'000U);
    EXPECT_EQ(read[i].count_of(1000), 20U);
    EXPECT_EQ(read[i].at_hand.size(), i == 0 ? 1000U : TrainReader::kBeginning);
    EXPECT_EQ(read[i].is_first_whole(), i == 0);
  }
  EXPECT_TRUE(read[3].is_first_whole());
  EXPECT_EQ(std::string(read[3].at_hand.begin(), read[3].at_hand.end()), "and one");
  EXPECT_TRUE(reader.read(pair.sink.get()).empty());
}

// A socket that keeps no trains together gets the datagrams.
TEST(Trains, ComeApartWhereNobodyAskedForThem) {
  const Pair pair;
  TrainSource source(100, 5);
  ASSERT_EQ(source.send(pair.source.get()).value(), 5U);
  TrainReader reader(1500);
  pair.await();
  const auto read = reader.read(pair.sink.get());
  ASSERT_EQ(read.size(), 5U);
  for (const TrainBeginning& message : read) EXPECT_TRUE(message.length == 100 && message.count_of(100) == 1);
}

TEST(Trains, SayWhyTheyCannotLeave) {
  const io::FileDescriptor unconnected = open_udp_sink(kLoopback).value();
  TrainSource source(100, 5);
  const auto sent = source.send(unconnected.get());
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, EDESTADDRREQ);
}

}  // namespace
}  // namespace wgu::bench
