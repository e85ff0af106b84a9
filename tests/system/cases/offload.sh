# Super-packets and trains: each offload alone, none, and a wire that cannot segment. What arrives is compared byte by byte.

traffic_with_offloads() {  # OFFLOADS BACKEND
  make_tunnel "$wgu" "$wgu" 4 --offload "$1" --io "$2"
  must_reach a "${inner4[b]}"
  transfer a b "${inner6[b]}" 4
  transfer b a "${inner4[a]}" 4
  datagrams a b "${inner4[b]}" 1300
  datagrams b a "${inner6[a]}" 501
}
for offloads in none tso uso gso gro; do
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
