#include "capture/bounded_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <thread>
#include <vector>

#include "scratch_folder.h"

namespace wgu::capture {
namespace {

using wgu::test::contents;
using Bytes = std::vector<std::uint8_t>;

TEST(BoundedFile, IsItsOwnersAlone) {
  const wgu::test::ScratchFolder folder;
  ::umask(0);
  const auto file = BoundedFile::create(folder.file("a"), 100);
  ASSERT_TRUE(file);
  struct stat status {};
  ASSERT_EQ(::stat(folder.file("a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777U, 0600U);
}

TEST(BoundedFile, IsNeverOneThatExistsNorALinksTarget) {
  const wgu::test::ScratchFolder folder;
  ASSERT_TRUE(BoundedFile::create(folder.file("a"), 100));
  EXPECT_EQ(BoundedFile::create(folder.file("a"), 100).error().code, EEXIST);
  std::filesystem::create_symlink(folder.file("target"), folder.file("link"));
  EXPECT_EQ(BoundedFile::create(folder.file("link"), 100).error().code, EEXIST);
  EXPECT_FALSE(std::filesystem::exists(folder.file("target")));
  const auto nowhere = BoundedFile::create(folder.file("no/such/folder"), 100);
  EXPECT_EQ(nowhere.error().code, ENOENT);
  EXPECT_NE(nowhere.error().message.find("no/such/folder"), std::string::npos);
}

TEST(BoundedFile, TakesWholePiecesUpToItsLimitThenNoneForGood) {
  const wgu::test::ScratchFolder folder;
  const auto file = std::move(BoundedFile::create(folder.file("a"), 5)).value();
  EXPECT_TRUE(file->append(Bytes{1, 2, 3}));
  EXPECT_FALSE(file->append(Bytes{4, 5, 6})) << "one byte too many";
  EXPECT_TRUE(file->is_full());
  EXPECT_FALSE(file->append(Bytes{7})) << "it would fit, and leave a hole before it";
  EXPECT_EQ(contents(folder.file("a")), (Bytes{1, 2, 3}));
  EXPECT_EQ(file->size(), 3U);
  EXPECT_TRUE(file->append_last(Bytes{9, 9, 9, 9}));
  EXPECT_EQ(contents(folder.file("a")), (Bytes{1, 2, 3, 9, 9, 9, 9}));
}

TEST(BoundedFile, TakesExactlyItsLimit) {
  const wgu::test::ScratchFolder folder;
  const auto file = std::move(BoundedFile::create(folder.file("a"), 4)).value();
  EXPECT_TRUE(file->append(Bytes{1, 2, 3, 4}));
  EXPECT_FALSE(file->append(Bytes{5}));
}

TEST(BoundedFile, AFullDiskEndsIt) {
  // A limit on the size of files does to a write what a full disk does.
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const rlimit small{6, limit.rlim_max};
  const wgu::test::ScratchFolder folder;
  const auto file = std::move(BoundedFile::create(folder.file("a"), 100)).value();
  ::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  EXPECT_TRUE(file->append(Bytes{1, 2, 3, 4}));
  EXPECT_FALSE(file->append(Bytes{5, 6, 7, 8})) << "only half of it has room";
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  EXPECT_FALSE(file->append(Bytes{9}));
  EXPECT_FALSE(file->append_last(Bytes{9})) << "behind half a piece nothing could be read";
  EXPECT_EQ(contents(folder.file("a")), (Bytes{1, 2, 3, 4, 5, 6}));
}

TEST(BoundedFile, PiecesOfSeveralThreadsStayWholeAndWithinTheLimit) {
  const wgu::test::ScratchFolder folder;
  constexpr std::size_t kPiece = 1000;
  const auto file = std::move(BoundedFile::create(folder.file("a"), 1500 * kPiece + 1)).value();
  std::atomic<std::size_t> written{0};
  {
    std::vector<std::jthread> threads;
    for (std::uint8_t id = 1; id <= 4; ++id) {
      threads.emplace_back([&, id] {
        const Bytes piece(kPiece, id);
        for (int i = 0; i < 500; ++i) written += file->append(piece) ? 1U : 0U;
      });
    }
  }
  const Bytes all = contents(folder.file("a"));
  EXPECT_EQ(all.size(), written * kPiece);
  EXPECT_LE(written, 1500U);
  EXPECT_GE(written, 1497U) << "each thread may fail once while others hold reservations that are given back";
  for (std::size_t at = 0; at < all.size(); at += kPiece) {
    ASSERT_EQ(std::count(all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(at + kPiece), all[at]),
              kPiece);
  }
}

}  // namespace
}  // namespace wgu::capture
