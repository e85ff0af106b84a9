// The real `wg` against a UapiServer with a device in memory behind it. Needs the right to write to /var/run/wireguard.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

#include "control/fake_device.h"
#include "control/scratch_directory.h"
#include "control/uapi_server.h"
#include "control/uapi_socket.h"

namespace wgu::control {
namespace {

const std::string kPrivate = "6EtabScXwQA6E7QxVwNT26ypFGzxUMX4V1aA/rpSAno=";
const std::string kPeerA = "uFmW/sycfx/G0lcqdu2h0Vm80gvo5UOxXOS9hajnWjM=";
const std::string kPeerB = "WEAuaVuhdyscyTCXVfBDJR6nf9zxD75jmJzrfhkyE3Y=";
const std::string kPreshared = "GIUVCT6VL18i6GXO8wEucvi18LWYrAMJ1drM47cPz1I=";

struct Outcome {
  int status = -1;
  std::string output;  // stdout and stderr
};

Outcome run(const std::string& command) {
  Outcome result;
  FILE* const pipe = ::popen((command + " 2>&1").c_str(), "re");
  if (pipe == nullptr) return result;
  char chunk[4096];
  for (std::size_t count; (count = std::fread(chunk, 1, sizeof(chunk), pipe)) > 0;) result.output.append(chunk, count);
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

class WgTool : public testing::Test {
 protected:
  void SetUp() override {
    if (run("wg --version").status != 0) GTEST_SKIP() << "wg is not installed";
    name_ = "wgut" + std::to_string(::getpid());
    auto socket = UapiSocket::create(name_);
    if (!socket && socket.error().code == EACCES) GTEST_SKIP() << socket.error().message;
    ASSERT_TRUE(socket.ok()) << socket.error().message;
    socket_ = std::make_unique<UapiSocket>(std::move(socket).value());
    UapiHandlers handlers;
    handlers.set = [this](DeviceChange change) { return device_.apply(std::move(change)); };
    handlers.get = [this] { return device_.status(); };
    auto server = UapiServer::start(socket_->take_listener(), std::move(handlers));
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::make_unique<UapiServer>(std::move(server).value());
  }

  void expect_wg(const std::string& arguments) {
    const Outcome ran = run("wg " + arguments);
    EXPECT_EQ(ran.status, 0) << arguments;
    EXPECT_EQ(ran.output, "") << arguments;
  }
  std::string show(const std::string& what) {
    const Outcome ran = run("wg show " + name_ + " " + what);
    EXPECT_EQ(ran.status, 0) << what << ": " << ran.output;
    return ran.output;
  }
  std::string write(const std::string& file, const std::string& content) {
    const std::string path = directory_.path() + "/" + file;
    std::ofstream(path) << content;
    return path;
  }

  ScratchDirectory directory_;
  FakeDevice device_;
  std::string name_;
  std::unique_ptr<UapiSocket> socket_;
  std::unique_ptr<UapiServer> server_;
};

TEST_F(WgTool, InterfaceIsListed) { EXPECT_NE(run("wg show interfaces").output.find(name_), std::string::npos); }

TEST_F(WgTool, SetAndShow) {
  const std::string private_key = write("private", kPrivate + "\n");
  const std::string preshared_key = write("preshared", kPreshared + "\n");
  expect_wg("set " + name_ + " listen-port 51820 fwmark 0x1234 private-key " + private_key + " peer " + kPeerA + " preshared-key " +
            preshared_key + " endpoint '[2001:db8::1]:1234' persistent-keepalive 25 allowed-ips 10.0.0.0/8,fd00::/8 peer " + kPeerB +
            " allowed-ips 192.168.0.0/16 endpoint 192.0.2.1:5");
  device_.simulate_traffic(*PublicKey::from_base64(kPeerA), {1700000000, 1}, 18446744073709551615U, 7);
  const std::string public_key = PrivateKey::from_base64(kPrivate)->public_key().base64();
  EXPECT_EQ(show("private-key"), kPrivate + "\n");
  EXPECT_EQ(show("public-key"), public_key + "\n");
  EXPECT_EQ(show("listen-port"), "51820\n");
  EXPECT_EQ(show("fwmark"), "0x1234\n");
  EXPECT_EQ(show("peers"), kPeerA + "\n" + kPeerB + "\n");
  EXPECT_EQ(show("preshared-keys"), kPeerA + "\t" + kPreshared + "\n" + kPeerB + "\t(none)\n");
  EXPECT_EQ(show("endpoints"), kPeerA + "\t[2001:db8::1]:1234\n" + kPeerB + "\t192.0.2.1:5\n");
  EXPECT_EQ(show("allowed-ips"), kPeerA + "\t10.0.0.0/8 fd00::/8\n" + kPeerB + "\t192.168.0.0/16\n");
  EXPECT_EQ(show("latest-handshakes"), kPeerA + "\t1700000000\n" + kPeerB + "\t0\n");
  EXPECT_EQ(show("transfer"), kPeerA + "\t18446744073709551615\t7\n" + kPeerB + "\t0\t0\n");
  EXPECT_EQ(show("persistent-keepalive"), kPeerA + "\t25\n" + kPeerB + "\toff\n");
  EXPECT_EQ(show("dump"), kPrivate + "\t" + public_key + "\t51820\t0x1234\n" + kPeerA + "\t" + kPreshared +
                              "\t[2001:db8::1]:1234\t10.0.0.0/8,fd00::/8\t1700000000\t18446744073709551615\t7\t25\n" + kPeerB +
                              "\t(none)\t192.0.2.1:5\t192.168.0.0/16\t0\t0\t0\toff\n");
  const std::string all = show("");
  for (const std::string& part : {"interface: " + name_, "public key: " + public_key, std::string("listening port: 51820"),
                                  std::string("fwmark: 0x1234"), std::string("persistent keepalive: every 25 seconds")}) {
    EXPECT_NE(all.find(part), std::string::npos) << part << " in\n" << all;
  }
}

TEST_F(WgTool, ClearingAndRemoving) {
  const std::string key = write("key", kPrivate);
  expect_wg("set " + name_ + " private-key " + key + " fwmark 5 peer " + kPeerA + " preshared-key " + key +
            " persistent-keepalive 9 peer " + kPeerB);
  expect_wg("set " + name_ + " private-key /dev/null fwmark off peer " + kPeerA +
            " preshared-key /dev/null persistent-keepalive off peer " + kPeerB + " remove");
  EXPECT_EQ(show("dump"), "(none)\t(none)\t0\toff\n" + kPeerA + "\t(none)\t(none)\t(none)\t0\t0\t0\toff\n");
}

TEST_F(WgTool, ConfigurationFiles) {
  const std::string interface_part = "[Interface]\nListenPort = 51820\nFwMark = 0x7\nPrivateKey = " + kPrivate + "\n";
  const std::string peer_a = "\n[Peer]\nPublicKey = " + kPeerA + "\nPresharedKey = " + kPreshared +
                             "\nAllowedIPs = 10.0.0.0/8, fd00::/8\nEndpoint = 192.0.2.1:1\nPersistentKeepalive = 25\n";
  const std::string peer_b = "\n[Peer]\nPublicKey = " + kPeerB + "\nAllowedIPs = 192.168.0.0/16\n";
  expect_wg("setconf " + name_ + " " + write("a.conf", interface_part + peer_a));
  EXPECT_EQ(run("wg showconf " + name_).output, interface_part + peer_a);
  expect_wg("addconf " + name_ + " " + write("b.conf", peer_b));
  EXPECT_EQ(run("wg showconf " + name_).output, interface_part + peer_a + peer_b);
  expect_wg("syncconf " + name_ + " " + write("c.conf", interface_part + peer_b));
  EXPECT_EQ(run("wg showconf " + name_).output, interface_part + peer_b);
  expect_wg("setconf " + name_ + " " + write("d.conf", "[Interface]\n"));
  EXPECT_EQ(show("dump"), "(none)\t(none)\t0\toff\n");
}

TEST_F(WgTool, ErrorsArriveAsTheirErrno) {
  const Outcome refused = run("wg set " + name_ + " listen-port " + std::to_string(FakeDevice::kPortInUse));
  EXPECT_NE(refused.status, 0);
  EXPECT_NE(refused.output.find("Address already in use"), std::string::npos) << refused.output;
}

}  // namespace
}  // namespace wgu::control
