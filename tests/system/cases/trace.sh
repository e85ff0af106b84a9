# The static probes of a live daemon under bpftrace, with the scripts of examples/.

scripts=$system_tests/../../examples/bpftrace

# What SCRIPT says of the daemon at a while COMMAND runs: into $scratch/trace. Tracing must not change what the tunnel does.
trace() {  # SCRIPT COMMAND...
  local tracer script=$1
  shift
  : >"$scratch/trace"
  bpftrace -p "${daemon_pid[a]}" "$scripts/$script" >"$scratch/trace" 2>&1 &
  tracer=$!
  background+=("$tracer")
  poll 60 attached_or_gone "$tracer" || fail "bpftrace does not come to attach: $(<"$scratch/trace")"
  ! exited "$tracer" || skip "bpftrace cannot attach here: $(head -c 200 "$scratch/trace")"
  sleep 1
  "$@"
  sleep 1
  kill -INT "$tracer"
  poll 30 exited "$tracer" || fail "bpftrace does not end"
  echo "--- $script"
  cat "$scratch/trace"
}
attached_or_gone() { grep -q Attaching "$scratch/trace" || exited "$1"; }  # PID
must_say() { grep -qE -- "$1" "$scratch/trace" || fail "the script does not say $1"; }  # REGEX

bpftrace_scripts() {
  is_wgu "$wgu" || skip "wireguard-go has no probes"
  command -v bpftrace >/dev/null || skip "no bpftrace"
  timeout 60 bpftrace -e 'BEGIN { exit(); }' >"$scratch/bpftrace.log" 2>&1 || skip "bpftrace cannot run here: $(head -c 200 "$scratch/bpftrace.log")"
  readelf -W --notes "$(command -v "$wgu")" | grep -q 'Provider: wgu' || skip "built without probes"
  make_tunnel "$wgu" "$wgu" 4
  must_reach a "${inner4[b]}"
  trace packet_size.bt transfer b a "${inner4[a]}" 4
  must_say '@inner_bytes\[[0-9]+\]: [0-9]+'
  must_say '@outer_bytes\[1408\]: [0-9]+'
  must_say '@packets_a_read:'
  trace latency.bt transfer a b "${inner4[b]}" 4
  must_say '@read_to_sealed_us\[[0-9]+\]:'
  must_say '@received_to_opened_us\[[0-9]+\]:'
  # Ten seconds are its interval.
  trace peer_cpu.bt at a ping -n -q -i 0.05 -w 11 "${inner4[b]}"
  must_say '@nanoseconds\[.*, 0\]: [0-9]+'
  must_say '@packets\[.*, 1\]: [0-9]+'
  trace events.bt new_session_and_drop
  must_say 'handshake with .* begun, cause'
  must_say 'handshake with .* completed after [0-9]+ us'
  must_say 'session of .* erased'
  must_say '@dropped\[2\]: [0-9]+'  # Drop::kOutNoPeer
}
new_session_and_drop() {
  ip -n "${ns[a]}" link set "${interface[a]}" down
  ip -n "${ns[a]}" link set "${interface[a]}" up
  must_reach a "${inner4[b]}"
  ! reaches a 10.77.0.99 || fail "somebody is at 10.77.0.99"
}
define_case trace/bpftrace bpftrace_scripts
