#pragma once
// Consecutive inner packets of one batch as few, large writes to a TUN with virtio_net_hdr (what the kernel's GRO does for packets
// of a network card). A segment whose checksum is wrong leaves as it came, alone: the kernel takes a super-packet's word for its
// checksums. Nothing is copied, unless neighbours may move together: a write is a list of pieces of the packets, for writev(2).

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "io/virtio_net.h"

namespace wgu::io {

// What the device takes (TUNSETOFFLOAD), less what is switched off.
struct MergeOptions {
  bool tcp_v4 = true;   // TUN_F_TSO4
  bool tcp_v6 = true;   // TUN_F_TSO6
  bool udp = true;      // TUN_F_USO4 and TUN_F_USO6, which come as a pair
  // As many as the kernel puts into one UDP super-packet (UDP_MAX_SEGMENTS, Linux 6.9): who receives it whole is prepared for these.
  // Also bounds the pieces of a write, far below IOV_MAX.
  std::size_t max_segments = 128;
  // Payloads of packets that follow each other in the batch and in memory, less than kNeighbourGap apart, move together while they
  // are verified: a write of one piece costs the kernel a quarter less than one of 44. What lies between the packets is lost.
  bool moves_neighbours = false;
};
// Tag (16) and padding (15) of one frame and data header (16) of the next lie between. Less than a third frame (32 at the least) would
// add to a tag and a header: nobody else's packet is ever in the gap.
inline constexpr std::size_t kNeighbourGap = 64;

struct DeviceWrite {
  VirtioNetHeader header;
  std::size_t packets = 0;          // inner packets in it
  std::size_t size = 0;             // bytes of the IP packet, without the header
  std::span<const iovec> pieces{};  // to be written together; the first is `header`, the second begins with the IP header
};

class Merger {
 public:
  // A batch of up to `batch` packets is merged without allocating.
  explicit Merger(std::size_t batch = 128, MergeOptions options = {});

  // The writes that take these packets to the device: each flow's in the order of its packets, each in the place of its first packet.
  // A span is one whole IP packet without padding, and nothing else reads or writes it until the writes are done: the headers of
  // merged packets change. The result is valid until the next call.
  std::span<const DeviceWrite> merge(std::span<const std::span<std::uint8_t>> packets);

 private:
  struct Candidate;  // a packet, looked at
  // A write being gathered: packets `first` to `last`, chained through links_.
  struct Gathering {
    std::uint8_t* packet = nullptr;  // the first's bytes: the headers of all
    std::uint8_t* end = nullptr;     // of the last piece
    std::uint32_t first = 0;
    std::uint32_t last = 0;
    std::uint32_t segments = 1;
    std::uint32_t size = 0;
    std::uint32_t next_sequence = 0;  // TCP
    std::uint16_t ip_header = 0;
    std::uint16_t headers = 0;        // IP and transport header together
    std::uint16_t gso_size = 0;
    std::uint16_t step_of_id = 1;     // IPv4: 1, or 0 when the second packet's is the first's
    std::uint16_t flow_sum = 0;       // of the pseudo header without the length, once verified
    std::uint8_t protocol = 0;
    std::uint8_t last_flags = 0;      // TCP
    bool is_open = false;             // another packet may follow
    bool is_verified = false;         // the first packet's checksum; of those that follow it always is
  };
  struct Link {
    std::uint32_t next = 0;  // the packet that follows in the same gathering
    bool is_moved = false;   // this one's payload, to where the one before it ends
  };
  struct Slot {
    std::uint32_t generation = 0;  // of another batch, or before a packet of unknown flow: empty
    std::uint32_t hash = 0;
    std::uint32_t gathering = 0;
  };

  void reserve(std::size_t packets);
  [[nodiscard]] Candidate look_at(std::span<std::uint8_t> packet) const noexcept;
  void look_at_tcp(Candidate& candidate) const noexcept;
  void look_at_udp(Candidate& candidate) const noexcept;
  void place(std::uint32_t index, Candidate& candidate) noexcept;
  static void verify_first(Gathering& gathering) noexcept;
  static bool verify(const Gathering& gathering, const Candidate& candidate) noexcept;
  [[nodiscard]] bool are_neighbours(const Gathering& gathering, std::uint32_t index, const Candidate& candidate) const noexcept;
  static bool verify_and_move(const Gathering& gathering, const Candidate& candidate) noexcept;
  [[nodiscard]] bool is_of(const Slot& slot, const Candidate& candidate) const noexcept;
  [[nodiscard]] Slot& find(const Candidate& candidate) noexcept;
  [[nodiscard]] bool follows(const Gathering& gathering, const Candidate& candidate) const noexcept;
  void append(Gathering& gathering, std::uint32_t index, const Candidate& candidate) noexcept;
  void begin(std::uint32_t index, const Candidate& candidate) noexcept;
  void forget_flows() noexcept;
  void lay_out(std::span<const std::span<std::uint8_t>> packets) noexcept;
  static VirtioNetHeader complete_headers(const Gathering& gathering) noexcept;

  MergeOptions options_;
  std::vector<Gathering> gatherings_;  // of this batch, in the order of their first packets
  std::vector<Link> links_;            // of each packet
  std::vector<Slot> slots_;            // hash table: the latest gathering of each flow; at least half of it is empty
  std::uint32_t generation_ = 0;
  Slot* recent_ = nullptr;             // of the packet before: most packets are of its flow
  const std::uint8_t* previous_end_ = nullptr;  // of the packet before, where it came
  std::vector<DeviceWrite> writes_;
  std::vector<iovec> pieces_;
};

}  // namespace wgu::io
