#pragma once
// Who is measured, in which order: the bare wire, wgu with the cipher replaced by a copy, wgu, and the peers that were asked for.

#include <string>
#include <vector>

#include "bench/lab/testbed.h"
#include "bench/tunnel/scenario.h"

namespace wgu::bench {

// `wgu_tunnel` is the daemon's path; empty: the one beside this program, in its build tree, or wherever the shell finds it. What is not
// built is `missing`.
std::vector<Subject> subjects_of(const std::string& wgu_tunnel, const std::vector<Subject>& peers, Missing& missing);

}  // namespace wgu::bench
