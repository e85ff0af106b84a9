// One client's states, step by step over a socketpair, with a time that only the test moves.

#include "control/uapi_client.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <string>

namespace wgu::control {
namespace {

using State = UapiClient::State;
using namespace std::chrono_literals;

SecretText secret(std::string_view text) {
  SecretText result;
  result += text;
  return result;
}

class UapiClientTest : public testing::Test {
 protected:
  UapiClientTest() : UapiClientTest(make_pair()) {}
  void write(std::string_view text) {
    ASSERT_EQ(::send(peer_.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  std::string read() {
    char chunk[4096];
    const ssize_t count = ::recv(peer_.get(), chunk, sizeof(chunk), MSG_DONTWAIT);
    return count > 0 ? std::string(chunk, static_cast<std::size_t>(count)) : std::string();
  }
  void write_and_proceed(std::string_view text) {
    write(text);
    client_.proceed(now_);
  }

  UapiClient::Time now_{1h};
  io::FileDescriptor peer_;
  UapiClient client_;

 private:
  struct Pair {
    io::FileDescriptor server;
    io::FileDescriptor client;
  };
  static Pair make_pair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
    return {io::FileDescriptor(ends[0]), io::FileDescriptor(ends[1])};
  }
  explicit UapiClientTest(Pair pair) : peer_(std::move(pair.client)), client_(std::move(pair.server), now_) {}
};

TEST_F(UapiClientTest, OneRequest) {
  EXPECT_EQ(client_.state(), State::kQuiet);
  EXPECT_EQ(client_.poll_events(), POLLIN);
  client_.proceed(now_);  // woken for nothing
  EXPECT_EQ(client_.state(), State::kQuiet);
  write_and_proceed("get=1\n");
  EXPECT_EQ(client_.state(), State::kReceiving);
  EXPECT_EQ(client_.buffered(), 6U);
  write_and_proceed("\n");  // the end straddles two reads
  ASSERT_EQ(client_.state(), State::kReady);
  EXPECT_EQ(client_.request(), "get=1\n\n");
  EXPECT_EQ(client_.poll_events(), 0);
  client_.reply(secret("errno=0\n\n"), false, now_);
  EXPECT_EQ(client_.state(), State::kQuiet);
  EXPECT_EQ(read(), "errno=0\n\n");
}

TEST_F(UapiClientTest, SeveralRequestsInOneReadAreOnePerTurn) {
  write_and_proceed("a\n\n\nb\nb\n\nc");
  for (const std::string_view expected : {"a\n\n", "\n", "b\nb\n\n"}) {
    ASSERT_EQ(client_.state(), State::kReady);
    EXPECT_EQ(client_.request(), expected);
    client_.reply(secret("."), false, now_);
  }
  EXPECT_EQ(client_.state(), State::kReceiving);
  EXPECT_EQ(client_.buffered(), 1U);
  write_and_proceed("\n\n");
  EXPECT_EQ(client_.request(), "c\n\n");
  EXPECT_EQ(read(), "...");
}

TEST_F(UapiClientTest, TimeRunsFromTheFirstByteOfARequestAndFromTheLastOfAReply) {
  now_ += 5s;
  write_and_proceed("a");
  const auto begun = now_;
  now_ += 5s;
  write_and_proceed("b");
  EXPECT_EQ(client_.active(), begun);
  write_and_proceed("\n\n");
  now_ += 5s;
  client_.reply(secret("."), false, now_);
  EXPECT_EQ(client_.active(), now_);
}

TEST_F(UapiClientTest, NothingIsReadWhileAReplyIsOwed) {
  write_and_proceed("a\n\n");
  client_.reply(secret(std::string(16 << 20, 'x')), false, now_);
  ASSERT_EQ(client_.state(), State::kReplying);
  EXPECT_EQ(client_.poll_events(), POLLOUT);
  write("b\n\n");
  client_.proceed(now_);
  EXPECT_EQ(client_.state(), State::kReplying);
  std::size_t received = 0;
  while (client_.state() == State::kReplying) {
    while (const std::size_t count = read().size()) received += count;
    client_.proceed(now_);
  }
  while (const std::size_t count = read().size()) received += count;
  EXPECT_EQ(received, 16U << 20);
  client_.proceed(now_);
  ASSERT_EQ(client_.state(), State::kReady);
  EXPECT_EQ(client_.request(), "b\n\n");
}

TEST_F(UapiClientTest, EndOfInput) {
  ::shutdown(peer_.get(), SHUT_WR);
  client_.proceed(now_);
  EXPECT_EQ(client_.state(), State::kGone);
}

TEST_F(UapiClientTest, EndOfInputWithinARequest) {
  write_and_proceed("get=1\n");
  EXPECT_FALSE(client_.is_cut_short());
  ::shutdown(peer_.get(), SHUT_WR);
  client_.proceed(now_);
  EXPECT_TRUE(client_.is_cut_short());
  client_.reply(secret("errno=-71\n\n"), true, now_);
  EXPECT_EQ(client_.state(), State::kGone);
  EXPECT_EQ(read(), "errno=-71\n\n");
}

TEST_F(UapiClientTest, HangingUpLingersUntilTheClientHasSentAll) {
  write_and_proceed("much");
  client_.reply(secret("errno=-90\n\n"), true, now_);
  ASSERT_EQ(client_.state(), State::kLingering);
  EXPECT_EQ(client_.buffered(), 0U);
  write_and_proceed("more\n\nget=1\n\n");
  EXPECT_EQ(client_.state(), State::kLingering);
  EXPECT_EQ(client_.buffered(), 0U) << "dropped, not kept";
  EXPECT_EQ(read(), "errno=-90\n\n");
  peer_.reset();
  client_.proceed(now_);
  EXPECT_EQ(client_.state(), State::kGone);
}

TEST_F(UapiClientTest, AClientThatLeftIsGoneWhenItIsWrittenTo) {
  write_and_proceed("a\n\n");
  peer_.reset();
  client_.reply(secret("."), false, now_);
  EXPECT_EQ(client_.state(), State::kGone);
}

}  // namespace
}  // namespace wgu::control
