// The server at a real socket, against clients that mean no good. What a page says is pages_test.cc's.
#include "wgu-tunnel/http_server.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "control/scratch_directory.h"
#include "status/client.h"
#include "telemetry/snapshots.h"
#include "wgu-tunnel/listener.h"

namespace wgu {
namespace {

using namespace std::chrono_literals;

class HttpServerTest : public testing::Test {
 protected:
  void start(bool is_control = false, HttpLimits limits = {}) {
    auto listener = open_listener("unix:" + path_);
    ASSERT_TRUE(listener.ok()) << listener.error().message;
    auto server = HttpServer::start(std::move(listener->socket), is_control, pages_, limits);
    ASSERT_TRUE(server.ok()) << server.error().message;
    file_ = std::move(listener->file);
    server_ = std::make_unique<HttpServer>(std::move(server).value());
  }
  io::FileDescriptor connect() {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    io::FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    return socket;
  }
  // What comes until the server closes, or nothing has come for `patience`.
  static std::string all_from(const io::FileDescriptor& socket, std::chrono::milliseconds patience = 5s) {
    std::string text;
    char piece[65536];
    pollfd ready{socket.get(), POLLIN, 0};
    while (::poll(&ready, 1, static_cast<int>(patience.count())) == 1) {
      const ssize_t count = ::recv(socket.get(), piece, sizeof piece, 0);
      if (count <= 0) break;
      text.append(piece, static_cast<std::size_t>(count));
    }
    return text;
  }
  static void say(const io::FileDescriptor& socket, const std::string& text) {
    static_cast<void>(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL));
  }
  std::string exchange(const std::string& request, std::chrono::milliseconds patience = 5s) {
    const io::FileDescriptor socket = connect();
    say(socket, request);
    return all_from(socket, patience);
  }

  control::ScratchDirectory scratch_;
  std::string path_ = scratch_.path() + "/status.sock";
  Pages pages_{{.snapshot = [] { return telemetry::snapshot_of(1, 5000); },
                .events = [] { return std::vector<Event>(); },
                .set_telemetry = [](TelemetryLevel) {}}};
  std::optional<control::UapiSocket> file_;
  std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersTheDaemonsOwnClient) {
  start(true);
  const auto json = status::ask(path_, "GET", "/json");
  ASSERT_TRUE(json.ok()) << json.error().message;
  EXPECT_TRUE(json->starts_with("{\"interface\":"));
  EXPECT_EQ(status::ask(path_, "POST", "/telemetry/all").value(), "telemetry: all\n");
  const auto refused = status::ask(path_, "POST", "/telemetry/more");
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().message, "a level is one of off, events, sampled, all");
}

TEST_F(HttpServerTest, HeadHasTheHeadersAndNoBody) {
  start();
  const std::string answer = exchange("HEAD /metrics HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.")) << answer;
  EXPECT_NE(answer.find("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << "no body";
}

TEST_F(HttpServerTest, KeepsAConnectionForTheNextScrape) {
  start();
  const io::FileDescriptor socket = connect();
  for (int i = 0; i < 3; ++i) {
    say(socket, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_TRUE(all_from(socket, 300ms).starts_with("HTTP/1.1 200")) << i;
  }
}

TEST_F(HttpServerTest, SeveralAcceptFieldsAreOneList) {
  start();
  const std::string answer = exchange("GET /metrics HTTP/1.0\r\nAccept: text/plain;q=0.5\r\naccept: application/openmetrics-text\r\n\r\n");
  EXPECT_NE(answer.find("application/openmetrics-text; version=1.0.0"), std::string::npos) << answer.substr(0, 300);
}

TEST_F(HttpServerTest, RefusesBodiesAtOnce) {
  start();
  EXPECT_TRUE(exchange("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n").starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(exchange("GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nabcde").starts_with("HTTP/1.1 413"));
  EXPECT_TRUE(exchange("PUT / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n").starts_with("HTTP/1.1 413"));
}

TEST_F(HttpServerTest, SurvivesWhatIsNoRequest) {
  start();
  const std::string huge(1 << 20, 'a');
  for (const std::string& request :
       {std::string("\r\n\r\n\r\n"), std::string("GET\r\n\r\n"), std::string(4096, '\0'), "GET /" + huge + " HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nX: " + huge + "\r\n\r\n", std::string("GET / HTTP/9.9\r\n\r\n")}) {
    const std::string answer = exchange(request, 300ms);
    EXPECT_EQ(answer.find(" 200 "), std::string::npos) << request.substr(0, 20);
  }
  EXPECT_TRUE(status::ask(path_, "GET", "/").ok());
}

TEST_F(HttpServerTest, ASlowReaderKeepsNobodyWaiting) {
  start();
  std::vector<io::FileDescriptor> slow;
  for (int i = 0; i < 8; ++i) {
    say(slow.emplace_back(connect()), "GET /json HTTP/1.0\r\n\r\n");  // more than any socket buffer takes
  }
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(status::ask(path_, "GET", "/").ok());
  EXPECT_LT(std::chrono::steady_clock::now() - before, 5s);
  EXPECT_TRUE(all_from(slow[3]).ends_with("}\n")) << "and its own answer is whole once it reads";
}

TEST_F(HttpServerTest, ConnectionsAreBoundedAndTimeOut) {
  start(false, {.connections = 4, .idle = 1s});
  std::vector<io::FileDescriptor> silent;
  for (int i = 0; i < 8; ++i) silent.push_back(connect());
  std::this_thread::sleep_for(100ms);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_TRUE(status::ask(path_, "GET", "/", 10s).ok()) << "once those who say nothing are gone";
  EXPECT_LT(std::chrono::steady_clock::now() - before, 9s);
  const io::FileDescriptor never_reads = connect();
  say(never_reads, "GET /json HTTP/1.0\r\n\r\n");
  std::this_thread::sleep_for(3s);
  const auto metrics = status::ask(path_, "GET", "/metrics", 10s);
  ASSERT_TRUE(metrics.ok());
  EXPECT_EQ(metrics->find("wgu_http_unfinished_responses_total{device=\"w\\\"g\\\\0\"} 0\n"), std::string::npos)
      << "it was closed, and counted";
}

// Who drips bytes is never idle; but one address does not get every connection.
TEST_F(HttpServerTest, OneAddressLeavesConnectionsToOthers) {
  auto listener = open_listener("0");
  ASSERT_TRUE(listener.ok()) << listener.error().message;
  sockaddr_in place{};
  socklen_t size = sizeof place;
  ASSERT_EQ(::getsockname(listener->socket.get(), reinterpret_cast<sockaddr*>(&place), &size), 0);
  auto server = HttpServer::start(std::move(listener->socket), false, pages_, {.connections = 4, .connections_per_address = 2});
  ASSERT_TRUE(server.ok()) << server.error().message;
  const auto connect_from = [&place](std::uint32_t address) {
    io::FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in own{};
    own.sin_family = AF_INET;
    own.sin_addr.s_addr = htonl(address);
    EXPECT_EQ(::bind(socket.get(), reinterpret_cast<const sockaddr*>(&own), sizeof own), 0);
    EXPECT_EQ(::connect(socket.get(), reinterpret_cast<const sockaddr*>(&place), sizeof place), 0);
    return socket;
  };
  std::vector<io::FileDescriptor> dripping;
  for (int i = 0; i < 8; ++i) say(dripping.emplace_back(connect_from(INADDR_LOOPBACK)), "GET / HT");
  const io::FileDescriptor other = connect_from(INADDR_LOOPBACK + 1);
  say(other, "GET / HTTP/1.0\r\n\r\n");
  EXPECT_TRUE(all_from(other).starts_with("HTTP/1."));
  EXPECT_EQ(all_from(dripping[7], 300ms), "") << "closed unheard";
  say(dripping[0], "TP/1.0\r\n\r\n");
  EXPECT_TRUE(all_from(dripping[0]).starts_with("HTTP/1.")) << "those within the limit are served";
}

}  // namespace
}  // namespace wgu
