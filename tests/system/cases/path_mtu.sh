# Paths that carry less than the interface promises: a router between the daemons whose link shrinks under a running TCP stream.
#
#     a $outer4[a] -- wire -- c (router) -- far -- b $outer4[b]

put_router_between() {
  outer4[b]=198.51.100.2 outer6[b]=2001:db8:1::2
  add_namespace c
  ip -n "${ns[a]}" link del wire
  ip link add wire netns "${ns[a]}" type veth peer name wire netns "${ns[c]}"
  ip link add far netns "${ns[c]}" type veth peer name wire netns "${ns[b]}"
  at c sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  local row where device net4 net6 number
  for row in "a wire 192.0.2 2001:db8: 1" "c wire 192.0.2 2001:db8: 254" \
    "c far 198.51.100 2001:db8:1: 254" "b wire 198.51.100 2001:db8:1: 2"; do
    read -r where device net4 net6 number <<<"$row"
    ip -n "${ns[$where]}" addr add "$net4.$number/24" dev "$device"
    ip -n "${ns[$where]}" addr add "$net6:$number/64" dev "$device" nodad
    ip -n "${ns[$where]}" link set "$device" up
  done
  ip -n "${ns[a]}" route add default via 192.0.2.254
  ip -n "${ns[a]}" -6 route add default via 2001:db8::254
  ip -n "${ns[b]}" route add default via 198.51.100.254
  ip -n "${ns[b]}" -6 route add default via 2001:db8:1::254
}

# The link before the receiver: the sender's own stays as it is, so that only the router can tell of it.
set_last_link() {  # RECEIVER MTU
  local device=wire
  [[ $1 == a ]] || device=far
  ip -n "${ns[$1]}" link set wire mtu "$2"
  ip -n "${ns[c]}" link set "$device" mtu "$2"
}

no_icmp_from_router() {
  at c nft -f - <<'RULES' || skip "no nftables"
table inet silence {
  chain output {
    type filter hook output priority 0
    icmp type destination-unreachable drop
    icmpv6 type packet-too-big drop
  }
}
RULES
}

# A stream whose path shrinks after 2 s of 6 must be flowing again 1.5 s later, and then flow on.
stream_goes_on() {  # SENDER RECEIVER ADDRESS-OF-SENDER
  local server client
  at "$1" iperf3 -s -1 -B "$3" >"$scratch/iperf-server.log" 2>&1 &
  server=$!
  background+=("$server")
  poll 5 is_listening "$1" 5201 || fail "iperf3 does not listen at $3"
  at "$2" timeout --foreground 30 iperf3 -c "$3" -R -t 6 -i 0.5 --json >"$scratch/stream.json" &
  client=$!
  background+=("$client")
  sleep 2.2  # the connection stands after some of it
  set_last_link "$2" 1400
  wait "$client" || fail "iperf3: $(jq_error <"$scratch/stream.json")"
  wait "$server" || true
  python3 -c 'import json, sys
rates = [(one["sum"]["start"], one["sum"]["bits_per_second"] / 1e6) for one in json.load(sys.stdin)["intervals"]]
print("Mbit/s:", " ".join(f"{rate:.0f}" for _, rate in rates))
late = [rate for start, rate in rates if start >= 3.9]
sys.exit(not late or sum(late) / len(late) < 1 or late[-1] + late[-2] == 0)' <"$scratch/stream.json" ||
    fail "the stream from $1 to $2 does not recover from the narrow link"
}

reassembled() {  # END; fragments of both families that came
  at "$1" awk '$1 == "Ip:" { if (n++) print $15 } $1 == "Ip6ReasmReqds" { print $2 }' /proc/net/snmp /proc/net/snmp6
}

# Discovered: the inner senders adapt, and nothing is fragmented any more. One direction a case, as hosts remember what they were told.
path_shrinks() {  # OUTER INNER SENDER OPTION...
  local outer=$1 sender=$3 receiver=${other[$3]} before is_told
  local -n address=inner$2
  shift 3
  put_router_between
  make_tunnel "$wgu" "$wgu" "$outer" --path-mtu "$@"
  must_reach a "${inner4[b]}"
  stream_goes_on $sender "$receiver" "${address[$sender]}"
  [[ $(counter $sender paths_narrowed) -gt 0 ]] || fail "$sender did not learn of the narrow link"
  [[ $(counter $sender icmp_sent) -gt 0 && $(counter $sender path_mtu) -gt 0 ]] || fail "$sender told no inner sender"
  is_told=$(figure $sender peers.0.path_mtu)
  [[ $is_told == 1400 ]] || fail "$sender tells of a path of $is_told bytes"
  before=$(reassembled "$receiver")
  transfer $sender "$receiver" "${address[$receiver]}" 4
  [[ $(reassembled "$receiver") == "$before" ]] || fail "$sender still sends fragments"
}
define_case path_mtu/shrinks/v4-in-v4/uring path_shrinks 4 4 a --io uring
define_case path_mtu/shrinks/v4-in-v4/epoll at_length path_shrinks 4 4 a --io epoll
define_case path_mtu/shrinks/v6-in-v6/uring at_length path_shrinks 6 6 b --io uring
define_case path_mtu/shrinks/v6-in-v6/epoll path_shrinks 6 6 b --io epoll
define_case path_mtu/shrinks/v4-in-v6/three_workers path_shrinks 6 4 b --workers 3
define_case path_mtu/shrinks/v6-in-v4/without_offloads path_shrinks 4 6 a --offload none

# By default the outer packets are fragmented: by the router, or, as IPv6 routers do not, by the sender once it is told.
path_shrinks_unasked() {  # OUTER [without_icmp]
  local sender
  put_router_between
  [[ ${2:-} != without_icmp ]] || no_icmp_from_router
  make_tunnel "$wgu" "$wgu" "$1"
  must_reach a "${inner4[b]}"
  for sender in a b; do
    stream_goes_on $sender "${other[$sender]}" "${inner4[$sender]}"
    transfer $sender "${other[$sender]}" "${inner6[${other[$sender]}]}" 4
    [[ $(counter $sender paths_narrowed) -eq 0 && $(counter $sender path_mtu) -eq 0 ]] || fail "$sender discovers paths unasked"
    set_last_link "${other[$sender]}" 1500
  done
}
define_case path_mtu/shrinks_unasked/v4 at_length path_shrinks_unasked 4
define_case path_mtu/shrinks_unasked/v6 at_length path_shrinks_unasked 6
define_case path_mtu/shrinks_unasked/v4-without_icmp path_shrinks_unasked 4 without_icmp

# Datagrams too large for the path: with DF their sender hears of it, without DF they arrive all the same.
path_is_told() {
  put_router_between
  make_tunnel "$wgu" "$wgu" 4 --path-mtu
  must_reach a "${inner4[b]}"
  set_last_link b 1300
  reaches a "${inner4[b]}" -M "do" -s 1300 || true  # finds the router's word
  ! reaches a "${inner4[b]}" -M "do" -s 1300 || fail "1328 bytes went through 1300"
  must_reach a "${inner4[b]}" -M "do" -s $((1300 - 60 - 28))
  ! reaches a "${inner4[b]}" -M "do" -s $((1300 - 60 - 28 + 1)) || fail "one byte too many went through"
  ip -n "${ns[a]}" route get "${inner4[b]}" >"$scratch/route"
  grep -q 'mtu 1240' "$scratch/route" || fail "the host was not told: $(<"$scratch/route")"
  must_reach a "${inner4[b]}" -M dont -s 1372
  must_reach a "${inner6[b]}" -s 1232  # 1280 bytes of IPv6, which every link carries
}
define_case path_mtu/told path_is_told

# The wire takes less than the interfaces promise, and only a knows it: both ends agree on segments that fit all the same.
mss_is_clamped() {  # OUTER
  local inner server sizes limit size overhead=60
  [[ $1 -eq 4 ]] || overhead=80
  local -A most=([4]=$((1300 - overhead - 40)) [6]=$((1300 - overhead - 60)))
  for end in a b; do ip -n "${ns[$end]}" link set wire mtu 1300; done
  start_daemon a "$wgu" --path-mtu --clamp-mss
  start_daemon b "$wgu"
  configure a "$1" endpoint
  configure b "$1"
  bring_up a
  bring_up b
  must_reach a "${inner4[b]}"
  for inner in 4 6; do
    local -n address=inner$inner
    for server in a b; do
      sizes=$(segment_sizes "${other[$server]}" $server "${address[$server]}") || fail "no connection to ${address[$server]}"
      limit=${most[$inner]}
      echo "outer $1, inner $inner, server $server: segments of $sizes, $limit at the most"
      for size in $sizes; do [[ $size -le $limit && $size -gt $((limit - 40)) ]] || fail "segments of $size bytes, not $limit"; done
    done
  done
  [[ $(counter a mss_clamped) -gt 0 ]] || fail "no MSS was lowered"
  [[ $(counter b mss_clamped) -eq 0 ]] || fail "b clamps unasked"
}
segment_sizes() {  # CLIENT SERVER ADDRESS-OF-SERVER; of both ends, as agreed
  local pid status=0
  at "$2" timeout --foreground 20 python3 -c 'import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
with socket.create_server((sys.argv[1], 7003), family=family) as server:
    connection, _ = server.accept()
    connection.recv(1)
    connection.sendall(str(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)).encode())' "$3" &
  pid=$!
  poll 5 is_listening "$2" 7003 || fail "nobody listens at $3"
  at "$1" timeout --foreground 20 python3 -c 'import socket, sys
connection = socket.create_connection((sys.argv[1], 7003), timeout=10)
connection.sendall(b"?")
print(connection.recv(10).decode(), connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG))' "$3" || status=$?
  wait "$pid" || status=$?
  return "$status"
}
define_case path_mtu/mss_clamp/v4 mss_is_clamped 4
define_case path_mtu/mss_clamp/v6 mss_is_clamped 6
