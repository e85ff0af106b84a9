#pragma once
// Samples that may be compared with those of another run. What two processes of one program differ by - where code, stack and heap come to
// lie, which pages the system hands out - shifts all repetitions within a process alike, and would pass for a difference between the runs.
// So each round is a process of its own, with one sample of every row (the least of a few tries, since a disturbance only adds), in a
// random order.

#include <string>
#include <vector>

#include "bench/micro/measured_rows.h"
#include "bench/progress.h"
#include "wgu/result.h"

namespace wgu::bench {

// \param arguments  of `wgu-bench`, for a process that measures one round and is told by "--one-round=N" to write its lines to descriptor N
// \errors EIO: a round failed (why is on standard error); of the system
Result<std::vector<MeasuredRow>> measure_rounds(std::size_t rounds, const std::vector<std::string>& arguments, Progress& progress);

}  // namespace wgu::bench
