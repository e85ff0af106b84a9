// UapiServer over real sockets: whole conversations, and every kind of client that misbehaves.

#include "control/uapi_server.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "control/fake_device.h"
#include "control/scratch_directory.h"
#include "control/uapi.h"
#include "control/uapi_peer.h"
#include "control/uapi_socket.h"

namespace wgu::control {
namespace {

using namespace std::chrono_literals;

constexpr int kOften = 50;

PublicKey key_number(unsigned number) {
  PublicKey key;
  for (unsigned i = 0; i < 4; ++i) key.bytes[i] = static_cast<std::uint8_t>(number >> (8 * i));
  key.bytes[31] = 1;
  return key;
}

std::string peer_line(unsigned number) { return "public_key=" + key_number(number).hex() + "\n"; }

class UapiServerTest : public testing::Test {
 protected:
  void serve(UapiLimits limits = {}) {
    auto socket = UapiSocket::create("wg0", directory_.path());
    ASSERT_TRUE(socket.ok()) << socket.error().message;
    socket_ = std::make_unique<UapiSocket>(std::move(socket).value());
    UapiHandlers handlers;
    handlers.set = [this](DeviceChange change) { return device_.apply(std::move(change)); };
    handlers.get = [this] {
      std::this_thread::sleep_for(get_takes_);
      return device_.status();
    };
    auto server = UapiServer::start(socket_->take_listener(), std::move(handlers), limits);
    ASSERT_TRUE(server.ok()) << server.error().message;
    server_ = std::make_unique<UapiServer>(std::move(server).value());
  }

  UapiPeer connect() { return UapiPeer(socket_->path()); }
  std::string get() { return connect().ask("get=1\n\n"); }

  ScratchDirectory directory_;
  FakeDevice device_;
  std::chrono::milliseconds get_takes_{0};
  std::unique_ptr<UapiSocket> socket_;
  std::unique_ptr<UapiServer> server_;
};

TEST_F(UapiServerTest, SetThenGetOnOneConnection) {
  serve();
  UapiPeer peer = connect();
  EXPECT_EQ(peer.ask("get=1\n\n"), "listen_port=0\nerrno=0\n\n");
  EXPECT_EQ(peer.ask("set=1\nlisten_port=51820\nfwmark=7\n" + peer_line(1) + "allowed_ip=10.0.0.0/8\n\n"), "errno=0\n\n");
  EXPECT_EQ(peer.ask("get=1\n\n"), format_status(device_.status()).view());
  EXPECT_EQ(device_.status().listen_port, 51820);
}

TEST_F(UapiServerTest, ErrorsHaveTheirErrnoAndChangeNothingAndTheConnectionLives) {
  serve();
  UapiPeer peer = connect();
  EXPECT_EQ(peer.ask("set=1\nlisten_port=1\n" + peer_line(1) + "allowed_ip=10.0.0.0/33\n\n"), "errno=-22\n\n");
  EXPECT_EQ(peer.ask("set=1\nlisten_port\n\n"), "errno=-71\n\n");
  EXPECT_EQ(peer.ask("\n"), "errno=-71\n\n");
  EXPECT_EQ(peer.ask("nonsense\n\n"), "errno=-71\n\n");
  EXPECT_EQ(peer.ask("set=1\nlisten_port=666\n\n"), "errno=-98\n\n") << "the handler's own errno";
  EXPECT_EQ(peer.ask("get=1\n\n"), "listen_port=0\nerrno=0\n\n");
  EXPECT_EQ(device_.changes(), 0);
}

TEST_F(UapiServerTest, RequestsInPiecesAndSeveralInOnePiece) {
  serve();
  UapiPeer peer = connect();
  for (const char c : std::string("set=1\nlisten_port=5\n\n")) {
    ASSERT_TRUE(peer.send({&c, 1}));
    std::this_thread::sleep_for(1ms);
  }
  EXPECT_EQ(peer.receive(), "errno=0\n\n");
  ASSERT_TRUE(peer.send("set=1\nfwmark=1\n\nget=1\n\n\nset=1\nfwmark=2\n\nget=1\n"));
  EXPECT_EQ(peer.receive(), "errno=0\n\n");
  EXPECT_EQ(peer.receive(), "listen_port=5\nfwmark=1\nerrno=0\n\n");
  EXPECT_EQ(peer.receive(), "errno=-71\n\n");
  EXPECT_EQ(peer.receive(), "errno=0\n\n");
  EXPECT_EQ(peer.ask("\n"), "listen_port=5\nfwmark=2\nerrno=0\n\n");
}

TEST_F(UapiServerTest, EndOfInputAfterARequestIsAnswered) {
  serve();
  UapiPeer peer = connect();
  ASSERT_TRUE(peer.send("set=1\nlisten_port=9\n\nget=1\n\n"));
  peer.finish_sending();
  EXPECT_EQ(peer.receive(), "errno=0\n\n");
  EXPECT_EQ(peer.receive(), "listen_port=9\nerrno=0\n\n");
  EXPECT_TRUE(peer.is_hung_up(5000));
}

// wireguard-go applies what came; a truncated configuration would take effect.
TEST_F(UapiServerTest, EndOfInputWithinARequestAppliesNothing) {
  serve();
  UapiPeer peer = connect();
  ASSERT_TRUE(peer.send("set=1\nlisten_port=9\n"));
  peer.finish_sending();
  EXPECT_EQ(peer.receive(), "errno=-71\n\n");
  EXPECT_TRUE(peer.is_hung_up(5000));
  EXPECT_EQ(device_.changes(), 0);
}

TEST_F(UapiServerTest, OnePeerWith130000AllowedIps) {
  serve();
  std::string request = "set=1\n" + peer_line(1);
  for (unsigned i = 0; i < 130'000; ++i) {
    request += "allowed_ip=10." + std::to_string(i >> 16) + '.' + std::to_string(i >> 8 & 255) + '.' + std::to_string(i & 255) + "/32\n";
  }
  UapiPeer peer = connect();
  EXPECT_EQ(peer.ask(request + "\n"), "errno=0\n\n");
  EXPECT_EQ(device_.status().peers.at(0).allowed_ips.size(), 130'000U);
  EXPECT_TRUE(peer.ask("get=1\n\n") == format_status(device_.status()).view());
}

TEST_F(UapiServerTest, AThousandPeers) {
  serve();
  std::string request = "set=1\n";
  for (unsigned i = 0; i < 1000; ++i)
    request += peer_line(i) + "allowed_ip=10.1." + std::to_string(i / 256) + '.' + std::to_string(i % 256) + "/32\n";
  UapiPeer peer = connect();
  EXPECT_EQ(peer.ask(request + "\n"), "errno=0\n\n");
  EXPECT_EQ(device_.status().peers.size(), 1000U);
  EXPECT_TRUE(peer.ask("get=1\n\n") == format_status(device_.status()).view());
}

TEST_F(UapiServerTest, HalfOpenClientsCostOthersNothingAndAreClosed) {
  serve({.idle = 400ms});
  std::vector<UapiPeer> half_open;
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(half_open.emplace_back(connect()).send("set=1\nlisten_port=1\n"));
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(get(), "listen_port=0\nerrno=0\n\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 300ms);
  for (UapiPeer& peer : half_open) EXPECT_TRUE(peer.is_hung_up(5000));
  EXPECT_EQ(device_.changes(), 0);
}

// The time runs from a request's first byte: dripping does not extend it.
TEST_F(UapiServerTest, DrippingClientIsClosed) {
  serve({.idle = 200ms});
  UapiPeer peer = connect();
  const auto begin = std::chrono::steady_clock::now();
  bool is_open = true;
  while (is_open && std::chrono::steady_clock::now() - begin < 5s) {
    is_open = peer.send("x");
    std::this_thread::sleep_for(20ms);
  }
  EXPECT_FALSE(is_open);
}

TEST_F(UapiServerTest, ClientThatNeverReadsCostsOthersNothingAndIsClosed) {
  std::string request = "set=1\n" + peer_line(1);
  for (unsigned i = 0; i < 60'000; ++i) request += "allowed_ip=10.0." + std::to_string(i >> 8) + '.' + std::to_string(i & 255) + "/32\n";
  serve({.idle = 400ms});
  EXPECT_EQ(connect().ask(request + "\n"), "errno=0\n\n");
  UapiPeer deaf = connect();
  ASSERT_TRUE(deaf.send("get=1\n\nget=1\n\n"));
  EXPECT_TRUE(get() == format_status(device_.status()).view());
  std::this_thread::sleep_for(800ms);
  const std::string rest = deaf.receive();
  EXPECT_FALSE(rest.ends_with("\n\n")) << "what the socket held, and then the end";
  EXPECT_TRUE(deaf.is_hung_up(1000));
}

TEST_F(UapiServerTest, TimeInAHandlerIsNotHeldAgainstTheClientItAnswers) {
  std::string request = "set=1\n" + peer_line(1);
  for (unsigned i = 0; i < 60'000; ++i) request += "allowed_ip=10.0." + std::to_string(i >> 8) + '.' + std::to_string(i & 255) + "/32\n";
  get_takes_ = 1500ms;
  serve({.idle = 1s});
  EXPECT_EQ(connect().ask(request + "\n"), "errno=0\n\n");
  EXPECT_TRUE(get() == format_status(device_.status()).view()) << "more than the socket takes at once";
}

TEST_F(UapiServerTest, TimeInAHandlerIsNotHeldAgainstOthers) {
  get_takes_ = 1500ms;
  serve({.idle = 1s});
  UapiPeer slow = connect();
  UapiPeer half_open = connect();
  ASSERT_TRUE(slow.send("get=1\n\n"));
  ASSERT_TRUE(half_open.send("get="));
  EXPECT_EQ(slow.receive(), "listen_port=0\nerrno=0\n\n");
  EXPECT_EQ(half_open.ask("1\n\n"), "listen_port=0\nerrno=0\n\n");
}

TEST_F(UapiServerTest, QuietClientsMayStayButGiveWayWhenAllPlacesAreTaken) {
  serve({.max_clients = 2, .idle = 300ms});
  UapiPeer first = connect();
  UapiPeer second = connect();
  EXPECT_EQ(first.ask("get=1\n\n"), "listen_port=0\nerrno=0\n\n");
  EXPECT_EQ(second.ask("get=1\n\n"), "listen_port=0\nerrno=0\n\n");
  std::this_thread::sleep_for(600ms);
  EXPECT_EQ(second.ask("get=1\n\n"), "listen_port=0\nerrno=0\n\n") << "quiet for longer than the limit, but in nobody's way";
  EXPECT_EQ(get(), "listen_port=0\nerrno=0\n\n") << "the third waits for one of the two to give way";
  EXPECT_TRUE(first.is_hung_up(1000));
}

TEST_F(UapiServerTest, TwoHundredClientsAtOnce) {
  serve();
  std::vector<std::thread> threads;
  std::atomic<int> answered = 0;
  for (int i = 0; i < 200; ++i) {
    threads.emplace_back([&] {
      UapiPeer peer = connect();
      if (peer.is_connected() && peer.ask("get=1\n\n") == "listen_port=0\nerrno=0\n\n") ++answered;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(answered, 200);
}

TEST_F(UapiServerTest, ClientThatLeavesWithinAReply) {
  std::string request = "set=1\n" + peer_line(1);
  for (unsigned i = 0; i < 60'000; ++i) request += "allowed_ip=10.0." + std::to_string(i >> 8) + '.' + std::to_string(i & 255) + "/32\n";
  serve();
  EXPECT_EQ(connect().ask(request + "\n"), "errno=0\n\n");
  for (int i = 0; i < 10; ++i) {
    UapiPeer peer = connect();
    ASSERT_TRUE(peer.send("get=1\n\n"));
    pollfd readable{peer.descriptor(), POLLIN, 0};
    ASSERT_EQ(::poll(&readable, 1, 5000), 1);
    peer.close();
  }
  EXPECT_TRUE(get().ends_with("errno=0\n\n")) << "no SIGPIPE";
}

TEST_F(UapiServerTest, OversizedRequestIsRefusedAndNotKept) {
  serve({.max_request = 1 << 20});
  UapiPeer peer = connect();
  const std::string megabyte(1 << 20, 'x');
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(peer.send(megabyte)) << "the rest is read and dropped, so that the client gets to the reply";
  EXPECT_EQ(peer.receive(), "errno=-90\n\n");
  EXPECT_TRUE(peer.is_hung_up(1000));
  EXPECT_EQ(get(), "listen_port=0\nerrno=0\n\n");
}

TEST_F(UapiServerTest, MemoryOfAllUnfinishedRequestsIsBounded) {
  serve({.max_request = 1 << 20, .max_buffered = 3 << 19});  // 1 MiB each, 1.5 MiB together
  UapiPeer largest = connect();
  ASSERT_TRUE(largest.send(std::string(1000 << 10, 'x')));
  UapiPeer smaller = connect();
  ASSERT_TRUE(smaller.send(std::string(600 << 10, 'x')));
  EXPECT_EQ(largest.receive(), "errno=-105\n\n");
  EXPECT_EQ(smaller.ask("\n\n"), "errno=-71\n\n") << "within all bounds, and so judged by what it says";
}

TEST_F(UapiServerTest, RunningOutOfDescriptorsNeitherSpinsNorEnds) {
  serve();
  std::vector<UapiPeer> waiting;
  waiting.push_back(connect());  // while there are descriptors
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  UapiPeer client(socket_->path());
  EXPECT_EQ(client.ask("get=1\n\n"), "listen_port=0\nerrno=0\n\n");
  waiting.push_back(connect());
  std::vector<io::FileDescriptor> filling;
  for (;;) {
    io::FileDescriptor filler(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!filler || filling.size() > 200) break;
    filling.push_back(std::move(filler));
  }
  const rlimit tight{static_cast<rlim_t>(filling.back().get()) + 1, limit.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  filling.pop_back();  // one left, for the client's own end; none for the server's
  UapiPeer late = connect();
  ASSERT_TRUE(late.is_connected());
  ASSERT_TRUE(late.send("get=1\n\n"));

  rusage before{};
  ::getrusage(RUSAGE_SELF, &before);
  EXPECT_EQ(late.receive(500), "");
  rusage after{};
  ::getrusage(RUSAGE_SELF, &after);
  const auto spent = [](const rusage& usage) {
    return std::chrono::seconds(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           std::chrono::microseconds(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  };
  EXPECT_LT(spent(after) - spent(before), 200ms) << "of 500 ms";
  EXPECT_EQ(client.ask("get=1\n\n"), "listen_port=0\nerrno=0\n\n") << "those who are in are served";

  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(late.receive(), "listen_port=0\nerrno=0\n\n");
}

TEST_F(UapiServerTest, ConcurrentGetAndSet) {
  serve();
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (unsigned i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      UapiPeer peer = connect();
      const std::string set = "set=1\nreplace_peers=true\n" + peer_line(i) + "allowed_ip=10.0.0.0/8\n\n";
      for (int round = 0; round < kOften; ++round) {
        if (peer.ask(i % 2 == 0 ? set : "get=1\n\n").find("errno=0\n\n") == std::string::npos) ++failures;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(device_.changes(), 2 * kOften);
}

TEST_F(UapiServerTest, StopIsPromptWithClientsOfAllKinds) {
  serve();
  UapiPeer quiet = connect();
  UapiPeer half_open = connect();
  ASSERT_TRUE(half_open.send("set=1\n"));
  UapiPeer asking = connect();
  EXPECT_EQ(asking.ask("get=1\n\n"), "listen_port=0\nerrno=0\n\n");
  const auto begin = std::chrono::steady_clock::now();
  server_->stop();
  server_->stop();
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 500ms);
  for (UapiPeer* peer : {&quiet, &half_open, &asking}) EXPECT_TRUE(peer->is_hung_up(1000));
  EXPECT_FALSE(connect().is_connected());
}

TEST_F(UapiServerTest, AFailingHandlerIsThatClientsLossAlone) {
  auto socket = UapiSocket::create("wg1", directory_.path());
  ASSERT_TRUE(socket.ok());
  UapiHandlers handlers;
  handlers.get = []() -> DeviceStatus { throw std::bad_alloc(); };
  handlers.set = [](DeviceChange) -> Result<void> { throw std::runtime_error("broken"); };
  std::atomic<int> lines = 0;
  handlers.log = [&lines](const std::string&) { ++lines; };
  auto server = UapiServer::start(socket->take_listener(), std::move(handlers));
  ASSERT_TRUE(server.ok());
  EXPECT_EQ(UapiPeer(socket->path()).ask("get=1\n\n"), "errno=-12\n\n");
  EXPECT_EQ(UapiPeer(socket->path()).ask("set=1\n\n"), "errno=-5\n\n");
  EXPECT_EQ(lines, 2);
}

TEST(UapiServerStart, BadDescriptor) {
  const auto server = UapiServer::start(io::FileDescriptor(), {});
  ASSERT_FALSE(server.ok());
  EXPECT_EQ(server.error().code, EBADF);
}

}  // namespace
}  // namespace wgu::control
