# What arrives is what was sent, whatever the wire does to datagrams: TCP both ways by SHA-256, UDP both ways datagram by datagram, over
# a relay that loses, doubles and reorders, or past a firewall that loses, at odd MTUs, with all offloads and with none.
# The cases of the default run carry 1 GiB together; WGU_LONG=1 adds all combinations at 1 GiB each.

# Faults of the relay, rates of datagrams. TCP of one stream must still move: at 0.2 % it does so at a hundred Mbit/s and more.
readonly loss=0.002 duplication=0.01 reordering=0.01 seed=20261123

# Puts the relay between a and b; for a, b is there.
relay_with_faults() {
  : >"$scratch/relay"
  # Not by at(), as it is the relay itself that is told to end.
  ip netns exec "${ns[a]}" python3 "$system_tests/lossy_wire.py" "${outer4[a]}" 51900 "${outer4[b]}" $port \
    $loss $duplication $reordering $seed >"$scratch/relay" 2>"$scratch/relay.log" &
  relay=$!
  background+=("$relay")
  poll 10 grep -q ready "$scratch/relay" || fail "the relay does not start: $(<"$scratch/relay.log")"
  wg_at a set "${interface[a]}" peer "${public_key[b]}" endpoint "${outer4[a]}:51900"
}
# The faults were there, or nothing was tested.
relay_has_done_its_work() {
  kill -TERM "$relay"
  wait "$relay" || fail "the relay failed: $(<"$scratch/relay.log")"
  tail -1 "$scratch/relay"
  awk 'END { exit !($1 == "came" && $4 > 10 && $6 > 50 && $8 > 50) }' "$scratch/relay" || fail "too few faults"
}

lossy_firewall() {
  local end
  for end in a b; do
    at $end nft -f - <<'RULES' || skip "no nftables"
table inet lossy {
  chain input {
    type filter hook input priority 0
    udp dport 51820 numgen random mod 1000 < 2 counter drop
  }
}
RULES
  done
}
firewall_has_done_its_work() {
  local end lost
  for end in a b; do
    lost=$(at $end nft list table inet lossy | sed -n 's/.*counter packets \([0-9]*\).*/\1/p')
    echo "$lost lost, or as many trains"
    [[ $lost -gt 10 ]] || fail "the firewall at $end lost too few"
  done
}

# MEBIBYTES of TCP and half as many of UDP, each way.
integrity() {  # relay|firewall MTU OFFLOADS BACKEND MEBIBYTES
  local faults=$1 mtu=$2 mebibytes=$5 size trains end
  for end in a b; do ip -n "${ns[$end]}" link set wire mtu $((mtu < 1420 ? 1500 : mtu + 80)); done
  make_tunnel "$wgu" "$wgu" 4 --offload "$3" --io "$4"
  for end in a b; do ip -n "${ns[$end]}" link set "${interface[$end]}" mtu "$mtu"; done
  must_reach a "${inner4[b]}"
  case $faults in
  relay) relay_with_faults ;;
  firewall) lossy_firewall ;;
  esac
  must_reach a "${inner4[b]}"
  transfer a b "${inner4[b]}" "$mebibytes" 180
  transfer b a "${inner6[a]}" "$mebibytes" 180
  size=$((mtu - 28 < 1573 ? mtu - 28 : 1573))  # 41 of them in one train of 64 KiB
  trains=$((mebibytes * 512 * 1024 / (size * 40)))
  datagrams a b "${inner4[b]}" $size $trains unordered
  datagrams b a "${inner6[a]}" $((size - 20)) $trains unordered
  "${faults}_has_done_its_work"
}
# 2 x 1.5 x (96 + 96 + 75 + 75) MiB = 1026 MiB
define_case integrity/relay/1420/all-uring integrity relay 1420 all uring 96
define_case integrity/relay/9000/all-epoll integrity relay 9000 all epoll 96
define_case integrity/firewall/1283/none-uring integrity firewall 1283 none uring 75
define_case integrity/relay/1281/none-epoll integrity relay 1281 none epoll 75

for faults in relay firewall; do
  for mtu in 1281 1283 1419 9000; do
    for how in "all uring" "none uring" "all epoll" "none epoll"; do
      # shellcheck disable=SC2086 # offloads and backend
      define_case "integrity/long/$faults/$mtu/${how/ /-}" at_length integrity $faults $mtu $how 342
    done
  done
done
