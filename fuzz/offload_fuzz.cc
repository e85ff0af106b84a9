// Super-packets from the TUN, and batches to it. The first byte chooses. Split: a header and bytes; what is accepted splits as the
// byte-wise model says, what is refused is refused whole. Merge: packets, each a length and its bytes, some with their checksums put
// right and some as followers of the one before; the writes are those of the model, and split again they are the packets.
#include <cstdint>
#include <cstdlib>

#include "io/merged.h"
#include "io/split.h"

namespace {

using namespace wgu::io;
using test::Bytes;

void require(bool holds) {
  if (!holds) std::abort();
}

class Script {
 public:
  explicit Script(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}
  [[nodiscard]] bool has_more() const { return !bytes_.empty(); }
  std::uint8_t byte() { return has_more() ? take(1)[0] : 0; }
  std::size_t word() {
    const std::size_t high = byte();
    return high << 8 | byte();
  }
  std::span<const std::uint8_t> take(std::size_t size) {
    const auto taken = bytes_.first(std::min(size, bytes_.size()));
    bytes_ = bytes_.subspan(taken.size());
    return taken;
  }

 private:
  std::span<const std::uint8_t> bytes_;
};

// Finds TCP or UDP behind a plain IP header with room for it; says where it begins, or 0.
std::size_t transport_of(const Bytes& packet) {
  if (packet.size() < 20 || (packet[0] >> 4 != 4 && (packet[0] >> 4 != 6 || packet.size() < 40))) return 0;
  const std::size_t transport = test::ip_header_of(packet);
  const std::uint8_t protocol = test::protocol_of(packet);
  if (transport < 20 || (protocol != 6 && protocol != 17)) return 0;
  return packet.size() >= transport + (protocol == 6 ? 20U : 8U) ? transport : 0;
}

void split(Script script) {
  VirtioNetHeader header;
  const auto given = script.take(sizeof header);
  std::memcpy(&header, given.data(), given.size());
  const auto rest = script.take(65535);
  Bytes packet(rest.begin(), rest.end());
  const std::unique_ptr<std::uint8_t[]> exact(new std::uint8_t[packet.size()]);
  std::copy(packet.begin(), packet.end(), exact.get());

  SuperPacket super;
  const SplitError error = super.parse(header, {exact.get(), packet.size()});
  require((error == SplitError::kNone) == (super.segments() > 0) && super.segments() <= kMaxSplitSegments);
  if (error != SplitError::kNone) return;
  std::vector<Bytes> segments;
  for (std::size_t i = 0; i < super.segments(); ++i) {
    const std::unique_ptr<std::uint8_t[]> out(new std::uint8_t[super.segment_size(i)]);
    require(super.segment_size(i) <= super.largest_segment() && super.write(i, out.get()) == super.segment_size(i));
    segments.emplace_back(out.get(), out.get() + super.segment_size(i));
  }
  if (header.gso_type == kVirtioGsoNone) {
    require(segments.size() == 1);
    require(finish_checksum(header, {exact.get(), packet.size()}) == SplitError::kNone);
    require(std::equal(segments[0].begin(), segments[0].end(), exact.get(), exact.get() + packet.size()));
    require((header.flags & kVirtioNeedsChecksum) != 0 || segments[0] == packet);
    return;
  }
  const std::size_t transport = header.checksum_start;
  const std::uint8_t protocol = header.gso_type == kVirtioGsoUdpL4 ? 17 : 6;
  if (packet[0] >> 4 == 6 && transport != 40) return;  // the model knows no extension headers
  // The model finishes checksums from the addresses; for whoever lied about the pseudo header's sum they are wrong.
  const std::vector<Bytes> expected = test::model_split(header, packet);
  require(segments.size() == expected.size());
  const std::size_t field = transport + header.checksum_offset;
  const bool is_honest = test::number(packet, field) % 0xffff == test::pseudo_sum(packet, transport, protocol) % 0xffff;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (!is_honest) {
      std::copy_n(expected[i].begin() + static_cast<std::ptrdiff_t>(field), 2, segments[i].begin() + static_cast<std::ptrdiff_t>(field));
    }
    require(test::canonical(segments[i]) == test::canonical(expected[i]));
  }
}

void merge(Script script) {
  constexpr std::size_t kMaxSegments = 5;
  const std::size_t gap = script.byte() % 64;
  std::vector<Bytes> packets;
  while (script.has_more() && packets.size() < 24) {
    const std::uint8_t how = script.byte();
    const auto given = script.take(script.word() % 200);
    Bytes packet(given.begin(), given.end());
    if ((how & 1) != 0 && !packets.empty()) {  // follows: the headers of the one before, moved on, and other payload
      const Bytes& before = packets.back();
      const std::size_t transport = transport_of(before);
      if (transport != 0) {
        const bool is_tcp = test::protocol_of(before) == 6;
        const std::size_t headers = std::min(before.size(), transport + (is_tcp ? (before[transport + 12] >> 4U) * 4U : 8U));
        Bytes next(before.begin(), before.begin() + static_cast<std::ptrdiff_t>(headers));
        if (before[0] >> 4 == 4) test::set_number(next, 4, test::number(next, 4) + 1);
        if (is_tcp && headers >= transport + 20) {
          test::set_number(next, transport + 4, test::number(next, transport + 4, 4) + before.size() - headers, 4);
        }
        test::append(next, packet);
        packet = std::move(next);
      }
    }
    if ((how & 2) != 0 && packet.size() >= 20) {  // lengths
      if (packet[0] >> 4 == 4) test::set_number(packet, 2, packet.size());
      if (packet[0] >> 4 == 6 && packet.size() >= 40) test::set_number(packet, 4, packet.size() - 40);
      const std::size_t transport = transport_of(packet);
      if (transport != 0 && test::protocol_of(packet) == 17) test::set_number(packet, transport + 4, packet.size() - transport);
    }
    if ((how & 4) != 0) {
      const std::size_t transport = transport_of(packet);
      if (transport != 0) test::finish(packet, transport, test::protocol_of(packet));
    }
    packets.push_back(std::move(packet));
  }

  Merger merger(packets.size() / 2, {.max_segments = kMaxSegments});
  const std::vector<test::Written> written = test::merge(merger, packets);
  require(test::disagreement(packets, written, kMaxSegments).empty());
  Merger mover(packets.size(), {.max_segments = kMaxSegments, .moves_neighbours = true});
  require(test::disagreement(packets, test::merge_frames(mover, packets, gap), kMaxSegments).empty());
  for (const test::Written& write : written) {
    if (write.packets == 1) continue;
    SuperPacket super;
    require(super.parse(write.header, write.packet) == SplitError::kNone && super.segments() == write.packets);
    for (std::size_t i = 0; i < super.segments(); ++i) {
      Bytes segment(super.segment_size(i));
      super.write(i, segment.data());
      require(test::checksums_are_right(segment));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Script script({data, size});
  if (script.byte() % 2 == 0) {
    split(script);
  } else {
    merge(script);
  }
  return 0;
}
