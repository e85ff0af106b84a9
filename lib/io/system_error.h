#pragma once
// An Error from errno: what was attempted, with which value, and the system's own words.

#include <string>
#include <string_view>
#include <system_error>

#include "wgu/result.h"

namespace wgu::io {

// `code` is an argument without a default: building the text may change errno.
inline Error system_error(int code, std::string_view attempted) {
  return {code, std::string(attempted) + ": " + std::generic_category().message(code)};
}

}  // namespace wgu::io
