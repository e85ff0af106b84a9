# Super-packets and trains: each offload alone, none, and a wire that cannot segment. What arrives is compared byte by byte.

traffic_with_offloads() {  # OFFLOADS BACKEND
  make_tunnel "$wgu" "$wgu" 4 --offload "$1" --io "$2"
  must_reach a "${inner4[b]}"
  transfer a b "${inner6[b]}" 4
  transfer b a "${inner4[a]}" 4
  datagrams a b "${inner4[b]}" 1300
  datagrams b a "${inner6[a]}" 501
}
for offloads in none tso uso gso gro steer; do
  define_case "offload/$offloads" traffic_with_offloads "$offloads" uring
done
essential define_case offload/all traffic_with_offloads all uring
define_case offload/all-epoll traffic_with_offloads all epoll
define_case offload/none-epoll traffic_with_offloads none epoll

# A link without UDP segmentation cuts trains up in software; one without checksum offload refuses them (EIO), and they leave one
# by one.
traffic_over_a_poor_wire() {  # FEATURE...
  command -v ethtool >/dev/null || skip "no ethtool"
  for end in a b; do
    for feature in "$@"; do at "$end" ethtool -K wire "$feature" off >/dev/null 2>&1 || skip "the wire's $feature cannot be switched off"; done
  done
  make_tunnel "$wgu" "$wgu" 4
  must_reach a "${inner4[b]}"
  transfer a b "${inner4[b]}" 4
  transfer b a "${inner6[a]}" 4
}
define_case offload/wire_without_udp_segmentation traffic_over_a_poor_wire tx-udp-segmentation
define_case offload/wire_without_checksums traffic_over_a_poor_wire tx-udp-segmentation tx-checksum-ip-generic

# Segments larger than the way's MTU cannot leave as a train (EMSGSIZE); they are fragmented, and nothing is lost for good.
narrow_wire() {  # MTU
  make_tunnel "$wgu" "$wgu" 4
  for end in a b; do ip -n "${ns[$end]}" link set wire mtu "$1"; done
  must_reach a "${inner4[b]}"
  transfer a b "${inner4[b]}" 4
  transfer b a "${inner4[a]}" 4
}
define_case offload/narrow_wire-1300 narrow_wire 1300
define_case offload/narrow_wire-1499 narrow_wire 1499

# Odd inner MTUs, whose segments end at every place modulo the padding.
odd_mtu() {  # MTU
  make_tunnel "$wgu" "$wgu" 4
  for end in a b; do ip -n "${ns[$end]}" link set "${interface[$end]}" mtu "$1"; done
  must_reach a "${inner4[b]}"
  transfer a b "${inner4[b]}" 4
  transfer b a "${inner4[a]}" 4
  datagrams a b "${inner4[b]}" $(($1 - 28 < 1600 ? $1 - 28 : 1600))
}
for mtu in 577 1281 1407 1419 8921; do define_case "offload/odd_mtu-$mtu" odd_mtu "$mtu"; done

# Each datagram is a flow of its own, which the device's flow table knows nothing of: half of them come out of the queue of a worker
# that is not their peer's, unless a program steers them.
new_flows() {  # OFFLOADS ARE-STEERED
  local before after
  make_tunnel "$wgu" "$wgu" 4 --workers 2 --offload "$1"
  must_reach a "${inner4[b]}"
  ! $2 || grep -q 'device queue.*steered' "${daemon_log[a]}" || skip "$(grep -o "queues are not steered.*" "${daemon_log[a]}")"
  before=$(counter a outbound_forwarded)
  at a python3 - "${inner4[b]}" "${inner6[b]}" <<'PYTHON'
import socket, sys
for address in sys.argv[1:]:
    for _ in range(100):
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as flow:
            flow.sendto(b"new", (address, 7002))
PYTHON
  after=$(counter a outbound_forwarded)
  if $2; then
    [[ $after -eq $before ]] || fail "$((after - before)) of 200 packets went home by mailbox"
  else
    [[ $after -gt $((before + 20)) ]] || fail "only $((after - before)) of 200 packets went home by mailbox"
  fi
}
define_case offload/new_flows-steered new_flows all true
define_case offload/new_flows-unsteered new_flows tso,uso,gso,gro false
