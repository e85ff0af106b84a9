// A real handshake between two tunnels, captured at one of them: Wireshark reads the file, finds the secrets in it and shows what went
// through the tunnel. It stays the judge of our format, so there is no naive model here.

#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <sstream>

#include "capture/capture.h"
#include "scratch_folder.h"
#include "noise/messages.h"
#include "tunnel/packets.h"
#include "wgu/tunnel.h"

namespace wgu::capture {
namespace {

using tunnel::endpoint;
using tunnel::packet_of;

std::string output_of(const std::string& command) {
  std::string text;
  FILE* const pipe = ::popen(command.c_str(), "r");
  std::array<char, 4096> piece;
  while (const std::size_t size = std::fread(piece.data(), 1, piece.size(), pipe)) text.append(piece.data(), size);
  ::pclose(pipe);
  return text;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

// IPv4, UDP without checksum, `text`.
tunnel::Bytes udp_packet(const IpAddress& from, const IpAddress& to, const std::string& text) {
  const tunnel::Bytes payload(text.begin(), text.end());
  const OuterHeaders headers(Direction::kOutbound, {{to, 7000}, {from, 0}, 7001, 0}, payload);
  tunnel::Bytes packet(headers.bytes().begin(), headers.bytes().end());
  packet.insert(packet.end(), payload.begin(), payload.end());
  return packet;
}

class Side {
 public:
  Side(const char* name, const char* at, const char* inside, PacketPool& pool)
      : key(tunnel::key_of(name)), at_(endpoint(at)), address(tunnel::ip(inside)), tunnel({}, host(), pool) {}

  void meet(const Side& other, const PresharedKey& preshared) {
    DeviceChange change;
    change.private_key = key.copy();
    PeerChange& peer = change.peers.emplace_back();
    peer.public_key = other.key.public_key();
    peer.preshared_key = preshared.copy();
    peer.endpoint = other.at_;
    peer.allowed_ips.push_back({Prefix::parse(other.address.to_string()).value()});
    tunnel.apply(std::move(change), {}).value();
    tunnel.set_up(true, {});
    remote = other.key.public_key();
    preshared_ = preshared.copy();
  }

  // The ephemeral key of a message: the one of the random values whose public half stands in it.
  [[nodiscard]] PrivateKey ephemeral_of(std::span<const std::uint8_t> message) const {
    const std::size_t at = message[0] == 1 ? noise::Initiation::kEphemeral : noise::Response::kEphemeral;
    for (const PrivateKey& candidate : drawn_) {
      if (std::equal(message.begin() + at, message.begin() + at + 32, candidate.public_key().bytes.begin())) return candidate.copy();
    }
    ADD_FAILURE() << "the ephemeral key was not drawn from the host";
    return {};
  }

  // What the engine will do at its edges, here with one datagram at a time.
  void capture_sent(Tap& tap, const Datagram& datagram, bool knows_local, WallTime when) const {
    const std::span<const std::uint8_t> payload = datagram.packet.bytes();
    if (payload[0] <= 2) {
      const PrivateKey ephemeral = ephemeral_of(payload);
      tap.handshake({key.reveal(), ephemeral.reveal(), preshared_.reveal(), remote});
    }
    tap.outer(Direction::kOutbound, {datagram.remote, {knows_local ? at_.address : IpAddress{}, 0}, at_.port, datagram.traffic_class},
              payload, when);
  }
  void capture_received(Tap& tap, const Datagram& datagram, WallTime when) const {
    tap.outer(Direction::kInbound, {datagram.remote, {at_.address, 0}, at_.port, datagram.traffic_class}, datagram.packet.bytes(), when);
  }

  ~Side() {
    EXPECT_EQ(tunnel.counters().unexplained(Direction::kOutbound), 0);
    EXPECT_EQ(tunnel.counters().unexplained(Direction::kInbound), 0);
  }
  Side(const Side&) = delete;
  Side& operator=(const Side&) = delete;

  PrivateKey key;

 private:
  Host host() {
    return {[this](std::span<std::uint8_t> out) {
              Host::system().random(out);
              if (out.size() == kKeySize) drawn_.emplace_back(out.first<kKeySize>());
            },
            Host::system().wall_time};
  }
  Endpoint at_;
  std::vector<PrivateKey> drawn_;
  PresharedKey preshared_;

 public:
  IpAddress address;
  PublicKey remote;
  Tunnel tunnel;
  TunnelOutput output;
};

struct Recording {
  bool at_initiator = true;
  bool has_preshared_key = true;
  bool knows_local = true;
  const char *initiator = "192.0.2.1:51820", *responder = "192.0.2.2:51821";
};

// "hello, bob" goes from alice to bob, "hello, alice" back. The file has all that one of them saw.
void record(const Recording& what, const CaptureOptions& options) {
  PacketPool pool(64, 2048);
  Side alice("alice", what.initiator, "10.0.0.1", pool);
  Side bob("bob", what.responder, "10.0.0.2", pool);
  const PresharedKey preshared = what.has_preshared_key ? PresharedKey::generate() : PresharedKey();
  alice.meet(bob, preshared);
  bob.meet(alice, preshared);
  const auto capture = std::move(Capture::create(options)).value();
  {
    Tap tap(*capture);
    const Side* const observer = what.at_initiator ? &alice : &bob;
    tap.identity(observer->key.reveal());
    WallTime when{1'800'000'000, 123'456'789};
    const auto say = [&](Side& from, Side& to, const char* text) {
      const tunnel::Bytes bytes = udp_packet(from.address, to.address, text);
      if (observer == &from) tap.inner(Direction::kOutbound, bytes, when);
      std::array packets{packet_of(pool, bytes)};
      from.tunnel.send(packets, {}, from.output);
      for (bool is_quiet = false; !is_quiet;) {
        is_quiet = true;
        for (auto [sender, receiver] : {std::pair(&from, &to), std::pair(&to, &from)}) {
          sender->tunnel.advance({}, sender->output);
          const Endpoint at = endpoint(sender == &alice ? what.initiator : what.responder);
          for (Datagram& datagram : sender->output.to_network) {
            ++when.seconds;
            if (observer == sender) sender->capture_sent(tap, datagram, what.knows_local, when);
            datagram.remote = at;
            if (observer == receiver) receiver->capture_received(tap, datagram, when);
          }
          if (sender->output.to_network.empty()) continue;
          is_quiet = false;
          receiver->tunnel.receive(sender->output.to_network, {}, receiver->output);
          sender->output.to_network.clear();
        }
      }
      ASSERT_EQ(to.output.to_device.size(), 1U);
      if (observer == &to) tap.inner(Direction::kInbound, to.output.to_device[0].bytes(), when);
      to.output.to_device.clear();
    };
    say(alice, bob, "hello, bob");
    say(bob, alice, "hello, alice");
  }
  capture->finish({1'800'000'100, 0});
}

class Wireshark : public testing::Test {
 protected:
  void SetUp() override {
    if (output_of("tshark --version 2>/dev/null").empty()) GTEST_SKIP() << "no tshark";
  }
  [[nodiscard]] std::string tshark(const std::string& arguments) const {
    return output_of("tshark -n -r '" + file_ + "' " + arguments + " 2>/dev/null");
  }
  // What was said inside data messages outside, in their order.
  [[nodiscard]] std::vector<std::string> decrypted() const { return lines_of(tshark("-Y 'wg.type == 4 && data' -T fields -e data.data")); }
  wgu::test::ScratchFolder folder_;
  std::string file_ = folder_.file("a.pcapng");
};

const std::vector<std::string> kWords = {"68656c6c6f2c20626f62", "68656c6c6f2c20616c696365"};  // "hello, bob", "hello, alice"

TEST_F(Wireshark, DecryptsWhatEitherSideCaptured) {
  const Recording rows[] = {
      {.at_initiator = true},
      {.at_initiator = false},
      {.at_initiator = true, .has_preshared_key = false},
      {.at_initiator = false, .has_preshared_key = false},
      // Its own address is the routing table's to tell: before the first answer nobody has said it.
      {.at_initiator = true, .knows_local = false, .initiator = "127.0.0.1:51820", .responder = "127.0.0.2:51821"},
      {.at_initiator = true, .initiator = "[2001:db8::1]:51820", .responder = "[2001:db8::2]:51821"},
  };
  int number = 0;
  for (const Recording& row : rows) {
    SCOPED_TRACE(++number);
    file_ = folder_.file(std::to_string(number) + ".pcapng");
    record(row, {.packets_path = file_, .interface_name = "wg7"});
    EXPECT_EQ(decrypted(), kWords) << tshark("");
    EXPECT_EQ(tshark("-Y wg.decryption_error"), "");
  }
}

TEST_F(Wireshark, SeesBothSidesOfTheTunnelWithTimesAndDirections) {
  record({}, {.packets_path = file_, .interface_name = "wg7"});
  const auto inside =
      lines_of(tshark("-Y 'frame.interface_name == \"wg7\"' -T fields -e frame.packet_flags_direction -e ip.src -e data.data"));
  EXPECT_EQ(inside, (std::vector<std::string>{"0x00000002\t10.0.0.1\t" + kWords[0], "0x00000001\t10.0.0.2\t" + kWords[1]}));
  const auto outside =
      lines_of(tshark("-Y 'frame.interface_name == \"wg7-outside\"' -T fields -e wg.type -e frame.time_epoch -e udp.srcport"));
  ASSERT_EQ(outside.size(), 4U) << tshark("");
  EXPECT_EQ(outside[0], "1\t1800000001.123456789\t51820");
  EXPECT_EQ(outside[1], "2\t1800000002.123456789\t51821");
  EXPECT_EQ(
      tshark("-o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -Y 'ip.checksum.status == \"Bad\" || udp.checksum.status == \"Bad\" || "
             "_ws.malformed'"),
      "");
}

TEST_F(Wireshark, ReadsTheKeyLogBesideACaptureMadeElsewhere) {
  record({}, {.packets_path = file_, .key_log_path = folder_.file("keys")});
  // The same packets without the secrets: what somebody else's capture would be.
  const auto whole = wgu::test::contents(file_);
  std::ofstream elsewhere(folder_.file("elsewhere"), std::ios::binary);
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t length = noise::load32(whole.data() + at + 4);
    if (noise::load32(whole.data() + at) != 0x0a)
      elsewhere.write(reinterpret_cast<const char*>(whole.data() + at), static_cast<std::streamsize>(length));
    at += length;
  }
  elsewhere.close();
  file_ = folder_.file("elsewhere");
  EXPECT_TRUE(decrypted().empty()) << "without keys nothing is to be seen";
  EXPECT_EQ(lines_of(tshark("-o wg.keylog_file:" + folder_.file("keys") + " -Y 'wg.type == 4 && data' -T fields -e data.data")), kWords);
}

}  // namespace
}  // namespace wgu::capture
