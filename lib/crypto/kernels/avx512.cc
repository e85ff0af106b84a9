// ChaCha20-Poly1305 across packets, AVX-512 with IFMA. A group of up to 64 packets goes through three steps:
//   ChaCha20   (avx512_chacha20.h) the blocks of all packets, each packet's Poly1305 key block (block 0) first, stand in one row; a
//              pass takes the next 32 of them (fewer at the end of the row), one block a lane, whatever packets they belong to.
//   Poly1305   (avx512_poly1305.h) eight or sixteen packets at a time, one a lane, each under its own r and in lock-step; packets
//              too long for their neighbours go alone, eight blocks at a time, under powers of r. Of many long packets most are
//              chained instead (avx512_chain.h): absorbed by the scalar pipes during the ChaCha20 of others.
//   tags       written (seal) or compared without branches (open: no text is stored before its tag was found right).
// Control flow and addresses depend on lengths, counts and pointers, and on the verdict of a tag, never on key, stream or text.
// `Workspace`, `BlockRow` and `Chain` hold all secrets that are put into memory, and are erased before the return.

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>

#include "crypto/aead_kernels.h"
#include "crypto/kernels/avx512_chacha20.h"
#include "crypto/kernels/avx512_chain.h"
#include "crypto/kernels/avx512_poly1305.h"

namespace wgu::crypto {
namespace {

using namespace avx512;

constexpr size_t kGroup = kMostPackets;  // of one workspace

// Measured.
constexpr size_t kGroupBytes = 1 << 20;
constexpr size_t kStreamBlocks = 64;         // `open` keeps the key stream of so many blocks rather than compute passes half empty
constexpr size_t kBlocksForSquare = 6;       // messages longer than this pay for r^2,
constexpr size_t kBlocksForFourth = 16;      // and than this for r^3 and r^4,
constexpr size_t kBlocksForTwinFourth = 40;  // in two groups later
constexpr size_t kMeanForChain = 600;        // packets so long in the mean, in bytes, are chained (avx512_chain.h)

bool runs_here() noexcept {
#if defined(WGU_EMULATED_AVX512)
  return true;
#else
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512ifma") && __builtin_cpu_supports("bmi2");
#endif
}

struct Workspace {
  using TwoPowers = Powers[2];
  // Where `count` powers are put.
  TwoPowers& powers(size_t count) {
    powers_used = std::max(powers_used, count);
    return all_powers;
  }

  OneTimeKey keys[kGroup];
  Powers all_powers[2];
  size_t powers_used = 0;  // of each
  alignas(64) uint8_t stream[kStreamBlocks * kBlock];
};

// Lengths in steps of 12 % or less, so that messages of nearly equal length share a lock-step.
constexpr size_t kLengthClasses = 81;
constexpr size_t length_class(size_t blocks) {
  if (blocks < 16) return blocks;
  const auto exponent = static_cast<size_t>(std::bit_width(blocks)) - 4;  // 4097 blocks at most: 9
  return exponent * 8 + (blocks >> exponent);
}
static_assert(length_class(poly_blocks(65535)) == kLengthClasses - 1);

// Longest first: a counting sort, because comparisons of random lengths would be mispredicted.
void sort_by_length(Message* messages, size_t count) {
  const size_t blocks = poly_blocks(messages[0].length);
  if (std::all_of(messages + 1, messages + count, [&](const Message& m) { return poly_blocks(m.length) == blocks; })) return;
  uint8_t place[kLengthClasses + 1] = {};
  uint8_t of[kGroup];
  for (size_t i = 0; i < count; ++i) {
    of[i] = static_cast<uint8_t>(kLengthClasses - 1 - length_class(poly_blocks(messages[i].length)));
    ++place[of[i] + 1];
  }
  for (size_t c = 1; c < kLengthClasses; ++c) place[c] = static_cast<uint8_t>(place[c] + place[c - 1]);
  Message sorted[kGroup];
  for (size_t i = 0; i < count; ++i) sorted[place[of[i]]++] = messages[i];
  std::copy(sorted, sorted + count, messages);
}

// Measured, in cycles.
inline size_t cost_alone(size_t blocks) { return 300 + blocks * 7 / 2; }
inline size_t cost_together(size_t blocks) { return blocks <= kBlocksForSquare ? 300 + blocks * 48 : 250 + blocks * 20; }

inline size_t cost_of_twins(size_t blocks) { return 400 + blocks * 44; }  // of more than eight long messages

// How many of the next messages are best taken alone before the rest of them goes in lock-step.
size_t number_alone(const Message* messages, size_t count) {
  const size_t window = std::min(count, kPolyLanes);
  size_t best = 0;
  size_t best_cost = cost_together(poly_blocks(messages[0].length));
  size_t alone = 0;
  for (size_t i = 0; i < window; ++i) {
    alone += cost_alone(poly_blocks(messages[i].length));
    const size_t cost = alone + (i + 1 < window ? cost_together(poly_blocks(messages[i + 1].length)) : 0);
    if (cost < best_cost) {
      best_cost = cost;
      best = i + 1;
    }
  }
  return best;
}

// The next nine to sixteen messages, if so many have one length: how many were authenticated.
size_t authenticate_twins(const Message* messages, size_t count, Workspace& workspace, Tags (&tags)[2]) {
  size_t same = 1;
  for (const size_t most = std::min(count, 2 * kPolyLanes); same < most && messages[same].length == messages[0].length;) ++same;
  if (same <= kPolyLanes) return 0;
  const size_t blocks = poly_blocks(messages[0].length);
  if (blocks > kBlocksForTwinFourth && cost_together(blocks) + (same - kPolyLanes) * cost_alone(blocks) < cost_of_twins(blocks)) return 0;
  if (blocks <= kBlocksForSquare) {
    authenticate_twins<1>(messages, same, workspace.powers(1), tags);
  } else if (blocks <= kBlocksForTwinFourth) {
    authenticate_twins<2>(messages, same, workspace.powers(2), tags);
  } else {
    authenticate_twins<4>(messages, same, workspace.powers(4), tags);
  }
  return same;
}

// The next eight messages or fewer: how many.
size_t authenticate_lanes(const Message* messages, size_t count, Workspace& workspace, Tags& tags) {
  const size_t together = std::min(count, kPolyLanes);
  size_t most_blocks = 0;
  for (size_t lane = 0; lane < together; ++lane) most_blocks = std::max(most_blocks, poly_blocks(messages[lane].length));
  if (most_blocks <= kBlocksForSquare) {
    authenticate_lanes<1>(messages, together, workspace.powers(1)[0], tags);
  } else if (most_blocks <= kBlocksForFourth) {
    authenticate_lanes<2>(messages, together, workspace.powers(2)[0], tags);
  } else {
    authenticate_lanes<4>(messages, together, workspace.powers(4)[0], tags);
  }
  return together;
}

// Hands every message's tag to take(message, low, high).
template <class Take>
void authenticate(Message* messages, size_t count, Workspace& workspace, Take take) {
  if (count == 0) return;
  sort_by_length(messages, count);
  Tags tags[2];
  for (size_t i = 0; i < count;) {
    size_t done = authenticate_twins(messages + i, count - i, workspace, tags);
    if (done == 0 && number_alone(messages + i, count - i) > 0) {
      authenticate_alone(messages[i], workspace.powers(3)[0], tags[0]);
      done = 1;
    }
    if (done == 0) done = authenticate_lanes(messages + i, count - i, workspace, tags[0]);
    for (size_t lane = 0; lane < done; ++lane, ++i) {
      take(messages[i], tags[lane / kPolyLanes].low[lane % kPolyLanes], tags[lane / kPolyLanes].high[lane % kPolyLanes]);
    }
  }
}

// Those that were used, and the powers.
inline void erase_keys(Workspace& workspace, size_t count) {
  erase(workspace.keys, count * sizeof(OneTimeKey));
  for (Powers& powers : workspace.all_powers) erase(powers.of, workspace.powers_used * sizeof powers.of[0]);
}

constexpr size_t text_length(const SealJob& job) { return job.length; }
constexpr size_t text_length(const OpenJob& job) { return job.length < kAeadTagSize ? 0 : job.length - kAeadTagSize; }

template <class Job>
constexpr bool is_long(const Job& job) {
  return text_length(job) >= kLong;
}

constexpr size_t kCostChained = 100;  // of a message, beside the passes
constexpr size_t kCostOfChain = 500;  // before the first and after the last; twice where text waits for verdicts: passes are not full

// What `count` long messages cost that are not chained.
inline size_t cost_unchained(size_t count, size_t blocks) {
  const size_t rest = count % (2 * kPolyLanes);
  const size_t twins = count / (2 * kPolyLanes) * cost_of_twins(blocks);
  if (rest <= kPolyLanes) return twins + std::min(rest * cost_alone(blocks), cost_together(blocks));
  return twins + std::min(cost_together(blocks) + (rest - kPolyLanes) * cost_alone(blocks), cost_of_twins(blocks));
}

// Which packets are chained, as bits: as many of the long ones as the passes of all have stretches for, from when the first has gone
// through them until the last one's turn comes; or fewer, so that the rest of the long fill their lock-steps; or none.
template <class Job>
[[gnu::noinline]] uint64_t choose_chained(const Job* jobs, size_t count) {
  // Sealed, the first message is ready a pass before the second; and the row has the key blocks.
  constexpr bool kSeals = std::is_same_v<Job, SealJob>;
  size_t row_blocks = 0;
  size_t number_long = 0;
  size_t bytes_long = 0;
  for (size_t i = 0; i < count; ++i) {
    row_blocks += kSeals + (text_length(jobs[i]) + kBlock - 1) / kBlock;
    number_long += is_long(jobs[i]);
    bytes_long += is_long(jobs[i]) ? text_length(jobs[i]) : 0;
  }
  const size_t stretches = row_blocks / kMostLanes * kStretches;
  size_t of_side = 0;  // the one that has fewer yet
  size_t of_other = kSeals ? kStretches : 0;
  size_t most = 0;
  for (size_t i = 0; i < count; ++i) {
    if (!is_long(jobs[i])) continue;
    const size_t length = text_length(jobs[i]);
    const size_t lag = (kSeals ? 1 : 2) * (1 + length / (kBlock * kMostLanes)) * kStretches;
    of_side += stretches_of(length);
    if (stretches < of_side + lag) break;
    if (of_side > of_other) std::swap(of_side, of_other);
    ++most;
  }
  if (most == 0) return 0;
  const size_t mean_blocks = poly_blocks(bytes_long / number_long);
  size_t chained = 0;
  size_t least_cost = cost_unchained(number_long, mean_blocks);
  const size_t excess = (number_long - most + kPolyLanes - 1) / kPolyLanes * kPolyLanes - (number_long - most);
  for (const size_t number : {most, most - std::min(most, excess)}) {
    const size_t cost = (kSeals ? 1 : 2) * kCostOfChain + number * kCostChained + cost_unchained(number_long - number, mean_blocks);
    if (cost < least_cost) {
      least_cost = cost;
      chained = number;
    }
  }
  uint64_t chosen = 0;
  for (size_t i = 0; chained > 0; ++i) {
    if (!is_long(jobs[i])) continue;
    chosen |= uint64_t{1} << i;
    --chained;
  }
  return chosen;
}

// The jobs of a group, those first that are chained: act(job).
template <class Job, class Act>
WGU_INLINE void for_each(Job* jobs, size_t count, uint64_t chained, Act act) {
  for (uint64_t set = chained; set != 0; set &= set - 1) act(jobs[std::countr_zero(set)]);
  for (uint64_t set = ~chained & ~uint64_t{0} >> (kGroup - count); set != 0; set &= set - 1) act(jobs[std::countr_zero(set)]);
}
static_assert(kGroup == 64);

// Encrypts the row, and authenticates its first packets with it, each once it is encrypted.
template <class Take>
[[gnu::noinline]] void seal_chained(BlockRow& row, const Message* messages, size_t count, Take take) {
  Chain chain(messages, count);
  while (row.left() > 0 || chain.is_laid_out()) {
    if (chain.is_laid_out()) {
      row.pass(chain.stretches());
    } else {
      row.pass();
    }
    chain.hand_out(take);
    chain.lay_out(row.complete());
  }
  row.end();
  chain.erase_secrets();
}

void seal_group(SealJob* jobs, size_t count, size_t total) {
  Workspace workspace;
  Message messages[kGroup];
  const uint64_t chosen = count > kPolyLanes && total >= count * kMeanForChain ? choose_chained(jobs, count) : 0;
  const auto chained = static_cast<size_t>(std::popcount(chosen));
  BlockRow row(workspace.keys, BlockRow::Text::kApplied);
  uint32_t place = 0;
  for_each(jobs, count, chosen, [&](const SealJob& job) {
    row.add({job.key, job.counter, job.in, job.out, job.length});
    messages[place] = {job.out, job.length, &workspace.keys[place], place};
    ++place;
  });
  const auto write_tag = [](const Message& message, uint64_t low, uint64_t high) {
    auto* tag = const_cast<uint8_t*>(message.data) + message.length;
    std::memcpy(tag, &low, 8);
    std::memcpy(tag + 8, &high, 8);
  };
  if (chained == 0) {
    row.run();
    row.end();
  } else {
    seal_chained(row, messages, chained, write_tag);
  }
  authenticate(messages + chained, count - chained, workspace, write_tag);
  erase_keys(workspace, count);
}

inline bool has_tag(const Message& message, uint64_t low, uint64_t high) {
  uint64_t tag[2];
  std::memcpy(tag, message.data + message.length, sizeof tag);
  return ((tag[0] ^ low) | (tag[1] ^ high)) == 0;
}

// The only branch on a verdict, which is public; apart, so that the check for constant time can excuse it and nothing else.
// Packets whose tag was wrong are zeroed, and nothing is left of them to decrypt.
[[gnu::noinline]] void conclude(OpenJob* const* jobs, size_t* lengths, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    if (jobs[i]->is_authentic) continue;
    std::memset(jobs[i]->out, 0, lengths[i]);
    lengths[i] = 0;
  }
}

// Opens the packets that the row has already, and authenticates meanwhile the messages, whose packets follow once they are found good.
template <class Judge>
[[gnu::noinline]] void open_chained(BlockRow& row, const Message* messages, size_t count, Judge judge) {
  Chain chain(messages, count);
  chain.lay_out(count);
  while (row.left() > 0 || chain.is_laid_out()) {
    if (chain.is_laid_out()) {
      row.pass(chain.stretches());  // of few blocks or none, where more wait for the next verdict
    } else {
      row.pass();
    }
    chain.hand_out([&](const Message& message, uint64_t low, uint64_t high) { row.add(judge(message, low, high)); });
    chain.lay_out(count);
  }
  row.end();
  chain.erase_secrets();
}

// Packets of few blocks: the whole key stream is made with the one-time keys, so that the text does not need passes of its own, and
// laid aside until the verdicts. Of a packet whose tag is wrong, zeros are stored: without a branch.
[[gnu::noinline]] void open_small(OpenJob* jobs, size_t count) {
  Workspace workspace;
  Message messages[kGroup];
  BlockRow row(workspace.keys, BlockRow::Text::kStream);
  uint8_t* stream = workspace.stream;
  for (size_t i = 0; i < count; ++i) {
    const OpenJob& job = jobs[i];
    const size_t length = text_length(job);
    row.add({job.key, job.counter, job.in, stream, length});
    messages[i] = {job.in, length, &workspace.keys[i], static_cast<uint32_t>(i)};
    stream += (length + kBlock - 1) / kBlock * kBlock;
  }
  row.run();
  row.end();
  authenticate(messages, count, workspace, [&](const Message& message, uint64_t low, uint64_t high) {
    jobs[message.packet].is_authentic = has_tag(message, low, high);
  });
  stream = workspace.stream;
  for (size_t i = 0; i < count; ++i) {
    const OpenJob& job = jobs[i];
    const size_t length = text_length(job);
    const __m512i kept = _mm512_set1_epi64(-static_cast<long long>(job.is_authentic));
    for (size_t done = 0; done < length; done += kBlock) {
      const __mmask64 bytes = first_bytes(length - done);
      const __m512i text = _mm512_xor_si512(_mm512_load_si512(stream), _mm512_maskz_loadu_epi8(bytes, job.in + done));
      _mm512_store_si512(stream, _mm512_setzero_si512());  // erased
      _mm512_mask_storeu_epi8(job.out + done, bytes, _mm512_and_si512(kept, text));
      stream += kBlock;
    }
  }
  erase_keys(workspace, count);
}

[[gnu::noinline]] void open_large(OpenJob* jobs, size_t count, size_t total) {
  Workspace workspace;
  Message messages[kGroup];
  OpenJob* job_of[kGroup];
  size_t lengths[kGroup];
  const uint64_t chosen = count > kPolyLanes && total >= count * kMeanForChain ? choose_chained(jobs, count) : 0;
  const auto chained = static_cast<size_t>(std::popcount(chosen));
  size_t used = 0;
  BlockRow row(workspace.keys, BlockRow::Text::kNone);
  for_each(jobs, count, chosen, [&](OpenJob& job) {
    job.is_authentic = false;
    if (job.length < kAeadTagSize) return;
    row.add({job.key, job.counter, job.in, job.out, text_length(job)});
    messages[used] = {job.in, text_length(job), &workspace.keys[used], static_cast<uint32_t>(used)};
    lengths[used] = text_length(job);
    job_of[used++] = &job;
  });
  row.run();
  const auto judge = [&](const Message& message, uint64_t low, uint64_t high) {
    job_of[message.packet]->is_authentic = has_tag(message, low, high);
  };
  authenticate(messages + chained, used - chained, workspace, judge);
  conclude(job_of + chained, lengths + chained, used - chained);
  row.turn_to_text(lengths, chained);
  if (chained == 0) {
    row.run();
    row.end();
  } else {
    open_chained(row, messages, chained, [&](const Message& message, uint64_t low, uint64_t high) {
      judge(message, low, high);
      const size_t i = message.packet;
      conclude(job_of + i, lengths + i, 1);
      const OpenJob& job = *job_of[i];
      return Packet{job.key, job.counter, job.in, job.out, lengths[i]};
    });
  }
  erase_keys(workspace, used);
}

// As many of the next jobs as a workspace holds and the nearest cache keeps between the steps.
struct Group {
  size_t count = 0;
  size_t bytes = 0;
  size_t text_blocks = 0;
  bool has_tags = true;  // each is long enough for one
};

template <class Job>
WGU_INLINE Group next_group(std::span<Job> jobs) {
  Group group;
  for (; group.count < jobs.size() && group.count < kGroup && group.bytes < kGroupBytes; ++group.count) {
    const Job& job = jobs[group.count];
    group.bytes += job.length;
    group.text_blocks += (text_length(job) + kBlock - 1) / kBlock;
    group.has_tags &= job.length >= kAeadTagSize;
  }
  return group;
}

void seal_all(std::span<SealJob> jobs) noexcept {
  while (!jobs.empty()) {
    const Group group = next_group(jobs);
    seal_group(jobs.data(), group.count, group.bytes);
    jobs = jobs.subspan(group.count);
  }
}

void open_all(std::span<OpenJob> jobs) noexcept {
  while (!jobs.empty()) {
    const Group group = next_group(jobs);
    if (group.text_blocks <= kStreamBlocks && group.has_tags) {
      open_small(jobs.data(), group.count);
    } else {
      open_large(jobs.data(), group.count, group.bytes);
    }
    jobs = jobs.subspan(group.count);
  }
}

}  // namespace

const AeadKernel kAvx512Kernel = {"avx512", runs_here, seal_all, open_all};

}  // namespace wgu::crypto
