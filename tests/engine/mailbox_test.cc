#include "engine/mailbox.h"

#include <gtest/gtest.h>

#include <thread>

namespace wgu::engine {
namespace {

using tunnel::Handover;

class MailboxTest : public testing::Test {
 protected:
  PacketPool pool_{kMailboxCapacity + 16, 256};
};

TEST_F(MailboxTest, CarriesEveryKindWhole) {
  Mailbox box;
  EXPECT_FALSE(box.has_mail());
  Packet inner = pool_.take(16);
  inner.resize(3);
  inner.data()[0] = 42;
  Handover routed{1, tunnel::RoutedPacket{{7, 1, 2}, std::move(inner)}};
  ASSERT_TRUE(box.post(routed));
  const Endpoint remote{IpAddress::v4(192, 0, 2, 1), 51820, 0};
  const LocalAddress local{IpAddress::v4(192, 0, 2, 9), 3};
  Handover datagram{1, Datagram{pool_.take(0), remote, local, 3}};
  ASSERT_TRUE(box.post(datagram));
  auto opened = std::make_unique<tunnel::RoutedInitiation>();
  opened->peer = {9, 1, 1};
  opened->opened.sender_index = 77;
  opened->source = {remote, local};
  Handover initiation{1, std::move(opened)};
  ASSERT_TRUE(box.post(initiation));
  Handover path{1, tunnel::NarrowPath{remote, 1300}};
  ASSERT_TRUE(box.post(path));
  EXPECT_TRUE(box.has_mail());

  std::vector<Handover> mail;
  box.collect(100, mail);
  ASSERT_EQ(mail.size(), 4U);
  const auto& got_routed = std::get<tunnel::RoutedPacket>(mail[0].work);
  EXPECT_EQ(got_routed.peer, (tunnel::PeerId{7, 1, 2}));
  ASSERT_EQ(got_routed.packet.size(), 3U);
  EXPECT_EQ(got_routed.packet.data()[0], 42);
  const auto& got_datagram = std::get<Datagram>(mail[1].work);
  EXPECT_EQ(got_datagram.remote, remote);
  EXPECT_EQ(got_datagram.local, local);
  EXPECT_EQ(got_datagram.traffic_class, 3);
  const auto& got_initiation = std::get<std::unique_ptr<tunnel::RoutedInitiation>>(mail[2].work);
  EXPECT_EQ(got_initiation->peer, (tunnel::PeerId{9, 1, 1}));
  EXPECT_EQ(got_initiation->opened.sender_index, 77U);
  EXPECT_EQ(got_initiation->source.remote, remote);
  const auto& got_path = std::get<tunnel::NarrowPath>(mail[3].work);
  EXPECT_EQ(got_path.remote, remote);
  EXPECT_EQ(got_path.mtu, 1300U);
}

TEST_F(MailboxTest, WhenFullItLeavesTheHandoverAlone) {
  Mailbox box;
  for (std::size_t i = 0; i < kMailboxCapacity; ++i) {
    Handover handover{0, Datagram{pool_.take(0), {}, {}, 0}};
    ASSERT_TRUE(box.post(handover));
  }
  Handover one_more{0, Datagram{pool_.take(0), {}, {}, 0}};
  EXPECT_FALSE(box.post(one_more));
  EXPECT_TRUE(std::get<Datagram>(one_more.work).packet);
  std::vector<Handover> mail;
  box.collect(10, mail);
  EXPECT_EQ(mail.size(), 10U);
  EXPECT_TRUE(box.post(one_more));
}

TEST_F(MailboxTest, GivesBackWhatWasNeverCollected) {
  const std::size_t before = pool_.in_use();
  {
    Mailbox box;
    Handover packet{0, tunnel::RoutedPacket{{1, 0, 1}, pool_.take(0)}};
    Handover initiation{0, std::make_unique<tunnel::RoutedInitiation>()};
    ASSERT_TRUE(box.post(packet));
    ASSERT_TRUE(box.post(initiation));
    EXPECT_EQ(pool_.in_use(), before + 1);
  }
  EXPECT_EQ(pool_.in_use(), before);
}

TEST_F(MailboxTest, KeepsOrderBetweenTwoThreads) {
  constexpr std::uint32_t kLetters = 200'000;
  Mailbox box;
  std::thread consumer([&] {
    std::vector<Handover> mail;
    for (std::uint32_t expected = 0; expected < kLetters;) {
      box.collect(64, mail);
      for (const Handover& handover : mail) {
        ASSERT_EQ(std::get<tunnel::RoutedPacket>(handover.work).peer.slot, expected);
        ++expected;
      }
      mail.clear();
    }
  });
  for (std::uint32_t i = 0; i < kLetters;) {
    Packet packet = pool_.take(0);
    if (!packet) continue;
    Handover handover{0, tunnel::RoutedPacket{{i, 0, 0}, std::move(packet)}};
    if (box.post(handover)) ++i;
  }
  consumer.join();
  EXPECT_EQ(pool_.in_use(), 0U);
}

}  // namespace
}  // namespace wgu::engine
