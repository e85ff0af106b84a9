// The UAPI's text: what a request means, which errno each mistake has (as wireguard-go assigns them), and get's exact bytes.

#include "control/uapi.h"

#include <gtest/gtest.h>
#include <net/if.h>

#include <cerrno>
#include <string>

#include "control/same_change.h"

namespace wgu::control {
namespace {

// The keys of the example on https://www.wireguard.com/xplatform/.
const std::string kPrivate = "e84b5a6d2717c1003a13b431570353dbaca9146cf150c5f8575680feba52027a";
const std::string kPeerA = "b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33";
const std::string kPeerB = "58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376";
const std::string kPreshared = "188515093e952f5f22e865cef3012e72f8b5f0b598ac0309d5dacce3b70fcf52";
const std::string kZero(64, '0');

DeviceChange parse_set(const std::string& lines) {
  auto request = parse_request("set=1\n" + lines + "\n");
  EXPECT_TRUE(request.ok()) << lines << (request ? "" : request.error().message);
  if (!request) return {};
  EXPECT_EQ(request->operation, UapiRequest::Operation::kSet);
  return std::move(request->change);
}

TEST(UapiRequest, Get) {
  const auto request = parse_request("get=1\n\n");
  ASSERT_TRUE(request.ok());
  EXPECT_EQ(request->operation, UapiRequest::Operation::kGet);
}

TEST(UapiRequest, SetOfEverything) {
  const DeviceChange change =
      parse_set("private_key=" + kPrivate + "\nlisten_port=12912\nfwmark=4294967295\nreplace_peers=true\n" +            //
                "public_key=" + kPeerA + "\nupdate_only=true\npreshared_key=" + kPreshared +                            //
                "\nendpoint=[abcd:23::33%2]:51820\npersistent_keepalive_interval=65535\nreplace_allowed_ips=true\n"     //
                "allowed_ip=192.168.4.4/32\nallowed_ip=-10.0.0.0/8\nallowed_ip=2001:db8::1/64\nprotocol_version=1\n" +  //
                "public_key=" +
                kPeerB + "\nremove=true\n");
  EXPECT_TRUE(change.private_key->equals(*PrivateKey::from_hex(kPrivate)));
  EXPECT_EQ(change.listen_port, 12912);
  EXPECT_EQ(change.firewall_mark, 4294967295U);
  EXPECT_TRUE(change.replace_peers);
  ASSERT_EQ(change.peers.size(), 2U);
  const PeerChange& a = change.peers[0];
  EXPECT_EQ(a.public_key.hex(), kPeerA);
  EXPECT_TRUE(a.update_only);
  EXPECT_FALSE(a.remove);
  EXPECT_TRUE(a.preshared_key->equals(*PresharedKey::from_hex(kPreshared)));
  EXPECT_EQ(a.endpoint->to_string(), "[abcd:23::33%2]:51820");
  EXPECT_EQ(a.persistent_keepalive, 65535);
  EXPECT_TRUE(a.replace_allowed_ips);
  ASSERT_EQ(a.allowed_ips.size(), 3U);
  EXPECT_EQ(a.allowed_ips[0].prefix.to_string(), "192.168.4.4/32");
  EXPECT_FALSE(a.allowed_ips[0].remove);
  EXPECT_EQ(a.allowed_ips[1].prefix.to_string(), "10.0.0.0/8");
  EXPECT_TRUE(a.allowed_ips[1].remove);
  EXPECT_EQ(a.allowed_ips[2].prefix.to_string(), "2001:db8::/64") << "host bits are cleared";
  EXPECT_TRUE(change.peers[1].remove);
}

TEST(UapiRequest, EmptySetChangesNothing) { EXPECT_TRUE(same_change(parse_set(""), DeviceChange{})); }

// boringtun carried a peer's preshared key, endpoint and "remove" over into the next peer.
TEST(UapiRequest, NothingCarriesOverToTheNextPeer) {
  const DeviceChange change = parse_set("public_key=" + kPeerA + "\nremove=true\nupdate_only=true\npreshared_key=" + kPreshared +
                                        "\nendpoint=192.0.2.1:1\npersistent_keepalive_interval=5\nreplace_allowed_ips=true\n" +
                                        "allowed_ip=10.0.0.0/8\npublic_key=" + kPeerB + "\n");
  ASSERT_EQ(change.peers.size(), 2U);
  PeerChange bare;
  bare.public_key = *PublicKey::from_hex(kPeerB);
  EXPECT_TRUE(same_change(change.peers[1], bare));
}

TEST(UapiRequest, SamePeerTwiceIsTwoSectionsInOrder) {
  const DeviceChange change = parse_set("public_key=" + kPeerA + "\nremove=true\npublic_key=" + kPeerA + "\nallowed_ip=::/0\n");
  ASSERT_EQ(change.peers.size(), 2U);
  EXPECT_EQ(change.peers[0].public_key, change.peers[1].public_key);
  EXPECT_TRUE(change.peers[0].remove);
  EXPECT_FALSE(change.peers[1].remove);
}

TEST(UapiRequest, ZeroKeysAreThereToClear) {
  const DeviceChange change = parse_set("private_key=" + kZero + "\npublic_key=" + kPeerA + "\npreshared_key=" + kZero + "\n");
  ASSERT_TRUE(change.private_key.has_value());
  EXPECT_TRUE(change.private_key->is_zero());
  ASSERT_TRUE(change.peers[0].preshared_key.has_value());
  EXPECT_TRUE(change.peers[0].preshared_key->is_zero());
}

TEST(UapiRequest, ReplaceAllowedIpsReplacesThoseBeforeItToo) {
  const DeviceChange change =
      parse_set("public_key=" + kPeerA + "\nallowed_ip=10.1.0.0/16\nreplace_allowed_ips=true\nallowed_ip=10.2.0.0/16\n");
  ASSERT_EQ(change.peers[0].allowed_ips.size(), 1U);
  EXPECT_EQ(change.peers[0].allowed_ips[0].prefix.to_string(), "10.2.0.0/16");
}

TEST(UapiRequest, InterfaceNameAsScope) {  // as wg writes a link-local endpoint
  const auto index = if_nametoindex("lo");
  ASSERT_NE(index, 0U);
  EXPECT_EQ(parse_set("public_key=" + kPeerA + "\nendpoint=[fe80::1%lo]:51820\n").peers[0].endpoint->scope, index);
}

struct BadRequest {
  std::string text;
  int code;
  std::string says;  // a part of the message
};

TEST(UapiRequest, EveryMistakeHasItsErrnoAndItsPlace) {
  const std::string peer = "set=1\npublic_key=" + kPeerA + "\n";
  const BadRequest rows[] = {
      {"", EPROTO, "line 1"},
      {"\n", EPROTO, "line 1"},
      {"get=1", EPROTO, "line 1"},
      {"get=1\n", EPROTO, "line 2"},
      {"get=2\n\n", EPROTO, "neither"},
      {"get=1\r\n\r\n", EPROTO, "neither"},
      {"GET=1\n\n", EPROTO, "neither"},
      {"get=1\n\nget=1\n\n", EPROTO, "behind"},
      {"get=1\nlisten_port=1\n\n", EINVAL, "line 2"},
      {"set=1\nlisten_port=1\n", EPROTO, "line 3"},
      {"set=1\nlisten_port\n\n", EPROTO, "line 2"},
      {"set=1\n=\n\n", EINVAL, "line 2"},
      {"set=1\nlisten_port=\n\n", EINVAL, "listen_port: \"\""},
      {"set=1\nlisten_port=65536\n\n", EINVAL, "listen_port: \"65536\" is not a number from 0 to 65535"},
      {"set=1\nlisten_port=-1\n\n", EINVAL, "\"-1\""},
      {"set=1\nlisten_port=+1\n\n", EINVAL, "\"+1\""},
      {"set=1\nlisten_port= 1\n\n", EINVAL, "\" 1\""},
      {"set=1\nlisten_port=1 \n\n", EINVAL, "\"1 \""},
      {"set=1\nlisten_port=0x10\n\n", EINVAL, "\"0x10\""},
      {"set=1\nlisten_port=18446744073709551617\n\n", EINVAL, "line 2"},
      {"set=1\nlisten_port=1=1\n\n", EINVAL, "\"1=1\""},
      {"set=1\nlisten_port =1\n\n", EINVAL, "line 2"},
      {"set=1\nfwmark=4294967296\n\n", EINVAL, "4294967295"},
      {"set=1\nfwmark=0x1\n\n", EINVAL, "fwmark"},
      {"set=1\nreplace_peers=false\n\n", EINVAL, "replace_peers: \"false\""},
      {"set=1\nprivate_key=" + kPrivate.substr(1) + "\n\n", EINVAL, "private_key: the value (63 characters"},
      {"set=1\nprivate_key=\n\n", EINVAL, "private_key"},
      {"set=1\nprotocol_version=1\n\n", EINVAL, "not a key of a device"},
      {"set=1\nnonsense=1\n\n", EINVAL, "\"nonsense\""},
      {"set=1\nallowed_ip=10.0.0.0/8\n\n", EINVAL, "not a key of a device"},
      {"set=1\npublic_key=\n\n", EINVAL, "public_key: \"\""},  // once crashed wireguard-go
      {"set=1\npublic_key=" + kPeerA + "0\n\n", EINVAL, "public_key"},
      {peer + "listen_port=1\n\n", EINVAL, "not a key of a peer"},
      {peer + "replace_peers=true\n\n", EINVAL, "line 3"},
      {peer + "protocol_version=2\n\n", EINVAL, "\"2\""},
      {peer + "protocol_version=01\n\n", EINVAL, "\"01\""},
      {peer + "update_only=1\n\n", EINVAL, "update_only"},
      {peer + "remove=false\n\n", EINVAL, "remove"},
      {peer + "replace_allowed_ips=no\n\n", EINVAL, "replace_allowed_ips"},
      {peer + "persistent_keepalive_interval=65536\n\n", EINVAL, "65535"},
      {peer + "persistent_keepalive_interval=off\n\n", EINVAL, "\"off\""},
      {peer + "preshared_key=zz\n\n", EINVAL, "preshared_key: the value (2 characters, not shown)"},
      {peer + "endpoint=example.com:1\n\n", EINVAL, "\"example.com:1\" is not a numeric address"},
      {peer + "endpoint=192.0.2.1\n\n", EINVAL, "endpoint"},
      {peer + "endpoint=192.0.2.1:65536\n\n", EINVAL, "endpoint"},
      {peer + "endpoint=2001:db8::1:1\n\n", EINVAL, "endpoint"},
      {peer + "endpoint=[fe80::1%nosuchinterface]:1\n\n", EINVAL, "does not exist"},
      {peer + "endpoint=[fe80::1%a-name-far-too-long-for-one]:1\n\n", EINVAL, "does not exist"},
      {peer + "endpoint=]%[\n\n", EINVAL, "endpoint"},
      {peer + "allowed_ip=10.0.0.0\n\n", EINVAL, "allowed_ip: \"10.0.0.0\""},
      {peer + "allowed_ip=10.0.0.0/33\n\n", EINVAL, "10.0.0.0/33"},
      {peer + "allowed_ip=::/129\n\n", EINVAL, "::/129"},
      {peer + "allowed_ip=+10.0.0.0/8\n\n", EINVAL, "+10.0.0.0/8"},
      {peer + "allowed_ip=--10.0.0.0/8\n\n", EINVAL, "--10.0.0.0/8"},
      {peer + "allowed_ip=-\n\n", EINVAL, "\"-\""},
      {peer + "allowed_ip=10.0.0.0/8,10.1.0.0/16\n\n", EINVAL, "line 3"},
      {peer + "allowed_ip=10.0.0.0/8\r\n\n", EINVAL, "line 3"},
      {peer + std::string("allowed_ip=10.0.0.0/8\0\n\n", 24), EINVAL, "line 3"},
  };
  for (const BadRequest& row : rows) {
    const auto request = parse_request(row.text);
    ASSERT_FALSE(request.ok()) << row.text;
    EXPECT_EQ(request.error().code, row.code) << row.text << request.error().message;
    EXPECT_NE(request.error().message.find(row.says), std::string::npos) << row.text << request.error().message;
  }
}

TEST(UapiRequest, ErrorsNeverShowASecret) {
  const std::string secret = kPrivate.substr(0, 60);
  const std::string base64 = PrivateKey::from_hex(kPrivate)->reveal_base64();
  const std::string peer = "public_key=" + kPeerA + "\n";
  for (const std::string& lines : {"private_key=" + secret, "private_key " + secret, "privatekey=" + secret, secret + "=private_key",
                                   peer + "preshared_key=" + secret, peer + "presharedkey=" + secret, base64, "x" + base64}) {
    const auto request = parse_request("set=1\n" + lines + "\n\n");
    ASSERT_FALSE(request.ok()) << lines;
    EXPECT_EQ(request.error().message.find(secret.substr(0, 8)), std::string::npos) << request.error().message;
    EXPECT_EQ(request.error().message.find(base64.substr(0, 8)), std::string::npos) << request.error().message;
  }
}

TEST(UapiStatus, ExactBytes) {
  DeviceStatus status;
  status.private_key = PrivateKey::from_hex(kPrivate).value();
  status.listen_port = 12912;
  status.firewall_mark = 51820;
  PeerStatus& a = status.peers.emplace_back();
  a.public_key = *PublicKey::from_hex(kPeerA);
  a.preshared_key = PresharedKey::from_hex(kPreshared).value();
  a.endpoint = *Endpoint::parse("[abcd:23::33%2]:51820");
  a.persistent_keepalive = 111;
  a.allowed_ips = {*Prefix::parse("192.168.4.4/32"), *Prefix::parse("2001:db8::/64")};
  a.last_handshake = {1700000000, 5};
  a.rx_bytes = 2224;
  a.tx_bytes = 38333;
  status.peers.emplace_back().public_key = *PublicKey::from_hex(kPeerB);
  EXPECT_EQ(format_status(status).view(), "private_key=" + kPrivate +
                                              "\nlisten_port=12912\n"
                                              "fwmark=51820\n"
                                              "public_key=" +
                                              kPeerA + "\npreshared_key=" + kPreshared +
                                              "\nprotocol_version=1\n"
                                              "endpoint=[abcd:23::33%2]:51820\n"
                                              "last_handshake_time_sec=1700000000\n"
                                              "last_handshake_time_nsec=5\n"
                                              "tx_bytes=38333\n"
                                              "rx_bytes=2224\n"
                                              "persistent_keepalive_interval=111\n"
                                              "allowed_ip=192.168.4.4/32\n"
                                              "allowed_ip=2001:db8::/64\n"
                                              "public_key=" +
                                              kPeerB + "\npreshared_key=" + kZero +
                                              "\nprotocol_version=1\n"
                                              "last_handshake_time_sec=0\n"
                                              "last_handshake_time_nsec=0\n"
                                              "tx_bytes=0\n"
                                              "rx_bytes=0\n"
                                              "persistent_keepalive_interval=0\n"
                                              "errno=0\n\n");
}

TEST(UapiStatus, BareDeviceNamesNoKeyAndNoMark) { EXPECT_EQ(format_status({}).view(), "listen_port=0\nerrno=0\n\n"); }

TEST(UapiStatus, CountersReachTheirEnds) {
  DeviceStatus status;
  PeerStatus& peer = status.peers.emplace_back();
  peer.rx_bytes = peer.tx_bytes = ~std::uint64_t{0};
  peer.last_handshake = {-1, 999999999};  // a clock before 1970: wg takes no sign
  const SecretText text = format_status(status);
  EXPECT_NE(text.view().find("tx_bytes=18446744073709551615\nrx_bytes=18446744073709551615\n"), std::string_view::npos);
  EXPECT_NE(text.view().find("last_handshake_time_sec=0\n"), std::string_view::npos);
}

TEST(UapiError, IsNegativeWhateverTheSign) {
  EXPECT_EQ(format_error(0), "errno=0\n\n");
  EXPECT_EQ(format_error(EINVAL), "errno=-22\n\n");
  EXPECT_EQ(format_error(-EINVAL), "errno=-22\n\n");
  EXPECT_EQ(format_error(EADDRINUSE), "errno=-98\n\n");
}

TEST(UapiSet, RoundTrip) {
  for (const std::string& lines :
       {std::string(), "private_key=" + kPrivate + "\nlisten_port=0\nfwmark=0\nreplace_peers=true\n",
        "public_key=" + kPeerA + "\nremove=true\nupdate_only=true\npreshared_key=" + kZero + "\nendpoint=[fe80::1%7]:0\n" +
            "persistent_keepalive_interval=0\nreplace_allowed_ips=true\nallowed_ip=-0.0.0.0/0\nallowed_ip=::/0\npublic_key=" + kPeerA +
            "\n"}) {
    const SecretText text = format_set(parse_set(lines));
    EXPECT_EQ(text.view(), "set=1\n" + lines + "\n");
    const auto again = parse_request(text.view());
    ASSERT_TRUE(again.ok()) << text.view();
    EXPECT_TRUE(same_change(again->change, parse_set(lines)));
  }
}

}  // namespace
}  // namespace wgu::control
