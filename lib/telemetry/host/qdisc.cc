// nlmsghdr, tcmsg, then attributes: TCA_KIND, and TCA_STATS2, which holds TCA_STATS_QUEUE. The kernel answers within send(2), so that
// reading never waits for more than memory.
#include "telemetry/host/qdisc.h"

#include <linux/gen_stats.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "values/netlink_messages.h"

namespace wgu::telemetry {
namespace {

void take_queue(NetlinkBytes bytes, Qdisc& qdisc) {
  if (bytes.size() < sizeof(gnet_stats_queue)) return;
  const auto queue = load<gnet_stats_queue>(bytes);
  qdisc.queued_packets = queue.qlen;
  qdisc.queued_bytes = queue.backlog;
  qdisc.drops = queue.drops;
  qdisc.requeues = queue.requeues;
  qdisc.overlimits = queue.overlimits;
}

std::optional<Qdisc> parse_qdisc(NetlinkBytes message) {
  if (message.size() < sizeof(tcmsg)) return std::nullopt;
  const auto header = load<tcmsg>(message);
  Qdisc qdisc;
  qdisc.interface_index = static_cast<std::uint32_t>(header.tcm_ifindex);
  qdisc.handle = header.tcm_handle;
  qdisc.parent = header.tcm_parent;
  for_each_attribute(message.subspan(NLMSG_ALIGN(sizeof header)), [&](int type, NetlinkBytes value) {
    if (type == TCA_KIND) qdisc.kind.assign(value.begin(), std::find(value.begin(), value.end(), 0));
    if (type != TCA_STATS2) return;
    for_each_attribute(value, [&](int statistic, NetlinkBytes counters) {
      if (statistic == TCA_STATS_QUEUE) take_queue(counters, qdisc);
    });
  });
  return qdisc;
}

struct Socket {
  int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  Socket() = default;
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd >= 0) ::close(fd);
  }
};

}  // namespace

bool parse_qdiscs(NetlinkBytes messages, std::vector<Qdisc>& qdiscs) {
  bool is_over = false;
  for_each_message(messages, [&](const nlmsghdr& header, NetlinkBytes payload) {
    is_over |= header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR;
    if (is_over || header.nlmsg_type != RTM_NEWQDISC) return;
    if (auto qdisc = parse_qdisc(payload)) qdiscs.push_back(*std::move(qdisc));
  });
  return is_over;
}

std::optional<std::vector<Qdisc>> read_qdiscs() {
  constexpr std::size_t kReceiveSize = 32768;  // the kernel's largest datagram of a dump (NLMSG_GOODSIZE doubled by netlink_dump)
  struct {
    nlmsghdr header{};
    tcmsg message{};
  } request;
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = RTM_GETQDISC;
  request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  const Socket socket;
  if (socket.fd < 0 || ::send(socket.fd, &request, sizeof request, 0) != static_cast<ssize_t>(sizeof request)) return std::nullopt;
  std::vector<Qdisc> qdiscs;
  std::vector<std::uint8_t> buffer(kReceiveSize);
  while (true) {
    const ssize_t size = ::recv(socket.fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size <= 0) return std::nullopt;
    if (parse_qdiscs(NetlinkBytes(buffer).first(static_cast<std::size_t>(size)), qdiscs)) return qdiscs;
  }
}

}  // namespace wgu::telemetry
