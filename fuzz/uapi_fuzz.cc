// What the UAPI parser accepts, it understands: the accepted change, written out again, is read back as an equal one. What it
// refuses has an errno of the protocol and a message of one bounded line.

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/same_change.h"
#include "control/uapi.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace wgu::control;
  const auto request = parse_request({reinterpret_cast<const char*>(data), size});
  if (!request) {
    const wgu::Error& error = request.error();
    const bool is_of_the_protocol = error.code == EPROTO || error.code == EINVAL;
    if (!is_of_the_protocol || error.message.size() > 600 || error.message.find('\n') != std::string::npos) std::abort();
    return 0;
  }
  if (request->operation == UapiRequest::Operation::kGet) {
    if (size != std::string_view("get=1\n\n").size()) std::abort();
    return 0;
  }
  const auto again = parse_request(format_set(request->change).view());
  if (!again || !same_change(request->change, again->change)) std::abort();
  return 0;
}
