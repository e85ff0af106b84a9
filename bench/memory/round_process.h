#pragma once
// Runs one round in a process of its own, which does not outlive this one.

#include <string>

#include "bench/memory/round.h"
#include "wgu/result.h"

namespace wgu::bench {

// \param program  the path of wgu-bench-memory-round or -null  \param aead  the kernel it is to use; empty: its best, or WGU_AEAD's
// \pre no other thread runs. \errors of fork(2); EIO: it failed, and said why on standard error; EPROTO: another kernel was used, or what
// it said is not a report
Result<RoundReport> run_round(const std::string& program, const std::string& aead, const RoundOptions& options);

}  // namespace wgu::bench
