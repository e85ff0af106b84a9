// Configuration files: what `wg setconf` would make of them, and every way to get one wrong.

#include "control/config_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "control/same_change.h"
#include "control/uapi.h"

namespace wgu::control {
namespace {

const std::string kPrivate = "yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=";
const std::string kPeer = "xTIBA5rboUvnH4htodjb6e697QjLERt1NAB4mZqp8Dg=";
const std::string kPreshared = "TrMvSoP4jYQlY6RIzBgbssQqY3vxI2Pi+y71lOWWXX0=";

TEST(ConfigFile, Whole) {
  const auto change = parse_config("# a comment\n\n[Interface]\nPrivateKey = " + kPrivate +
                                   "\nListenPort = 51820 # the usual one\nFwMark = 0xca6c\n\n"  //
                                   "[Peer]\nPublicKey = " +
                                   kPeer + "\nPresharedKey = " + kPreshared +
                                   "\nEndpoint = [2607:5300:60:6b0::c05f:543]:2468\n"  //
                                   "AllowedIPs = 10.192.122.4/32, 192.168.0.7/16\nAllowedIPs = ::1\nPersistentKeepalive = 25\n");
  ASSERT_TRUE(change.ok()) << change.error().message;
  EXPECT_TRUE(change->private_key->equals(*PrivateKey::from_base64(kPrivate)));
  EXPECT_EQ(change->listen_port, 51820);
  EXPECT_EQ(change->firewall_mark, 0xca6cU);
  EXPECT_TRUE(change->replace_peers);
  ASSERT_EQ(change->peers.size(), 1U);
  const PeerChange& peer = change->peers[0];
  EXPECT_EQ(peer.public_key.base64(), kPeer);
  EXPECT_TRUE(peer.preshared_key->equals(*PresharedKey::from_base64(kPreshared)));
  EXPECT_EQ(peer.endpoint->to_string(), "[2607:5300:60:6b0::c05f:543]:2468");
  EXPECT_EQ(peer.persistent_keepalive, 25);
  EXPECT_TRUE(peer.replace_allowed_ips);
  ASSERT_EQ(peer.allowed_ips.size(), 3U);
  EXPECT_EQ(peer.allowed_ips[1].prefix.to_string(), "192.168.0.0/16");
  EXPECT_EQ(peer.allowed_ips[2].prefix.to_string(), "::1/128");
}

TEST(ConfigFile, WhatIsNotNamedIsCleared) {
  for (const char* text : {"", "\n\n", "# nothing", "[Interface]\n", "[interface]"}) {
    const auto change = parse_config(text);
    ASSERT_TRUE(change.ok()) << text;
    ASSERT_TRUE(change->private_key.has_value());
    EXPECT_TRUE(change->private_key->is_zero());
    EXPECT_EQ(change->listen_port, 0);
    EXPECT_EQ(change->firewall_mark, 0U);
    EXPECT_TRUE(change->replace_peers);
    EXPECT_TRUE(change->peers.empty());
  }
}

TEST(ConfigFile, LayoutAndCaseDoNotMatter) {
  const auto plain = parse_config("[Interface]\nListenPort=1\n[Peer]\nPublicKey=" + kPeer + "\nAllowedIPs=10.0.0.0/8,::/0\n");
  const auto odd =
      parse_config("\t[ INTERFACE ]\r\n  listenport\t= 1\r\n[peer]#x\nPUBLICKEY =" + kPeer + "  \r\nallowedips= 10.0.0.0/8 ,\t::/0");
  ASSERT_TRUE(plain.ok() && odd.ok());
  EXPECT_TRUE(same_change(*plain, *odd));
}

TEST(ConfigFile, ValuesThatTurnThingsOff) {
  const auto change = parse_config("[Interface]\nFwMark=OFF\n[Peer]\nPersistentKeepalive=off\nAllowedIPs=\nPublicKey=" + kPeer);
  ASSERT_TRUE(change.ok()) << change.error().message;
  EXPECT_EQ(change->firewall_mark, 0U);
  EXPECT_EQ(change->peers[0].persistent_keepalive, 0);
  EXPECT_TRUE(change->peers[0].allowed_ips.empty());
}

struct BadConfig {
  std::string text;
  std::string says;
};

TEST(ConfigFile, EveryMistakeIsNamedWithItsPlace) {
  const std::string peer = "[Peer]\nPublicKey=" + kPeer + "\n";
  const BadConfig rows[] = {
      {"ListenPort=1", "line 1: \"ListenPort\" stands before"},
      {"[Interfaces]", "line 1: \"[Interfaces]\""},
      {"[Peer", "\"[Peer\""},
      {"[Interface]\nListenPort", "line 2: not of the form"},
      {"[Interface]\nListenPort=", "ListenPort: \"\""},
      {"[Interface]\nListenPort=65536", "ListenPort: \"65536\" is not a number from 0 to 65535"},
      {"[Interface]\nListenPort=http", "\"http\""},
      {"[Interface]\nlistenport=-1", "\"-1\""},
      {"[Interface]\nFwMark=0x", "\"0x\""},
      {"[Interface]\nFwMark=0x100000000", "0x100000000"},
      {"[Interface]\nFwMark=0x-1", "0x-1"},
      {"[Interface]\nFwMark=4294967296", "4294967296"},
      {"[Interface]\nPrivateKey=abc", "PrivateKey: the value (3 characters, not shown)"},
      {"[Interface]\nPublicKey=" + kPeer, "\"PublicKey\" is not a key of [Interface]"},
      {"[Interface]\nAddress=10.0.0.1/24", "line 2: \"Address\" is a key of wg-quick"},
      {"[Interface]\nDNS=1.1.1.1", "wg-quick"},
      {"[Interface]\nMTU=1420", "wg-quick"},
      {"[Interface]\nTable=off", "wg-quick"},
      {"[Interface]\nPreUp=x", "wg-quick"},
      {"[Interface]\nPostUp=x=y", "wg-quick"},
      {"[Interface]\nPreDown=x", "wg-quick"},
      {"[Interface]\npostdown=x", "wg-quick"},
      {"[Interface]\nSaveConfig=true", "wg-quick"},
      {"[Peer]\n", "line 1: this [Peer] has no PublicKey"},
      {"\n[Peer]\nAllowedIPs=::/0\n" + peer, "line 2: this [Peer] has no PublicKey"},
      {peer + "PublicKey=" + kPeer, "line 3: PublicKey: a second one"},
      {peer + "PublicKey=" + kPeer.substr(1), "line 3: PublicKey"},
      {peer + "PresharedKey=", "PresharedKey: the value (0 characters"},
      {peer + "AllowedIPs=10.0.0.0/8,", "AllowedIPs: \"\""},
      {peer + "AllowedIPs=10.0.0.0/8,,::/0", "AllowedIPs: \"\""},
      {peer + "AllowedIPs=10.0.0.0/33", "10.0.0.0/33"},
      {peer + "Endpoint=vpn.example.com:51820", "\"vpn.example.com:51820\" is not a numeric address and port (host names are not resolved"},
      {peer + "Endpoint=192.0.2.1", "Endpoint"},
      {peer + "PersistentKeepalive=65536", "65536"},
      {peer + "PersistentKeepalive=on", "\"on\""},
      {peer + "ListenPort=1", "\"ListenPort\" is not a key of [Peer]"},
  };
  for (const BadConfig& row : rows) {
    const auto change = parse_config(row.text);
    ASSERT_FALSE(change.ok()) << row.text;
    EXPECT_EQ(change.error().code, EINVAL);
    EXPECT_NE(change.error().message.find(row.says), std::string::npos) << row.text << "\n" << change.error().message;
  }
}

TEST(ConfigFile, ErrorsNeverShowASecret) {
  for (const std::string& text :
       {"[Interface]\nPrivateKey=" + kPrivate + "x", "[Interface]\nPrivateKey" + kPrivate, "[Interface]\n" + kPrivate, kPrivate,
        "[Interface]\nPrivKey=" + kPrivate, "[Peer]\nPresharedKey=" + kPrivate.substr(0, 43)}) {
    const auto change = parse_config(text);
    ASSERT_FALSE(change.ok()) << text;
    EXPECT_EQ(change.error().message.find(kPrivate.substr(0, 6)), std::string::npos) << change.error().message;
  }
}

TEST(ConfigFile, ManyAllowedIps) {
  std::string text = "[Peer]\nPublicKey=" + kPeer + "\nAllowedIPs=10.0.0.0";
  for (unsigned i = 1; i < 130'000; ++i) {
    text += ",10." + std::to_string(i >> 16) + '.' + std::to_string(i >> 8 & 255) + '.' + std::to_string(i & 255);
  }
  const auto change = parse_config(text);
  ASSERT_TRUE(change.ok());
  EXPECT_EQ(change->peers[0].allowed_ips.size(), 130'000U);
}

class Files : public testing::Test {
 protected:
  Files() {
    std::string name = (std::filesystem::temp_directory_path() / "wgu-config-XXXXXX").string();
    directory_ = ::mkdtemp(name.data());
  }
  ~Files() override { std::filesystem::remove_all(directory_); }
  std::string write(const std::string& content) {
    const std::string path = directory_ + "/file";
    std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
    return path;
  }
  std::string directory_;
};

TEST_F(Files, PrivateKey) {
  for (const std::string& content : {kPrivate, kPrivate + "\n"}) {
    const auto key = read_private_key_file(write(content));
    ASSERT_TRUE(key.ok()) << key.error().message;
    EXPECT_EQ(key->reveal_base64(), kPrivate);
  }
}

TEST_F(Files, BadPrivateKeysAreRefusedWithoutShowingThem) {
  for (const std::string& content : {std::string(), std::string("\n"), kPrivate + "\n\n", kPrivate + " ", " " + kPrivate, kPrivate + "\r\n",
                                     kPrivate + "\n" + kPrivate, kPrivate.substr(0, 43), kPrivate.substr(0, 42) + "l=",
                                     "PrivateKey=" + kPrivate, std::string(44, '\0'), kPrivate + std::string(1, '\0')}) {
    const std::string path = write(content);
    const auto key = read_private_key_file(path);
    ASSERT_FALSE(key.ok()) << content;
    EXPECT_EQ(key.error().code, EINVAL);
    EXPECT_NE(key.error().message.find(path), std::string::npos);
    EXPECT_EQ(key.error().message.find(kPrivate.substr(0, 6)), std::string::npos);
  }
}

TEST_F(Files, WhatIsNoFileOfReasonableSizeIsRefused) {
  EXPECT_EQ(read_private_key_file(write(std::string(kMaxKeyFile + 1, 'A'))).error().code, EFBIG);
  EXPECT_EQ(read_private_key_file("/dev/zero").error().code, EFBIG);
  EXPECT_EQ(read_private_key_file("/dev/null").error().code, EINVAL);
  EXPECT_EQ(read_private_key_file(directory_).error().code, EISDIR);
  EXPECT_EQ(read_private_key_file(directory_ + "/missing").error().code, ENOENT);
  EXPECT_EQ(read_config_file(directory_ + "/missing").error().code, ENOENT);
}

TEST_F(Files, PipeWithoutWriterDoesNotHang) {
  const std::string path = directory_ + "/pipe";
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  EXPECT_EQ(read_private_key_file(path).error().code, EINVAL);
}

TEST_F(Files, PipeWithWriter) {  // as a shell's <(...) gives one
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const std::string text = "[Interface]\nListenPort=7\n";
  ASSERT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  ::close(ends[1]);
  const auto change = read_config_file("/proc/self/fd/" + std::to_string(ends[0]));
  ::close(ends[0]);
  ASSERT_TRUE(change.ok()) << change.error().message;
  EXPECT_EQ(change->listen_port, 7);
}

TEST_F(Files, ConfigurationErrorNamesTheFile) {
  const std::string path = write("[Interface]\nMTU=1\n");
  const auto change = read_config_file(path);
  ASSERT_FALSE(change.ok());
  EXPECT_NE(change.error().message.find(path + "\": line 2"), std::string::npos) << change.error().message;
}

// The two notations describe the same changes.
TEST(ConfigFile, SaysTheSameAsAUapiRequest) {
  const auto change = parse_config("[Interface]\nPrivateKey=" + kPrivate + "\n[Peer]\nPublicKey=" + kPeer + "\nEndpoint=192.0.2.1:3\n");
  ASSERT_TRUE(change.ok());
  const auto request = parse_request(format_set(*change).view());
  ASSERT_TRUE(request.ok());
  EXPECT_TRUE(same_change(request->change, *change));
}

}  // namespace
}  // namespace wgu::control
