// packet -> look_at: whose flow, may it merge at all -> find the flow's latest write -> follows? -> verify both checksums -> append
//                                                                                  otherwise -> begin another write
// lay_out: headers of what was merged, pieces of all.
//
// A packet follows when the kernel, splitting the result again, would make the packet anew (Linux tcp_gro_receive,
// inet_gro_receive, ipv6_gro_receive): everything equal but length, identification, sequence number, checksum, and FIN and PSH,
// which end a write, and CWR, which only its first packet may have. Only the latest write of a flow grows, so no packet passes
// another of its flow; a packet whose flow cannot be told (a fragment, extension headers, lengths that lie) ends all writes.

#include "io/merge.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "io/checksum.h"
#include "values/ip_headers.h"

namespace wgu::io {

struct Merger::Candidate {
  enum class Flow : std::uint8_t {
    kUnknown,  // could be any: nothing after it may go before it
    kNone,     // neither TCP nor UDP: in nobody's way
    kKnown,
  };
  std::uint8_t* packet = nullptr;
  std::uint32_t size = 0;
  std::uint16_t ip_header = 0;
  std::uint16_t headers = 0;
  std::uint16_t id = 0;    // IPv4
  std::uint8_t flags = 0;  // TCP
  std::uint8_t protocol = 0;
  Flow flow = Flow::kUnknown;
  bool may_merge = false;

  [[nodiscard]] bool is_v4() const noexcept { return packet[0] >> 4 == 4; }
  [[nodiscard]] const std::uint8_t* transport() const noexcept { return packet + ip_header; }
  [[nodiscard]] std::uint32_t payload() const noexcept { return size - headers; }
};

namespace {

constexpr std::uint8_t kEndsWrite = kTcpFin | kTcpPsh;
constexpr std::uint8_t kNeverMerges = kTcpSyn | kTcpRst | kTcpUrg;

// Spread over all bits; a batch is too short for collisions to be worth an attacker's while.
std::uint32_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  std::uint64_t mixed = (a ^ std::rotl(b, 29)) * 0x9e3779b97f4a7c15U;  // 2^64 / golden ratio
  mixed ^= mixed >> 32;
  return static_cast<std::uint32_t>(mixed * 0x9e3779b97f4a7c15U >> 32);
}

bool is_extension_header(std::uint8_t next) noexcept {
  switch (next) {
    case kHopByHop:
    case kRouting:
    case kIpv6Fragment:
    case kAuthentication:
    case kDestinationOptions:
    case kMobility:
    case kHostIdentity:
    case kShim6:
      return true;
    default:
      return false;
  }
}

// The pseudo header without the length: addresses and protocol. RFC 9293 3.1, RFC 8200 8.1.
std::uint16_t add_flow(const std::uint8_t* packet, std::uint8_t protocol) noexcept {
  const WordSum sum = network_word(protocol);
  return fold_sum(packet[0] >> 4 == 4 ? add_header(sum, packet + kIpv4Source, 8) : add_header(sum, packet + kIpv6Source, 32));
}

bool has_right_checksum(WordSum flow_sum, const std::uint8_t* transport, std::size_t size) noexcept {
  return is_whole(add_words(flow_sum + network_word(size), {transport, size}));
}

std::uint32_t hash_of_flow(const std::uint8_t* packet, const std::uint8_t* transport, std::uint8_t protocol) noexcept {
  const std::uint64_t ports = load_raw32(transport) + (std::uint64_t{protocol} << 32);
  if (packet[0] >> 4 == 4) return mix(load_raw64(packet + kIpv4Source), ports);
  const std::uint8_t* addresses = packet + kIpv6Source;
  const std::uint64_t source = mix(load_raw64(addresses), load_raw64(addresses + 8));
  const std::uint64_t destination = mix(load_raw64(addresses + 16), load_raw64(addresses + 24));
  return mix(source | destination << 32, ports);
}

bool is_same_flow(const std::uint8_t* a, std::size_t a_header, const std::uint8_t* b, std::size_t b_header) noexcept {
  if ((a[0] ^ b[0]) >> 4 != 0 || load_raw32(a + a_header) != load_raw32(b + b_header)) return false;
  if (a[0] >> 4 == 4) return load_raw64(a + kIpv4Source) == load_raw64(b + kIpv4Source);
  return std::memcmp(a + kIpv6Source, b + kIpv6Source, 32) == 0;
}

// All that a split would repeat of the IP header, IPv4's identification aside.
bool is_same_ip_header(const std::uint8_t* a, const std::uint8_t* b) noexcept {
  if (a[0] >> 4 == 4) {
    return a[kIpv4Tos] == b[kIpv4Tos] && a[kIpv4Ttl] == b[kIpv4Ttl] && load_be16(a + kIpv4Fragment) == load_be16(b + kIpv4Fragment);
  }
  return load_raw32(a) == load_raw32(b) && a[kIpv6HopLimit] == b[kIpv6HopLimit];  // version, traffic class, flow label
}

// `size` of both is equal.
bool is_same_tcp_header(const std::uint8_t* a, const std::uint8_t* b, std::size_t size) noexcept {
  return load_raw32(a + kTcpAcknowledgment) == load_raw32(b + kTcpAcknowledgment) && a[kTcpDataOffset] == b[kTcpDataOffset] &&
         ((a[kTcpFlags] ^ b[kTcpFlags]) & ~(kTcpFin | kTcpPsh | kTcpCwr)) == 0 &&
         load_be16(a + kTcpWindow) == load_be16(b + kTcpWindow) && load_be16(a + kTcpUrgent) == load_be16(b + kTcpUrgent) &&
         std::memcmp(a + kTcpHeaderSize, b + kTcpHeaderSize, size - kTcpHeaderSize) == 0;
}

}  // namespace

Merger::Merger(std::size_t batch, MergeOptions options) : options_(options) { reserve(batch); }

void Merger::reserve(std::size_t packets) {
  gatherings_.reserve(packets);
  links_.resize(std::max(packets, links_.size()));
  writes_.reserve(packets);
  pieces_.reserve(2 * packets);  // every packet, and a header for each that stays alone
  if (slots_.size() < 2 * packets) {
    slots_.assign(std::bit_ceil(2 * packets), Slot{});
    generation_ = 0;
  }
}

std::span<const DeviceWrite> Merger::merge(std::span<const std::span<std::uint8_t>> packets) {
  reserve(packets.size());
  gatherings_.clear();
  writes_.clear();
  pieces_.clear();
  recent_ = nullptr;
  previous_end_ = nullptr;
  forget_flows();
  for (std::uint32_t i = 0; i < packets.size(); ++i) {
    Candidate candidate = look_at(packets[i]);
    place(i, candidate);
    previous_end_ = packets[i].data() + packets[i].size();
  }
  lay_out(packets);
  return writes_;
}

void Merger::forget_flows() noexcept {
  if (++generation_ != 0) return;
  for (Slot& slot : slots_) slot.generation = 0;
  generation_ = 1;
}

Merger::Candidate Merger::look_at(std::span<std::uint8_t> packet) const noexcept {
  Candidate candidate;
  candidate.packet = packet.data();
  candidate.size = static_cast<std::uint32_t>(packet.size());
  if (packet.size() < kIpv4HeaderSize || packet.size() > kMaxIpSize) return candidate;
  bool is_plain_ip = true;
  if (packet[0] >> 4 == 4) {
    const std::size_t ip_header = ipv4_header_size(packet.data());
    if (ip_header < kIpv4HeaderSize || ip_header > packet.size() || load_be16(&packet[kIpv4Length]) != packet.size()) return candidate;
    candidate.protocol = packet[kIpv4Protocol];
    candidate.id = load_be16(&packet[kIpv4Id]);
    candidate.ip_header = static_cast<std::uint16_t>(ip_header);
    if (candidate.protocol == kTcp || candidate.protocol == kUdp) {
      if ((load_be16(&packet[kIpv4Fragment]) & kIpv4MoreOrOffset) != 0) return candidate;
      // The checksum of the whole's header will be right, so that of each must be.
      is_plain_ip = ip_header == kIpv4HeaderSize && is_whole(add_header(0, packet.data(), kIpv4HeaderSize));
    }
  } else if (packet[0] >> 4 == 6) {
    if (packet.size() < kIpv6HeaderSize || load_be16(&packet[kIpv6Length]) + kIpv6HeaderSize != packet.size()) return candidate;
    candidate.protocol = packet[kIpv6NextHeader];
    if (is_extension_header(candidate.protocol)) return candidate;
    candidate.ip_header = kIpv6HeaderSize;
  } else {
    return candidate;
  }
  if (candidate.protocol != kTcp && candidate.protocol != kUdp) {
    candidate.flow = Candidate::Flow::kNone;
    return candidate;
  }
  if (packet.size() < candidate.ip_header + kUdpHeaderSize) return candidate;  // no ports
  candidate.flow = Candidate::Flow::kKnown;
  if (!is_plain_ip) return candidate;
  if (candidate.protocol == kTcp) {
    look_at_tcp(candidate);
  } else {
    look_at_udp(candidate);
  }
  return candidate;
}

void Merger::look_at_tcp(Candidate& candidate) const noexcept {
  if (!(candidate.is_v4() ? options_.tcp_v4 : options_.tcp_v6)) return;
  const std::size_t available = candidate.size - candidate.ip_header;
  if (available < kTcpHeaderSize) return;
  const std::uint8_t* tcp = candidate.transport();
  const std::size_t header = tcp_header_size(tcp);
  if (header < kTcpHeaderSize || header >= available) return;  // pure acknowledgments stay alone, too
  candidate.flags = tcp[kTcpFlags];
  if ((candidate.flags & kNeverMerges) != 0 || (candidate.flags & kTcpAck) == 0) return;
  candidate.headers = static_cast<std::uint16_t>(candidate.ip_header + header);
  candidate.may_merge = true;
}

void Merger::look_at_udp(Candidate& candidate) const noexcept {
  if (!options_.udp) return;
  const std::uint8_t* udp = candidate.transport();
  const std::size_t length = candidate.size - candidate.ip_header;
  // A datagram without a checksum must stay so, and a super-packet has one.
  if (length == kUdpHeaderSize || load_be16(udp + kUdpLength) != length || load_word(udp + kUdpChecksum) == 0) return;
  candidate.headers = static_cast<std::uint16_t>(candidate.ip_header + kUdpHeaderSize);
  candidate.may_merge = true;
}

void Merger::place(std::uint32_t index, Candidate& candidate) noexcept {
  if (candidate.flow != Candidate::Flow::kKnown) {
    if (candidate.flow == Candidate::Flow::kUnknown) forget_flows();
    begin(index, candidate);
    return;
  }
  Slot& slot = recent_ != nullptr && is_of(*recent_, candidate) ? *recent_ : find(candidate);
  recent_ = &slot;
  bool is_verified = false;
  std::uint16_t flow_sum = 0;
  if (slot.generation == generation_) {
    Gathering& latest = gatherings_[slot.gathering];
    if (follows(latest, candidate)) {
      if (!latest.is_verified) verify_first(latest);
      flow_sum = latest.flow_sum;
      const bool is_moved = latest.is_open && are_neighbours(latest, index, candidate);
      is_verified = candidate.may_merge = is_moved ? verify_and_move(latest, candidate) : verify(latest, candidate);
      if (latest.is_open && is_verified) {
        links_[index].is_moved = is_moved;
        return append(latest, index, candidate);
      }
    }
  }
  slot.generation = generation_;
  slot.gathering = static_cast<std::uint32_t>(gatherings_.size());
  begin(index, candidate);
  gatherings_.back().is_verified = is_verified;
  gatherings_.back().flow_sum = flow_sum;
}

// Nothing follows a packet whose checksum is wrong.
void Merger::verify_first(Gathering& gathering) noexcept {
  gathering.flow_sum = add_flow(gathering.packet, gathering.protocol);
  const std::size_t size = gathering.size - gathering.ip_header;
  gathering.is_open = gathering.is_verified = has_right_checksum(gathering.flow_sum, gathering.packet + gathering.ip_header, size);
}

bool Merger::verify(const Gathering& gathering, const Candidate& candidate) noexcept {
  return has_right_checksum(gathering.flow_sum, candidate.transport(), candidate.size - candidate.ip_header);
}

// Between the end of the gathering and this packet's payload lies nothing but what the gathering's last packet has left behind, the
// gap, and this packet's headers.
bool Merger::are_neighbours(const Gathering& gathering, std::uint32_t index, const Candidate& candidate) const noexcept {
  if (!options_.moves_neighbours || index != gathering.last + 1) return false;
  const auto end = reinterpret_cast<std::uintptr_t>(previous_end_);
  const auto begin = reinterpret_cast<std::uintptr_t>(candidate.packet);
  if (begin < end || begin - end >= kNeighbourGap) return false;
  return begin + candidate.headers - reinterpret_cast<std::uintptr_t>(gathering.end) >= kOverlapDistance;
}

// As verify(); the payload moves to the gathering's end, over this packet's headers. All is put back if the checksum is wrong.
bool Merger::verify_and_move(const Gathering& gathering, const Candidate& candidate) noexcept {
  constexpr std::size_t kMostHeaders = kIpv6HeaderSize + 60;
  std::array<std::uint8_t, kMostHeaders> headers;
  std::memcpy(headers.data(), candidate.packet, candidate.headers);
  const std::size_t transport_size = candidate.headers - candidate.ip_header;
  std::uint8_t* payload = candidate.packet + candidate.headers;
  WordSum sum = gathering.flow_sum + network_word(transport_size + candidate.payload());
  sum = add_header(sum, candidate.transport(), transport_size);
  if (is_whole(copy_and_add(sum, gathering.end, {payload, candidate.payload()}))) return true;
  std::memmove(payload, gathering.end, candidate.payload());
  std::memcpy(candidate.packet, headers.data(), candidate.headers);
  return false;
}

bool Merger::is_of(const Slot& slot, const Candidate& candidate) const noexcept {
  if (slot.generation != generation_) return false;
  const Gathering& gathering = gatherings_[slot.gathering];
  return gathering.protocol == candidate.protocol &&
         is_same_flow(gathering.packet, gathering.ip_header, candidate.packet, candidate.ip_header);
}

// The flow's slot, or an empty one that becomes it.
Merger::Slot& Merger::find(const Candidate& candidate) noexcept {
  const std::uint32_t hash = hash_of_flow(candidate.packet, candidate.transport(), candidate.protocol);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
    Slot& slot = slots_[at];
    if (slot.generation != generation_) {
      slot.hash = hash;
      return slot;
    }
    if (slot.hash == hash && is_of(slot, candidate)) return slot;
  }
}

bool Merger::follows(const Gathering& gathering, const Candidate& candidate) const noexcept {
  if (!gathering.is_open || !candidate.may_merge || gathering.segments >= options_.max_segments) return false;
  if (gathering.headers != candidate.headers || candidate.payload() > gathering.gso_size) return false;
  if (gathering.size + candidate.payload() > kMaxIpSize || !is_same_ip_header(gathering.packet, candidate.packet)) return false;
  if (candidate.is_v4()) {
    const std::uint16_t first_id = load_be16(gathering.packet + kIpv4Id);
    const bool is_fixed = candidate.id == first_id && (load_be16(candidate.packet + kIpv4Fragment) & kIpv4DontFragment) != 0;
    const std::uint32_t step = gathering.segments == 1 && is_fixed ? 0 : gathering.step_of_id;
    // Split again the identifications count up where they stood still; no one looks at them where DF is set (RFC 6864 4.1).
    if (candidate.id != static_cast<std::uint16_t>(first_id + step * gathering.segments)) return false;
  }
  if (candidate.protocol == kUdp) return true;
  const std::uint8_t* tcp = candidate.transport();
  return load_be32(tcp + kTcpSequence) == gathering.next_sequence && (candidate.flags & kTcpCwr) == 0 &&
         is_same_tcp_header(gathering.packet + gathering.ip_header, tcp, candidate.headers - candidate.ip_header);
}

void Merger::append(Gathering& gathering, std::uint32_t index, const Candidate& candidate) noexcept {
  // Nothing is read from the candidate's headers here: its payload may have moved over them.
  if (gathering.segments == 1 && candidate.id == load_be16(gathering.packet + kIpv4Id)) gathering.step_of_id = 0;
  links_[gathering.last].next = index;
  gathering.end = links_[index].is_moved ? gathering.end + candidate.payload() : candidate.packet + candidate.size;
  gathering.last = index;
  ++gathering.segments;
  gathering.size += candidate.payload();
  gathering.next_sequence += candidate.payload();
  gathering.is_open = candidate.payload() == gathering.gso_size;
  if (candidate.protocol == kTcp) {
    gathering.last_flags = candidate.flags;
    if ((gathering.last_flags & kEndsWrite) != 0) gathering.is_open = false;
  }
}

void Merger::begin(std::uint32_t index, const Candidate& candidate) noexcept {
  Gathering& gathering = gatherings_.emplace_back();
  gathering.packet = candidate.packet;
  gathering.end = candidate.packet + candidate.size;
  gathering.first = gathering.last = index;
  gathering.size = candidate.size;
  gathering.ip_header = candidate.ip_header;
  gathering.protocol = candidate.protocol;
  if (!candidate.may_merge) return;
  gathering.headers = candidate.headers;
  gathering.gso_size = static_cast<std::uint16_t>(candidate.payload());
  gathering.is_open = true;
  if (candidate.protocol == kTcp) {
    gathering.next_sequence = load_be32(candidate.transport() + kTcpSequence) + candidate.payload();
    gathering.is_open = (candidate.flags & kEndsWrite) == 0;
  }
}

void Merger::lay_out(std::span<const std::span<std::uint8_t>> packets) noexcept {
  const auto add_piece = [this](void* base, std::size_t size) { pieces_.push_back({base, size}); };
  for (const Gathering& gathering : gatherings_) {
    DeviceWrite& write = writes_.emplace_back();
    write.packets = gathering.segments;
    write.size = gathering.size;
    const std::size_t first_piece = pieces_.size();
    add_piece(&write.header, sizeof write.header);
    add_piece(gathering.packet, packets[gathering.first].size());
    std::uint32_t index = gathering.first;
    while (index != gathering.last) {
      index = links_[index].next;
      const std::span<std::uint8_t> payload = packets[index].subspan(gathering.headers);
      if (links_[index].is_moved) {
        pieces_.back().iov_len += payload.size();
      } else {
        add_piece(payload.data(), payload.size());
      }
    }
    write.pieces = std::span<const iovec>(pieces_).subspan(first_piece);
    if (gathering.segments > 1) write.header = complete_headers(gathering);
  }
}

// The first packet's headers become those of the whole, with the checksum left to the kernel.
VirtioNetHeader Merger::complete_headers(const Gathering& gathering) noexcept {
  std::uint8_t* packet = gathering.packet;
  std::uint8_t* transport = packet + gathering.ip_header;
  const bool is_v4 = packet[0] >> 4 == 4;
  VirtioNetHeader header;
  header.flags = kVirtioNeedsChecksum;
  header.header_size = gathering.headers;
  header.gso_size = gathering.gso_size;
  header.checksum_start = gathering.ip_header;
  if (is_v4) {
    store_be16(packet + kIpv4Length, gathering.size);
    store_word(packet + kIpv4Checksum, 0);
    store_word(packet + kIpv4Checksum, static_cast<std::uint16_t>(~fold_sum(add_header(0, packet, kIpv4HeaderSize))));
  } else {
    store_be16(packet + kIpv6Length, gathering.size - kIpv6HeaderSize);
  }
  if (gathering.protocol == kTcp) {
    header.gso_type = is_v4 ? kVirtioGsoTcpV4 : kVirtioGsoTcpV6;
    if ((transport[kTcpFlags] & kTcpCwr) != 0) header.gso_type |= kVirtioGsoEcn;
    header.checksum_offset = kTcpChecksum;
    transport[kTcpFlags] |= gathering.last_flags & kEndsWrite;
  } else {
    header.gso_type = kVirtioGsoUdpL4;
    header.checksum_offset = kUdpChecksum;
    store_be16(transport + kUdpLength, gathering.size - gathering.ip_header);
  }
  store_word(transport + header.checksum_offset, fold_sum(gathering.flow_sum + network_word(gathering.size - gathering.ip_header)));
  return header;
}

}  // namespace wgu::io
