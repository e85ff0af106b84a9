// parse: gso_type -> IP header -> transport header -> segments;  write: header of the packet, payload copied and summed in one pass.
//
// What each segment has of its own (Linux tcp_gso_segment, __udp_gso_segment, inet_gso_segment; RFC 9293, RFC 3168):
//   IPv4     total length, identification counted up, header checksum
//   IPv6     payload length
//   TCP      sequence number; FIN and PSH only on the last, CWR only on the first; checksum
//   UDP      length, checksum
// The checksum field arrives with the sum of the pseudo header of the whole. As in the kernel, only the length in it is replaced:
// so it stays right where the pseudo header's destination is not the header's (IPv6 routing).
// hdr_len is not believed (on forwarded packets it is wrong): the headers say how long they are.

#include "io/split.h"

#include <cassert>
#include <cstring>

#include "values/ip_headers.h"

namespace wgu::io {
namespace {

constexpr WordSum inverted(WordSum word) noexcept { return ~word & 0xffff; }

void store_checksum(std::uint8_t* field, WordSum sum) noexcept { store_word(field, static_cast<std::uint16_t>(~fold_sum(sum))); }

// RFC 768: a UDP checksum of zero says that there is none, so zero is sent as its other form. Harmless in other protocols.
void store_nonzero_checksum(std::uint8_t* field, WordSum sum) noexcept {
  store_checksum(field, sum);
  if (load_word(field) == 0) store_word(field, 0xffff);
}

SplitError check_place(const VirtioNetHeader& header, std::size_t size) noexcept {
  const std::size_t end_of_field = std::size_t{header.checksum_start} + header.checksum_offset + 2;
  return end_of_field > size ? SplitError::kBadChecksumPlace : SplitError::kNone;
}

}  // namespace

const char* split_error_name(SplitError error) noexcept {
  switch (error) {
    case SplitError::kNone: return "none";
    case SplitError::kUnknownGsoType: return "unknown_gso_type";
    case SplitError::kNotIp: return "not_ip";
    case SplitError::kBadIpHeader: return "bad_ip_header";
    case SplitError::kBadLength: return "bad_length";
    case SplitError::kFragment: return "fragment";
    case SplitError::kBadProtocol: return "bad_protocol";
    case SplitError::kBadTransportHeader: return "bad_transport_header";
    case SplitError::kBadChecksumPlace: return "bad_checksum_place";
    case SplitError::kNoChecksumRequest: return "no_checksum_request";
    case SplitError::kNoSegmentSize: return "no_segment_size";
    case SplitError::kTooManySegments: return "too_many_segments";
  }
  return "unknown";
}

SplitError SuperPacket::parse(const VirtioNetHeader& header, std::span<const std::uint8_t> packet, std::size_t max_segments) noexcept {
  *this = SuperPacket();
  packet_ = packet;
  const bool wants_checksum = (header.flags & kVirtioNeedsChecksum) != 0;
  SplitError error = wants_checksum ? check_place(header, packet.size()) : SplitError::kNone;
  if (error != SplitError::kNone) return error;
  transport_ = header.checksum_start;
  checksum_field_ = transport_ + header.checksum_offset;
  if (header.gso_type != kVirtioGsoNone) {
    if (!wants_checksum) return SplitError::kNoChecksumRequest;
    return parse_gso(header, max_segments);
  }
  kind_ = wants_checksum ? Kind::kUnfinished : Kind::kFinished;
  last_payload_ = packet.size();
  segments_ = 1;
  return SplitError::kNone;
}

SplitError SuperPacket::parse_gso(const VirtioNetHeader& header, std::size_t max_segments) noexcept {
  const auto type = static_cast<std::uint8_t>(header.gso_type & ~kVirtioGsoEcn);
  const bool is_tcp = type == kVirtioGsoTcpV4 || type == kVirtioGsoTcpV6;
  if (!is_tcp && header.gso_type != kVirtioGsoUdpL4) return SplitError::kUnknownGsoType;
  if (header.gso_size == 0) return SplitError::kNoSegmentSize;
  if (packet_.empty()) return SplitError::kNotIp;

  const unsigned version = packet_[0] >> 4;
  if ((version != 4 && version != 6) || (type == kVirtioGsoTcpV4 && version != 4) || (type == kVirtioGsoTcpV6 && version != 6)) {
    return SplitError::kNotIp;
  }
  const std::uint8_t protocol = is_tcp ? kTcp : kUdp;
  if (const SplitError error = version == 4 ? check_ipv4(protocol) : check_ipv6(protocol); error != SplitError::kNone) return error;

  const std::size_t rest = packet_.size() - transport_;  // check_place: the field is inside
  if (rest < (is_tcp ? kTcpHeaderSize : kUdpHeaderSize)) return SplitError::kBadTransportHeader;
  const std::size_t transport_header = is_tcp ? tcp_header_size(&packet_[transport_]) : kUdpHeaderSize;
  if (transport_header > rest || (is_tcp && transport_header < kTcpHeaderSize)) return SplitError::kBadTransportHeader;
  if (header.checksum_offset != (is_tcp ? kTcpChecksum : kUdpChecksum)) return SplitError::kBadChecksumPlace;

  const std::size_t payload = rest - transport_header;
  const std::size_t count = payload == 0 ? 1 : (payload + header.gso_size - 1) / header.gso_size;
  if (count > max_segments) return SplitError::kTooManySegments;
  headers_ = transport_ + transport_header;
  segment_payload_ = header.gso_size;
  last_payload_ = payload - (count - 1) * segment_payload_;
  kind_ = is_tcp ? Kind::kTcp : Kind::kUdp;
  segments_ = count;
  add_up_headers();
  return SplitError::kNone;
}

SplitError SuperPacket::check_ipv4(std::uint8_t protocol) const noexcept {
  if (packet_.size() < kIpv4HeaderSize) return SplitError::kBadIpHeader;
  const std::size_t size = ipv4_header_size(packet_.data());
  if (size < kIpv4HeaderSize || size > packet_.size()) return SplitError::kBadIpHeader;
  if (load_be16(&packet_[kIpv4Length]) != packet_.size()) return SplitError::kBadLength;
  if ((load_be16(&packet_[kIpv4Fragment]) & kIpv4MoreOrOffset) != 0) return SplitError::kFragment;
  if (packet_[kIpv4Protocol] != protocol) return SplitError::kBadProtocol;
  return transport_ == size ? SplitError::kNone : SplitError::kBadChecksumPlace;
}

// Extension headers are repeated in every segment, as the kernel does it.
SplitError SuperPacket::check_ipv6(std::uint8_t protocol) const noexcept {
  if (packet_.size() < kIpv6HeaderSize) return SplitError::kBadIpHeader;
  if (load_be16(&packet_[kIpv6Length]) + kIpv6HeaderSize != packet_.size()) return SplitError::kBadLength;
  std::uint8_t next = packet_[kIpv6NextHeader];
  std::size_t at = kIpv6HeaderSize;
  while (next != protocol) {
    if (next == kIpv6Fragment) return SplitError::kFragment;
    if (next != kHopByHop && next != kRouting && next != kDestinationOptions) return SplitError::kBadProtocol;
    if (packet_.size() - at < 8) return SplitError::kBadIpHeader;
    const std::size_t size = (std::size_t{packet_[at + 1]} + 1) * 8;
    if (size > packet_.size() - at) return SplitError::kBadIpHeader;
    next = packet_[at];
    at += size;
  }
  return transport_ == at ? SplitError::kNone : SplitError::kBadChecksumPlace;
}

// The headers' sums without what differs between segments, so that each segment adds only that.
void SuperPacket::add_up_headers() noexcept {
  const std::uint8_t* ip = packet_.data();
  const std::uint8_t* transport = ip + transport_;
  if (ip[0] >> 4 == 4) {
    ip_sum_ = add_header(0, ip, transport_) + inverted(load_word(ip + kIpv4Length)) + inverted(load_word(ip + kIpv4Id)) +
              inverted(load_word(ip + kIpv4Checksum));
  }
  // The checksum field is among the words: the pseudo header of the whole, of which the length goes.
  transport_sum_ = add_header(0, transport, headers_ - transport_) + inverted(network_word(packet_.size() - transport_));
  if (kind_ == Kind::kTcp) {
    transport_sum_ += inverted(load_word(transport + kTcpSequence)) + inverted(load_word(transport + kTcpSequence + 2)) +
                      inverted(load_word(transport + kTcpDataOffset));
  } else {
    transport_sum_ += inverted(load_word(transport + kUdpLength));
  }
}

std::size_t SuperPacket::write(std::size_t i, std::uint8_t* out) const noexcept {
  assert(i < segments_);
  if (kind_ == Kind::kFinished || kind_ == Kind::kUnfinished) {
    write_ordinary(out);
    return packet_.size();
  }
  const bool is_last = i + 1 == segments_;
  const std::size_t payload = is_last ? last_payload_ : segment_payload_;
  const std::size_t size = headers_ + payload;
  const std::size_t offset = i * segment_payload_;
  std::memcpy(out, packet_.data(), headers_);

  if (out[0] >> 4 == 4) {
    store_be16(out + kIpv4Length, size);
    store_be16(out + kIpv4Id, (load_be16(out + kIpv4Id) + i) & 0xffff);
    const WordSum sum = ip_sum_ + load_word(out + kIpv4Length) + load_word(out + kIpv4Id);
    store_checksum(out + kIpv4Checksum, sum);
  } else {
    store_be16(out + kIpv6Length, size - kIpv6HeaderSize);
  }

  std::uint8_t* transport = out + transport_;
  WordSum sum = transport_sum_ + network_word(size - transport_);
  if (kind_ == Kind::kTcp) {
    store_be32(transport + kTcpSequence, load_be32(transport + kTcpSequence) + static_cast<std::uint32_t>(offset));
    if (!is_last) transport[kTcpFlags] &= static_cast<std::uint8_t>(~(kTcpFin | kTcpPsh));
    if (i != 0) transport[kTcpFlags] &= static_cast<std::uint8_t>(~kTcpCwr);
    sum += load_word(transport + kTcpSequence) + load_word(transport + kTcpSequence + 2) + load_word(transport + kTcpDataOffset);
  } else {
    store_be16(transport + kUdpLength, size - transport_);
    sum += load_word(transport + kUdpLength);
  }
  sum = copy_and_add(sum, out + headers_, packet_.subspan(headers_ + offset, payload));
  if (kind_ == Kind::kTcp) {
    store_checksum(out + checksum_field_, sum);
  } else {
    store_nonzero_checksum(out + checksum_field_, sum);
  }
  return size;
}

void SuperPacket::write(std::size_t first, std::size_t count, std::uint8_t* out, std::size_t stride) const noexcept {
  assert(count <= 1 || stride >= largest_segment());
  for (std::size_t i = 0; i < count; ++i) write(first + i, out + i * stride);
}

void SuperPacket::write_ordinary(std::uint8_t* out) const noexcept {
  if (kind_ == Kind::kFinished) {
    if (!packet_.empty()) std::memcpy(out, packet_.data(), packet_.size());
    return;
  }
  std::memcpy(out, packet_.data(), transport_);
  store_nonzero_checksum(out + checksum_field_, copy_and_add(0, out + transport_, packet_.subspan(transport_)));
}

SplitError finish_checksum(const VirtioNetHeader& header, std::span<std::uint8_t> packet) noexcept {
  if (header.gso_type != kVirtioGsoNone) return SplitError::kUnknownGsoType;
  if ((header.flags & kVirtioNeedsChecksum) == 0) return SplitError::kNone;
  if (const SplitError error = check_place(header, packet.size()); error != SplitError::kNone) return error;
  const WordSum sum = add_words(0, packet.subspan(header.checksum_start));
  store_nonzero_checksum(&packet[std::size_t{header.checksum_start} + header.checksum_offset], sum);
  return SplitError::kNone;
}

}  // namespace wgu::io
