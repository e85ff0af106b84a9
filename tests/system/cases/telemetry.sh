# What a running daemon tells: to a real Prometheus, to people, to whoever asks badly.

ask() { at a curl -sS --max-time 10 "$@"; }                                                # CURL-ARGUMENT...
ask_own() { curl -sS --max-time 10 --unix-socket "$(status_socket "${interface[a]}")" "http://daemon$1"; }  # PAGE
# One figure of END by its path in --json, as in figure a total.datagrams_sent
figure() {  # END PATH
  "$wgu" --json "${interface[$1]}" | python3 -c 'import functools, json, sys
print(functools.reduce(lambda o, key: o[int(key) if isinstance(o, list) else key], sys.argv[1].split("."), json.load(sys.stdin)))' "$2"
}
needs_wgu() { is_wgu "$wgu" || skip "wireguard-go has nothing of the kind"; }

scraped_by_prometheus() {
  needs_wgu
  command -v prometheus >/dev/null || skip "no prometheus"
  local begin
  begin=$(date +%s)
  make_tunnel "$wgu" "$wgu" 4 --metrics $metrics_port --telemetry all
  must_reach a "${inner4[b]}"
  transfer a b "${inner4[b]}" 4
  cat >"$scratch/prometheus.yml" <<YAML
global: {scrape_interval: 1s, scrape_timeout: 1s}
rule_files: ["$system_tests/../../examples/observability/alerts.yml"]
scrape_configs: [{job_name: wgu, static_configs: [{targets: ["127.0.0.1:$metrics_port"]}]}]
YAML
  ip netns exec "${ns[a]}" prometheus --config.file="$scratch/prometheus.yml" --storage.tsdb.path="$scratch/tsdb" --web.listen-address=127.0.0.1:9090 \
    --log.level=warn >"$scratch/prometheus.log" 2>&1 &
  background+=($!)
  poll 30 answers 'up{job="wgu"}' '== 1' || fail "Prometheus does not get its metrics: $(ask 'http://127.0.0.1:9090/api/v1/targets')"
  # Its own format is what it asks for first.
  poll 10 answers "wireguard_peer_receive_bytes_total{device=\"${interface[a]}\",public_key=\"${public_key[b]}\"}" '> 500' || fail "no bytes from the peer"
  answers "wireguard_peer_transmit_bytes_total{device=\"${interface[a]}\"}" "> $((4 << 20))" || fail "too few bytes to the peer"
  answers "wireguard_peer_last_handshake_seconds" ">= $begin" || fail "no handshake of this tunnel"
  answers 'sum(wgu_unexplained_packets)' '== 0' || fail "packets are unaccounted for"
  answers 'wgu_stage_seconds_count{stage="read_to_sealed"}' '> 0' || fail "nothing was measured"
  answers 'count(wgu_host_socket_receive_limit_bytes{socket="0/ipv4"})' '== 1' || fail "the host's figures are missing"
  answers 'sum(wgu_host_thread_cpu_seconds_total{name=~"wgu/.*"})' '> 0' || fail "the workers' CPU time is missing"
  answers 'sum(wgu_dropped_packets_total{direction="receive",reason="bad_tag"})' '== 0' || fail "zeros are not exported"
}
# Whether a query has one value for which CONDITION holds.
answers() {  # QUERY CONDITION
  ask --get --data-urlencode "query=$1" http://127.0.0.1:9090/api/v1/query 2>/dev/null | python3 -c 'import json, sys
result = json.load(sys.stdin)["data"]["result"]
sys.exit(not (len(result) == 1 and eval(result[0]["value"][1] + sys.argv[1])))' "$2" 2>/dev/null
}
define_case telemetry/prometheus scraped_by_prometheus

# Both formats, over each kind of socket; what Prometheus's own tool says of the text, and of the dashboard's names.
exposition() {
  needs_wgu
  local path=$scratch/metrics.sock places
  start_daemon a "$wgu" --metrics $metrics_port --metrics "[::1]:$metrics_port" --metrics "unix:$path" --telemetry sampled
  configure a 4 endpoint
  bring_up a
  # Nobody answers at b, but a begins a handshake, as soon as it has seen its interface come up.
  poll 10 has_begun_a_handshake || fail "no events"
  [[ $(stat -c %a "$path") == 600 ]] || fail "mode of $path: $(stat -c %a "$path")"
  for places in "http://127.0.0.1:$metrics_port/metrics" "http://[::1]:$metrics_port/metrics" "--unix-socket $path http://daemon/metrics"; do
    # shellcheck disable=SC2086 # words
    ask -i $places | tr -d '\r' >"$scratch/plain"
    grep -qi '^content-type: text/plain; version=0.0.4; charset=utf-8$' "$scratch/plain" || fail "$places: content type"
    # shellcheck disable=SC2086
    ask -i -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5' $places | tr -d '\r' >"$scratch/open"
    grep -qi '^content-type: application/openmetrics-text; version=1.0.0; charset=utf-8$' "$scratch/open" || fail "$places: content type"
    [[ $(tail -1 "$scratch/open") == "# EOF" ]] || fail "$places: no # EOF"
  done
  ask "http://127.0.0.1:$metrics_port/metrics" >"$scratch/exposition"
  python3 "$system_tests/../observability/observability_test.py" "$system_tests/../.." "$scratch/exposition" >"$scratch/observability.log" ||
    fail "$(<"$scratch/observability.log")"
  if command -v promtool >/dev/null; then promtool check metrics <"$scratch/exposition" || fail "promtool has objections"; fi
  grep -q /metrics <<<"$(ask_own /)" || fail "the daemon's own socket"
}
has_begun_a_handshake() {
  at a ping -q -c 1 -W 0.1 "${inner4[b]}" >/dev/null 2>&1
  grep -q '"event":"handshake_begun"' <<<"$(ask "http://127.0.0.1:$metrics_port/events")"
}
define_case telemetry/exposition exposition

# Refused with the right code, counted, and without harm to the tunnel.
bad_requests() {
  needs_wgu
  make_tunnel "$wgu" "$wgu" 4 --metrics $metrics_port
  must_reach a "${inner4[b]}"
  local base=http://127.0.0.1:$metrics_port
  expect_code 404 "$base/nothing"
  expect_code 404 -X POST "$base/telemetry/all"
  expect_code 405 -X POST "$base/metrics"
  expect_code 405 -X DELETE "$base/json"
  expect_code 413 -X POST --data-binary hello "$base/metrics"
  expect_code 200 -I "$base/metrics"
  at a python3 - $metrics_port <<'PYTHON' || fail "clients that mean no good"
import socket, sys, time
def connect(source="127.0.0.2"):  # an address has its share of the connections
    client = socket.create_connection(("127.0.0.1", int(sys.argv[1])), source_address=(source, 0))
    client.settimeout(5)
    return client
def answers():
    client = connect("127.0.0.1")
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    answer = b""
    while piece := client.recv(1000):  # until the daemon closes it, and counts it no longer
        answer += piece
    return answer.startswith(b"HTTP/1.")
huge = connect()
try:
    huge.sendall(b"GET / HTTP/1.1\r\nX: " + b"a" * 10_000_000)
    assert b" 200 " not in huge.recv(1000)
except OSError:
    pass  # hung up
assert answers(), "after a huge header"
slow = [connect() for _ in range(8)]
for client in slow:
    client.sendall(b"GET /json HTTP/1.1\r\nHost: x\r\n\r\n")  # and never read
assert answers(), "beside slow readers"
crowd = [connect() for _ in range(50)]  # who say nothing; more than are served at once, fewer than the kernel lets wait
begin = time.monotonic()
for client in crowd:
    client.close()
assert answers(), "after a crowd"
greedy = [connect("127.0.0.1") for _ in range(17)]
for client in greedy:
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
served = 0
for client in greedy:
    try:
        served += client.recv(100).startswith(b"HTTP/1.")
    except ConnectionResetError:
        pass
assert served == 16, f"{served} connections of one address are served"
assert time.monotonic() - begin < 5
PYTHON
  transfer a b "${inner4[b]}" 4
  # Beside a crowd that stays, the daemon's own socket answers, and `wg` too.
  ip netns exec "${ns[a]}" python3 -c 'import signal, socket
clients = [socket.create_connection(("127.0.0.1", '$metrics_port')) for _ in range(50)]
print("there", flush=True); signal.pause()' >"$scratch/crowd" 2>&1 &
  background+=($!)
  poll 20 grep -q there "$scratch/crowd" || fail "no crowd: $(<"$scratch/crowd")"
  timeout --foreground 5 "$wgu" --status "${interface[a]}" >/dev/null || fail "--status beside a crowd"
  timeout --foreground 5 wg show "${interface[a]}" >/dev/null || fail "wg show beside a crowd"
  ask_own /metrics >"$scratch/exposition"
  grep -q '^wgu_http_responses_total{device="'"${interface[a]}"'",code="404"} 2$' "$scratch/exposition" || fail "$(grep wgu_http "$scratch/exposition")"
}
expect_code() {  # CODE CURL-ARGUMENT...
  local code
  code=$(ask -o "$scratch/body" -w '%{http_code}' "${@:2}")
  [[ $code == "$1" ]] || fail "${*:2}: $code, not $1"
}
essential define_case telemetry/bad_requests bad_requests

# --check proves its point while packets flow, in both directions and between workers.
check_under_load() {
  needs_wgu
  # Flows that the device's own hash spreads over both workers, while the one peer is at home at one of them.
  make_tunnel "$wgu" "$wgu" 4 --workers 2 --offload tso,uso,gso,gro
  must_reach a "${inner4[b]}"
  at b iperf3 -s -1 -B "${inner4[b]}" >"$scratch/iperf-server.log" 2>&1 &
  background+=($!)
  poll 5 is_listening b 5201 || fail "iperf3 does not listen"
  at a timeout --foreground 30 iperf3 -c "${inner4[b]}" -t 6 -P 4 --bidir >"$scratch/iperf.log" 2>&1 &
  local traffic=$! end checks=0
  background+=("$traffic")
  sleep 1
  while ! exited "$traffic"; do
    for end in a b; do
      "$wgu" --check "${interface[$end]}" >"$scratch/check" || fail "under load at $end: $(<"$scratch/check")"
      checks=$((checks + 1))
    done
  done
  [[ $checks -ge 4 ]] || fail "only $checks checks under load"
  wait "$traffic" || fail "$(<"$scratch/iperf.log")"
  at a ping -q -c 3 -i 0.2 -W 1 10.77.0.99 >/dev/null 2>&1 || true  # nobody's address
  "$wgu" --check "${interface[a]}" >"$scratch/check" || fail "$(<"$scratch/check")"
  [[ $(awk '$1 == "dropped" && $2 == "no_peer" { print $3 }' "$scratch/check") -ge 3 ]] || fail "the drops are not named: $(<"$scratch/check")"
  grep -qE '^  all .* \+ forwarded [1-9]' "$scratch/check" || fail "nothing went from one worker to the other: $(<"$scratch/check")"
  grep -q 'nothing lost between workers' "$scratch/check" || fail "not exact at rest: $(<"$scratch/check")"
  grep -q '^every packet is accounted for$' "$scratch/check" || fail "$(<"$scratch/check")"
}
essential define_case telemetry/check_under_load check_under_load

# The commands that ask, the level that is switched live, and what they say when there is nobody.
questions() {
  needs_wgu
  make_tunnel "$wgu" "$wgu" 4
  must_reach a "${inner4[b]}"
  local name=${interface[a]} shown
  wg show "$name" dump >"$scratch/before"
  [[ $(stat -c '%a %U' "$(status_socket "$name")") == "600 root" ]] || fail "$(stat -c '%a %U' "$(status_socket "$name")")"
  shown=$("$wgu" --status "$name")
  [[ $shown == *"$name: "*"1 peer(s), telemetry events"*"peer ${public_key[b]}"*"${outer4[b]}:$port, handshake "* ]] || fail "$shown"
  [[ $(figure a telemetry) == events && $(figure a measures.read_to_sealed.count) == 0 ]] || fail "measured without being asked"
  "$wgu" --set-telemetry all "$name"
  must_reach a "${inner4[b]}"
  [[ $(figure a telemetry) == all && $(figure a measures.read_to_sealed.count) -gt 0 ]] || fail "nothing is measured now"
  grep -q '^  read_to_sealed ' <<<"$("$wgu" --status "$name")" || fail "$("$wgu" --status "$name")"
  "$wgu" --set-telemetry off "$name"
  shown=$(figure a measures.read_to_sealed.count)
  must_reach a "${inner4[b]}"
  [[ $(figure a measures.read_to_sealed.count) == "$shown" ]] || fail "still measuring"
  ! "$wgu" --set-telemetry everything "$name" 2>/dev/null || fail "a level that does not exist"
  "$wgu" --status nobody-$$ >"$scratch/nobody" 2>&1 && fail "a daemon that does not run"
  grep -q 'no wgu-tunnel of that name is running' "$scratch/nobody" || fail "$(<"$scratch/nobody")"
  # `wg` sees neither the socket nor a change.
  diff <(cut -f1-4 "$scratch/before") <(wg show "$name" dump | cut -f1-4) || fail "wg show has changed"
  [[ " $(wg show interfaces) " != *" wgu "* ]] || fail "wg show interfaces: $(wg show interfaces)"
}
essential define_case telemetry/questions questions

terminal_view() {
  needs_wgu
  make_tunnel "$wgu" "$wgu" 4 --telemetry all
  must_reach a "${inner4[b]}"
  at a ping -q -i 0.01 -w 8 "${inner4[b]}" >/dev/null 2>&1 &
  background+=($!)
  "$wgu_top" --once -i 1 "${interface[a]}" >"$scratch/frame" || fail "$(<"$scratch/frame")"
  for part in "${interface[a]}: 1 peer(s), telemetry all" read_to_sealed "${public_key[b]:0:8}..." "${outer4[b]}:$port" '^0 .* %'; do
    grep -q -- "$part" "$scratch/frame" || fail "no '$part' in: $(<"$scratch/frame")"
  done
  # In a terminal: shows, ends at q, SIGTERM and Ctrl-C, and leaves it as it was; also where the daemon has ended meanwhile.
  python3 - "$wgu_top" "${interface[a]}" "${daemon_pid[a]}" <<'PYTHON' || fail "wgu-top in a terminal"
import os, pty, select, signal, sys, termios, time
for ending in ("q", signal.SIGTERM, signal.SIGINT, "daemon"):
    master, slave = pty.openpty()
    before = termios.tcgetattr(slave)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.login_tty(slave) if hasattr(os, "login_tty") else [os.setsid(), *(os.dup2(slave, fd) for fd in range(3))]
        os.execv(sys.argv[1], [sys.argv[1], "-i", "0.2", sys.argv[2]])
    seen, deadline = b"", time.monotonic() + 10
    while b"worker" not in seen and time.monotonic() < deadline:
        if select.select([master], [], [], 0.2)[0]:
            seen += os.read(master, 65536)
    assert b"\x1b[?1049h" in seen and b"worker" in seen, seen
    assert termios.tcgetattr(slave) != before, "keys need Enter"
    if ending == "daemon":
        os.kill(int(sys.argv[3]), signal.SIGTERM)
        while b"waiting for it" not in seen and time.monotonic() < deadline:
            if select.select([master], [], [], 0.2)[0]:
                seen += os.read(master, 65536)
        assert b"no wgu-tunnel of that name is running" in seen and b"waiting for it" in seen, seen[-300:]
    os.write(master, b"q") if isinstance(ending, str) else os.kill(child, ending)
    while time.monotonic() < deadline and select.select([master], [], [], 0.5)[0]:
        seen += os.read(master, 65536)
    assert os.waitpid(child, 0)[1] == 0, ending
    assert seen.endswith(b"\x1b[?25h\x1b[?1049l"), seen[-40:]
    assert termios.tcgetattr(slave) == before, "the terminal is left changed"
    os.close(master); os.close(slave)
PYTHON
  must_have_gone a
}
define_case telemetry/top terminal_view

# What cannot be bound ends the start with a reason; what was left by a daemon that died does not.
places() {
  needs_wgu
  local place status
  mkdir "$scratch/open"
  chmod 0777 "$scratch/open"
  : >"$scratch/file"
  for place in 198.51.100.7:9586 rubbish "unix:$scratch/open/socket" "unix:$scratch/file" 70000; do
    status=0
    at a timeout --foreground 10 "$wgu" -f --metrics "$place" "${interface[a]}" >"$scratch/refused.log" 2>&1 </dev/null || status=$?
    [[ $status -eq 1 ]] || fail "--metrics $place: exit status $status"
    grep -qF -- "--metrics $place: " "$scratch/refused.log" || fail "$(<"$scratch/refused.log")"
    [[ ! -e $(uapi_socket "${interface[a]}") && ! -e $(status_socket "${interface[a]}") ]] || fail "--metrics $place: a socket is left behind"
  done
  start_daemon a "$wgu" --metrics "unix:$scratch/socket"
  kill -KILL "${daemon_pid[a]}"
  poll 5 exited "${daemon_pid[a]}" || fail "killed, and yet there"
  [[ -S $scratch/socket && -S $(status_socket "${interface[a]}") ]] || fail "who removed its sockets?"
  start_daemon a "$wgu" --metrics "unix:$scratch/socket"
  "$wgu" --status "${interface[a]}" >/dev/null || fail "the stale socket is in the way"
  stop_daemon a
  [[ ! -e $scratch/socket ]] || fail "$scratch/socket is left behind"
}
define_case telemetry/places places

# Events as lines: to a file, which is the daemon's user's alone.
event_lines() {
  needs_wgu
  make_tunnel "$wgu" "$wgu" 4 --events "$scratch/events"
  must_reach a "${inner4[b]}"
  poll 5 grep -q '"event":"session_installed"' "$scratch/events" || fail "$(<"$scratch/events")"
  [[ $(stat -c %a "$scratch/events") == 600 ]] || fail "$(stat -c %a "$scratch/events")"
  python3 -c 'import json, sys
kinds = {json.loads(line)["event"] for line in open(sys.argv[1])}
sys.exit(not {"configuration_changed", "handshake_begun", "handshake_completed", "session_installed"} <= kinds)' "$scratch/events" || fail "$(<"$scratch/events")"
}
define_case telemetry/event_lines event_lines
