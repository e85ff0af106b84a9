// The handshake's parts and its two sides, without a shard around them. An initiation that is consumed twice is a replay, so the
// responder's row works off a stock made beforehand, and starts over with a fresh state, untimed, when the stock is used up.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "bench/micro/rows.h"
#include "crypto/x25519.h"
#include "noise/cookie.h"
#include "noise/handshake.h"

namespace wgu::bench {
namespace {

using noise::Handshake;
using InitiationBytes = std::array<std::uint8_t, noise::kInitiationSize>;
using ResponseBytes = std::array<std::uint8_t, noise::kResponseSize>;

constexpr Instant kNow{};
constexpr std::int64_t kStock = 64;

struct Party {
  noise::Identity identity;
  Party() : identity{PrivateKey::generate(), {}} { identity.public_key = identity.private_key.public_key(); }
};

// Two parties, their slabs, and one side's handshake state each.
struct Pair {
  Party initiator, responder;
  crypto::SecretSlab handshakes{sizeof(noise::PeerSecrets)};
  crypto::SecretSlab sessions{sizeof(noise::SessionKeys)};
  PrivateKey initiator_ephemeral = PrivateKey::generate();
  PrivateKey responder_ephemeral = PrivateKey::generate();
  std::unique_ptr<Handshake> from = make(initiator, responder);
  std::unique_ptr<Handshake> to = make(responder, initiator);

  std::unique_ptr<Handshake> make(const Party& ours, const Party& theirs) {
    auto handshake = std::make_unique<Handshake>(handshakes, theirs.identity.public_key);
    handshake->set_identity(ours.identity);
    return handshake;
  }

  [[nodiscard]] bool initiate(std::int64_t second, InitiationBytes& message) const {
    return from->create_initiation(initiator.identity, initiator_ephemeral.reveal(), noise::tai64n({second, 0}), 1, message);
  }

  // Everything a responder computes, from the message to the session.
  [[nodiscard]] bool respond(const InitiationBytes& message, Instant now, ResponseBytes& response, noise::Keypair& keypair) {
    const auto opened = noise::open_initiation(responder.identity, message);
    return opened && to->accept_initiation(responder.identity, *opened, now) == Handshake::Verdict::kAccepted &&
           to->create_response(responder_ephemeral.reveal(), 2, response) && to->begin_session(sessions, now, keypair);
  }
};

void initiate(benchmark::State& state) {
  Pair pair;
  InitiationBytes initiation;
  ResponseBytes response;
  noise::Keypair keypair;
  if (!pair.initiate(1, initiation) || !pair.respond(initiation, kNow, response, keypair)) return state.SkipWithError("no handshake");
  // The same ephemeral key and time make the same initiation, so that one response answers them all.
  for (auto _ : state) {
    noise::Keypair session;
    if (!pair.initiate(1, initiation) || pair.from->consume_response(pair.initiator.identity, response) != Handshake::Verdict::kAccepted ||
        !pair.from->begin_session(pair.sessions, kNow, session)) {
      state.SkipWithError("no handshake");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
}

void respond(benchmark::State& state) {
  Pair pair;
  std::vector<InitiationBytes> stock(kStock);
  for (std::int64_t i = 0; i < kStock; ++i) {
    if (!pair.initiate(1 + i, stock[i])) return state.SkipWithError("no initiation");
  }
  std::int64_t next = 0;
  for (auto _ : state) {
    if (next == kStock) {
      state.PauseTiming();
      pair.to = pair.make(pair.responder, pair.initiator);
      next = 0;
      state.ResumeTiming();
    }
    ResponseBytes response;
    noise::Keypair session;
    const Instant now = kNow + next * std::chrono::seconds(1);  // one peer's initiations come no faster than the flood limit
    if (!pair.respond(stock[next++], now, response, session)) {
      state.SkipWithError("no handshake");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations());
}

void shared_secret(benchmark::State& state) {
  const PrivateKey ours = PrivateKey::generate();
  const PublicKey theirs = PrivateKey::generate().public_key();
  std::array<std::uint8_t, 32> secret;
  for (auto _ : state) benchmark::DoNotOptimize(crypto::x25519(ours.reveal(), theirs.bytes, secret.data()));
  state.SetItemsProcessed(state.iterations());
}

void public_key(benchmark::State& state) {
  const PrivateKey ours = PrivateKey::generate();
  std::array<std::uint8_t, 32> key;
  for (auto _ : state) {
    crypto::x25519_public(ours.reveal(), key.data());
    benchmark::DoNotOptimize(key);
  }
  state.SetItemsProcessed(state.iterations());
}

void reject_mac1(benchmark::State& state) {
  const Party party;
  noise::CookieChecker checker(std::array<std::uint8_t, 32>{});
  checker.set_public_key(party.identity.public_key);
  const InitiationBytes forged{1};
  std::int64_t accepted = 0;
  for (auto _ : state) accepted += checker.has_valid_mac1(forged) ? 1 : 0;
  if (accepted != 0) state.SkipWithError("a forged MAC1 was accepted");
  state.SetItemsProcessed(state.iterations());
}

}  // namespace

void add_handshake_rows(const AddRow& add) {
  add("x25519/shared_secret", shared_secret);
  add("x25519/public_key", public_key);
  add("handshake/initiate", initiate);
  add("handshake/respond", respond);
  add("mac1/reject", reject_mac1);
}

}  // namespace wgu::bench
