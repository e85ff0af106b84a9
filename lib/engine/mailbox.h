#pragma once
// From one worker to one other: a bounded single-producer single-consumer ring (Boost.Lockfree) of handovers, flattened to plain
// values because the ring copies. Post and collect allocate nothing for packets.

#include <boost/lockfree/spsc_queue.hpp>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "tunnel/handover.h"

namespace wgu::engine {

inline constexpr std::size_t kMailboxCapacity = 1024;  // letters; about the packets of two full batches of super-packets

class Mailbox {
 public:
  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;
  ~Mailbox();  // gives back what was never collected; both workers have ended

  // False when full: `handover` is untouched. Producer's thread.
  [[nodiscard]] bool post(tunnel::Handover& handover);
  // Letters that wait, at the most. Producer's thread.
  [[nodiscard]] std::size_t waiting() const noexcept { return kMailboxCapacity - letters_.write_available(); }
  // Appends what has come, `most` at the most. Consumer's thread.
  void collect(std::size_t most, std::vector<tunnel::Handover>& handovers);
  // Consumer's thread.
  [[nodiscard]] bool has_mail() const noexcept { return letters_.read_available() != 0; }

 private:
  struct Letter {
    PacketBlock* block = nullptr;                      // owned
    tunnel::RoutedInitiation* initiation = nullptr;    // owned; else a packet or
    std::size_t path_mtu = 0;                          // not 0: of the path to `remote`, and no packet
    tunnel::PeerId peer;                               // set: an inner packet routed to it; unset: a datagram
    Endpoint remote;
    LocalAddress local;
    std::uint8_t traffic_class = 0;
  };
  boost::lockfree::spsc_queue<Letter, boost::lockfree::capacity<kMailboxCapacity>> letters_;
};

}  // namespace wgu::engine
