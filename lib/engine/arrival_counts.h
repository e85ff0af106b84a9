#pragma once
// What a loop tells of its work, as counters: packets that it lost before anyone saw them, its operations, and what waited for buffers.

#include <algorithm>
#include <cstddef>

#include "io/loop.h"
#include "wgu/stats.h"

namespace wgu::engine {

// All but the packets that have arrived, which the shard counts, and sends that failed, which are their peers'.
inline void count_arrivals(const io::Arrivals& arrivals, Counters& counters) noexcept {
  counters.device_packets_sent -= arrivals.write_failures;
  counters.device_bytes_sent -= arrivals.write_failure_bytes;
  counters.drop(Drop::kInDeviceWriteFailed, arrivals.write_failures);
  counters.device_packets_received += arrivals.truncated_device_packets;
  counters.drop(Drop::kOutTooLong, arrivals.truncated_device_packets);
  counters.datagrams_received += arrivals.truncated_datagrams;
  counters.drop(Drop::kInTruncated, arrivals.truncated_datagrams);
  counters.device_packets_received += arrivals.unplaced_device_packets + arrivals.malformed_device_reads;
  counters.drop(Drop::kOutPoolExhausted, arrivals.unplaced_device_packets);
  counters.drop(Drop::kOutMalformed, arrivals.malformed_device_reads);
  counters.datagrams_received += arrivals.unplaced_datagrams;
  counters.drop(Drop::kInPoolExhausted, arrivals.unplaced_datagrams);
  counters.device_reads_starved += arrivals.starved_device_reads;
  counters.socket_reads_starved += arrivals.starved_socket_reads;
  counters.trains_refused += arrivals.refused_trains;
  counters.device_reads += arrivals.device_reads;
  counters.device_writes += arrivals.device_writes;
  counters.super_packets_read += arrivals.super_packets_read;
  counters.super_packets_written += arrivals.super_packets_written;
  counters.socket_receives += arrivals.socket_receives;
  counters.socket_sends += arrivals.socket_sends;
  counters.trains_received += arrivals.trains_received;
  counters.trains_sent += arrivals.trains_sent;
}

inline void count_buffers(std::size_t in_use, Counters& counters) noexcept {
  counters.buffers_in_use = in_use;
  counters.buffers_in_use_peak = std::max(counters.buffers_in_use_peak, counters.buffers_in_use);
}

}  // namespace wgu::engine
