// Datagrams into a live session. The input is a script: raw datagrams, genuine ones of alice's altered, cut, repeated and held
// back, inner packets, time. After every step the books balance, and nothing but alice's packets comes out of bob's device.
#include <vector>

#include "live_session.h"

namespace {

using namespace std::chrono_literals;
using wgu::tunnel::Bytes;

// Genuine datagrams that the script may use again: the latest ones.
constexpr std::size_t kKept = 16;

void keep(std::vector<Bytes>& genuine, std::span<const std::uint8_t> bytes) {
  if (genuine.size() == kKept) genuine.erase(genuine.begin());
  genuine.emplace_back(bytes.begin(), bytes.end());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  wgu::tunnel::LiveSession session(512, 2048 + 64);
  wgu::tunnel::Script script({data, size});
  std::vector<Bytes> genuine;
  while (script.has_more()) {
    const std::uint8_t step = script.byte();
    wgu::Endpoint from = session.kAlice;
    if ((step & 0x80) != 0) from.port = 9;  // roaming, or an attacker elsewhere
    switch (step % 8) {
      case 0:
        session.receive(session.bob, script.bytes(script.word() % 2048), from, step);
        break;
      case 1: {  // alice speaks; nothing of it has arrived yet
        session.send(session.alice,
                     wgu::tunnel::inner_packet(session.kAliceInside, session.kBobInside, 20 + script.word() % 1400, script.byte()));
        session.settle(session.alice);
        for (const wgu::Datagram& datagram : std::exchange(session.alice_output.to_network, {})) keep(genuine, datagram.packet.bytes());
        break;
      }
      case 2:  // as it is, maybe again
        if (!genuine.empty()) session.receive(session.bob, genuine[script.byte() % genuine.size()], from, step);
        break;
      case 3:  // altered
        if (!genuine.empty()) {
          Bytes bytes = genuine[script.byte() % genuine.size()];
          bytes[script.word() % bytes.size()] ^= script.byte();
          session.receive(session.bob, bytes, from, step);
        }
        break;
      case 4:  // of another length
        if (!genuine.empty()) {
          Bytes bytes = genuine[script.byte() % genuine.size()];
          bytes.resize(script.word() % 2048, script.byte());
          session.receive(session.bob, bytes, from, step);
        }
        break;
      case 5:
        session.now += std::chrono::milliseconds(1ULL << script.byte() % 20);
        session.settle(session.bob);
        break;
      case 6:
        session.send(session.bob, wgu::tunnel::inner_packet(session.kBobInside, session.kAliceInside, 20 + script.word() % 1400));
        break;
      case 7:  // what bob says reaches alice
        session.settle(session.bob);
        for (const wgu::Datagram& datagram : std::exchange(session.bob_output.to_network, {})) {
          session.receive(session.alice, datagram.packet.bytes(), session.kBob);
        }
        session.settle(session.alice);
        for (const wgu::Datagram& datagram : std::exchange(session.alice_output.to_network, {})) keep(genuine, datagram.packet.bytes());
        session.alice_output.to_device.clear();
        break;
    }
  }
  session.finish();
  return 0;
}
