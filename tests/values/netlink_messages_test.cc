// Attributes as rtnetlink(7) lays them out, whole and cut.
#include "values/netlink_messages.h"

#include <gtest/gtest.h>

#include <map>

namespace wgu {
namespace {

// Length and type of 16 bits each, the payload, zeros up to a multiple of four.
const std::uint8_t kAttributes[] = {
    7, 0, 1, 0, 'a', 'b', 'c', 0,  // three bytes of payload
    8, 0, 2, 0, 1,   0,   0,   0,  // four
    4, 0, 3, 0,                    // none
};

TEST(NetlinkMessages, AttributesAreTakenApart) {
  std::map<int, std::size_t> sizes;
  for_each_attribute(kAttributes, [&](int type, NetlinkBytes payload) { sizes[type] = payload.size(); });
  EXPECT_EQ(sizes, (std::map<int, std::size_t>{{1, 3}, {2, 4}, {3, 0}}));
}

TEST(NetlinkMessages, NothingIsReadBeyondWhatThereIs) {
  for (std::size_t size = 0; size < sizeof kAttributes; ++size) {
    std::size_t payloads = 0;
    for_each_attribute(NetlinkBytes(kAttributes, size), [&](int, NetlinkBytes payload) { payloads += payload.size(); });
    EXPECT_EQ(payloads, size < 7 ? 0U : size < 16 ? 3U : 7U) << size;
  }
  const std::uint8_t too_short[] = {3, 0, 1, 0};
  for_each_attribute(too_short, [](int, NetlinkBytes) { FAIL() << "shorter than its own header"; });
  const std::uint8_t message[sizeof(nlmsghdr)] = {255};
  for_each_message(message, [](const nlmsghdr&, NetlinkBytes) { FAIL() << "longer than what there is"; });
  EXPECT_EQ(load<std::uint32_t>(NetlinkBytes(kAttributes, 3)), 0U);
}

}  // namespace
}  // namespace wgu
