// Split and merge of super-packets, and the sums below them. Items are segments (of checksums: buffers). What is read was just
// written by the kernel, so it is measured warm.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "bench/micro/rows.h"
#include "io/checksum.h"
#include "io/merge.h"
#include "io/split.h"
#include "values/ip_headers.h"

namespace wgu::bench {
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kHeadroom = 16;  // of a frame: WireGuard's data header
constexpr std::size_t kTailroom = 16;  // its tag

Bytes filled(std::size_t size) {
  Bytes bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 37 >> 2);
  return bytes;
}

// --- Checksums -------------------------------------------------------------------------------------------------------------

void sum(benchmark::State& state, const io::ChecksumKernel& kernel, std::size_t bytes) {
  const Bytes from = filled(bytes);
  for (auto _ : state) benchmark::DoNotOptimize(kernel.sum(from.data(), bytes));
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

void copy_and_sum(benchmark::State& state, const io::ChecksumKernel& kernel, std::size_t bytes) {
  const Bytes from = filled(bytes);
  Bytes to(bytes);
  for (auto _ : state) {
    benchmark::DoNotOptimize(kernel.copy(to.data(), from.data(), bytes));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

// What fusing saves: a copy by the C library, then a sum.
void copy_then_sum(benchmark::State& state, const io::ChecksumKernel& kernel, std::size_t bytes) {
  const Bytes from = filled(bytes);
  Bytes to(bytes);
  for (auto _ : state) {
    std::memcpy(to.data(), from.data(), bytes);
    benchmark::DoNotOptimize(kernel.sum(to.data(), bytes));
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(bytes));
}

// --- Split -----------------------------------------------------------------------------------------------------------------

struct Kind {
  const char* name;
  bool is_v4;
  bool is_tcp;
};
constexpr Kind kTcpV4 = {"tcp_v4", true, true};
constexpr Kind kTcpV6 = {"tcp_v6", false, true};
constexpr Kind kUdpV4 = {"udp_v4", true, false};
constexpr Kind kUdpV6 = {"udp_v6", false, false};

struct Super {
  io::VirtioNetHeader header;
  Bytes packet;
};

// As the kernel hands it over: TCP with timestamps; the checksum field has the pseudo header's sum.
Super super_of(const Kind& kind, std::uint16_t flow, std::size_t segments, std::size_t payload) {
  const std::size_t ip = kind.is_v4 ? kIpv4HeaderSize : kIpv6HeaderSize;
  const std::size_t transport_size = kind.is_tcp ? 32 : kUdpHeaderSize;
  const std::uint8_t protocol = kind.is_tcp ? kTcp : kUdp;
  Super super;
  super.packet = filled(ip + transport_size + segments * payload);
  std::uint8_t* packet = super.packet.data();
  std::uint8_t* transport = packet + ip;
  std::memset(packet, 0, ip + transport_size);
  packet[0] = kind.is_v4 ? 0x45 : 0x60;
  if (kind.is_v4) {
    store_be16(packet + kIpv4Length, super.packet.size());
    store_be16(packet + kIpv4Fragment, kIpv4DontFragment);
    packet[kIpv4Protocol] = protocol;
  } else {
    store_be16(packet + kIpv6Length, super.packet.size() - ip);
    packet[kIpv6NextHeader] = protocol;
  }
  store_be16(transport, flow);
  if (kind.is_tcp) {
    transport[kTcpDataOffset] = 0x80;
    transport[kTcpFlags] = kTcpAck;
  } else {
    store_be16(transport + kUdpLength, super.packet.size() - ip);
  }
  super.header.flags = io::kVirtioNeedsChecksum;
  super.header.gso_type = !kind.is_tcp ? io::kVirtioGsoUdpL4 : kind.is_v4 ? io::kVirtioGsoTcpV4 : io::kVirtioGsoTcpV6;
  super.header.gso_size = static_cast<std::uint16_t>(payload);
  super.header.checksum_start = static_cast<std::uint16_t>(ip);
  super.header.checksum_offset = kind.is_tcp ? kTcpChecksum : kUdpChecksum;
  const io::WordSum pseudo = io::network_word(protocol) + io::network_word(super.packet.size() - ip);  // all addresses are zero
  io::store_word(transport + super.header.checksum_offset, io::fold_sum(pseudo));
  return super;
}

void split(benchmark::State& state, const Kind& kind, std::size_t segments, std::size_t payload) {
  const Super super = super_of(kind, 1, segments, payload);
  const std::size_t stride = kHeadroom + super.packet.size() - (segments - 1) * payload + kTailroom;
  Bytes arena(stride * segments);
  for (auto _ : state) {
    io::SuperPacket packet;
    if (packet.parse(super.header, super.packet) != io::SplitError::kNone || packet.segments() != segments) {
      state.SkipWithError("the super-packet was refused");
      break;
    }
    packet.write(0, segments, arena.data() + kHeadroom, stride);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(segments));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(super.packet.size()));
}

// --- Merge -----------------------------------------------------------------------------------------------------------------

// Trains of several flows, packet by packet in turn, in frames as they are after opening in place.
void merge(benchmark::State& state, const Kind& kind, std::size_t flows, std::size_t packets, std::size_t payload) {
  const std::size_t of_flow = packets / flows;
  const std::size_t headers = (kind.is_v4 ? 20 : 40) + (kind.is_tcp ? 32 : 8);
  const std::size_t size = headers + payload;
  const std::size_t stride = kHeadroom + size + kTailroom;
  Bytes arena(stride * packets);
  std::vector<std::span<std::uint8_t>> spans(packets);
  std::vector<std::size_t> firsts;
  for (std::size_t flow = 0; flow < flows; ++flow) {
    const Super super = super_of(kind, static_cast<std::uint16_t>(flow), of_flow, payload);
    io::SuperPacket packet;
    if (packet.parse(super.header, super.packet) != io::SplitError::kNone) return state.SkipWithError("the super-packet was refused");
    for (std::size_t i = 0; i < of_flow; ++i) {
      const std::size_t at = i * flows + flow;
      spans[at] = {arena.data() + at * stride + kHeadroom, size};
      packet.write(i, spans[at].data());
    }
  }
  const Bytes first_headers(arena.begin(), arena.begin() + static_cast<std::ptrdiff_t>(flows * stride));
  io::Merger merger(packets);
  for (auto _ : state) {
    const auto writes = merger.merge(spans);
    if (writes.size() != flows) {
      state.SkipWithError("not merged");
      break;
    }
    benchmark::DoNotOptimize(writes.data());
    for (std::size_t flow = 0; flow < flows; ++flow) {  // merging has changed these
      std::memcpy(spans[flow].data(), first_headers.data() + flow * stride + kHeadroom, headers);
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(packets));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(packets * size));
}

// Packets that stay alone: the acknowledgments of one flow, or one datagram of each of many.
void merge_nothing(benchmark::State& state, const Kind& kind, std::size_t packets, std::size_t payload) {
  std::vector<Bytes> alone;
  std::vector<std::span<std::uint8_t>> spans;
  for (std::size_t i = 0; i < packets; ++i) {
    const Super super = super_of(kind, static_cast<std::uint16_t>(payload == 0 ? 1 : i), 1, payload == 0 ? 1 : payload);
    io::SuperPacket packet;
    if (packet.parse(super.header, super.packet) != io::SplitError::kNone) return state.SkipWithError("the super-packet was refused");
    packet.write(0, alone.emplace_back(packet.segment_size(0)).data());
    if (payload == 0) {  // the byte goes; no one gets as far as the checksum
      alone.back().pop_back();
      store_be16(alone.back().data() + kIpv4Length, alone.back().size());
    }
  }
  for (Bytes& bytes : alone) spans.emplace_back(bytes);
  io::Merger merger(packets);
  for (auto _ : state) {
    const auto writes = merger.merge(spans);
    benchmark::DoNotOptimize(writes.data());
    if (writes.size() != packets) {
      state.SkipWithError("merged");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(packets));
}

}  // namespace

void add_offload_rows(const AddRow& add) {
  for (const std::size_t bytes : {64U, 256U, 1380U}) {
    for (const io::ChecksumKernel& kernel : io::checksum_kernels()) {
      if (!kernel.runs_here()) continue;
      const std::string name = fmt::format("{}/bytes:{}", kernel.name, bytes);
      add("checksum/sum/" + name, [&kernel, bytes](benchmark::State& state) { sum(state, kernel, bytes); });
      add("checksum/copy_and_sum/" + name, [&kernel, bytes](benchmark::State& state) { copy_and_sum(state, kernel, bytes); });
      add("checksum/copy_then_sum/" + name, [&kernel, bytes](benchmark::State& state) { copy_then_sum(state, kernel, bytes); });
    }
  }
  for (const Kind& kind : {kTcpV4, kTcpV6, kUdpV4, kUdpV6}) {
    add(fmt::format("offload/split/{}/segments:44/payload:1368", kind.name),
        [kind](benchmark::State& state) { split(state, kind, 44, 1368); });
    add(fmt::format("offload/merge/{}/flows:1/packets:44/payload:1368", kind.name),
        [kind](benchmark::State& state) { merge(state, kind, 1, 44, 1368); });
  }
  add("offload/split/udp_v4/segments:128/payload:64", [](benchmark::State& state) { split(state, kUdpV4, 128, 64); });
  add("offload/merge/udp_v4/flows:1/packets:128/payload:64", [](benchmark::State& state) { merge(state, kUdpV4, 1, 128, 64); });
  add("offload/merge/tcp_v4/flows:8/packets:128/payload:1368", [](benchmark::State& state) { merge(state, kTcpV4, 8, 128, 1368); });
  add("offload/merge_nothing/tcp_v4/packets:128/payload:0", [](benchmark::State& state) { merge_nothing(state, kTcpV4, 128, 0); });
  add("offload/merge_nothing/udp_v4/packets:128/payload:64", [](benchmark::State& state) { merge_nothing(state, kUdpV4, 128, 64); });
}

}  // namespace wgu::bench
