// A configuration file that is accepted sets everything, replaces all, and says the same when it is carried over the UAPI.
// The second use of the input is as a key file: what is accepted is the key that stands there.

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "control/config_file.h"
#include "control/same_change.h"
#include "control/uapi.h"

namespace {

void check_config(std::string_view text) {
  using namespace wgu::control;
  const auto change = parse_config(text);
  if (!change) {
    const wgu::Error& error = change.error();
    if (error.code != EINVAL || !error.message.starts_with("line ") || error.message.size() > 600) std::abort();
    if (error.message.find('\n') != std::string::npos) std::abort();
    return;
  }
  if (!change->private_key || !change->listen_port || !change->firewall_mark || !change->replace_peers) std::abort();
  for (const wgu::PeerChange& peer : change->peers) {
    if (peer.remove || peer.update_only || !peer.replace_allowed_ips) std::abort();
  }
  const auto request = parse_request(format_set(*change).view());
  if (!request || !same_change(request->change, *change)) std::abort();
}

void check_key_file(std::string_view text) {
  const auto key = wgu::control::parse_private_key(text);
  if (key && key->reveal_base64() != text.substr(0, 44)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_config(text);
  check_key_file(text);
  return 0;
}
