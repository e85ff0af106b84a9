#include "engine/mailbox.h"

namespace wgu::engine {

using tunnel::Handover;

Mailbox::~Mailbox() {
  std::vector<Handover> rest;
  collect(kMailboxCapacity, rest);
}

bool Mailbox::post(Handover& handover) {
  if (letters_.write_available() == 0) return false;
  Letter letter;
  if (auto* routed = std::get_if<tunnel::RoutedPacket>(&handover.work)) {
    letter.peer = routed->peer;
    letter.block = routed->packet.release();
  } else if (auto* datagram = std::get_if<Datagram>(&handover.work)) {
    letter.block = datagram->packet.release();
    letter.remote = datagram->remote;
    letter.local = datagram->local;
    letter.traffic_class = datagram->traffic_class;
  } else if (const auto* path = std::get_if<tunnel::NarrowPath>(&handover.work)) {
    letter.remote = path->remote;
    letter.path_mtu = path->mtu;
  } else {
    letter.initiation = std::get<std::unique_ptr<tunnel::RoutedInitiation>>(handover.work).release();
  }
  return letters_.push(letter);  // there is room: only this thread fills it
}

void Mailbox::collect(std::size_t most, std::vector<Handover>& handovers) {
  Letter letter;
  for (; most > 0 && letters_.pop(letter); --most) {
    Handover& handover = handovers.emplace_back();
    if (letter.initiation != nullptr) {
      handover.work = std::unique_ptr<tunnel::RoutedInitiation>(letter.initiation);
    } else if (letter.path_mtu != 0) {
      handover.work = tunnel::NarrowPath{letter.remote, letter.path_mtu};
    } else if (letter.peer.is_set()) {
      handover.work = tunnel::RoutedPacket{letter.peer, Packet(letter.block)};
    } else {
      handover.work = Datagram{Packet(letter.block), letter.remote, letter.local, letter.traffic_class};
    }
  }
}

}  // namespace wgu::engine
