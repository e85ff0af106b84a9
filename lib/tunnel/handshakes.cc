// Handshake messages of a shard. They wait in a bounded queue, because each costs about 100 us of curve arithmetic, and advance() takes
// a few at a time, as many as the budget allows (handshake_budget.h): beside much data one, now and then.
//
//   enqueue_handshake (where half of the queue is full, MACs and bucket are looked at first) ->
//   consume_handshake: MAC1 -> under load: MAC2 (or a cookie), bucket of the source
//                          -> initiation: open, find the peer -> accept_initiation -> response
//                                                            -> (another home: handover) -> enqueue_opened -> accept_initiation there
//                          -> response:   session begins, what was staged is sealed
//                          -> cookie reply
//   wanting_initiation -> Peer::send_initiation
#include <algorithm>
#include <cstring>
#include <utility>

#include "noise/messages.h"
#include "tunnel/shard.h"
#include "values/probes.h"

namespace wgu::tunnel {
namespace {

// Of the queue, what anybody may fill, the rest being for those who have had a cookie, here or where a colleague has opened what they
// sent; and when that is told as an event.
constexpr std::size_t kQueueForStrangers = noise::kMaxQueuedHandshakes / 2;
constexpr std::size_t kHighHandshakeQueue = kQueueForStrangers / 4 * 3;

Drop drop_of(noise::Handshake::Verdict verdict, Drop invalid, Drop unexpected) noexcept {
  switch (verdict) {
    case noise::Handshake::Verdict::kReplayedTimestamp:
      return Drop::kInReplayedInitiation;
    case noise::Handshake::Verdict::kFlood:
      return Drop::kInInitiationFlood;
    case noise::Handshake::Verdict::kUnexpected:
      return unexpected;
    default:
      return invalid;
  }
}

}  // namespace

void Shard::enqueue_handshake(const Datagram& datagram, Instant now) {
  const std::size_t waiting = gate_.queued();
  bool is_proven = false;
  if (waiting >= kQueueForStrangers) {
    is_proven = waiting < noise::kMaxQueuedHandshakes && proves_itself(datagram, now);
    if (!is_proven) return context_.counters.drop(Drop::kInHandshakeQueueFull);
    // Who receives at one address must not fill what is left either.
    const bool is_cookie_reply = datagram.packet.data()[0] == static_cast<std::uint8_t>(noise::MessageType::kCookieReply);
    if (!is_cookie_reply && !gate_.admit_source(datagram.remote.address, now))
      return refuse_handshake(Drop::kInRateLimited, {datagram.remote, datagram.local});
  }
  QueuedHandshake* const queued = try_enqueue();
  if (queued == nullptr) return;
  std::memcpy(queued->bytes.data(), datagram.packet.data(), datagram.packet.size());
  queued->size = static_cast<std::uint8_t>(datagram.packet.size());
  queued->is_proven = is_proven;
  queued->source = {datagram.remote, datagram.local};
}

// What landed on another shard has had its turn there, and under load has proven itself. Here it waits for a second one, as most of the
// arithmetic is still to come: a flood that lands elsewhere must not get more of the time than one that lands here.
void Shard::enqueue_opened(std::unique_ptr<RoutedInitiation> opened) {
  if (QueuedHandshake* const queued = try_enqueue(); queued != nullptr) queued->opened = std::move(opened);
}

// A place at the end of the queue. None: counted as dropped.
Shard::QueuedHandshake* Shard::try_enqueue() {
  if (!gate_.try_enter()) return context_.counters.drop(Drop::kInHandshakeQueueFull), nullptr;
  ++context_.counters.inbound_queued;
  const std::size_t depth = gate_.queued();
  context_.counters.inbound_queued_peak = std::max(context_.counters.inbound_queued_peak, context_.counters.inbound_queued);
  if (depth == kHighHandshakeQueue) context_.emit({.kind = EventKind::kQueueHigh, .reason = Drop::kInHandshakeQueueFull, .value = depth});
  return &handshake_queue_.emplace_back();
}

// Has its sender shown that he receives at its source: by a good MAC2, or, with a cookie reply, by the index of a handshake that is under
// way? (Those of sessions can be seen on the network for minutes.) In the order of what they cost: most of a flood has no MAC2, and who
// makes one up without our key gets no further than MAC1.
bool Shard::proves_itself(const Datagram& datagram, Instant now) {
  const std::span<const std::uint8_t> message = datagram.packet.bytes();
  if (static_cast<noise::MessageType>(message[0]) == noise::MessageType::kCookieReply) {
    const IndexTable::Entry* const entry = context_.indices.find(noise::load32(message.data() + noise::CookieReply::kReceiver));
    return entry != nullptr && entry->keypair == nullptr;
  }
  if (!noise::has_mac2(message) || !handshake_budget_.may_look_at_claim()) return false;
  handshake_budget_.charge_claim(HandshakeBudget::kMac1Cost);
  if (!cookie_checker_.has_valid_mac1(message)) return false;
  handshake_budget_.charge_claim(HandshakeBudget::kMac2Cost);
  return cookie_checker_.has_valid_mac2(message, datagram.remote, now);
}

// Counted as dropped, and told: a handshake that fails is what an operator looks for first.
void Shard::refuse_handshake(Drop reason, const Source& source, const PublicKey& peer) {
  context_.counters.drop(reason);
  context_.emit({.kind = EventKind::kHandshakeFailed, .reason = reason, .peer = peer, .endpoint = source.remote});
  WGU_PROBE(handshake_failed, worker_, peer == PublicKey{} ? nullptr : peer.bytes.data(), static_cast<unsigned>(reason));
}

void Shard::run_handshakes(Instant now, TunnelOutput& output) {
  handshake_budget_.advance(now, std::exchange(packets_since_advance_, 0));
  for (int left = HandshakeBudget::kMostAtOnce; left > 0 && handshake_budget_.has_credit() && has_handshake_work(); --left) {
    // In turn, so that a flood from outside does not keep our own initiations waiting.
    is_own_turn_ = !is_own_turn_;
    if (!context_.wanting_initiation.empty() && (is_own_turn_ || handshake_queue_.empty())) {
      const PeerId id = context_.wanting_initiation.front();
      context_.wanting_initiation.pop_front();
      if (Peer* peer = find(id); peer != nullptr) peer->send_initiation(now, output);
      handshake_budget_.charge(HandshakeBudget::kArithmetic);
      continue;
    }
    // Load is what waits when a message's turn comes, itself included (kernel receive.c): so leave the gate afterwards.
    const QueuedHandshake queued = std::move(handshake_queue_.front());
    handshake_queue_.pop_front();
    --context_.counters.inbound_queued;
    const bool took_arithmetic = consume_handshake(queued, now, output);
    handshake_budget_.charge(took_arithmetic ? HandshakeBudget::kArithmetic : HandshakeBudget::kRefusal);
    gate_.leave();
    seal_planned(now, output);  // before the next message may retire the keys of what is planned
  }
}

// True: that took arithmetic on the curve.
bool Shard::consume_handshake(const QueuedHandshake& queued, Instant now, TunnelOutput& output) {
  if (queued.opened != nullptr) {
    const RoutedInitiation& routed = *queued.opened;
    return accept_initiation(find(routed.peer), routed.opened, routed.source, now, output), true;
  }
  const std::span<const std::uint8_t> message = queued.message();
  if (!context_.is_up || !context_.has_identity) return context_.counters.drop(Drop::kInNoIdentity), false;
  const auto type = static_cast<noise::MessageType>(message[0]);
  if (type == noise::MessageType::kCookieReply) return consume_cookie_reply(queued, now), false;

  if (!queued.is_proven && !cookie_checker_.has_valid_mac1(message)) return refuse_handshake(Drop::kInBadMac1, queued.source), false;
  Duration prolonged{};
  const bool is_under_load = gate_.is_under_load(now, prolonged);
  context_.counters.under_load_nanoseconds += static_cast<std::uint64_t>(prolonged.count());
  if (prolonged == noise::kUnderLoadSticky) context_.emit({.kind = EventKind::kUnderLoad, .value = gate_.queued()});  // it was not before
  if (is_under_load && !queued.is_proven) {
    if (!cookie_checker_.has_valid_mac2(message, queued.source.remote, now)) return answer_with_cookie(queued, now, output), false;
    // Only a source that has proven itself is counted: a spoofer cannot drain a victim's bucket.
    if (!gate_.admit_source(queued.source.remote.address, now)) return refuse_handshake(Drop::kInRateLimited, queued.source), false;
  }
  if (type == noise::MessageType::kInitiation) {
    consume_initiation(queued, now, output);
  } else {
    consume_response(queued, now);
  }
  return true;
}

void Shard::answer_with_cookie(const QueuedHandshake& queued, Instant now, TunnelOutput& output) {
  Packet reply = gate_.admit_cookie_reply(now) ? context_.pool.take(0) : Packet();
  if (!reply || reply.tailroom() < noise::kCookieReplySize) return refuse_handshake(Drop::kInUnderLoadNoCookie, queued.source);
  refuse_handshake(Drop::kInUnderLoadCookieSent, queued.source);
  reply.resize(noise::kCookieReplySize);
  std::array<std::uint8_t, 24> nonce;
  context_.host.random(nonce);
  cookie_checker_.create_reply(queued.message(), queued.source.remote, now, nonce, reply.bytes().first<noise::kCookieReplySize>());
  ++context_.counters.cookie_replies_sent;
  ++context_.counters.datagrams_sent;
  context_.counters.datagram_bytes_sent += reply.size();
  output.to_network.push_back(
      {std::move(reply), queued.source.remote, queued.source.local, noise::kHandshakeTrafficClass, SendTag{}.pack()});
}

void Shard::consume_initiation(const QueuedHandshake& queued, Instant now, TunnelOutput& output) {
  const auto opened = noise::open_initiation(*context_.identity, queued.message());
  if (!opened) return refuse_handshake(Drop::kInInvalidInitiation, queued.source);
  const auto entry = directory_.find(opened->remote_static);
  if (entry == directory_.end()) return refuse_handshake(Drop::kInUnknownPeer, queued.source, opened->remote_static);
  if (const PeerId id = entry->second; id.home != worker_) {
    ++context_.counters.inbound_forwarded;
    handovers_.push_back({id.home, std::make_unique<RoutedInitiation>(RoutedInitiation{id, *opened, queued.source})});
  } else {
    accept_initiation(find(id), *opened, queued.source, now, output);
  }
}

void Shard::accept_initiation(Peer* peer, const noise::OpenedInitiation& opened, const Source& source, Instant now, TunnelOutput& output) {
  if (!context_.is_up || !context_.has_identity) return context_.counters.drop(Drop::kInNoIdentity);  // since it was handed over
  if (peer == nullptr) return refuse_handshake(Drop::kInUnknownPeer, source, opened.remote_static);
  const auto verdict = peer->accept_initiation(opened, source, now, output);
  if (verdict == noise::Handshake::Verdict::kAccepted) {
    ++context_.counters.inbound_consumed;
  } else {
    const Drop reason = drop_of(verdict, Drop::kInInvalidInitiation, Drop::kInInvalidInitiation);
    peer->note_drop(reason);
    refuse_handshake(reason, source, peer->public_key());
  }
}

void Shard::consume_response(const QueuedHandshake& queued, Instant now) {
  const std::span<const std::uint8_t> message = queued.message();
  const IndexTable::Entry* entry = context_.indices.find(noise::load32(message.data() + noise::Response::kReceiver));
  if (entry == nullptr || entry->keypair != nullptr) return refuse_handshake(Drop::kInUnexpectedResponse, queued.source);
  Peer& peer = *entry->peer;
  const auto verdict = peer.consume_response(message.first<noise::kResponseSize>(), queued.source, now);
  if (verdict != noise::Handshake::Verdict::kAccepted) {
    const Drop reason = drop_of(verdict, Drop::kInInvalidResponse, Drop::kInUnexpectedResponse);
    peer.note_drop(reason);
    return refuse_handshake(reason, queued.source, peer.public_key());
  }
  ++context_.counters.inbound_consumed;
  // The responder may not send before it has heard from us under the new session: staged packets do that, or a keepalive.
  send_keepalive(peer, now);
}

void Shard::consume_cookie_reply(const QueuedHandshake& queued, Instant now) {
  const std::span<const std::uint8_t> message = queued.message();
  const IndexTable::Entry* entry = context_.indices.find(noise::load32(message.data() + noise::CookieReply::kReceiver));
  if (entry == nullptr || !entry->peer->consume_cookie_reply(message.first<noise::kCookieReplySize>(), now)) {
    if (entry != nullptr) entry->peer->note_drop(Drop::kInInvalidCookie);
    return refuse_handshake(Drop::kInInvalidCookie, queued.source);
  }
  ++context_.counters.cookie_replies_received;
  ++context_.counters.inbound_consumed;
}

}  // namespace wgu::tunnel
