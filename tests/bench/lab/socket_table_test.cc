// Texts as Linux 6 prints them: port 5201 is 1451.
#include "bench/lab/socket_table.h"

#include <gtest/gtest.h>

namespace wgu::bench {
namespace {

constexpr const char* kTcp =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 02004D0A:1451 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 77 1 0 100 0 0 10 0\n"
    "   1: 0100007F:1452 00000000:1451 01 00000000:00000000 00:00000000 00000000     0        0 78 1 0 20 4 30 10 -1\n";
constexpr const char* kTcp6 =
    "   0: 000077FD000000000000000002000000:1451 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 0 0 0 9 1\n";
constexpr const char* kUdp =
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n"
    "  11: 02004D0A:1451 01004D0A:C350 01 00000000:00000000 00:00000000 00000000     0        0 79 2 0000000000000000 1234\n"
    "  12: 02004D0A:1451 01004D0A:C351 01 00000000:00000000 00:00000000 00000000     0        0 80 2 0000000000000000 6\n"
    "  13: 00000000:CA6C 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 81 2 0000000000000000 99\n";

TEST(SocketTable, ListensOnlyWhoIsInThatState) {
  EXPECT_TRUE(is_listening_at(kTcp, 5201));
  EXPECT_FALSE(is_listening_at(kTcp, 5202)) << "connected";
  EXPECT_FALSE(is_listening_at(kTcp, 0)) << "a remote port is nobody's";
  EXPECT_TRUE(is_listening_at(kTcp6, 5201));
  EXPECT_FALSE(is_listening_at("", 5201));
}

TEST(SocketTable, DropsAreOfAllSocketsOfThePort) {
  EXPECT_EQ(dropped_at(kUdp, 5201), 1240U);
  EXPECT_EQ(dropped_at(kUdp, 51820), 99U);
  EXPECT_EQ(dropped_at(kUdp, 1), 0U);
  EXPECT_EQ(dropped_at("1: x:1451\n", 5201), 0U);
}

}  // namespace
}  // namespace wgu::bench
