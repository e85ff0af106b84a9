#pragma once
// Who takes part in the AEAD rows: our kernels, libsodium, and the comparators found beside the program.

#include <string>
#include <vector>

#include "bench/micro/comparators/comparator.h"
#include "crypto/aead_kernels.h"

namespace wgu::bench {

// Exactly one of the two is set.
struct AeadTable {
  std::string name;
  const crypto::AeadKernel* kernel = nullptr;  // ours: a whole batch in one call
  const Comparator* comparator = nullptr;      // a packet a call
};

struct AeadTables {
  std::vector<AeadTable> tables;                                          // those that run here, ours first
  std::vector<std::string> kernels_left_out;                              // ours that this CPU cannot run
  std::vector<std::pair<std::string, std::string>> comparators_left_out;  // name and reason

  [[nodiscard]] std::vector<std::string> comparators() const;  // names, in the order of their columns; also of those left out
};

[[nodiscard]] AeadTables find_aead_tables();

extern const Comparator kLibsodium;

}  // namespace wgu::bench
