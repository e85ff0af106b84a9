// A peer acts on decisions:
//   timers say what is due       -> expire_timers
//   a handshake step succeeded   -> begin_session, then the session carries what was staged
//   a packet is authenticated    -> roam, confirm, keep the key fresh
// Functions stand in the order of peer.h.
#include "tunnel/peer.h"

#include <algorithm>
#include <utility>

#include "values/probes.h"

namespace wgu::tunnel {

using noise::Handshake;

Peer::Peer(PeerId id, const PublicKey& public_key, ShardContext& context)
    : id_(id), context_(context), handshake_(context.handshake_slab, public_key), cookies_(public_key), sessions_(context.indices) {
  handshake_.set_identity(*context.identity);
}

Peer::~Peer() {
  forget_handshake();
  drop_staged(Drop::kOutPeerRemoved);
  context_.deadlines.set(id_.slot, kNever);
  erase_sessions();
}

// --- Configuration ---------------------------------------------------------------------------------------------------------

void Peer::identity_changed() {
  forget_handshake();
  is_handshaking_ = false;
  has_new_identity_ = sessions_.current() != nullptr || sessions_.next() != nullptr;
  handshake_.set_identity(*context_.identity);
  timers_.forget_last_initiation();
  sessions_.retire_for_sending();
  if (!context_.has_identity) drop_staged(Drop::kOutNoIdentity);  // nothing would ever take them out
  // Who we are changed: a cookie was made for a MAC1 that the old identity's handshake carried, but it is bound to our address
  // only and stays good.
}

void Peer::set_endpoint(const Endpoint& endpoint, Instant now) {
  endpoint_ = endpoint;
  local_ = {};
  path_.forget();
  tell_path_mtu();
  start(now);                                        // a keepalive may have come to nothing for want of an endpoint
  if (staged_.size() > 0) want_initiation(false, now, RekeyCause::kNewEndpoint);  // the old endpoint may be why they wait
}

void Peer::set_persistent_keepalive(std::uint16_t seconds, Instant now) {
  persistent_keepalive_ = seconds;
  // Without an endpoint the first comes to nothing; the interval must be there when the peer shows where it is.
  const bool may_send = context_.is_up && context_.has_identity;
  timers_.set_persistent_keepalive(std::chrono::seconds(may_send ? seconds : 0), now);
  touch();
}

void Peer::start(Instant now) { set_persistent_keepalive(persistent_keepalive_, now); }

void Peer::stop() {
  forget_handshake();
  is_handshaking_ = false;
  erase_sessions();
  drop_staged(Drop::kOutNoIdentity);
  timers_.cancel_all();
  timers_.forget_last_initiation();
  context_.deadlines.set(id_.slot, kNever);
}

void Peer::fill(PeerStatus& status) const {
  status.public_key = public_key();
  status.preshared_key = handshake_.preshared();
  status.endpoint = endpoint_;
  status.persistent_keepalive = persistent_keepalive_;
  status.last_handshake = last_handshake_;
  status.rx_bytes = rx_bytes_;
  status.tx_bytes = tx_bytes_;
  status.path_mtu = path_.bytes();
  status.counters = counters_;
  if (drops_ != nullptr) status.drops.assign(drops_->begin(), drops_->end());
}

void Peer::watch(bool is_watched) {
  if (is_watched == (drops_ != nullptr)) return;
  drops_ = is_watched ? std::make_unique<std::array<std::uint64_t, kDropCount>>() : nullptr;
}

// --- Outbound --------------------------------------------------------------------------------------------------------------

noise::Keypair* Peer::sending_keypair(Instant now) const noexcept {
  noise::Keypair* keypair = sessions_.current();
  return keypair != nullptr && keypair->can_send(now) ? keypair : nullptr;
}

void Peer::stage(Packet packet) {
  if (staged_.size() >= noise::kMaxStagedPackets || context_.counters.outbound_queued >= context_.max_staged) {
    count_drop(Drop::kOutStagedOverflow);
    if (!take_staged()) return;  // none of its own to give up
  }
  staged_.push(std::move(packet));
  Counters& counters = context_.counters;
  const std::uint64_t depth = ++counters.outbound_queued;
  counters.outbound_queued_peak = std::max(counters.outbound_queued_peak, depth);
  if (depth == context_.max_staged / 4 * 3) {
    context_.emit({.kind = EventKind::kQueueHigh, .reason = Drop::kOutStagedOverflow, .value = depth});
  }
}

Packet Peer::take_staged() noexcept {
  Packet packet = staged_.pop();
  if (packet) --context_.counters.outbound_queued;
  return packet;
}

Datagram Peer::address_sealed(Packet packet, std::uint8_t traffic_class, bool is_keepalive, std::uint8_t padding,
                              const noise::Keypair& keypair, Instant now) {
  Counters& counters = context_.counters;
  ++counters.datagrams_sent;
  counters.datagram_bytes_sent += packet.size();
  tx_bytes_ += packet.size();
  const SendTag tag{is_keepalive ? SendTag::Kind::kOwn : SendTag::Kind::kData, id_, padding};
  if (is_keepalive) {
    ++counters.keepalives_sent;
  } else {
    const std::size_t inner = tag.inner_size(packet.size());
    ++counters.data_packets_sent;
    counters.data_bytes_sent += inner;
    ++counters_.data_packets_sent;
    counters_.data_bytes_sent += inner;
  }

  timers_.any_authenticated_packet_traversed(now);
  timers_.any_authenticated_packet_sent();
  if (!is_keepalive) timers_.data_sent(now, context_.jitter());
  if (keypair.wants_rekey_after_send(now)) {
    want_initiation(false, now, keypair.next_counter > noise::kRekeyAfterMessages ? RekeyCause::kMessages : RekeyCause::kTime);
  }
  touch();

  return Datagram{std::move(packet), endpoint_, local_, traffic_class, tag.pack()};
}

void Peer::send_failed(const SendTag& sent, std::size_t size, std::size_t inner, Drop reason) noexcept {
  tx_bytes_ -= size;
  if (sent.kind == SendTag::Kind::kData) {
    --counters_.data_packets_sent;
    counters_.data_bytes_sent -= inner;
    note_drop(reason);
  }
  Event failed = event(EventKind::kSendFailed);
  failed.reason = reason;
  failed.value = size;
  context_.emit(failed);
}

void Peer::tell_path_mtu() noexcept {
  if (path_.bytes() == told_path_mtu_) return;
  Event changed = event(EventKind::kMtuChanged);
  changed.value = told_path_mtu_ = path_.bytes();
  context_.emit(changed);
}

void Peer::keepalive_not_sent(Instant now) {
  timers_.any_authenticated_packet_traversed(now);
  touch();
}

// --- Inbound ---------------------------------------------------------------------------------------------------------------

bool Peer::data_authenticated(noise::Keypair* keypair, const Source& source, Instant now) {
  roam_to(source);
  const noise::Keypair* before = sessions_.current();
  const bool is_confirmed = sessions_.confirm(keypair);
  if (is_confirmed) {
    if (before != nullptr) tell_retired(*before);
    complete_handshake(false, now);
  }
  // "After receiving ... if the receiver was the initiator and the keypair is REJECT - KEEPALIVE - REKEY_TIMEOUT old"
  // (whitepaper 6.2): once a session, so that a silent sender still renews in time.
  const noise::Keypair* current = sessions_.current();
  if (current != nullptr && current->wants_rekey_after_receive(now) && timers_.take_last_minute_handshake()) {
    want_initiation(false, now, RekeyCause::kTime);
  }
  authenticated_received(now);
  return is_confirmed;
}

void Peer::data_received(Instant now) {
  timers_.data_received(now);
  touch();
}

// --- Handshakes ------------------------------------------------------------------------------------------------------------

Handshake::Verdict Peer::accept_initiation(const noise::OpenedInitiation& opened, const Source& source, Instant now,
                                           TunnelOutput& output) {
  const Handshake::Verdict verdict = handshake_.accept_initiation(*context_.identity, opened, now);
  if (verdict != Handshake::Verdict::kAccepted) return verdict;
  ++context_.counters.initiations_received;
  forget_handshake_index();  // an initiation of ours that was under way has given way to theirs
  roam_to(source);

  Packet message = take_message(noise::kResponseSize);
  crypto::SecretBytes ephemeral;
  context_.host.random(ephemeral.bytes);
  const std::uint32_t index = context_.indices.insert(this);
  if (message && handshake_.create_response(ephemeral, index, message.bytes().first<noise::kResponseSize>())) {
    tell_secrets(ephemeral);
    cookies_.add_macs(message.bytes(), now);
    timers_.response_sent(now);
    if (begin_session(now, index)) {
      timers_.any_authenticated_packet_sent();
      handshake_message_sent_ = now;
      ++context_.counters.responses_sent;
      output.to_network.push_back(address_handshake(std::move(message)));
    } else {
      ++context_.counters.send_errors;
    }
  } else {
    context_.indices.erase(index);
    handshake_.erase();
    ++context_.counters.send_errors;
  }
  count_received(noise::kInitiationSize);
  authenticated_received(now);
  return verdict;
}

Handshake::Verdict Peer::consume_response(std::span<const std::uint8_t, noise::kResponseSize> message, const Source& source, Instant now) {
  const Handshake::Verdict verdict = handshake_.consume_response(*context_.identity, message);
  if (verdict != Handshake::Verdict::kAccepted) return verdict;
  ++context_.counters.responses_received;
  roam_to(source);
  if (begin_session(now, handshake_index_)) complete_handshake(true, now);
  count_received(message.size());
  authenticated_received(now);
  return verdict;
}

bool Peer::consume_cookie_reply(std::span<const std::uint8_t, noise::kCookieReplySize> reply, Instant now) {
  // It proves that somebody on the path read our MAC1, not who sent it: the endpoint stays, whatever the source was.
  return cookies_.consume_reply(reply, now);
}

void Peer::want_initiation(bool is_retry, Instant now, RekeyCause cause) {
  if (!is_retry) timers_.begin_new_attempts();
  if (wants_initiation_ || !context_.is_up || !context_.has_identity || !has_usable_key() || !has_endpoint()) return;
  // Attempts at the old endpoint end with it.
  if (cause == RekeyCause::kNewEndpoint) is_handshaking_ = false;
  const bool begins = !is_retry && !is_handshaking_ && (!timers_.has_retransmission() || cause == RekeyCause::kNewEndpoint);
  if (!timers_.may_initiate(now)) {
    if (begins && (staged_.size() > 0 || timers_.has_retransmission())) begin_handshake_for(cause);
    // A response went out lately: its session may come to nothing, and then no other timer would speak for what waits here.
    if ((is_retry || staged_.size() > 0) && !timers_.has_retransmission()) {
      timers_.initiation_deferred(context_.jitter());
      touch();
    }
    return;
  }
  wants_initiation_ = true;
  if (begins) begin_handshake_for(cause);
  context_.wanting_initiation.push_back(id_);
}

void Peer::send_initiation(Instant now, TunnelOutput& output) {
  wants_initiation_ = false;
  if (!context_.is_up || !context_.has_identity || !has_endpoint() || !timers_.may_initiate(now)) return;

  // Armed first: whatever fails below is tried again, and at last given up, like a lost message.
  timers_.initiation_sent(now, context_.jitter());
  touch();
  Packet message = take_message(noise::kInitiationSize);
  if (!message) {
    ++context_.counters.send_errors;
    return;
  }
  forget_handshake();
  crypto::SecretBytes ephemeral;
  context_.host.random(ephemeral.bytes);
  const std::uint32_t index = context_.indices.insert(this);
  const WallTime wall = context_.host.wall_time();
  if (!handshake_.create_initiation(*context_.identity, ephemeral, noise::tai64n(wall), index,
                                    message.bytes().first<noise::kInitiationSize>())) {
    context_.indices.erase(index);
    timers_.cancel_all();  // a key of low order: there is nothing to retry
    touch();
    return;
  }
  tell_secrets(ephemeral);
  handshake_index_ = index;
  has_handshake_index_ = true;
  cookies_.add_macs(message.bytes(), now);
  timers_.any_authenticated_packet_traversed(now);
  timers_.any_authenticated_packet_sent();
  touch();
  if (wall < last_initiation_wall_) ++context_.counters.clock_went_back;
  last_initiation_wall_ = std::max(last_initiation_wall_, wall);
  handshake_message_sent_ = now;
  ++context_.counters.initiations_sent;
  if (std::exchange(is_handshaking_, true)) {
    ++context_.counters.initiations_repeated;
  } else {
    Event begun = event(EventKind::kHandshakeBegun);
    begun.is_initiator = true;
    begun.cause = cause_;
    context_.emit(begun);
    WGU_PROBE(handshake_begun, id_.home, public_key().bytes.data(), static_cast<unsigned>(cause_));
  }
  output.to_network.push_back(address_handshake(std::move(message)));
}

// --- Timers ----------------------------------------------------------------------------------------------------------------

bool Peer::expire_timers(Instant now) {
  bool wants_keepalive = false;
  for (noise::Due due = timers_.take_due(now); due != noise::Due::kNothing; due = timers_.take_due(now)) {
    switch (due) {
      case noise::Due::kNothing: break;
      case noise::Due::kRetransmitInitiation:
        local_ = {};  // the sticky source may be what is wrong
        want_initiation(true, now);
        break;
      case noise::Due::kGiveUp:
        give_up_handshake();
        drop_staged(Drop::kOutHandshakeGaveUp);
        break;
      case noise::Due::kNewHandshake:
        local_ = {};
        want_initiation(false, now, RekeyCause::kNoAnswer);
        break;
      case noise::Due::kEraseKeys:
        forget_handshake();
        erase_sessions();
        break;
      case noise::Due::kKeepalive:
      case noise::Due::kPersistentKeepalive: wants_keepalive = true; break;
    }
  }
  context_.deadlines.set(id_.slot, timers_.next());
  return wants_keepalive;
}

// --- Private ---------------------------------------------------------------------------------------------------------------

void Peer::roam_to(const Source& source) noexcept {
  if (endpoint_ != source.remote) {
    const bool is_another = endpoint_.is_set();
    endpoint_ = source.remote;
    path_.forget();
    tell_path_mtu();
    if (is_another) {
      ++context_.counters.endpoints_changed;
      ++counters_.endpoints_changed;
      context_.emit(event(EventKind::kEndpointChanged));
      WGU_PROBE(endpoint_changed, id_.home, public_key().bytes.data());
    }
  }
  local_ = source.local;
}

void Peer::authenticated_received(Instant now) {
  timers_.any_authenticated_packet_received();
  timers_.any_authenticated_packet_traversed(now);
  touch();
}

bool Peer::begin_session(Instant now, std::uint32_t index) {
  auto keypair = std::make_unique<noise::Keypair>();
  if (!handshake_.begin_session(context_.session_slab, now, *keypair)) {
    context_.indices.erase(index);
    handshake_.erase();
    has_handshake_index_ = false;
    return false;
  }
  has_handshake_index_ = false;  // it is the session's from here on
  if (sessions_.next() != nullptr) ++context_.counters.sessions_unconfirmed;  // gives way, as previous or for good
  Event installed = event(EventKind::kSessionInstalled);
  installed.is_initiator = keypair->is_initiator;
  installed.value = index;
  context_.emit(installed);
  if (keypair->is_initiator && sessions_.current() != nullptr) tell_retired(*sessions_.current());
  sessions_.add(std::move(keypair));
  timers_.session_derived(now);
  touch();
  ++context_.counters.sessions_begun;
  return true;
}

// A cause that says nothing else is the new key, if there is one.
void Peer::begin_handshake_for(RekeyCause cause) noexcept {
  cause_ = cause == RekeyCause::kNoSession && has_new_identity_ ? RekeyCause::kNewKey : cause;
  context_.counters.rekey(cause_);
}

void Peer::complete_handshake(bool is_initiator, Instant now) {
  timers_.handshake_completed();
  last_handshake_ = context_.host.wall_time();
  is_handshaking_ = false;
  has_new_identity_ = false;
  ++(is_initiator ? context_.counters.handshakes_completed_as_initiator : context_.counters.handshakes_completed_as_responder);
  ++(is_initiator ? counters_.handshakes_completed_as_initiator : counters_.handshakes_completed_as_responder);
  Event completed = event(EventKind::kHandshakeCompleted);
  completed.is_initiator = is_initiator;
  completed.value = static_cast<std::uint64_t>((now - handshake_message_sent_).count());
  context_.emit(completed);
  WGU_PROBE(handshake_completed, id_.home, public_key().bytes.data(), static_cast<unsigned>(is_initiator), completed.value);
}

void Peer::tell_secrets(const crypto::SecretBytes& ephemeral) const {
  if (!context_.on_secrets) return;
  const PresharedKey preshared = handshake_.preshared();
  context_.on_secrets({context_.identity->private_key.reveal(), ephemeral, preshared.reveal(), public_key()});
}

void Peer::give_up_handshake() {
  is_handshaking_ = false;
  ++context_.counters.handshakes_given_up;
  ++counters_.handshakes_given_up;
  Event failed = event(EventKind::kHandshakeFailed);
  failed.is_initiator = true;
  failed.reason = Drop::kOutHandshakeGaveUp;
  context_.emit(failed);
  WGU_PROBE(handshake_failed, id_.home, public_key().bytes.data(), static_cast<unsigned>(failed.reason));
}

void Peer::erase_sessions() {
  if (sessions_.next() != nullptr) ++context_.counters.sessions_unconfirmed;
  if (sessions_.next() != nullptr || sessions_.current() != nullptr || sessions_.previous() != nullptr) {
    context_.emit(event(EventKind::kSessionsErased));
    WGU_PROBE(session_erased, id_.home, public_key().bytes.data());
  }
  sessions_.clear();
}

void Peer::tell_retired(const noise::Keypair& keypair) noexcept {
  Event retired = event(EventKind::kSessionRetired);
  retired.is_initiator = keypair.is_initiator;
  retired.value = keypair.local_index;
  context_.emit(retired);
}

Event Peer::event(EventKind kind) const noexcept { return {.kind = kind, .peer = public_key(), .endpoint = endpoint_}; }

void Peer::drop_staged(Drop reason) noexcept {
  while (take_staged()) count_drop(reason);
}

void Peer::forget_handshake() noexcept {
  handshake_.erase();
  forget_handshake_index();
}

void Peer::forget_handshake_index() noexcept {
  if (has_handshake_index_) context_.indices.erase(handshake_index_);
  has_handshake_index_ = false;
}

Datagram Peer::address_handshake(Packet packet) {
  ++context_.counters.datagrams_sent;
  context_.counters.datagram_bytes_sent += packet.size();
  tx_bytes_ += packet.size();
  return Datagram{std::move(packet), endpoint_, local_, noise::kHandshakeTrafficClass, SendTag{SendTag::Kind::kOwn, id_}.pack()};
}

Packet Peer::take_message(std::size_t size) noexcept {
  Packet packet = context_.pool.take(0);
  if (!packet || packet.tailroom() < size) return Packet();
  packet.resize(size);
  return packet;
}

void Peer::touch() { context_.deadlines.set_no_later(id_.slot, timers_.next()); }

}  // namespace wgu::tunnel
