# Changes under a running tunnel: addresses, ports, marks, MTU, keys, the namespace of the TUN.

endpoint_is() { [[ $(endpoint_of_peer "$1") == "$2" ]]; }  # END ENDPOINT

# a loses the address that b knows and gets another; b follows by the packets of a alone.
roaming() {  # IMPLEMENTATION-A IMPLEMENTATION-B OUTER
  local outer=$3 old new length endpoint flags=()
  make_tunnel "$1" "$2" "$outer"
  must_reach a "${inner4[b]}"
  case $outer in
  4) old=${outer4[a]} new=192.0.2.9 length=24 endpoint=$new:$port ;;
  6) old=${outer6[a]} new=2001:db8::9 length=64 endpoint=[$new]:$port flags=(nodad) ;;
  esac
  at a ping -n -q -i 0.05 -w 20 "${inner4[b]}" >"$scratch/ping.log" 2>&1 &
  background+=($!)
  ip -n "${ns[a]}" addr add "$new/$length" dev wire "${flags[@]}"
  ip -n "${ns[a]}" addr del "$old/$length" dev wire
  # Newer kernels refuse a vanished IPv4 source with ENETUNREACH; wireguard-go knows EINVAL only and keeps the source till it rebinds.
  is_wgu "$1" || wg_at a set "${interface[a]}" listen-port $port
  poll 10 endpoint_is b "$endpoint" || fail "b still has $(endpoint_of_peer b) for a, not $endpoint"
  must_reach b "${inner4[a]}"
  transfer b a "${inner4[a]}" 4
}
for outer in 4 6; do
  define_case "roaming/wgu-to-wgu/v$outer" roaming "$wgu" "$wgu" $outer
  define_case "roaming/wgu-to-go/v$outer" roaming "$wgu" "$wireguard_go" $outer
  define_case "roaming/go-to-wgu/v$outer" roaming "$wireguard_go" "$wgu" $outer
done

listen_port() {
  make_tunnel "$wgu" "$wgu" 4
  must_reach a "${inner4[b]}"
  wg_at b set "${interface[b]}" listen-port 51999
  [[ $(udp_ports b) == 51999 ]] || fail "open UDP ports at b: $(udp_ports b), expected 51999 alone"
  must_reach b "${inner4[a]}"
  endpoint_is a "${outer4[b]}:51999" || fail "a has $(endpoint_of_peer a) for b"
  must_reach a "${inner6[b]}"
  wg_at b set "${interface[b]}" listen-port 0
  local chosen
  chosen=$(wg show "${interface[b]}" listen-port)
  [[ $chosen -gt 0 && $(udp_ports b) == "$chosen" ]] || fail "shown port $chosen, open ports $(udp_ports b)"
  must_reach b "${inner4[a]}"
}
essential define_case live/listen_port listen_port

# Rules act on the mark: with it nothing leaves, without it all does.
fwmark() {
  make_tunnel "$wgu" "$wgu" 4
  must_reach a "${inner4[b]}"
  ip -n "${ns[a]}" rule add fwmark 0x1234 prohibit
  wg_at a set "${interface[a]}" fwmark 0x1234
  [[ $(wg show "${interface[a]}" fwmark) == 0x1234 ]] || fail "the mark is not shown"
  must_not_reach a "${inner4[b]}"
  wg_at a set "${interface[a]}" fwmark 0
  [[ $(wg show "${interface[a]}" fwmark) == off ]] || fail "the mark is still shown"
  must_reach a "${inner4[b]}"
}
define_case live/fwmark fwmark

mtu() {
  make_tunnel "$wgu" "$wgu" 4
  for end in a b; do ip -n "${ns[$end]}" link set wire mtu 9200; done
  must_reach a "${inner4[b]}" -M "do" -s 1392
  for end in a b; do ip -n "${ns[$end]}" link set "${interface[$end]}" mtu 9000; done
  must_reach a "${inner4[b]}" -M "do" -s 8972
  transfer a b "${inner4[b]}" 4
  for end in a b; do ip -n "${ns[$end]}" link set "${interface[$end]}" mtu 1281; done
  # An MTU that is no multiple of 16: the padding must stop at it.
  must_reach a "${inner4[b]}" -M "do" -s 1253
  transfer b a "${inner6[a]}" 4
}
essential define_case live/mtu mtu

# Fragments outside: an inner MTU beyond what the wire carries in one piece.
mtu_65535() {
  make_tunnel "$wgu" "$wgu" 4
  for end in a b; do ip -n "${ns[$end]}" link set "${interface[$end]}" mtu 65475; done
  must_reach a "${inner4[b]}" -M "do" -s 65447
  for end in a b; do ip -n "${ns[$end]}" link set "${interface[$end]}" mtu 65535; done
  reaches a "${inner4[b]}" -M "do" -s 65507 || true  # no UDP datagram holds it: dropped, and the daemon lives
  must_reach a "${inner4[b]}"
}
define_case live/mtu_65535 mtu_65535

down_and_up() {
  make_tunnel "$wgu" "$wgu" 4
  must_reach a "${inner4[b]}"
  for _ in 1 2 3; do
    ip -n "${ns[a]}" link set "${interface[a]}" down
    ! reaches b "${inner4[a]}" || fail "b reaches an interface that is down"
    ip -n "${ns[a]}" link set "${interface[a]}" up
    ip -n "${ns[a]}" addr replace "${inner6[a]}/64" dev "${interface[a]}" nodad  # IPv6 addresses go when an interface does
    must_reach a "${inner4[b]}"
    must_reach a "${inner6[b]}"
  done
}
essential define_case live/down_and_up down_and_up

# A peer taken away and put back with a pre-shared key: a new handshake, with that key.
rekey_by_new_psk() {  # IMPLEMENTATION-B
  make_tunnel "$wgu" "$1" 4
  must_reach a "${inner4[b]}"
  wg genpsk >"$scratch/psk"
  for end in a b; do wg_at $end set "${interface[$end]}" peer "${public_key[${other[$end]}]}" remove; done
  ! reaches a "${inner4[b]}" || fail "a reaches a peer that it does not have"
  configure b 4 preshared-key "$scratch/psk"
  configure a 4 endpoint preshared-key "$scratch/psk"
  must_reach a "${inner4[b]}"
  [[ $(latest_handshake a) -gt 0 ]] || fail "no handshake"
  transfer a b "${inner4[b]}" 4
}
define_case rekey/by_new_psk/wgu rekey_by_new_psk "$wgu"
define_case rekey/by_new_psk/go rekey_by_new_psk "$wireguard_go"

# Both ends get a new identity while packets flow.
new_private_keys() {
  make_tunnel "$wgu" "$wgu" 4
  must_reach a "${inner4[b]}"
  at a ping -n -q -i 0.01 -w 20 "${inner4[b]}" >/dev/null 2>&1 &
  background+=($!)
  for end in a b; do
    private_key[$end]=$(wg genkey)
    public_key[$end]=$(wg pubkey <<<"${private_key[$end]}")
  done
  for end in a b; do
    wg_at $end set "${interface[$end]}" peer "$(wg show "${interface[$end]}" peers)" remove
    configure $end 4
  done
  configure a 4 endpoint
  must_reach a "${inner4[b]}"
}
define_case live/new_private_keys new_private_keys

# Sockets stay where they were made; the TUN goes on, is configured and followed elsewhere.
tun_moved() {
  make_tunnel "$wgu" "$wgu" 4
  must_reach a "${inner4[b]}"
  add_namespace c
  ip -n "${ns[a]}" link set "${interface[a]}" netns "${ns[c]}"
  bring_up a c
  must_reach c "${inner4[b]}"
  must_reach c "${inner6[b]}"
  transfer b c "${inner4[a]}" 4
  [[ $(udp_ports a) == "$port" && -z $(udp_ports c) ]] || fail "UDP ports at a: $(udp_ports a); at c: $(udp_ports c)"
  ip -n "${ns[c]}" link set "${interface[a]}" down
  ip -n "${ns[c]}" link set "${interface[a]}" mtu 1300
  ip -n "${ns[c]}" link set "${interface[a]}" up
  must_reach c "${inner4[b]}" -M "do" -s 1272
}
define_case live/tun_moved tun_moved

# Two daemons on one port would steal each other's datagrams; the second is told, and keeps what it had.
port_in_use() {
  make_tunnel "$wgu" "$wgu" 4
  must_reach a "${inner4[b]}"
  interface[b2]=wt$$d
  ns[b2]=${ns[b]}
  start_daemon b2 "$wgu"
  wg_at b2 set "${interface[b2]}" private-key <(wg genkey) listen-port 51888
  ip -n "${ns[b]}" link set "${interface[b2]}" up
  poll 5 ports_at_b_are "51820 51888" || fail "open UDP ports at b: $(udp_ports b)"
  ! wg_at b2 set "${interface[b2]}" listen-port $port 2>"$scratch/set.log" || fail "both daemons took port $port"
  grep -q 'Address already in use' "$scratch/set.log" || fail "the error says: $(<"$scratch/set.log")"
  if is_wgu "$wgu"; then # wireguard-go forgets its port then
    [[ $(wg show "${interface[b2]}" listen-port) == 51888 ]] || fail "the refused port is shown"
    ports_at_b_are "51820 51888" || fail "open UDP ports at b afterwards: $(udp_ports b)"
  fi
  for _ in 1 2 3 4 5; do must_reach a "${inner4[b]}"; done
}
ports_at_b_are() { [[ $(udp_ports b) == "$1" ]]; }
define_case refuse/port_in_use port_in_use
