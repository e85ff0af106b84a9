#include "bench/micro/row_name.h"

#include <gtest/gtest.h>

namespace wgu::bench {
namespace {

TEST(RowName, IsWrittenAsOtherProgramsExpectIt) {
  EXPECT_EQ(row_name({Operation::kSeal, 1424, 64, "avx512"}), "aead/seal/avx512/bytes:1424/batch:64");
  EXPECT_EQ(row_name({Operation::kOpen, 64, 1, "ipsec_mb"}), "aead/open/ipsec_mb/bytes:64/batch:1");
  EXPECT_EQ(row_name({Operation::kSeal, kImix, 64, "avx2"}), "aead/seal/avx2/bytes:imix/batch:64");
}

TEST(RowName, IsReadBack) {
  for (const AeadRow& row : {AeadRow{Operation::kSeal, 8192, 8, "portable"}, AeadRow{Operation::kOpen, 128, 1, "boringssl"},
                             AeadRow{Operation::kOpen, kImix, 64, "libsodium"}}) {
    const auto parsed = parse_row_name(row_name(row));
    ASSERT_TRUE(parsed) << row_name(row);
    EXPECT_EQ(*parsed, row);
  }
}

TEST(RowName, RefusesEverythingElse) {
  for (const char* name : {
           "",
           "aead",
           "replay/in_order",
           "shard/outbound/peers:1/bytes:64/batch:64",
           "aead/seal/avx2/bytes:64",
           "aead/seal/avx2/bytes:64/batch:64/",
           "aead/seal/avx2/bytes:64/batch:64/real_time",
           "aead/seal//bytes:64/batch:64",
           "aead/seal/avx2/bytes:/batch:64",
           "aead/seal/avx2/bytes:0/batch:64",
           "aead/seal/avx2/bytes:064/batch:64",
           "aead/seal/avx2/bytes:+64/batch:64",
           "aead/seal/avx2/bytes:64x/batch:64",
           "aead/seal/avx2/bytes:99999999999/batch:64",
           "aead/seal/avx2/bytes:64/batch:0",
           "aead/seal/avx2/batch:64/bytes:64",
           "aead/copy/avx2/bytes:64/batch:64",
           "aead/seal/avx2/bytes:64/batch:64_median",
       }) {
    EXPECT_FALSE(parse_row_name(name)) << name;
  }
}

}  // namespace
}  // namespace wgu::bench
