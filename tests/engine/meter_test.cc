#include "engine/meter.h"

#include <gtest/gtest.h>

#include <memory>

namespace wgu::engine {
namespace {

using std::chrono::milliseconds;

class MeterTest : public testing::Test {
 protected:
  // A round that brought packets of these sizes; `sealed` and `opened` of them come out.
  void round(std::vector<std::size_t> out, std::vector<std::size_t> in, unsigned sealed, unsigned opened) {
    io::Arrivals arrivals;
    for (const std::size_t size : out) {
      Packet packet = pool_.take(0);
      packet.resize(size);
      arrivals.from_device.push_back(std::move(packet));
    }
    for (const std::size_t size : in) {
      Packet packet = pool_.take(0);
      packet.resize(size);
      arrivals.from_network.push_back({std::move(packet), {}, {}, 0, 0});
    }
    meter_->begin(arrivals, counters_, boot_now() - milliseconds(5));
    counters_.data_packets_sent += sealed;
    counters_.icmp_sent += 3;  // errors for inner senders, which are no packets that were opened
    counters_.device_packets_sent += 3;
    meter_->sealed(counters_);
    counters_.device_packets_sent += opened;
    meter_->opened(counters_);
    meter_->handed_over();
  }
  [[nodiscard]] Histogram of(Measure measure) const {
    std::vector<Histogram> measures(kMeasureCount);
    meter_->add_to(measures);
    return measures[static_cast<std::size_t>(measure)];
  }

  PacketPool pool_{64, 2048};
  Counters counters_;
  std::unique_ptr<Meter> meter_ = std::make_unique<Meter>();
};

TEST_F(MeterTest, MeasuresNothingUnlessTold) {
  for (const TelemetryLevel level : {TelemetryLevel::kOff, TelemetryLevel::kEvents}) {
    meter_->set_level(level);
    for (unsigned i = 0; i < 3 * Meter::kSampledOneIn; ++i) round({100}, {200}, 1, 1);
  }
  for (const MeasureInfo& row : measure_table()) EXPECT_EQ(of(row.measure).count(), 0U) << row.key;
  EXPECT_TRUE(meter_->wants_events());
}

TEST_F(MeterTest, ABatchCountsOnceForEachOfItsPackets) {
  meter_->set_level(TelemetryLevel::kAll);
  round({100, 1400, 60}, {132, 1452}, 2, 1);  // one of three is staged, one of two refused
  for (const Measure measure : {Measure::kReadToSealed, Measure::kSealedToSent}) EXPECT_EQ(of(measure).count(), 2U);
  for (const Measure measure : {Measure::kReceivedToOpened, Measure::kOpenedToWritten}) EXPECT_EQ(of(measure).count(), 1U);
  EXPECT_GE(of(Measure::kReadToSealed).min(), 5'000'000U) << "the round began 5 ms ago";
  EXPECT_GE(of(Measure::kReceivedToOpened).min(), 5'000'000U);
  EXPECT_LT(of(Measure::kSealedToSent).max(), 1'000'000'000U);
  EXPECT_EQ(of(Measure::kBatchSizeOut).percentile(50), 3);
  EXPECT_EQ(of(Measure::kBatchSizeIn).percentile(50), 2);
  EXPECT_EQ(of(Measure::kPacketSizeOut).count(), 3U);
  EXPECT_EQ(of(Measure::kPacketSizeOut).max(), 1400U);
  EXPECT_EQ(of(Measure::kPacketSizeIn).sum(), 132U + 1452);
}

TEST_F(MeterTest, QueueDelayIsFromStampToBegin) {
  meter_->set_level(TelemetryLevel::kAll);
  io::Arrivals arrivals;
  for (int i = 0; i < 3; ++i) arrivals.from_network.push_back({pool_.take(0), {}, {}, 0, 0});
  WallTime earlier = real_now();
  earlier.seconds -= 2;
  WallTime later = real_now();
  later.seconds += 100;  // the clock was set meanwhile
  arrivals.stamps = {{earlier, 2}, {later, 1}, {earlier, 0}};
  meter_->begin(arrivals, counters_, boot_now());
  const Histogram delays = of(Measure::kKernelQueueDelay);
  EXPECT_EQ(delays.count(), 3U);
  EXPECT_EQ(delays.min(), 0U);
  EXPECT_GE(delays.max(), 2'000'000'000U);
  EXPECT_LT(delays.max(), 60'000'000'000U);
}

TEST_F(MeterTest, AWatchedPeerHasTimesOfItsOwn) {
  meter_->set_level(TelemetryLevel::kAll);
  PeerCounters of_peer{.data_packets_received = 50, .data_packets_sent = 100};
  auto peer = std::make_unique<WatchedPeer>();
  peer->counters = &of_peer;
  meter_->watch(*peer);
  const auto count = [&peer](Measure stage) { return peer->of(stage).snapshot().count(); };
  io::Arrivals arrivals;
  arrivals.from_device.push_back(pool_.take(0));
  const auto pass = [&](unsigned sealed, unsigned opened) {
    meter_->begin(arrivals, counters_, boot_now() - milliseconds(5));
    counters_.data_packets_sent += 10;  // with those of other peers
    of_peer.data_packets_sent += sealed;
    meter_->sealed(counters_);
    counters_.device_packets_sent += 10;
    of_peer.data_packets_received += opened;
    meter_->opened(counters_);
    meter_->handed_over();
  };
  pass(3, 2);
  EXPECT_EQ(count(Measure::kReadToSealed), 3U);
  EXPECT_EQ(count(Measure::kSealedToSent), 3U);
  EXPECT_EQ(count(Measure::kReceivedToOpened), 2U);
  EXPECT_EQ(count(Measure::kOpenedToWritten), 2U);
  EXPECT_GE(peer->of(Measure::kReadToSealed).snapshot().min(), 5'000'000U);
  pass(0, 0);
  EXPECT_EQ(count(Measure::kSealedToSent), 3U) << "a round without packets of it";
  EXPECT_EQ(count(Measure::kOpenedToWritten), 2U);
  EXPECT_EQ(of(Measure::kReadToSealed).count(), 20U);
  meter_->unwatch(*peer);
  pass(3, 3);
  EXPECT_EQ(count(Measure::kReadToSealed), 3U);
}

TEST_F(MeterTest, SamplesOneRoundIn64) {
  meter_->set_level(TelemetryLevel::kSampled);
  for (unsigned i = 0; i < 640; ++i) round({100}, {}, 1, 0);
  EXPECT_EQ(of(Measure::kReadToSealed).count(), 10U);
  EXPECT_EQ(of(Measure::kReceivedToOpened).count(), 0U);
}

TEST_F(MeterTest, RoundsWithoutPacketsAreNone) {
  meter_->set_level(TelemetryLevel::kAll);
  round({}, {}, 0, 0);
  for (const MeasureInfo& row : measure_table()) EXPECT_EQ(of(row.measure).count(), 0U) << row.key;
}

TEST_F(MeterTest, HandshakesAreRecordedWheneverTheyAreTold) {
  meter_->handshake_took(40'000'000);
  EXPECT_EQ(of(Measure::kHandshakeRoundTrip).max(), 40'000'000U);
}

}  // namespace
}  // namespace wgu::engine
