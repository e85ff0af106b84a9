#pragma once
// Static probes (USDT) of provider "wgu", for bpftrace and its like: a note in the ELF file and one `nop` in the code, until somebody
// attaches. A hit then costs about a microsecond, so they stand where a batch ends or something happens, never at each packet.
//
//   WGU_PROBE(batch_sealed, worker, packets, bytes, nanoseconds);      arguments: integers and pointers, cheap to have
//   if (WGU_PROBE_IS_TRACED(batch_sealed)) ...                         for what costs: a clock read, a division
//
// Without <sys/sdt.h> (Debian: systemtap-sdt-dev), or with WGU_WITHOUT_PROBES, both vanish: arguments are not evaluated.

// Every probe, its arguments, and where it stands. `peer` points to the 32 bytes of a public key; directions are those of
// wgu::Direction (0 outbound); sizes are inner packets' on the device's side and UDP payloads on the network's.
#define WGU_FOR_EACH_PROBE(X)                                                                                               \
  X(device_read)         /* worker, packets, bytes: one read; a super-packet's packets are of one size, but for the last */ \
  X(device_written)      /* worker, packets, bytes: one write, a super-packet's headers counted once */                     \
  X(datagrams_received)  /* worker, packets, bytes: one receive; a train's datagrams are of one size, but for the last */   \
  X(datagrams_sent)      /* worker, packets, bytes: one send */                                                             \
  X(batch_sealed)        /* worker, packets, bytes with padding, nanoseconds since the wait that brought them */            \
  X(batch_opened)        /* worker, packets, bytes of ciphertext and tag, nanoseconds since the wait that brought them */   \
  X(peer_batch)          /* worker, peer, direction, packets, bytes, nanoseconds: its share, by bytes, of a batch's time */ \
  X(packets_dropped)     /* worker, reason (wgu::Drop), packets */                                                          \
  X(handshake_begun)     /* worker, peer, cause (wgu::RekeyCause) */                                                        \
  X(handshake_completed) /* worker, peer, 1 as initiator, nanoseconds from our message to the answer */                     \
  X(handshake_failed)    /* worker, peer or null, reason (wgu::Drop) */                                                     \
  X(session_erased)      /* worker, peer */                                                                                 \
  X(endpoint_changed)    /* worker, peer */

#if __has_include(<sys/sdt.h>) && !defined(WGU_WITHOUT_PROBES)

// The semaphores, which a tracer counts up while it is attached. sys/sdt.h refers to them by name, from assembler: so no namespace.
#define WGU_DECLARE_PROBE(name) extern "C" volatile unsigned short wgu_##name##_semaphore;
WGU_FOR_EACH_PROBE(WGU_DECLARE_PROBE)
#undef WGU_DECLARE_PROBE

#define WGU_PROBE_SEMAPHORES 1
#define _SDT_HAS_SEMAPHORES 1
#define SDT_USE_VARIADIC 1
#include <sys/sdt.h>

#define WGU_PROBE(name, ...) STAP_PROBEV(wgu, name, __VA_ARGS__)
#define WGU_PROBE_IS_TRACED(name) (__builtin_expect(wgu_##name##_semaphore, 0) != 0)

#else

#define WGU_PROBE(name, ...) static_cast<void>(sizeof(wgu::values::not_evaluated(wgu::values::ProbeIsListed::name, __VA_ARGS__)))
#define WGU_PROBE_IS_TRACED(name) (static_cast<void>(wgu::values::ProbeIsListed::name), false)

#endif

namespace wgu::values {

// A probe that is not in the list does not compile, with or without the header.
enum class ProbeIsListed : unsigned char {
#define WGU_NAME_PROBE(name) name,
  WGU_FOR_EACH_PROBE(WGU_NAME_PROBE)
#undef WGU_NAME_PROBE
};

// Never defined; names its arguments, so that what only a probe uses is not unused.
template <class... Arguments>
char not_evaluated(const Arguments&... arguments) noexcept;

}  // namespace wgu::values
