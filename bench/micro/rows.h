#pragma once
// Rows of `wgu-bench micro`, by layer. Each function adds its own to the list; nothing is measured yet. Rows count in items
// (packets, handshakes, look-ups), so that every row reads as time an item.

#include <benchmark/benchmark.h>

#include <functional>
#include <string>

#include "bench/micro/aead_tables.h"

namespace wgu::bench {

using Measurement = std::function<void(benchmark::State&)>;
using AddRow = std::function<void(const std::string& name, Measurement)>;

// aead_rows.cc; `slow_down`: percent of extra work planted into our kernels' rows
void add_aead_rows(const AddRow& add, const AeadTables& tables, double slow_down);
void add_handshake_rows(const AddRow& add);                       // handshake_rows.cc: X25519, handshakes, MAC1
void add_crowd_rows(const AddRow& add);                           // crowd_rows.cc: handshakes of a thousand peers
void add_configuration_rows(const AddRow& add);                   // configuration_rows.cc: 10,000 peers, 1,000,000 allowed IPs
void add_lookup_rows(const AddRow& add);                          // lookup_rows.cc: replay window, allowed IPs, counters
void add_offload_rows(const AddRow& add);                         // offload_rows.cc: super-packets, checksums
void add_telemetry_rows(const AddRow& add);                       // telemetry_rows.cc: counters, histograms
void add_shard_rows(const AddRow& add);                           // shard_rows.cc: whole flows, without I/O

}  // namespace wgu::bench
