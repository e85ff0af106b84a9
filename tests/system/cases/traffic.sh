# Data through the tunnel: each end as initiator, IPv4 and IPv6 outside and inside, pre-shared key, workers and backends.

# a calls b; b knows no endpoint, so b cannot be the initiator.
traffic() {  # IMPLEMENTATION-A IMPLEMENTATION-B OUTER INNER
  local -n address=inner$4
  make_tunnel "$1" "$2" "$3"
  must_reach a "${address[b]}"
  [[ $(latest_handshake a) -gt 0 && $(latest_handshake b) -gt 0 ]] || fail "data without a handshake"
  transfer a b "${address[b]}"
  transfer b a "${address[a]}"
}
for outer in 4 6; do
  for inner in 4 6; do
    essential define_case "traffic/wgu-to-wgu/v$inner-in-v$outer" traffic "$wgu" "$wgu" $outer $inner
    define_case "traffic/wgu-to-go/v$inner-in-v$outer" traffic "$wgu" "$wireguard_go" $outer $inner
    define_case "traffic/go-to-wgu/v$inner-in-v$outer" traffic "$wireguard_go" "$wgu" $outer $inner
  done
done

traffic_with_psk() {  # IMPLEMENTATION-A IMPLEMENTATION-B
  wg genpsk >"$scratch/psk"
  start_daemon a "$1"
  start_daemon b "$2"
  configure a 4 endpoint preshared-key "$scratch/psk"
  configure b 4 preshared-key "$scratch/psk"
  bring_up a
  bring_up b
  must_reach a "${inner4[b]}"
  transfer a b "${inner6[b]}" 4
  [[ $(wg show "${interface[a]}" preshared-keys | cut -f2) == "$(<"$scratch/psk")" ]] || fail "the key is not shown"
}
define_case traffic/psk/wgu-to-wgu traffic_with_psk "$wgu" "$wgu"
define_case traffic/psk/wgu-to-go traffic_with_psk "$wgu" "$wireguard_go"
define_case traffic/psk/go-to-wgu traffic_with_psk "$wireguard_go" "$wgu"

# Several flows over several workers and queues, so that packets land on workers that are not their peer's home.
traffic_with_workers() {  # IMPLEMENTATION-B WORKERS BACKEND
  make_tunnel "$wgu" "$1" 4 --workers "$2" --io "$3"
  must_reach a "${inner4[b]}"
  iperf_both_ways a b "${inner4[b]}" 4
  transfer b a "${inner6[a]}" 4
}
for workers in 1 3; do
  for backend in uring epoll; do
    essential define_case "workers/$workers-$backend/wgu" traffic_with_workers "$wgu" $workers $backend
    define_case "workers/$workers-$backend/go" traffic_with_workers "$wireguard_go" $workers $backend
  done
done

# Peers that do not agree get nothing through, and do once they agree: so it was the key.
disagreement() {  # wrong_key|wrong_psk IMPLEMENTATION-A IMPLEMENTATION-B
  start_daemon a "$2"
  start_daemon b "$3"
  configure a 4 endpoint
  configure b 4
  local right_key=${private_key[a]}
  case $1 in
  wrong_key) wg_at a set "${interface[a]}" private-key <(wg genkey) ;;
  wrong_psk) wg_at a set "${interface[a]}" peer "${public_key[b]}" preshared-key <(wg genpsk) ;;
  esac
  bring_up a
  bring_up b
  must_not_reach a "${inner4[b]}"
  [[ $(latest_handshake a) -eq 0 && $(latest_handshake b) -eq 0 ]] || fail "a handshake was completed"
  case $1 in
  wrong_key) wg_at a set "${interface[a]}" private-key <(echo "$right_key") ;;
  wrong_psk) wg_at a set "${interface[a]}" peer "${public_key[b]}" preshared-key /dev/null ;;
  esac
  must_reach a "${inner4[b]}"
}
for what in wrong_key wrong_psk; do
  define_case "refuse/$what/wgu-to-wgu" disagreement $what "$wgu" "$wgu"
  define_case "refuse/$what/wgu-to-go" disagreement $what "$wgu" "$wireguard_go"
  define_case "refuse/$what/go-to-wgu" disagreement $what "$wireguard_go" "$wgu"
done

disallowed_source() {
  make_tunnel "$wgu" "$wgu" 4
  must_reach a "${inner4[b]}"
  ip -n "${ns[a]}" addr add 10.77.0.9/32 dev "${interface[a]}"
  ! reaches a "${inner4[b]}" -I 10.77.0.9 || fail "b accepted an inner source that a may not use"
  must_reach a "${inner4[b]}"
}
define_case refuse/disallowed_source disallowed_source

# The whole life of a session: rekey by the initiator after 120 s of traffic, no packet lost on the way.
rekey_by_time() {
  make_tunnel "$wgu" "$1" 4
  must_reach a "${inner4[b]}"
  local first report
  first=$(latest_handshake a)
  report=$(at a ping -n -q -i 0.1 -w 135 "${inner4[b]}") || fail "$report"
  grep -q ' 0% packet loss' <<<"$report" || fail "$report"
  [[ $(latest_handshake a) -ge $((first + 119)) ]] || fail "no rekey: handshakes at $first and $(latest_handshake a)"
}
define_case rekey/by_time/wgu at_length rekey_by_time "$wgu"
define_case rekey/by_time/go at_length rekey_by_time "$wireguard_go"
