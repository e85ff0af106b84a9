// The outbound flow of a shard:
//
//   send -> route -> (another home: handover) -> send_to -> no session: staged, a handshake begins
//                                                        -> plan_seal: MSS, padding, header, nonce
//   seal_planned: all planned packets, of whatever peers, in one seal(), then addressed in order
//
// A packet without a way out, or too large for it, ends in refuse() or refuse_too_big(): a counted drop and, where RFCs allow it, an
// ICMP error to its sender.
#include <algorithm>
#include <cstring>
#include <utility>

#include "noise/messages.h"
#include "tunnel/mss_clamp.h"
#include "tunnel/peer_shares.h"
#include "tunnel/shard.h"
#include "values/probes.h"

namespace wgu::tunnel {
namespace {

// Of the largest UDP payload over IPv4, 65,507 bytes, what is left for plaintext: header and tag off.
constexpr std::size_t kMaxPlaintext = 65507 - noise::kDataHeaderSize - crypto::kAeadTagSize;

}  // namespace

void Shard::send(std::span<Packet> packets, Instant now, TunnelOutput& output) {
  context_.now = now;
  for (Packet& packet : packets) {
    ++context_.counters.device_packets_received;
    context_.counters.device_bytes_received += packet.size();
    route(std::move(packet), now, output);
  }
  seal_planned(now, output);
}

void Shard::route(Packet packet, Instant now, TunnelOutput& output) {
  const auto inner = parse_outbound(packet.bytes());
  if (!inner) return context_.counters.drop(Drop::kOutMalformed);
  if (!context_.is_up || !context_.has_identity) return context_.counters.drop(Drop::kOutNoIdentity);
  const PeerId id = inner->family == Family::kIpv4 ? routes_.find_v4(inner->destination) : routes_.find_v6(inner->destination);
  if (!id.is_set()) return refuse(packet, Drop::kOutNoPeer, now, output);
  if (id.home != worker_) {
    ++context_.counters.outbound_forwarded;
    handovers_.push_back({id.home, RoutedPacket{id, std::move(packet)}});
    return;
  }
  Peer* peer = find(id);
  if (peer == nullptr) return context_.counters.drop(Drop::kOutPeerRemoved);
  send_to(*peer, std::move(packet), inner->traffic_class, now, output);
}

void Shard::send_to(Peer& peer, Packet packet, std::uint8_t inner_traffic_class, Instant now, TunnelOutput& output) {
  if (!peer.has_endpoint() || !peer.has_usable_key()) {
    const Drop reason = peer.has_endpoint() ? Drop::kOutUnusableKey : Drop::kOutNoEndpoint;
    peer.note_drop(reason);
    return refuse(packet, reason, now, output);
  }
  if (context_.path_policy.discover_mtu && refuse_too_big(peer, packet, now, output)) return;
  noise::Keypair* keypair = peer.sending_keypair(now);
  if (keypair == nullptr) {
    peer.stage(std::move(packet));
    return peer.want_initiation(false, now);
  }
  if (!plan_seal(peer, *keypair, packet, encapsulate_ecn(inner_traffic_class), false, now)) peer.count_drop(Drop::kOutTooLong);
}

std::size_t Shard::sealed_size(std::size_t size) const noexcept {
  return noise::kDataHeaderSize + padded_size(size, context_.mtu) + crypto::kAeadTagSize;
}

// Lays the packet out as a data message: header, plaintext padded to 16 (never past the MTU, nor past what the path takes in one
// piece), room for the tag.
bool Shard::plan_seal(Peer& peer, noise::Keypair& keypair, Packet& packet, std::uint8_t traffic_class, bool is_keepalive, Instant now) {
  if (context_.path_policy.clamp_mss && !is_keepalive) clamp_mss_of(peer, packet, now);
  const std::size_t size = packet.size();
  std::size_t padded = is_keepalive ? 0 : padded_size(size, context_.mtu);
  if (const std::size_t room = peer.path().room(now); padded > room && size <= room) padded = room;
  // A packet that was laid out when the MTU was another may have no room for padding, which is only what a sender does, not a must.
  if (padded - size + crypto::kAeadTagSize > packet.tailroom()) padded = size;
  if (padded > kMaxPlaintext || packet.headroom() < noise::kDataHeaderSize || packet.tailroom() < padded - size + crypto::kAeadTagSize) {
    return false;
  }
  packet.resize(padded);
  std::memset(packet.data() + size, 0, padded - size);
  packet.grow_front(noise::kDataHeaderSize);
  std::uint8_t* header = packet.data();
  const std::uint64_t counter = keypair.next_counter++;
  noise::store32(header, static_cast<std::uint32_t>(noise::MessageType::kData));
  noise::store32(header + noise::Data::kReceiver, keypair.remote_index);
  noise::store64(header + noise::Data::kCounter, counter);

  std::uint8_t* text = header + noise::Data::kCiphertext;
  seal_jobs_.push_back({keypair.keys->send, counter, text, text, static_cast<std::uint32_t>(padded)});
  packet.resize(noise::kDataHeaderSize + padded + crypto::kAeadTagSize);
  planned_seals_.push_back({&peer, &keypair, std::move(packet), traffic_class, is_keepalive, static_cast<std::uint8_t>(padded - size)});
  return true;
}

void Shard::seal_planned(Instant now, TunnelOutput& output) {
  if (planned_seals_.empty()) return;
  packets_since_advance_ += planned_seals_.size();
  const Duration took = aead_.seal(seal_jobs_);
  if (WGU_PROBE_IS_TRACED(peer_batch)) trace_sealed(took);
  ++context_.counters.seal_batches;
  for (PendingSeal& sealed : planned_seals_) {
    output.to_network.push_back(sealed.peer->address_sealed(std::move(sealed.packet), sealed.traffic_class, sealed.is_keepalive,
                                                            sealed.padding, *sealed.keypair, now));
  }
  planned_seals_.clear();
  seal_jobs_.clear();
}

void Shard::trace_sealed(Duration took) const {
  divide_among_peers(
      planned_seals_.size(), took, [this](std::size_t i) { return planned_seals_[i].peer; },
      [this](std::size_t i) { return seal_jobs_[i].length; },
      [this](const Peer& peer, std::size_t packets, std::uint64_t bytes, Duration time) {
        WGU_PROBE(peer_batch, worker_, peer.public_key().bytes.data(), static_cast<unsigned>(Direction::kOutbound), packets, bytes,
                  time.count());
      });
}

// A session is there: what waited for it goes first, in order. What does not fit under the session's last counters stays.
void Shard::flush_staged(Peer& peer, Instant now) {
  for (std::size_t left = peer.staged(); left > 0; --left) {
    noise::Keypair* keypair = peer.sending_keypair(now);
    if (keypair == nullptr) return peer.want_initiation(false, now);
    Packet packet = peer.take_staged();
    const std::uint8_t traffic_class = encapsulate_ecn(parse_outbound(packet.bytes())->traffic_class);  // parsed before staging
    if (!plan_seal(peer, *keypair, packet, traffic_class, false, now)) peer.count_drop(Drop::kOutTooLong);
  }
}

void Shard::send_keepalive(Peer& peer, Instant now) {
  if (peer.staged() > 0) return flush_staged(peer, now);  // real packets serve as well
  noise::Keypair* keypair = peer.sending_keypair(now);
  if (keypair == nullptr) return peer.want_initiation(false, now);
  if (!peer.has_endpoint()) return;
  Packet packet = context_.pool.take(noise::kDataHeaderSize);
  if (packet && plan_seal(peer, *keypair, packet, 0, true, now)) return;
  ++context_.counters.send_errors;
  peer.keepalive_not_sent(now);
}

void Shard::refuse(const Packet& packet, Drop reason, Instant now, TunnelOutput& output) {
  context_.counters.drop(reason);
  if (!icmp_bucket_.admit(now)) return;
  answer_sender([&](std::uint8_t* out) { return write_unreachable(packet.bytes(), out); }, output);
}

// Asks for the path MTU as well, where it is not known. False: the packet may leave, whole or (outside) in pieces; so does what nobody
// may be told about, as no loss stays unexplained.
bool Shard::refuse_too_big(Peer& peer, const Packet& packet, Instant now, TunnelOutput& output) {
  PathMtu& path = peer.path();
  if (const bool was_known = path.bytes() != 0; path.take_question(now)) {
    if (!was_known) peer.tell_path_mtu();  // the last question has had no answer; most have the old one, which is no news
    output.path_questions.push_back({peer.endpoint(), SendTag{SendTag::Kind::kData, peer.id()}.pack()});
  }
  const std::size_t room = path.room(now);
  if (packet.size() <= room) return false;
  const std::size_t mtu = too_big_for(packet.bytes(), room);
  if (mtu == 0 || !may_be_answered(packet.bytes())) return false;
  peer.count_drop(Drop::kOutPathMtu);
  if (too_big_bucket_.admit(now)) {
    answer_sender([&](std::uint8_t* out) { return write_too_big(packet.bytes(), mtu, out); }, output);
  }
  return true;
}

template <class Write>
void Shard::answer_sender(Write write, TunnelOutput& output) {
  Packet answer = context_.pool.take(kPacketHeadroom);
  if (!answer || answer.tailroom() < kMaxIcmpSize) return;
  const std::size_t size = write(answer.data());
  if (size == 0) return;
  answer.resize(size);
  ++context_.counters.icmp_sent;
  ++context_.counters.device_packets_sent;
  context_.counters.device_bytes_sent += size;
  output.to_device.push_back(std::move(answer));
}

void Shard::clamp_mss_of(Peer& peer, const Packet& packet, Instant now) noexcept {
  const std::size_t mtu = std::min<std::size_t>(context_.mtu, peer.path().room(now));
  if (clamp_mss(packet.bytes(), mtu)) ++context_.counters.mss_clamped;
}

void Shard::send_failed(std::uint64_t tag, std::size_t size, Drop reason) {
  const SendTag sent = SendTag::unpack(tag, worker_);
  --context_.counters.datagrams_sent;
  context_.counters.datagram_bytes_sent -= size;
  const std::size_t inner = sent.inner_size(size);
  if (sent.kind == SendTag::Kind::kData) {
    --context_.counters.data_packets_sent;
    context_.counters.data_bytes_sent -= inner;
    context_.counters.drop(reason);
  } else {
    ++context_.counters.send_errors;
  }
  Peer* peer = sent.kind == SendTag::Kind::kNobody ? nullptr : find(sent.peer);
  if (peer != nullptr) return peer->send_failed(sent, size, inner, reason);
  context_.emit({.kind = EventKind::kSendFailed, .reason = reason, .value = size});
}

void Shard::forget_local_address(std::uint64_t tag) {
  const SendTag sent = SendTag::unpack(tag, worker_);
  if (sent.kind == SendTag::Kind::kNobody) return;
  if (Peer* peer = find(sent.peer); peer != nullptr) peer->forget_local_address();
}

}  // namespace wgu::tunnel
