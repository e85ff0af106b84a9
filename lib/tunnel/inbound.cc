// The inbound flow of a shard:
//
//   receive -> classify -> (another home: handover) -> handshake message: queued, see handshakes.cc
//                                                   -> data message: planned
//   open_classified: all planned messages, of whatever peers, in one open(), then accept() in order
//
// Nothing reaches the device before tag, replay and source checks, in that order; replay state moves only after the tag check.
#include <utility>

#include "noise/messages.h"
#include "tunnel/peer_shares.h"
#include "tunnel/shard.h"
#include "values/probes.h"

namespace wgu::tunnel {
namespace {

using noise::MessageType;

// The type of a message whose size fits it; nothing for anything else. The three reserved bytes are zero (whitepaper 5.4).
std::optional<MessageType> type_of(std::span<const std::uint8_t> message) noexcept {
  if (message.size() < 4) return std::nullopt;
  switch (noise::load32(message.data())) {
    case 1: return message.size() == noise::kInitiationSize ? std::optional(MessageType::kInitiation) : std::nullopt;
    case 2: return message.size() == noise::kResponseSize ? std::optional(MessageType::kResponse) : std::nullopt;
    case 3: return message.size() == noise::kCookieReplySize ? std::optional(MessageType::kCookieReply) : std::nullopt;
    case 4: return message.size() >= noise::kDataMinSize ? std::optional(MessageType::kData) : std::nullopt;
    default: return std::nullopt;
  }
}

std::uint32_t receiver_index(MessageType type, const std::uint8_t* message) noexcept {
  switch (type) {
    case MessageType::kInitiation: break;
    case MessageType::kResponse: return noise::load32(message + noise::Response::kReceiver);
    case MessageType::kCookieReply: return noise::load32(message + noise::CookieReply::kReceiver);
    case MessageType::kData: return noise::load32(message + noise::Data::kReceiver);
  }
  return 0;
}

}  // namespace

void Shard::receive(std::span<Datagram> datagrams, Instant now, TunnelOutput& output) {
  context_.now = now;
  for (Datagram& datagram : datagrams) {
    ++context_.counters.datagrams_received;
    context_.counters.datagram_bytes_received += datagram.packet.size();
    classify(std::move(datagram), now);
  }
  open_classified(now, output);
}

void Shard::classify(Datagram datagram, Instant now) {
  const auto message = datagram.packet.bytes();
  const auto type = type_of(message);
  if (!type) return context_.counters.drop(Drop::kInMalformed);
  if (!context_.is_up || !context_.has_identity) return context_.counters.drop(Drop::kInNoIdentity);
  if (*type == MessageType::kInitiation) return enqueue_handshake(datagram, now);

  const std::uint32_t index = receiver_index(*type, message.data());
  if (const std::uint8_t home = IndexTable::worker_of(index); home != worker_) {
    if (home >= workers_) return context_.counters.drop(Drop::kInUnknownIndex);  // never given out
    ++context_.counters.inbound_forwarded;
    handovers_.push_back({home, std::move(datagram)});
    return;
  }
  if (*type != MessageType::kData) return enqueue_handshake(datagram, now);

  const IndexTable::Entry* entry = context_.indices.find(index);
  if (entry == nullptr || entry->keypair == nullptr) return context_.counters.drop(Drop::kInUnknownIndex);
  if (!entry->keypair->can_receive(now)) return entry->peer->count_drop(Drop::kInSessionExpired);

  std::uint8_t* text = message.data() + noise::Data::kCiphertext;
  open_jobs_.push_back({entry->keypair->keys->receive, noise::load64(message.data() + noise::Data::kCounter), text, text,
                        static_cast<std::uint32_t>(message.size() - noise::kDataHeaderSize)});
  pending_opens_.push_back({index, std::move(datagram)});
}

void Shard::open_classified(Instant now, TunnelOutput& output) {
  if (pending_opens_.empty()) return;
  packets_since_advance_ += pending_opens_.size();
  const Duration took = aead_.open(open_jobs_);
  if (WGU_PROBE_IS_TRACED(peer_batch)) trace_opened(took);
  ++context_.counters.open_batches;
  for (std::size_t i = 0; i < pending_opens_.size(); ++i) {
    if (open_jobs_[i].is_authentic) {
      accept(pending_opens_[i], open_jobs_[i].counter, now, output);
    } else {
      context_.counters.drop(Drop::kInBadTag);
      if (const IndexTable::Entry* entry = context_.indices.find(pending_opens_[i].index); entry != nullptr)
        entry->peer->note_drop(Drop::kInBadTag);
    }
  }
  pending_opens_.clear();
  open_jobs_.clear();
  seal_planned(now, output);  // a confirmed session has released what was staged
}

// Before any of them is accepted, which may end a session.
void Shard::trace_opened(Duration took) const {
  divide_among_peers(
      pending_opens_.size(), took,
      [this](std::size_t i) -> const Peer* {
        const IndexTable::Entry* entry = context_.indices.find(pending_opens_[i].index);
        return entry == nullptr ? nullptr : entry->peer;
      },
      [this](std::size_t i) { return open_jobs_[i].length; },
      [this](const Peer& peer, std::size_t packets, std::uint64_t bytes, Duration time) {
        WGU_PROBE(peer_batch, worker_, peer.public_key().bytes.data(), static_cast<unsigned>(Direction::kInbound), packets, bytes,
                  time.count());
      });
}

void Shard::accept(PendingOpen& opened, std::uint64_t counter, Instant now, TunnelOutput& output) {
  // Looked up again: an earlier packet of this batch may have confirmed a session and so erased the one of this packet.
  const IndexTable::Entry* entry = context_.indices.find(opened.index);
  if (entry == nullptr || entry->keypair == nullptr) return context_.counters.drop(Drop::kInUnknownIndex);
  Peer& peer = *entry->peer;
  noise::Keypair* keypair = entry->keypair;
  if (!keypair->replay.accept(counter)) return peer.count_drop(Drop::kInReplayed);

  Datagram& datagram = opened.datagram;
  const std::size_t datagram_size = datagram.packet.size();
  if (peer.data_authenticated(keypair, {datagram.remote, datagram.local}, now)) flush_staged(peer, now);

  Packet& packet = datagram.packet;
  packet.trim_front(noise::kDataHeaderSize);
  packet.resize(packet.size() - crypto::kAeadTagSize);
  if (packet.size() == 0) {
    ++context_.counters.keepalives_received;
    ++context_.counters.inbound_consumed;
    return peer.count_received(datagram_size);
  }
  peer.data_received(now);

  const auto inner = parse_inbound(packet.bytes());
  if (!inner) return peer.count_drop(Drop::kInMalformedInner);
  if (!decapsulate_ecn(datagram.traffic_class, packet.bytes())) return peer.count_drop(Drop::kInBadEcn);
  const PeerId owner = inner->family == Family::kIpv4 ? routes_.find_v4(inner->source) : routes_.find_v6(inner->source);
  if (owner != peer.id()) return peer.count_drop(Drop::kInDisallowedSource);

  packet.resize(inner->total_length);
  if (context_.path_policy.clamp_mss) clamp_mss_of(peer, packet, now);
  peer.count_received(datagram_size);
  peer.count_delivered(packet.size());
  ++context_.counters.device_packets_sent;
  context_.counters.device_bytes_sent += packet.size();
  output.to_device.push_back(std::move(packet));
}

}  // namespace wgu::tunnel
