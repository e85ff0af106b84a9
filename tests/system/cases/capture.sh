# Packets and keys that the daemon writes when it is built and asked to, as Wireshark reads them.

# A build with capture says no and leaves no file when it may not write one.
is_built_with_capture() {
  ! "$wgu" -f --capture /proc/nowhere "${interface[c]}" >"$scratch/refused.log" 2>&1 || fail "it captures to nowhere"
  ! grep -q 'not built in' "$scratch/refused.log"
}

refused_without() {
  is_wgu "$wgu" || skip "wireguard-go has none"
  ! is_built_with_capture || skip "this build has it"
  local option
  for option in --capture --key-log; do
    ! "$wgu" -f "$option" "$scratch/file" "${interface[a]}" >"$scratch/refused.log" 2>&1 || fail "it starts with $option"
    grep -q 'WGU_CAPTURE' "$scratch/refused.log" || fail "$option: $(<"$scratch/refused.log")"
  done
  [[ ! -e $scratch/file ]] || fail "a file was made"
}
define_case capture/refused_without refused_without

shark() { tshark -n -r "$scratch/a.pcapng" "$@" 2>"$scratch/tshark.log"; }  # ARGUMENTS...
must_show() {  # LEAST FILTER
  local count
  count=$(shark -Y "$2" | wc -l)
  [[ $count -ge $1 ]] || fail "$count packets are '$2', not $1"
}

start_tunnel_captured_at_a() {  # OPTION...
  start_daemon a "$wgu" "$@"
  start_daemon b "$wgu"
  configure a 4 endpoint
  configure b 4
  bring_up a
  bring_up b
}

# Traffic before and after a new session, both of which a began.
decrypts_itself() {
  is_wgu "$wgu" || skip "wireguard-go has none"
  command -v tshark >/dev/null || skip "no tshark"
  is_built_with_capture || skip "built without capture"
  start_tunnel_captured_at_a --capture "$scratch/a.pcapng" --key-log "$scratch/keys"
  must_reach a "${inner4[b]}"
  must_reach a "${inner6[b]}"
  transfer a b "${inner4[b]}" 2
  ip -n "${ns[a]}" link set "${interface[a]}" down
  ip -n "${ns[a]}" link set "${interface[a]}" up
  must_reach a "${inner4[b]}"
  local captured
  [[ $(counter a packets_not_captured) -eq 0 ]] || fail "packets are missing"
  check_conservation a
  stop_daemon a
  captured=$(grep -o 'captured [0-9]* of [0-9]* packets' "${daemon_log[a]}" | tail -1)
  grep -q "written to $scratch/a.pcapng" "${daemon_log[a]}" || fail "the log does not tell of the capture"
  [[ $(stat -c %a "$scratch/a.pcapng" "$scratch/keys" | sort -u) == 600 ]] || fail "modes: $(stat -c '%a %n' "$scratch/a.pcapng" "$scratch/keys")"
  [[ $captured == "captured $(shark | wc -l) of"* ]] || fail "the log says '$captured', the file has $(shark | wc -l)"
  must_show 2 'wg.type == 1'
  must_show 1 "wg.type == 4 && icmp.type == 8 && ip.dst == ${inner4[b]}"
  must_show 1 "wg.type == 4 && icmpv6.type == 129"
  must_show 100 "wg.type == 4 && tcp.dstport == 7000"
  must_show 100 "frame.interface_name == \"${interface[a]}\" && tcp.dstport == 7000"
  [[ -z $(shark -Y wg.decryption_error) ]] || fail "not all is decrypted"
  # Data messages with something in them (a keepalive has 32 bytes, and UDP's header) in which nothing is seen.
  [[ -z $(shark -Y 'wg.type == 4 && udp.length > 40' -T fields -e frame.protocols | grep ':wg$') ]] || fail "not all is decrypted"
}
essential define_case capture/decrypts_itself decrypts_itself

# Full: the tunnel goes on, and what is missing is counted.
limited() {
  is_wgu "$wgu" || skip "wireguard-go has none"
  is_built_with_capture || skip "built without capture"
  start_tunnel_captured_at_a --capture "$scratch/a.pcapng" --capture-limit 1
  must_reach a "${inner4[b]}"
  transfer a b "${inner4[b]}" 4
  [[ $(counter a packets_not_captured) -gt 0 ]] || fail "4 MiB went into 1"
  [[ $(stat -c %s "$scratch/a.pcapng") -le $((1 << 20)) ]] || fail "$(stat -c %s "$scratch/a.pcapng") bytes"
}
define_case capture/limited limited
