#include "bench/whole_file.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace wgu::bench {
namespace {

class WholeFileTest : public testing::Test {
 protected:
  WholeFileTest() { std::filesystem::create_directories(folder_); }
  ~WholeFileTest() override { std::filesystem::remove_all(folder_); }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  static void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }
  static std::string read(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::filesystem::path folder_ = std::filesystem::path(testing::TempDir()) /
                                  (std::string("wgu_whole_file_") + testing::UnitTest::GetInstance()->current_test_info()->name());
  std::string path_ = folder_ / "result.json";
};

TEST_F(WholeFileTest, HasItsNameOnlyOnceCommitted) {
  WholeFile file(path_);
  if (file.path_for_writing() == path_) GTEST_SKIP() << "this file system knows no files without names";
  write(file.path_for_writing(), "all of it");
  EXPECT_EQ(files(), 0U);
  file.commit();
  EXPECT_EQ(read(path_), "all of it");
  EXPECT_EQ(files(), 1U);
}

TEST_F(WholeFileTest, LeavesNothingWhenItIsNotCommitted) {
  {
    WholeFile file(path_);
    if (file.path_for_writing() == path_) GTEST_SKIP() << "this file system knows no files without names";
    write(file.path_for_writing(), "half");
  }
  EXPECT_EQ(files(), 0U);
}

TEST_F(WholeFileTest, ReplacesWhatStoodThere) {
  write(path_, "an older and longer result");
  WholeFile file(path_);
  write(file.path_for_writing(), "new");
  file.commit();
  EXPECT_EQ(read(path_), "new");
  EXPECT_EQ(files(), 1U);
}

TEST_F(WholeFileTest, RefusesAFolderThatIsNotThere) { EXPECT_THROW(WholeFile(folder_ / "absent" / "result.json"), std::system_error); }

TEST_F(WholeFileTest, IsWrittenInOneGo) {
  ASSERT_TRUE(write_whole_file(path_, "all of it"));
  EXPECT_EQ(read(path_), "all of it");
  EXPECT_EQ(files(), 1U);
  const auto refused = write_whole_file(folder_ / "absent" / "result.json", "x");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ENOENT);
  EXPECT_NE(refused.error().message.find("absent/result.json"), std::string::npos) << refused.error().message;
}

}  // namespace
}  // namespace wgu::bench
