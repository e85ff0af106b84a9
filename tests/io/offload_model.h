#pragma once
// Super-packets the slow and obvious way: packets built field by field, split byte by byte with every checksum computed anew, and
// merged by trying: packets may leave together exactly when splitting the result gives the same packets back.

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "io/virtio_net.h"

namespace wgu::io::test {

using Bytes = std::vector<std::uint8_t>;

inline std::size_t number(std::span<const std::uint8_t> bytes, std::size_t at, std::size_t size = 2) {
  std::size_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | bytes[at + i];
  return value;
}
inline void set_number(std::span<std::uint8_t> bytes, std::size_t at, std::size_t value, std::size_t size = 2) {
  for (std::size_t i = 0; i < size; ++i) bytes[at + i] = static_cast<std::uint8_t>(value >> 8 * (size - 1 - i));
}
inline void append(Bytes& to, std::span<const std::uint8_t> bytes) { to.insert(to.end(), bytes.begin(), bytes.end()); }

// RFC 1071, first page: 16-bit words in network order, carries added back at once.
inline std::size_t model_sum(std::span<const std::uint8_t> bytes, std::size_t sum = 0) {
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    sum += bytes[i] * 256U + (i + 1 < bytes.size() ? bytes[i + 1] : 0U);
    while (sum > 0xffff) sum -= 0xffff;
  }
  return sum;
}

inline std::size_t ip_header_of(std::span<const std::uint8_t> packet) {
  return packet[0] >> 4 == 4 ? (packet[0] & 15U) * 4U : 40U;  // the builder below makes no extension headers
}
inline std::uint8_t protocol_of(std::span<const std::uint8_t> packet) { return packet[packet[0] >> 4 == 4 ? 9 : 6]; }
inline std::size_t pseudo_sum(std::span<const std::uint8_t> packet, std::size_t transport, std::uint8_t protocol) {
  const std::size_t sum = (packet.size() - transport) + protocol;
  return packet[0] >> 4 == 4 ? model_sum(packet.subspan(12, 8), sum) : model_sum(packet.subspan(8, 32), sum);
}
inline std::size_t checksum_place(std::uint8_t protocol) { return protocol == 6 ? 16 : 6; }

// Writes the right checksums: of the IPv4 header, and of TCP or UDP at `transport`.
inline void finish(std::span<std::uint8_t> packet, std::size_t transport, std::uint8_t protocol) {
  if (packet[0] >> 4 == 4) {
    set_number(packet, 10, 0);
    set_number(packet, 10, 0xffff - model_sum(packet.first((packet[0] & 15U) * 4U)));
  }
  const std::size_t field = transport + checksum_place(protocol);
  set_number(packet, field, 0);
  const std::size_t checksum = 0xffff - model_sum(packet.subspan(transport), pseudo_sum(packet, transport, protocol));
  set_number(packet, field, checksum == 0 && protocol == 17 ? 0xffff : checksum);
}
inline bool checksums_are_right(std::span<const std::uint8_t> packet) {
  const std::size_t transport = ip_header_of(packet);
  if (packet[0] >> 4 == 4 && model_sum(packet.first(transport)) != 0xffff) return false;
  return model_sum(packet.subspan(transport), pseudo_sum(packet, transport, protocol_of(packet))) == 0xffff;
}

inline Bytes pattern(std::size_t size, std::size_t seed = 1) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>((i + seed) * 0x9e3779b1U >> 11);
  return bytes;
}

constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32, kEce = 64, kCwr = 128;

struct Inner {
  int version = 4;
  std::uint8_t protocol = 6;
  std::uint8_t host = 1;  // last byte of the source; the destination's is 200
  std::uint16_t port = 4000;
  std::uint32_t sequence = 1000;
  std::uint32_t acknowledgment = 77;
  std::uint8_t reserved = 0;  // lower half of TCP's byte 12
  std::uint8_t flags = kAck;
  std::uint16_t window = 500;
  std::uint16_t urgent = 0;
  Bytes tcp_options{};  // a multiple of four bytes
  Bytes ip_options{};   // IPv4, likewise
  std::uint8_t tos = 0;
  std::uint8_t ttl = 64;
  std::uint32_t flow_label = 0;
  std::uint16_t id = 100;
  std::uint16_t fragment = 0x4000;  // DF
  Bytes payload{};
};

inline Bytes build(const Inner& inner) {
  Bytes packet;
  const std::size_t transport_size = (inner.protocol == 6 ? 20 + inner.tcp_options.size() : 8) + inner.payload.size();
  if (inner.version == 4) {
    packet.resize(20);
    packet[0] = static_cast<std::uint8_t>(0x45 + inner.ip_options.size() / 4);
    packet[1] = inner.tos;
    append(packet, inner.ip_options);
    set_number(packet, 2, packet.size() + transport_size);
    set_number(packet, 4, inner.id);
    set_number(packet, 6, inner.fragment);
    packet[8] = inner.ttl;
    packet[9] = inner.protocol;
    const std::array<std::uint8_t, 8> addresses = {10, 0, 0, inner.host, 10, 0, 0, 200};
    std::copy(addresses.begin(), addresses.end(), packet.begin() + 12);
  } else {
    packet.resize(40);
    set_number(packet, 0, std::size_t{6} << 28 | std::size_t{inner.tos} << 20 | inner.flow_label, 4);
    set_number(packet, 4, transport_size);
    packet[6] = inner.protocol;
    packet[7] = inner.ttl;
    packet[8] = packet[24] = 0xfd;
    packet[23] = inner.host;
    packet[39] = 200;
  }
  const std::size_t transport = packet.size();
  packet.resize(transport + (inner.protocol == 6 ? 20 : 8));
  set_number(packet, transport, inner.port);
  set_number(packet, transport + 2, 5201);
  if (inner.protocol == 6) {
    set_number(packet, transport + 4, inner.sequence, 4);
    set_number(packet, transport + 8, inner.acknowledgment, 4);
    packet[transport + 12] = static_cast<std::uint8_t>((5 + inner.tcp_options.size() / 4) << 4 | inner.reserved);
    packet[transport + 13] = inner.flags;
    set_number(packet, transport + 14, inner.window);
    set_number(packet, transport + 18, inner.urgent);
    append(packet, inner.tcp_options);
  } else {
    set_number(packet, transport + 4, transport_size);
  }
  append(packet, inner.payload);
  finish(packet, transport, inner.protocol);
  return packet;
}

// --- Trains ----------------------------------------------------------------------------------------------------------------

// The packet that comes after `inner` in its flow.
inline Inner following(Inner inner) {
  inner.sequence += static_cast<std::uint32_t>(inner.payload.size());
  ++inner.id;
  return inner;
}

inline std::vector<Bytes> train(Inner inner, std::size_t packets) {
  std::vector<Bytes> built;
  for (std::size_t i = 0; i < packets; ++i) {
    inner.payload = pattern(inner.payload.size(), i);
    built.push_back(build(inner));
    inner = following(inner);
  }
  return built;
}

inline Inner flow(int version, std::uint8_t protocol, std::size_t payload = 1000) {
  return {.version = version, .protocol = protocol, .payload = pattern(payload)};
}

struct Kind {
  int version;
  std::uint8_t protocol;
  std::uint8_t gso_type;
};
inline constexpr Kind kKinds[] = {{4, 6, 1}, {6, 6, 4}, {4, 17, 5}, {6, 17, 5}};

// --- Split and merge -------------------------------------------------------------------------------------------------------

struct Super {
  VirtioNetHeader header;
  Bytes packet;
};

// As a kernel hands it to a reader: lengths of the whole, the checksum field with the sum of the pseudo header only.
inline Super super_of(Bytes packet, std::size_t gso_size, std::size_t transport, std::uint8_t protocol) {
  Super super;
  super.header.flags = 1;
  super.header.gso_type = protocol == 17 ? 5 : packet[0] >> 4 == 4 ? 1 : 4;
  const std::size_t header = protocol == 17 ? 8 : (packet[transport + 12] >> 4U) * 4U;
  if (protocol == 6 && (packet[transport + 13] & kCwr) != 0) super.header.gso_type |= 0x80;
  super.header.header_size = static_cast<std::uint16_t>(transport + header);
  super.header.gso_size = static_cast<std::uint16_t>(gso_size);
  super.header.checksum_start = static_cast<std::uint16_t>(transport);
  super.header.checksum_offset = static_cast<std::uint16_t>(checksum_place(protocol));
  set_number(packet, transport + super.header.checksum_offset, pseudo_sum(packet, transport, protocol));
  super.packet = std::move(packet);
  return super;
}
inline Super super_of(const Inner& inner, std::size_t gso_size) {
  Bytes packet = build(inner);
  const std::size_t transport = ip_header_of(packet);
  return super_of(std::move(packet), gso_size, transport, inner.protocol);
}

// \pre a well-formed super-packet
inline std::vector<Bytes> model_split(const VirtioNetHeader& header, std::span<const std::uint8_t> packet) {
  const std::size_t transport = header.checksum_start;
  const bool is_tcp = header.gso_type != 5;
  const std::size_t headers = transport + (is_tcp ? (packet[transport + 12] >> 4U) * 4U : 8U);
  std::vector<Bytes> segments;
  std::size_t at = headers;
  do {
    const std::size_t end = std::min(at + header.gso_size, packet.size());
    Bytes segment(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(headers));
    segment.insert(segment.end(), packet.begin() + static_cast<std::ptrdiff_t>(at), packet.begin() + static_cast<std::ptrdiff_t>(end));
    if (segment[0] >> 4 == 4) {
      set_number(segment, 2, segment.size());
      set_number(segment, 4, number(segment, 4) + segments.size());
    } else {
      set_number(segment, 4, segment.size() - 40);
    }
    if (is_tcp) {
      set_number(segment, transport + 4, number(segment, transport + 4, 4) + at - headers, 4);
      if (end != packet.size()) segment[transport + 13] &= static_cast<std::uint8_t>(~(kFin | kPsh));
      if (at != headers) segment[transport + 13] &= static_cast<std::uint8_t>(~kCwr);
    } else {
      set_number(segment, transport + 4, segment.size() - transport);
    }
    finish(segment, transport, is_tcp ? 6 : 17);
    segments.push_back(std::move(segment));
    at = end;
  } while (at < packet.size());
  return segments;
}

// The packets as one. \pre there are two at least, with payload, and their headers are as long as the first's
inline Super model_join(const std::vector<Bytes>& packets) {
  Bytes whole = packets[0];
  const std::size_t transport = ip_header_of(whole);
  const std::uint8_t protocol = protocol_of(whole);
  const std::size_t headers = transport + (protocol == 6 ? (whole[transport + 12] >> 4U) * 4U : 8U);
  for (std::size_t i = 1; i < packets.size(); ++i) append(whole, std::span(packets[i]).subspan(headers));
  if (protocol == 6) whole[transport + 13] |= static_cast<std::uint8_t>(packets.back()[transport + 13] & (kFin | kPsh));
  if (whole[0] >> 4 == 4) {
    set_number(whole, 2, whole.size());
  } else {
    set_number(whole, 4, whole.size() - 40);
  }
  if (protocol == 17) set_number(whole, transport + 4, whole.size() - transport);
  finish(whole, transport, protocol);
  return super_of(std::move(whole), packets[0].size() - headers, transport, protocol);
}

// Zero has two forms in ones' complement, and a receiver takes either: of TCP and IPv4 the one that senders write. (Of UDP, where
// zero means something else, a sender has no choice.)
inline Bytes canonical(Bytes packet) {
  if (packet[0] >> 4 == 4 && number(packet, 10) == 0xffff) set_number(packet, 10, 0);
  const std::size_t field = ip_header_of(packet) + 16;
  if (protocol_of(packet) == 6 && number(packet, field) == 0xffff) set_number(packet, field, 0);
  return packet;
}

// Do these come back from a split? Where DF is set, identifications may all be equal instead (RFC 6864 section 4.1).
inline bool model_may_join(const std::vector<Bytes>& packets, std::size_t max_segments) {
  std::size_t size = packets[0].size();
  if (packets.size() > max_segments) return false;
  for (const Bytes& packet : packets) {
    const std::size_t transport = ip_header_of(packet);
    const std::uint8_t protocol = protocol_of(packet);
    const std::size_t headers = transport + (protocol == 6 ? 20U : 8U);
    if ((packet[0] >> 4 == 4 && transport != 20) || packet.size() <= headers) return false;
    if (protocol == 6) {
      if ((packet[transport + 12] >> 4U) < 5 || transport + (packet[transport + 12] >> 4U) * 4U >= packet.size()) return false;
      if ((packet[transport + 13] & (kSyn | kRst | kUrg)) != 0 || (packet[transport + 13] & kAck) == 0) return false;
      if ((packet[transport + 12] ^ packets[0][transport + 12]) != 0) return false;
    }
    if (&packet != &packets[0]) size += packet.size() - (transport + (protocol == 6 ? (packet[transport + 12] >> 4U) * 4U : 8U));
  }
  if (size > 65535) return false;
  const Super joined = model_join(packets);
  std::vector<Bytes> again = model_split(joined.header, joined.packet);
  std::vector<Bytes> expected;
  for (const Bytes& packet : packets) expected.push_back(canonical(packet));
  if (again == expected) return true;
  if (packets[0][0] >> 4 != 4 || (packets[0][6] & 0x40) == 0 || again.size() != packets.size()) return false;
  for (Bytes& packet : again) {
    set_number(packet, 4, number(packets[0], 4));
    finish(packet, 20, packet[9]);
  }
  return again == expected;
}

// Which packets leave together, in the order of the writes.
inline std::vector<std::vector<std::size_t>> model_merge(const std::vector<Bytes>& packets, std::size_t max_segments = 128) {
  struct Write {
    std::vector<std::size_t> indices;
    Bytes flow;  // empty: nobody's
  };
  std::vector<Write> writes;
  std::size_t wall = 0;  // no packet goes before this write
  for (std::size_t i = 0; i < packets.size(); ++i) {
    const Bytes& packet = packets[i];
    const bool is_v4 = !packet.empty() && packet[0] >> 4 == 4;
    const bool is_v6 = !packet.empty() && packet[0] >> 4 == 6;
    bool is_clear = false;
    if (is_v4 && packet.size() >= 20) {
      is_clear = packet[0] % 16 >= 5 && ip_header_of(packet) <= packet.size() && number(packet, 2) == packet.size();
    } else if (is_v6 && packet.size() >= 40) {
      is_clear = number(packet, 4) + 40 == packet.size() && packet.size() <= 65535;
    }
    Bytes flow;
    if (is_clear) {
      const std::uint8_t protocol = protocol_of(packet);
      const bool has_ports = protocol == 6 || protocol == 17;
      const Bytes extensions = {0, 43, 44, 51, 60, 135, 139, 140};
      if (is_v6 && std::count(extensions.begin(), extensions.end(), protocol) != 0) is_clear = false;
      if (has_ports && is_v4 && (number(packet, 6) & 0x3fff) != 0) is_clear = false;
      const std::size_t transport = ip_header_of(packet);
      if (has_ports && packet.size() < transport + 8) is_clear = false;
      if (is_clear && has_ports) {
        flow = {packet[0] >= 0x60, protocol};
        append(flow, is_v4 ? std::span(packet).subspan(12, 8) : std::span(packet).subspan(8, 32));
        append(flow, std::span(packet).subspan(transport, 4));
      }
    }
    if (!is_clear) wall = writes.size();
    bool is_placed = false;
    for (std::size_t w = writes.size(); !flow.empty() && w > wall; --w) {
      if (writes[w - 1].flow != flow) continue;
      std::vector<Bytes> together;
      for (const std::size_t index : writes[w - 1].indices) together.push_back(packets[index]);
      together.push_back(packet);
      is_placed = model_may_join(together, max_segments);
      if (is_placed) writes[w - 1].indices.push_back(i);
      break;
    }
    if (!is_placed) writes.push_back({{i}, flow});
  }
  std::vector<std::vector<std::size_t>> groups;
  for (const Write& write : writes) groups.push_back(write.indices);
  return groups;
}

}  // namespace wgu::io::test
