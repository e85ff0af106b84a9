# Whoever reads a live daemon sees the same, and what was sent is what they see: wg(8), the UAPI (on which wgctrl and so most exporters
# rest), and the names that exporters of WireGuard have established.

# A ping of this size travels as a data message of 16 + 1040 + 16 bytes: IP and ICMP header and 1000 bytes, padded to a multiple of 16.
readonly ping_size=1000 message_size=$((16 + 1040 + 16))

read_by() {  # END READER
  local end=$1 name=${interface[$1]}
  case $2 in
  uapi) at "$end" python3 "$system_tests/readers.py" uapi "$(uapi_socket "$name")" ;;
  wg | wg-all) at "$end" python3 "$system_tests/readers.py" "$2" "$name" ;;
  prometheus) at "$end" python3 "$system_tests/readers.py" prometheus "http://127.0.0.1:$metrics_port/metrics" "$name" ;;
  esac
}

# Both ends' peers as READERs see them, which must be as wg sees them.
must_agree() {  # READER...
  local end reader
  for end in a b; do
    read_by "$end" wg >"$scratch/peers-$end"
    for reader; do
      read_by "$end" "$reader" >"$scratch/peers-$end-$reader" || fail "$reader cannot read $end"
      diff "$scratch/peers-$end" "$scratch/peers-$end-$reader" || fail "wg and $reader see different things at $end"
    done
  done
}
bytes_of() { cut -f"$2" "$scratch/peers-$1"; }  # END (2: received, 3: sent)
ends_agree() {
  [[ $(bytes_of a 3) -eq $(bytes_of b 2) && $(bytes_of b 3) -eq $(bytes_of a 2) ]] || fail "what one end sends the other does not receive"
}

readers_agree() {  # READER...
  local options=() count=20 before_sent before_received sent received
  [[ " $* " != *" prometheus "* ]] || options=(--metrics "127.0.0.1:$metrics_port")
  make_tunnel "$wgu" "$wgu" 4 "${options[@]}"
  must_agree "$@"  # nobody has spoken yet
  must_reach a "${inner4[b]}"
  must_agree "$@"
  ends_agree
  before_sent=$(bytes_of a 3) before_received=$(bytes_of a 2)
  # Each is answered: neither keepalives nor a new handshake come between.
  at a ping -n -q -c "$count" -i 0.01 -W 2 -s "$ping_size" "${inner4[b]}" >/dev/null || fail "pings are lost"
  must_agree "$@"
  ends_agree
  sent=$(($(bytes_of a 3) - before_sent)) received=$(($(bytes_of a 2) - before_received))
  [[ $sent -eq $((count * message_size)) ]] || fail "sent $sent bytes, not $((count * message_size))"
  [[ $received -eq $((count * message_size)) ]] || fail "received $received bytes, not $((count * message_size))"
}
essential define_case readers/agree readers_agree uapi wg-all

prometheus_agrees() {
  is_wgu "$wgu" || skip "wireguard-go serves no metrics"
  readers_agree uapi wg-all prometheus
}
define_case readers/prometheus prometheus_agrees
