#pragma once
// What a Merger makes of a batch, copied out, and what the model says it should have made.

#include <memory>
#include <string>
#include <vector>

#include "io/merge.h"
#include "io/offload_model.h"

namespace wgu::io::test {

struct Written {
  VirtioNetHeader header;
  Bytes packet;
  std::size_t packets = 0;
  std::size_t pieces = 0;
};

inline std::vector<Written> copies_of(std::span<const DeviceWrite> writes) {
  std::vector<Written> written;
  for (const DeviceWrite& write : writes) {
    Bytes bytes;
    for (const iovec& piece : write.pieces) append(bytes, {static_cast<const std::uint8_t*>(piece.iov_base), piece.iov_len});
    Written& made = written.emplace_back();
    made.header = load_virtio_net_header(bytes.data());
    made.packet.assign(bytes.begin() + kVirtioNetHeaderSize, bytes.end());
    made.packets = write.packets;
    made.pieces = write.pieces.size();
    if (made.packet.size() != write.size || made.header != write.header) made.packets = 0;  // which is never right
  }
  return written;
}

// Each packet lies in an allocation of its own size, so that a sanitizer sees an access past it.
inline std::vector<Written> merge(Merger& merger, const std::vector<Bytes>& packets) {
  std::vector<std::unique_ptr<std::uint8_t[]>> buffers;
  std::vector<std::span<std::uint8_t>> spans;
  for (const Bytes& packet : packets) {
    buffers.emplace_back(new std::uint8_t[packet.size()]);
    std::copy(packet.begin(), packet.end(), buffers.back().get());
    spans.emplace_back(buffers.back().get(), packet.size());
  }
  return copies_of(merger.merge(spans));
}

// Likewise; the packets lie one behind the other, `gap` apart.
inline std::vector<Written> merge_frames(Merger& merger, const std::vector<Bytes>& packets, std::size_t gap) {
  Bytes arena;
  for (const Bytes& packet : packets) {
    append(arena, packet);
    arena.resize(arena.size() + gap, 0xa5);
  }
  std::vector<std::span<std::uint8_t>> spans;
  std::size_t at = 0;
  for (const Bytes& packet : packets) {
    spans.emplace_back(arena.data() + at, packet.size());
    at += packet.size() + gap;
  }
  return copies_of(merger.merge(spans));
}

// Empty when the writes are those of the model.
inline std::string disagreement(const std::vector<Bytes>& packets, const std::vector<Written>& written, std::size_t max_segments = 128) {
  const std::vector<std::vector<std::size_t>> groups = model_merge(packets, max_segments);
  std::string made, expected;
  for (const Written& write : written) made += ' ' + std::to_string(write.packets);
  for (const std::vector<std::size_t>& group : groups) expected += ' ' + std::to_string(group.size());
  if (made != expected) return "packets of each write:" + made + ", expected:" + expected;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    Super super{{}, packets[groups[i][0]]};
    if (groups[i].size() > 1) {
      std::vector<Bytes> together;
      for (const std::size_t index : groups[i]) together.push_back(packets[index]);
      super = model_join(together);
    }
    if (written[i].header != super.header) return "header of write " + std::to_string(i);
    if (written[i].packet != super.packet) return "bytes of write " + std::to_string(i);
  }
  return {};
}

}  // namespace wgu::io::test
