// A library built without capture, as by default.
#include "engine/recorder.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace wgu::engine {
namespace {

TEST(RecorderAbsent, SaysSoToWhoeverAsks) {
  Recording recording;
  EXPECT_TRUE(recording.open({}, "wg0").ok()) << "nothing is asked for";
  for (const CaptureFiles& files : {CaptureFiles{.packets = "/nowhere/a"}, CaptureFiles{.keys = "/nowhere/k"}}) {
    const Result<void> opened = recording.open(files, "wg0");
    ASSERT_FALSE(opened.ok());
    EXPECT_EQ(opened.error().code, ENOTSUP);
    EXPECT_NE(opened.error().message.find("WGU_CAPTURE"), std::string::npos);
  }
  EXPECT_FALSE(recording.is_on());
  recording.identity(PrivateKey::generate());
  EXPECT_EQ(recording.finish({}), "");
  Recorder recorder;
  recorder.open(recording);
  EXPECT_FALSE(recorder.is_on());
  recorder.close();
}

}  // namespace
}  // namespace wgu::engine
