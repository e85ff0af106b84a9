#include "noise/cookie.h"

#include <gtest/gtest.h>

#include "noise/bytes.h"
#include "noise/vectors.h"

namespace wgu::noise {
namespace {

using Bytes = std::vector<std::uint8_t>;
using Nonce = std::array<std::uint8_t, 24>;

Instant at(Duration since_start) { return Instant(since_start); }

const Endpoint kSource4{IpAddress{Family::kIpv4, {192, 0, 2, 1}}, 51820, 0};
const Endpoint kSource6{IpAddress{Family::kIpv6, {0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 51820, 0};

struct Cookies : testing::Test {
  Cookies() { checker.set_public_key(responder); }

  // What an initiator would send next, with the MACs that its jar gives.
  Bytes initiation(Instant now) {
    Bytes message = unhex(vectors::kInitiation);
    std::fill(message.begin() + 116, message.end(), std::uint8_t{0});
    message.resize(148);
    jar.add_macs(message, now);
    return message;
  }
  std::array<std::uint8_t, 64> reply_to(const Bytes& message, const Endpoint& source, Instant now) {
    std::array<std::uint8_t, 64> reply{};
    checker.create_reply(message, source, now, nonce, reply);
    return reply;
  }
  static Bytes mac2(const Bytes& message) { return {message.end() - 16, message.end()}; }

  const PublicKey responder{unhex_array<32>(vectors::kResponderPublic)};
  const Nonce nonce = unhex_array<24>(vectors::kNonce);
  CookieChecker checker{unhex_array<32>(vectors::kDeviceSecret)};
  CookieJar jar{responder};
};

TEST_F(Cookies, Mac1Vector) {
  Bytes expected = unhex(vectors::kInitiation);
  expected.resize(148);
  EXPECT_EQ(initiation(at(0s)), expected);

  CookieJar to_initiator(PublicKey{unhex_array<32>(vectors::kInitiatorPublic)});
  Bytes response = unhex(vectors::kResponse);
  std::fill(response.begin() + 60, response.end(), std::uint8_t{0});
  response.resize(92);
  to_initiator.add_macs(response, at(0s));
  Bytes expected_response = unhex(vectors::kResponse);
  expected_response.resize(92);
  EXPECT_EQ(response, expected_response);
}

TEST_F(Cookies, ReplyAndMac2Vectors) {
  struct Row {
    Endpoint source;
    const char* reply;
    const char* mac2;
  };
  for (const Row& row :
       {Row{kSource4, vectors::kCookieReply4, vectors::kMac2With4}, Row{kSource6, vectors::kCookieReply6, vectors::kMac2With6}}) {
    const Bytes message = initiation(at(250s));
    const auto reply = reply_to(message, row.source, at(250s));
    EXPECT_EQ(to_vector(reply), unhex(row.reply));
    ASSERT_TRUE(jar.consume_reply(reply, at(250s)));
    EXPECT_EQ(mac2(initiation(at(250s))), unhex(row.mac2));
  }
}

TEST_F(Cookies, Mac1CoversEveryByteBeforeItAndItself) {
  const Bytes message = initiation(at(0s));
  ASSERT_TRUE(checker.has_valid_mac1(message));
  for (std::size_t i = 0; i < 132; ++i) {
    Bytes forged = message;
    forged[i] ^= 0x10;
    EXPECT_FALSE(checker.has_valid_mac1(forged)) << i;
  }
  Bytes with_other_mac2 = message;
  with_other_mac2[140] ^= 1;
  EXPECT_TRUE(checker.has_valid_mac1(with_other_mac2));
}

TEST_F(Cookies, Mac1IsForOneReceiver) {
  const Bytes message = initiation(at(0s));
  checker.set_public_key(PublicKey{unhex_array<32>(vectors::kInitiatorPublic)});
  EXPECT_FALSE(checker.has_valid_mac1(message));
}

TEST_F(Cookies, Mac2IsZeroWithoutCookieAndThenInvalid) {
  Bytes message = initiation(at(0s));
  EXPECT_EQ(mac2(message), Bytes(16, 0));
  EXPECT_FALSE(has_mac2(message));
  EXPECT_FALSE(checker.has_valid_mac2(message, kSource4, at(0s)));
  for (std::size_t i = message.size() - 16; i < message.size(); ++i) {
    message[i] = 1;
    EXPECT_TRUE(has_mac2(message)) << i;
    message[i] = 0;
  }
}

TEST_F(Cookies, Mac2CoversEveryByte) {
  ASSERT_TRUE(jar.consume_reply(reply_to(initiation(at(0s)), kSource4, at(0s)), at(0s)));
  const Bytes message = initiation(at(0s));
  ASSERT_TRUE(checker.has_valid_mac2(message, kSource4, at(0s)));
  for (std::size_t i = 0; i < message.size(); ++i) {
    Bytes forged = message;
    forged[i] ^= 0x80;
    EXPECT_FALSE(checker.has_valid_mac2(forged, kSource4, at(0s))) << i;
  }
}

// The MAC of another implementation lacked the port: whoever shared an address (NAT) shared the cookie.
TEST_F(Cookies, CookieIsBoundToAddressAndPort) {
  ASSERT_TRUE(jar.consume_reply(reply_to(initiation(at(0s)), kSource4, at(0s)), at(0s)));
  const Bytes message = initiation(at(0s));
  EXPECT_TRUE(checker.has_valid_mac2(message, kSource4, at(0s)));
  Endpoint other_port = kSource4;
  other_port.port = 51821;
  EXPECT_FALSE(checker.has_valid_mac2(message, other_port, at(0s)));
  Endpoint other_high_byte = kSource4;
  other_high_byte.port ^= 0x0100;
  EXPECT_FALSE(checker.has_valid_mac2(message, other_high_byte, at(0s)));
  Endpoint other_address = kSource4;
  other_address.address.bytes[3] = 2;
  EXPECT_FALSE(checker.has_valid_mac2(message, other_address, at(0s)));
  EXPECT_FALSE(checker.has_valid_mac2(message, kSource6, at(0s)));
}

TEST_F(Cookies, SecretChangesEvery120Seconds) {
  ASSERT_TRUE(jar.consume_reply(reply_to(initiation(at(120s)), kSource4, at(120s)), at(120s)));
  const Bytes message = initiation(at(120s));
  EXPECT_FALSE(checker.has_valid_mac2(message, kSource4, at(120s - 1ns)));
  EXPECT_TRUE(checker.has_valid_mac2(message, kSource4, at(120s)));
  EXPECT_TRUE(checker.has_valid_mac2(message, kSource4, at(240s - 1ns)));
  EXPECT_FALSE(checker.has_valid_mac2(message, kSource4, at(240s)));
  // Instants before the clock's zero have periods of the same length.
  EXPECT_NE(reply_to(message, kSource4, at(-1ns)), reply_to(message, kSource4, at(0s)));
  EXPECT_EQ(reply_to(message, kSource4, at(-120s)), reply_to(message, kSource4, at(-1ns)));
}

TEST_F(Cookies, CheckersOfOtherDevicesGiveOtherCookies) {
  CookieChecker other(bytes_of("another device"));
  other.set_public_key(responder);
  ASSERT_TRUE(jar.consume_reply(reply_to(initiation(at(0s)), kSource4, at(0s)), at(0s)));
  EXPECT_FALSE(other.has_valid_mac2(initiation(at(0s)), kSource4, at(0s)));
}

TEST_F(Cookies, CookieIsUsedFor115Seconds) {
  ASSERT_TRUE(jar.consume_reply(reply_to(initiation(at(1s)), kSource4, at(1s)), at(1s)));
  EXPECT_NE(mac2(initiation(at(1s))), Bytes(16, 0));
  EXPECT_NE(mac2(initiation(at(116s - 1ns))), Bytes(16, 0));
  EXPECT_EQ(mac2(initiation(at(116s))), Bytes(16, 0));
}

TEST_F(Cookies, OneReplyForEachMac1) {
  const Bytes message = initiation(at(0s));
  const auto reply = reply_to(message, kSource4, at(0s));
  EXPECT_TRUE(jar.consume_reply(reply, at(0s)));
  EXPECT_FALSE(jar.consume_reply(reply, at(100s)));  // else a replay would prolong the cookie's life
  EXPECT_EQ(mac2(initiation(at(115s))), Bytes(16, 0));
}

TEST_F(Cookies, NoReplyWithoutMac1) {
  CookieJar silent(responder);
  const auto reply = reply_to(initiation(at(0s)), kSource4, at(0s));
  EXPECT_FALSE(silent.consume_reply(reply, at(0s)));
}

TEST_F(Cookies, ReplyToAnEarlierMessageIsRefused) {
  const auto reply = reply_to(initiation(at(0s)), kSource4, at(0s));
  Bytes other(148, 0x55);
  jar.add_macs(other, at(5s));
  EXPECT_FALSE(jar.consume_reply(reply, at(5s)));
}

TEST_F(Cookies, ForgedRepliesChangeNothing) {
  ASSERT_TRUE(jar.consume_reply(reply_to(initiation(at(0s)), kSource4, at(0s)), at(0s)));
  const Bytes before = initiation(at(1s));
  const auto reply = reply_to(before, kSource6, at(1s));
  for (std::size_t i = CookieReply::kNonce; i < reply.size(); ++i) {
    auto forged = reply;
    forged[i] ^= 1;
    EXPECT_FALSE(jar.consume_reply(forged, at(60s))) << i;
  }
  EXPECT_TRUE(jar.consume_reply(reply, at(2s)));  // the MAC1 was not spent by a forgery
  EXPECT_NE(initiation(at(3s)), before);
}

TEST_F(Cookies, ForgedRepliesNeitherReplaceNorProlongTheCookie) {
  ASSERT_TRUE(jar.consume_reply(reply_to(initiation(at(0s)), kSource4, at(0s)), at(0s)));
  const Bytes before = initiation(at(1s));
  auto forged = reply_to(before, kSource6, at(1s));
  forged[63] ^= 1;
  EXPECT_FALSE(jar.consume_reply(forged, at(60s)));
  EXPECT_EQ(initiation(at(114s)), before);
  EXPECT_EQ(mac2(initiation(at(115s))), Bytes(16, 0));
}

TEST_F(Cookies, ForgottenCookieIsNotUsed) {
  ASSERT_TRUE(jar.consume_reply(reply_to(initiation(at(0s)), kSource4, at(0s)), at(0s)));
  jar.forget_cookie();
  EXPECT_EQ(mac2(initiation(at(0s))), Bytes(16, 0));
}

TEST_F(Cookies, ReplyCarriesTypeAndSenderAsReceiver) {
  const auto reply = reply_to(initiation(at(0s)), kSource4, at(0s));
  EXPECT_EQ(load32(reply.data()), 3U);
  EXPECT_EQ(load32(&reply[4]), 0x01020304U);
  EXPECT_TRUE(std::equal(nonce.begin(), nonce.end(), &reply[8]));
}

}  // namespace
}  // namespace wgu::noise
