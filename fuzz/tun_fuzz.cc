// Packets from the device. The input is an MTU and a list of packets of alice's device, each a length and as many bytes. What is
// sealed opens at bob to the same packet, or is refused there for a reason; what is refused at once may be answered with ICMP.
#include <cstring>

#include "live_session.h"
#include "tunnel/ip.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using wgu::tunnel::require;
  wgu::tunnel::LiveSession session(16, 65536 + 64);
  wgu::tunnel::Script script({data, size});
  const std::size_t mtu = script.word();
  session.alice.set_mtu(static_cast<std::uint16_t>(mtu));
  while (script.has_more()) {
    const std::size_t length = script.word();
    wgu::tunnel::Bytes packet(length);
    const auto given = script.bytes(length);
    std::copy(given.begin(), given.end(), packet.begin());
    if (given.size() < length) break;
    session.send(session.alice, packet);
    for (const wgu::Packet& answer : std::exchange(session.alice_output.to_device, {})) {
      const auto header = wgu::tunnel::parse_inbound(answer.bytes());
      require(header.has_value() && header->total_length == answer.size() && answer.size() <= wgu::tunnel::kMaxIcmpSize);
    }
    for (const wgu::Datagram& datagram : std::exchange(session.alice_output.to_network, {})) {
      const std::size_t padded = datagram.packet.size() - 32;
      require(datagram.packet.size() <= 65507 && padded >= length && padded - length < 16);
      // Never past the MTU; a packet above it is padded as its last piece of that size would be (kernel send.c).
      require(mtu == 0 ? padded % 16 == 0 : padded <= (length + mtu - 1) / mtu * mtu);
      require(mtu == 0 || length > mtu || padded % 16 == 0 || padded == mtu);
      const auto before = session.bob.counters();
      session.receive(session.bob, datagram.packet.bytes(), session.kAlice, datagram.traffic_class);
      const auto after = session.bob.counters();
      require(after.dropped(wgu::Drop::kInBadTag) == 0 && after.dropped(wgu::Drop::kInReplayed) == 0);
      require(after.device_packets_sent + after.dropped(wgu::Direction::kInbound) ==
              before.device_packets_sent + before.dropped(wgu::Direction::kInbound) + 1);
    }
  }
  session.finish();
  return 0;
}
