#include "capture/pcapng.h"

#include <gtest/gtest.h>

#include "capture/blocks.h"

namespace wgu::capture {
namespace {

// Bytes written out by hand from draft-ietf-opsawg-pcapng.
TEST(Pcapng, SectionHeader) {
  Bytes out;
  append_section_header(out, "wgu");
  EXPECT_EQ(out, (Bytes{0x0a, 0x0d, 0x0d, 0x0a, 40,   0,    0,    0,    0x4d, 0x3c, 0x2b, 0x1a, 1,  0, 0, 0,  //
                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,                                       //
                        4,    0,    3,    0,    'w',  'g',  'u',  0,    0,    0,    0,    0,    40, 0, 0, 0}));
}

TEST(Pcapng, InterfaceDescription) {
  Bytes out;
  append_interface_description(out, "wg0", "x");
  EXPECT_EQ(out, (Bytes{1, 0, 0, 0, 48,  0,   0,   0, 101, 0, 0, 0, 0,   0, 0, 0,     // raw IP, whole packets
                        2, 0, 3, 0, 'w', 'g', '0', 0, 3,   0, 1, 0, 'x', 0, 0, 0,     //
                        9, 0, 1, 0, 9,   0,   0,   0, 0,   0, 0, 0, 48,  0, 0, 0}));  // nanoseconds
}

TEST(Pcapng, Packet) {
  Bytes out;
  const WallTime when{4, 705032705};  // 4,705,032,705 ns: 1 << 32 and 410,065,409
  append_packet(out, CaptureInterface::kOuter, Direction::kOutbound, when, Bytes{1, 2, 3}, Bytes{4, 5});
  EXPECT_EQ(out, (Bytes{6, 0, 0, 0, 52, 0, 0, 0, 1, 0, 0, 0, 1,  0, 0, 0, 0x01, 0x1a, 0x71, 0x18, 5, 0, 0, 0, 5, 0, 0, 0,  //
                        1, 2, 3, 4, 5,  0, 0, 0,                                                                           //
                        2, 0, 4, 0, 2,  0, 0, 0, 0, 0, 0, 0, 52, 0, 0, 0}));
  EXPECT_EQ(out.size(), packet_block_size(5));
}

TEST(Pcapng, InboundHasTheOtherFlagAndSizesAreExactAtEveryPadding) {
  for (std::size_t size = 0; size <= 9; ++size) {
    Bytes out;
    append_packet(out, CaptureInterface::kInner, Direction::kInbound, {}, {}, Bytes(size, 0xab));
    EXPECT_EQ(out.size(), packet_block_size(size)) << size;
    const auto blocks = test::blocks_of(out);
    ASSERT_EQ(blocks.size(), 1U);
    EXPECT_EQ(test::word(blocks[0].body, 0), 0U);
    EXPECT_EQ(test::word(blocks[0].body, 12), size);
    EXPECT_EQ(test::word(blocks[0].body, blocks[0].body.size() - 8), 1U) << "inbound";
  }
}

TEST(Pcapng, DecryptionSecrets) {
  Bytes out;
  append_decryption_secrets(out, "A = b\n");
  EXPECT_EQ(out, (Bytes{10, 0, 0, 0, 28, 0, 0, 0, 'L', 'K', 'G', 'W', 6, 0, 0, 0, 'A', ' ', '=', ' ', 'b', '\n', 0, 0, 28, 0, 0, 0}));
}

TEST(Pcapng, InterfaceStatistics) {
  Bytes out;
  append_interface_statistics(out, CaptureInterface::kOuter, {}, {7, 258});
  EXPECT_EQ(out, (Bytes{5, 0, 0, 0, 52, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0, 0,  //
                        4, 0, 8, 0, 7,  0, 0, 0, 0, 0, 0, 0,                           //
                        5, 0, 8, 0, 2,  1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 52, 0, 0, 0}));
}

TEST(Pcapng, LongNamesAreCut) {
  Bytes out;
  append_interface_description(out, std::string(70000, 'n'), std::string(70000, 'd'));
  EXPECT_EQ(test::blocks_of(out).size(), 1U);
  EXPECT_LT(out.size(), 600U);
}

}  // namespace
}  // namespace wgu::capture
