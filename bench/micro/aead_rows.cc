// aead/{seal,open}/TABLE/bytes:N/batch:N. Each measurement checks first that this table, on this batch, does what libsodium does,
// and is refused when it does not; the check also warms caches, branch predictors and clock.
#include <benchmark/benchmark.h>

#include <array>

#include "bench/micro/aead_batch.h"
#include "bench/micro/imix.h"
#include "bench/micro/planted_work.h"
#include "bench/micro/row_name.h"
#include "bench/micro/rows.h"

namespace wgu::bench {
namespace {

constexpr std::array<std::uint32_t, 7> kBytes = {64, 128, 256, 512, 1024, 1424, 8192};
constexpr std::array<std::uint32_t, 3> kBatches = {1, 8, 64};
constexpr std::uint32_t kImixBatch = 64;
constexpr unsigned kImixKeys = 8;
constexpr std::uint64_t kImixSeed = 1;

template <class Call>
void repeat(benchmark::State& state, double slow_down, const Call& call) {
  PlantedWork work(slow_down, call);
  if (work.is_planted()) {
    for (auto _ : state) {
      call();
      work.after_call();
    }
  } else {
    for (auto _ : state) call();
  }
}

void measure(benchmark::State& state, const AeadTable& table, const AeadRow& row, double slow_down) {
  const bool is_imix = row.bytes == kImix;
  const std::vector<std::uint32_t> lengths = is_imix ? imix_lengths(row.batch, kImixSeed) : std::vector(row.batch, row.bytes);
  AeadBatch batch(table, lengths, is_imix ? kImixKeys : 1);
  if (const std::string wrong = batch.self_check(); !wrong.empty()) return state.SkipWithError(("refused: " + wrong).c_str());
  // One branch outside the loop: a batch of one small packet would notice it inside.
  if (row.operation == Operation::kSeal) {
    repeat(state, slow_down, [&batch] { batch.seal(); });
  } else {
    repeat(state, slow_down, [&batch] { batch.open(); });
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(batch.packets()));
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(batch.plaintext_bytes()));
}

}  // namespace

void add_aead_rows(const AddRow& add, const AeadTables& found, double slow_down) {
  const auto add_row = [&](const AeadTable& table, const AeadRow& row) {
    const double percent = table.kernel != nullptr ? slow_down : 0;
    add(row_name(row), [table, row, percent](benchmark::State& state) { measure(state, table, row, percent); });
  };
  for (const Operation operation : {Operation::kSeal, Operation::kOpen}) {
    for (const AeadTable& table : found.tables) {
      for (const std::uint32_t bytes : kBytes) {
        for (const std::uint32_t batch : kBatches) add_row(table, {operation, bytes, batch, table.name});
      }
      add_row(table, {operation, kImix, kImixBatch, table.name});
    }
  }
}

}  // namespace wgu::bench
