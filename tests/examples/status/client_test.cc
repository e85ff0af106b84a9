// Against a server that answers what the test says.
#include "status/client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <string>
#include <thread>

#include "control/scratch_directory.h"
#include "io/file_descriptor.h"

namespace wgu::status {
namespace {

using namespace std::chrono_literals;

class ClientTest : public testing::Test {
 protected:
  void SetUp() override {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    listener_ = io::FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    ASSERT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    ASSERT_EQ(::listen(listener_.get(), 1), 0);
  }
  Result<std::string> ask_one_who_says(const std::string& answer) {
    std::thread server([&] {
      const io::FileDescriptor client(::accept(listener_.get(), nullptr, nullptr));
      char request[256];
      EXPECT_GT(::recv(client.get(), request, sizeof request, 0), 0);
      EXPECT_EQ(::send(client.get(), answer.data(), answer.size(), MSG_NOSIGNAL), static_cast<ssize_t>(answer.size()));
    });
    auto told = ask(path_, "GET", "/json");
    server.join();
    return told;
  }

  control::ScratchDirectory scratch_;
  std::string path_ = scratch_.path() + "/daemon.sock";
  io::FileDescriptor listener_;
};

TEST_F(ClientTest, TheBodyIsTheAnswer) {
  const auto told = ask_one_who_says("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\none\r\n");
  ASSERT_TRUE(told.ok()) << told.error().message;
  EXPECT_EQ(*told, "one\r\n");
}

TEST_F(ClientTest, WhatIsNoWholeGoodAnswerIsAnError) {
  const struct {
    const char* answer;
    const char* why;
  } rows[] = {
      {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"interface\":", "the answer ends early"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "the answer ends early"},
      {"HTTP/1.1 200 OK\r\n\r\n{}", "the answer ends early"},
      {"HTTP/1.1 200 OK\r\nContent-Len", "not an answer in HTTP"},
      {"HTTP/1.\r\n\r\n", "the answer ends early"},
      {"SSH-2.0-OpenSSH\r\n\r\n", "not an answer in HTTP"},
      {"", "not an answer in HTTP"},
      {"HTTP/1.1 404 Not Found\r\nContent-Length: 12\r\n\r\nno such page", "no such page"},
      {"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", "the daemon answers 500"},
  };
  for (const auto& row : rows) {
    const auto told = ask_one_who_says(row.answer);
    ASSERT_FALSE(told.ok()) << row.answer;
    EXPECT_EQ(told.error().code, EPROTO) << row.answer;
    EXPECT_TRUE(told.error().message.ends_with(row.why)) << told.error().message;
  }
}

TEST_F(ClientTest, PatienceEnds) {
  const auto told = ask(path_, "GET", "/json", 50ms);  // nobody accepts
  ASSERT_FALSE(told.ok());
  EXPECT_EQ(told.error().code, ETIMEDOUT) << told.error().message;
}

TEST_F(ClientTest, WithoutADaemonItSaysSo) {
  listener_.reset();
  EXPECT_EQ(ask(path_, "GET", "/").error().code, ECONNREFUSED);
  const auto nobody = ask(path_ + "x", "GET", "/");
  EXPECT_EQ(nobody.error().code, ENOENT);
  EXPECT_NE(nobody.error().message.find("no wgu-tunnel of that name is running"), std::string::npos) << nobody.error().message;
  EXPECT_EQ(ask("/" + std::string(200, 'x'), "GET", "/").error().code, ENAMETOOLONG);
}

}  // namespace
}  // namespace wgu::status
