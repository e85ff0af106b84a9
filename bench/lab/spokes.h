#pragma once
// The peers of one hub, all in one thread, each with a key, an address and a socket of its own, and the traffic that the hub sends them:
// UDP out of the hub's namespace through its device, to each spoke a few trains at a time, another as soon as one has arrived.
//
// A spoke costs as little as it can, for the CPUs are to be the hub's: it shakes hands and answers as any peer does (wgu::Tunnel), but of
// the data the kernel copies no more than the beginnings; they are counted, and every 10 ms one packet is opened for proof. So
// beside every hub the spokes are the same small load, whatever the hub is made of.

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/lab/testbed.h"
#include "bench/traffic/intervals.h"
#include "bench/traffic/pacing.h"
#include "io/file_descriptor.h"
#include "wgu/device.h"
#include "wgu/key.h"
#include "wgu/net.h"
#include "wgu/result.h"

namespace wgu::bench {

struct Spoke {
  PrivateKey key;
  IpAddress inner;
  Endpoint outer;
  io::FileDescriptor network;  // at End::kA, connected to the hub
  io::FileDescriptor source;   // at End::kB: what sends to `inner`
};

struct Spokes {
  inline static constexpr unsigned kMost = 64;

  // Addresses at End::kA, and sockets at both ends. \pre the hub's device at End::kB is up. \errors EINVAL: none, or more than kMost
  static Result<Spokes> open(const Testbed& testbed, const PublicKey& hub, unsigned count);
  [[nodiscard]] std::vector<PeerChange> peers() const;  // what the hub has to be told

  std::vector<Spoke> all;
  PublicKey hub;
  Endpoint hub_at;
  std::uint32_t inner_mtu = 0;
  std::uint32_t payload = 0;  // bytes of UDP payload in a packet
};

struct SpokesRun {
  std::int64_t duration = kSecond;               // ns from the call, handshakes included
  std::int64_t count_from = 0, count_until = 0;  // ns of CLOCK_MONOTONIC: for SpokesCarried::by_spoke
};

// In packets of a whole payload. Trivially copyable.
struct SpokesCarried {
  std::uint64_t sent = 0;                               // that the hub's device was given
  std::uint64_t lost = 0;                               // of those, given up
  std::uint64_t proven = 0;                             // of those that arrived, opened
  std::array<std::uint64_t, Spokes::kMost> by_spoke{};  // arrived between the two times
  Intervals by_time{};                                  // arrived, of all spokes
  OwnTime time{};
};

// In the calling thread, in whatever namespace. \errors ETIMEDOUT: a handshake remains unanswered; EBADMSG: what arrives is not what the
// hub was given; those of poll(2), sendmmsg(2)
Result<SpokesCarried> carry(const Spokes& spokes, const SpokesRun& run);

// Jain's index: 1 when all got the same, 1/n when one of n got everything; 0 when nobody got anything.
[[nodiscard]] double fairness(std::span<const std::uint64_t> shares);

}  // namespace wgu::bench
