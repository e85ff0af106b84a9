#include "telemetry/host/qdisc.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "io/own_namespace.h"

namespace wgu::telemetry {
namespace {

using Bytes = std::vector<std::uint8_t>;

template <class T>
void append(Bytes& bytes, const T& value) {
  const auto* begin = reinterpret_cast<const std::uint8_t*>(&value);
  bytes.insert(bytes.end(), begin, begin + sizeof value);
}

Bytes attribute(std::uint16_t type, const Bytes& value) {
  Bytes bytes;
  append(bytes, nlattr{static_cast<std::uint16_t>(sizeof(nlattr) + value.size()), type});
  bytes.insert(bytes.end(), value.begin(), value.end());
  bytes.resize((bytes.size() + 3) / 4 * 4);
  return bytes;
}

Bytes message(std::uint16_t type, const Bytes& attributes) {
  Bytes bytes;
  append(bytes, nlmsghdr{static_cast<std::uint32_t>(sizeof(nlmsghdr) + sizeof(tcmsg) + attributes.size()), type, 0, 0, 0});
  tcmsg header{};
  header.tcm_ifindex = 3;
  header.tcm_handle = 0x80010000;
  header.tcm_parent = TC_H_ROOT;
  append(bytes, header);
  bytes.insert(bytes.end(), attributes.begin(), attributes.end());
  return bytes;
}

Bytes whole_message() {
  Bytes queue;
  append(queue, gnet_stats_queue{.qlen = 1, .backlog = 2, .drops = 3, .requeues = 4, .overlimits = 5});
  Bytes attributes = attribute(TCA_KIND, {'f', 'q', 0});
  const Bytes statistics = attribute(TCA_STATS2 | NLA_F_NESTED, attribute(TCA_STATS_QUEUE, queue));
  attributes.insert(attributes.end(), statistics.begin(), statistics.end());
  return message(RTM_NEWQDISC, attributes);
}

TEST(Qdisc, IsReadFromItsAttributes) {
  std::vector<Qdisc> qdiscs;
  EXPECT_FALSE(parse_qdiscs(whole_message(), qdiscs)) << "no NLMSG_DONE yet";
  const Qdisc expected{.interface_index = 3,
                       .kind = "fq",
                       .handle = 0x80010000,
                       .parent = kRootQdisc,
                       .drops = 3,
                       .overlimits = 5,
                       .requeues = 4,
                       .queued_packets = 1,
                       .queued_bytes = 2};
  ASSERT_EQ(qdiscs.size(), 1U);
  EXPECT_EQ(qdiscs[0], expected);
  EXPECT_TRUE(parse_qdiscs(message(NLMSG_DONE, {}), qdiscs));
  EXPECT_EQ(qdiscs.size(), 1U);
}

TEST(Qdisc, WithoutStatisticsHasNone) {
  std::vector<Qdisc> qdiscs;
  EXPECT_FALSE(parse_qdiscs(message(RTM_NEWQDISC, attribute(TCA_KIND, {'x'})), qdiscs));
  ASSERT_EQ(qdiscs.size(), 1U);
  EXPECT_EQ(qdiscs[0].kind, "x");
  EXPECT_EQ(qdiscs[0].drops, std::nullopt);
}

TEST(Qdisc, CutAnywhereIsNeverReadBeyond) {
  const Bytes whole = whole_message();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Bytes cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));  // its end is the heap's: the sanitizer sees
    std::vector<Qdisc> qdiscs;
    static_cast<void>(parse_qdiscs(cut, qdiscs));
    EXPECT_TRUE(qdiscs.empty()) << size;
  }
}

TEST(Qdisc, OfTheKernelCountsWhatItDrops) {
  io::test::run_in_own_namespace([] {
    ASSERT_EQ(std::system("ip link set lo up && tc qdisc add dev lo root tbf rate 8kbit burst 1600 limit 1600"), 0);
    const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(9);
    const std::array<char, 1000> payload{};
    for (int i = 0; i < 20; ++i) ::sendto(socket, payload.data(), payload.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof to);
    const auto qdiscs = read_qdiscs();
    ASSERT_TRUE(qdiscs);
    const auto lo = std::find_if(qdiscs->begin(), qdiscs->end(), [](const Qdisc& each) { return each.kind == "tbf"; });
    ASSERT_NE(lo, qdiscs->end());
    EXPECT_EQ(lo->interface_index, ::if_nametoindex("lo"));
    EXPECT_EQ(lo->parent, kRootQdisc);
    EXPECT_GE(lo->drops.value(), 15U);  // 1600 bytes go at once, 1600 wait
    EXPECT_LE(lo->drops.value(), 19U);
    EXPECT_EQ(lo->queued_packets, 1U);
  });
}

}  // namespace
}  // namespace wgu::telemetry
