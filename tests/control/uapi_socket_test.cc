// The socket's file: who may use it, who may take its place, and when it goes.

#include "control/uapi_socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "control/scratch_directory.h"
#include "control/uapi_peer.h"

namespace wgu::control {
namespace {

class UapiSocketTest : public testing::Test {
 protected:
  Result<UapiSocket> create(std::string_view name = "wg0") { return UapiSocket::create(name, directory_); }
  mode_t mode(const std::string& path) {
    struct stat status {};
    return ::lstat(path.c_str(), &status) == 0 ? status.st_mode : 0;
  }
  std::size_t entries() {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_), std::filesystem::directory_iterator()));
  }

  ScratchDirectory scratch_;
  std::string directory_ = scratch_.path() + "/wireguard";
  std::string path_ = directory_ + "/wg0.sock";
};

TEST_F(UapiSocketTest, ModesWhateverTheUmask) {
  const mode_t old = ::umask(0);
  const auto socket = create();
  ::umask(old);
  ASSERT_TRUE(socket.ok()) << socket.error().message;
  EXPECT_EQ(socket->path(), path_);
  EXPECT_EQ(mode(directory_), S_IFDIR | 0700U);
  EXPECT_EQ(mode(path_), S_IFSOCK | 0600U);
  EXPECT_EQ(entries(), 1U) << "no hidden file stays behind";
  EXPECT_TRUE(UapiPeer(path_).is_connected());
}

TEST_F(UapiSocketTest, AtAnyPathTheSameRulesHold) {
  const std::string path = directory_ + "/any name";
  {
    const auto socket = UapiSocket::create_at(path);
    ASSERT_TRUE(socket.ok()) << socket.error().message;
    EXPECT_EQ(mode(path), S_IFSOCK | 0600U);
    EXPECT_EQ(entries(), 1U);
    EXPECT_EQ(UapiSocket::create_at(path).error().code, EADDRINUSE);
  }
  EXPECT_EQ(mode(path), 0U);
  for (const char* wrong : {"", "relative", "/", "/tmp/"}) EXPECT_EQ(UapiSocket::create_at(wrong).error().code, EINVAL) << wrong;
}

TEST_F(UapiSocketTest, RemovedAtTheEnd) {
  {
    const auto socket = create();
    ASSERT_TRUE(socket.ok());
  }
  EXPECT_EQ(mode(path_), 0U);
}

TEST_F(UapiSocketTest, KnowsWhenSomebodyRemovedIt) {
  const auto socket = create();
  ASSERT_TRUE(socket.ok());
  EXPECT_FALSE(socket->is_file_gone());
  ASSERT_EQ(::unlink(path_.c_str()), 0);
  EXPECT_TRUE(socket->is_file_gone());
}

TEST_F(UapiSocketTest, MovesKeepOneOwner) {
  auto first = create();
  ASSERT_TRUE(first.ok());
  UapiSocket second = std::move(*first);
  first = create("wg1");
  ASSERT_TRUE(first.ok());
  EXPECT_NE(mode(path_), 0U);
  second = std::move(*first);
  EXPECT_EQ(mode(path_), 0U);
  EXPECT_NE(mode(directory_ + "/wg1.sock"), 0U);
}

TEST_F(UapiSocketTest, DisownedFileStays) {
  {
    auto socket = create();
    ASSERT_TRUE(socket.ok());
    socket->disown();
  }
  EXPECT_NE(mode(path_), 0U);
}

TEST_F(UapiSocketTest, ALiveSocketIsRefused) {
  const auto first = create();
  ASSERT_TRUE(first.ok());
  const auto second = create();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, EADDRINUSE);
  EXPECT_NE(second.error().message.find(path_), std::string::npos);
  EXPECT_TRUE(UapiPeer(path_).is_connected()) << "and goes on";
}

TEST_F(UapiSocketTest, ALiveSocketWithAFullBacklogIsRefusedWithoutHanging) {
  auto first = create();
  ASSERT_TRUE(first.ok());
  io::FileDescriptor listener = first->take_listener();
  ASSERT_EQ(::listen(listener.get(), 0), 0);
  const UapiPeer filling(path_);
  const auto second = create();
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().code, EADDRINUSE);
}

TEST_F(UapiSocketTest, TheSocketOfADeadDaemonIsReplaced) {
  {
    auto dead = create();
    ASSERT_TRUE(dead.ok());
    dead->disown();
  }
  ASSERT_FALSE(UapiPeer(path_).is_connected());
  const auto socket = create();
  ASSERT_TRUE(socket.ok()) << socket.error().message;
  EXPECT_TRUE(UapiPeer(path_).is_connected());
}

TEST_F(UapiSocketTest, ASuccessorsSocketIsNotRemoved) {
  auto first = create();
  ASSERT_TRUE(first.ok());
  first->take_listener().reset();  // it serves no more
  const auto second = create();
  ASSERT_TRUE(second.ok());
  first->remove_file();
  EXPECT_TRUE(UapiPeer(path_).is_connected());
}

TEST_F(UapiSocketTest, OtherFilesAreLeftAlone) {
  std::filesystem::create_directory(directory_);
  std::ofstream(path_) << "something";
  EXPECT_EQ(create().error().code, EEXIST);
  std::filesystem::remove(path_);
  std::filesystem::create_symlink(scratch_.path() + "/elsewhere", path_);
  EXPECT_EQ(create().error().code, EEXIST);
  EXPECT_TRUE(std::filesystem::is_symlink(path_));
}

TEST_F(UapiSocketTest, ADirectoryThatOthersMayWriteToIsRefused) {
  std::filesystem::create_directory(directory_);
  ASSERT_EQ(::chmod(directory_.c_str(), 0777), 0);
  EXPECT_EQ(create().error().code, EPERM);
}

TEST_F(UapiSocketTest, NamesAndPathsAreChecked) {
  for (const std::string_view name : {"", ".", "..", "a/b", "/", "../x", "a:b", "a b", "a\tb", "a\nb", "sixteen-letters-", "\x7f"}) {
    const auto socket = create(name);
    ASSERT_FALSE(socket.ok()) << name;
    EXPECT_EQ(socket.error().code, EINVAL) << name;
  }
  EXPECT_FALSE(check_interface_name(std::string_view("a\0b", 3)).ok());
  for (const std::string_view name : {"w", "fifteen-letters", "wg0.1", "\xc3\xa9th0"}) EXPECT_TRUE(check_interface_name(name).ok()) << name;
  EXPECT_EQ(UapiSocket::create("wg0", "/tmp/" + std::string(100, 'x')).error().code, ENAMETOOLONG);
  EXPECT_EQ(UapiSocket::create("wg0", scratch_.path() + "/missing/wireguard").error().code, ENOENT);
}

// wg removes a socket that refuses connections: at no moment may the path lead to one.
TEST_F(UapiSocketTest, NobodyIsEverRefused) {
  std::atomic<bool> is_over = false;
  std::atomic<int> refused = 0;
  { const auto first = create(); }  // for the directory
  std::thread prober([&] {
    while (!is_over) {
      const UapiPeer peer(path_);
      if (!peer.is_connected() && errno == ECONNREFUSED) ++refused;
    }
  });
  for (int i = 0; i < 300; ++i) {
    const auto socket = create();
    EXPECT_TRUE(socket.ok()) << socket.error().message;
    if (socket) const_cast<UapiSocket&>(*socket).remove_file();
  }
  is_over = true;
  prober.join();
  EXPECT_EQ(refused, 0);
}

TEST_F(UapiSocketTest, OfManyThatStartAtOnceOneWins) {
  for (int round = 0; round < 20; ++round) {
    if (auto dead = create(); dead) dead->disown();  // a stale socket for all to find
    std::vector<Result<UapiSocket>> results;
    for (int i = 0; i < 6; ++i) results.emplace_back(Error{});
    std::vector<std::thread> threads;
    for (auto& result : results) threads.emplace_back([&] { result = create(); });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(std::count_if(results.begin(), results.end(), [](const auto& result) { return result.ok(); }), 1);
    EXPECT_TRUE(UapiPeer(path_).is_connected());
  }
}

// Whoever may read a directory can lock it, and /var/run/wireguard as others make it is readable for all.
TEST_F(UapiSocketTest, ALockOnTheDirectoryKeepsNobodyOut) {
  std::filesystem::create_directory(directory_);
  ASSERT_EQ(::chmod(directory_.c_str(), 0755), 0);
  const io::FileDescriptor reader(::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ASSERT_EQ(::flock(reader.get(), LOCK_EX), 0);
  {
    const auto socket = create();
    ASSERT_TRUE(socket.ok()) << socket.error().message;
    EXPECT_EQ(entries(), 1U) << "nor does a lock of ours stay behind";
  }
  EXPECT_EQ(entries(), 0U);
}

TEST_F(UapiSocketTest, ALockThatIsHeldIsWaitedForButNotForEver) {
  std::filesystem::create_directory(directory_);
  io::FileDescriptor held(::open((directory_ + "/.wgu.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_EQ(::flock(held.get(), LOCK_EX), 0);
  EXPECT_EQ(create().error().code, EBUSY);
  std::thread holder([&held] {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    held.reset();  // and leaves the file behind, as who crashes does
  });
  const auto socket = create();
  holder.join();
  ASSERT_TRUE(socket.ok()) << socket.error().message;
  EXPECT_EQ(entries(), 1U);
}

TEST_F(UapiSocketTest, AdoptedDescriptorServesAndItsFileGoes) {
  auto made = create();
  ASSERT_TRUE(made.ok());
  made->disown();
  const int descriptor = made->take_listener().release();
  {
    auto adopted = UapiSocket::adopt(descriptor, "wg0", directory_);
    ASSERT_TRUE(adopted.ok()) << adopted.error().message;
    EXPECT_TRUE(UapiPeer(path_).is_connected());
  }
  EXPECT_EQ(mode(path_), 0U);
  EXPECT_EQ(::fcntl(descriptor, F_GETFD), -1) << "closed with its owner";
}

TEST_F(UapiSocketTest, OnlyListeningUnixStreamSocketsAreAdopted) {
  const io::FileDescriptor file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const io::FileDescriptor unconnected(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const io::FileDescriptor udp(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(UapiSocket::adopt(-1, "wg0", directory_).error().code, EBADF);
  EXPECT_EQ(UapiSocket::adopt(file.get(), "wg0", directory_).error().code, ENOTSOCK);
  EXPECT_EQ(UapiSocket::adopt(unconnected.get(), "wg0", directory_).error().code, EPROTOTYPE);
  EXPECT_EQ(UapiSocket::adopt(udp.get(), "wg0", directory_).error().code, EPROTOTYPE);
  EXPECT_EQ(UapiSocket::adopt(file.get(), "a/b", directory_).error().code, EINVAL);
  EXPECT_GE(::fcntl(file.get(), F_GETFD), 0) << "a refused descriptor stays the caller's";
}

}  // namespace
}  // namespace wgu::control
