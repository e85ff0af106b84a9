#pragma once
// What the kernel knows of path MTUs, and what sockets are told about paths. Only for sockets that discover_path_mtu() prepared; all
// others leave it to whoever cannot carry a datagram whole to fragment it (udp.h).
//
// A socket with an error queue says each error twice: as an entry of that queue, and as the result of whichever call comes next,
// whatever datagram that call is about. So a failed call is no news of its own datagrams, unless it fails again.

#include <cstddef>
#include <cstdint>
#include <vector>

#include "io/loop.h"
#include "io/udp.h"
#include "wgu/result.h"

namespace wgu::io {

// From here on datagrams leave with DF, and ICMP's "too big" reaches the kernel's routes and the socket's error queue. IPv4 sockets
// refuse what is known not to fit (EMSGSIZE): IP_PMTUDISC_DO, as the milder IP_PMTUDISC_WANT leaves trains without DF. IPv6 sockets
// fragment it, and refuse trains only: IPV6_PMTUDISC_WANT, there is no DF. \errors of setsockopt(2)
Result<void> discover_path_mtu(const UdpBinding& binding);

// While it lives, `fd` (prepared by discover_path_mtu) fragments what is too large instead of refusing it.
class Fragmenting {
 public:
  Fragmenting(int fd, Family family) noexcept;
  ~Fragmenting();
  Fragmenting(const Fragmenting&) = delete;
  Fragmenting& operator=(const Fragmenting&) = delete;

 private:
  int fd_;
  Family family_;
};

// Empties the error queue of `fd`, and reports for each destination that ICMP said to be too narrow there what its path takes now. The
// kernel's own refusals lie in the queue as well; their senders know.
void read_path_errors(int fd, std::vector<PathMtu>& reports);

// Bytes of the largest IP packet that the kernel would send to `remote` whole: the interface's MTU, or less where the route or an ICMP
// message said so. `fd` gives the mark that routing may go by. 0: no route, or no way to tell.
[[nodiscard]] std::uint32_t ask_path_mtu(int fd, const Endpoint& remote) noexcept;

// May this result of a call be an error that an earlier datagram has met on its path?
[[nodiscard]] bool is_path_error(int error) noexcept;

}  // namespace wgu::io
