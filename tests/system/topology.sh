# Two network namespaces, a wire between them and a WireGuard daemon in each. Sourced by run.sh, one process a case.
#
#     namespace a                                 namespace b
#     $if_a 10.77.0.1 fd77::1      (tunnel)       $if_b 10.77.0.2 fd77::2
#     wire  192.0.2.1 2001:db8::1  (veth pair)    wire  192.0.2.2 2001:db8::2
#
# Every name that other processes could see carries this process's id. All is taken down by the EXIT trap, which also runs
# after a failure, INT and TERM.

declare -A ns interface daemon_pid daemon_log private_key public_key implementation
scratch=
namespaces=() background=()

for end in a b c; do
  ns[$end]=wgu-$$-$end
  interface[$end]=wt$$$end
done

declare -A outer4=([a]=192.0.2.1 [b]=192.0.2.2) outer6=([a]=2001:db8::1 [b]=2001:db8::2)
declare -A inner4=([a]=10.77.0.1 [b]=10.77.0.2) inner6=([a]=fd77::1 [b]=fd77::2)
declare -A other=([a]=b [b]=a)
readonly port=51820 metrics_port=9586

fail() { trap - ERR; echo "FAIL: $*" >&2 || true; exit 1; }
skip() { echo "SKIP: $*" >&2; exit 77; }
# Variants that take long and have a sibling in every run.
at_length() { [[ ${WGU_LONG:-} == 1 ]] || skip "takes long; set WGU_LONG=1"; "$@"; }

tear_down() {
  local status=$? pid file
  trap '' INT TERM
  trap - ERR
  set +e
  if [[ $status -ne 0 && $status -ne 77 ]]; then
    # Where the packets went says most about why they did not arrive.
    for end in "${!daemon_pid[@]}"; do
      is_wgu "${implementation[$end]}" && ! exited "${daemon_pid[$end]}" && all_is_explained "$end"
    done
    for file in "$scratch"/*.log; do [[ -s $file ]] && echo "--- ${file##*/}" && tail -25 "$file"; done >&2
  fi
  for pid in "${background[@]}" "${daemon_pid[@]}"; do kill -TERM "$pid" 2>/dev/null; done
  for pid in "${daemon_pid[@]}"; do poll 3 exited "$pid" || kill -KILL "$pid" 2>/dev/null; done
  for pid in "${background[@]}"; do kill -KILL "$pid" 2>/dev/null; done
  for name in "${namespaces[@]}"; do ip netns del "$name" 2>/dev/null; done
  for name in "${interface[@]}"; do rm -f "$(uapi_socket "$name")" "$(status_socket "$name")"; done
  rm -rf "$scratch"
  exit "$status"
}

set_up() {
  [[ $EUID -eq 0 ]] || skip "needs root"
  scratch=$(mktemp -d)
  trap tear_down EXIT
  # Whoever reads our output may go first. Caught, not ignored: that would be inherited by the daemons.
  trap : PIPE
  # Ignored at once: a second signal would end tear_down half-way.
  trap 'trap "" INT TERM; exit 130' INT
  trap 'trap "" INT TERM; exit 143' TERM
  trap 'echo "FAIL: line $LINENO of ${BASH_SOURCE[0]##*/}: $BASH_COMMAND" >&2' ERR
  [[ -c /dev/net/tun ]] || skip "no /dev/net/tun"
  ip netns add "${ns[a]}" 2>"$scratch/netns.log" || skip "no network namespaces: $(<"$scratch/netns.log")"
  namespaces+=("${ns[a]}")
  add_namespace b
  ip link add wire netns "${ns[a]}" type veth peer name wire netns "${ns[b]}"
  for end in a b; do
    ip -n "${ns[$end]}" link set lo up
    ip -n "${ns[$end]}" addr add "${outer4[$end]}/24" dev wire
    ip -n "${ns[$end]}" addr add "${outer6[$end]}/64" dev wire nodad
    ip -n "${ns[$end]}" link set wire up
    # Without this the kernel takes all of a network's addresses away with the first.
    at "$end" sysctl -qw net.ipv4.conf.wire.promote_secondaries=1
    private_key[$end]=$(wg genkey)
    public_key[$end]=$(wg pubkey <<<"${private_key[$end]}")
  done
}

add_namespace() {  # END
  ip netns add "${ns[$1]}"
  namespaces+=("${ns[$1]}")
}

# Commands under a time limit stay in our process group (timeout --foreground), so that what ends us ends them.
at() { local end=$1; shift; ip netns exec "${ns[$end]}" "$@"; }       # END COMMAND...
wg_at() { local end=$1; shift; at "$end" wg "$@"; }                    # END ARGUMENTS...
uapi_socket() { echo "/var/run/wireguard/$1.sock"; }                   # IFNAME
status_socket() { echo "/run/wgu/$1.sock"; }                           # IFNAME
exited() { [[ ! -e /proc/$1 || $(awk '/^State:/ {print $2}' "/proc/$1/status" 2>/dev/null) == [ZX]* ]]; }  # PID

# Repeats COMMAND until it succeeds, SECONDS at the most.
poll() {
  local deadline=$((SECONDS + $1 + 1))
  shift
  until "$@"; do
    [[ $SECONDS -lt $deadline ]] || return 1
    sleep 0.05
  done
}

is_wgu() { [[ ${1##*/} != wireguard-go ]]; }

# Options that wireguard-go does not have are left out when it stands in for the daemon.
start_daemon() {  # END IMPLEMENTATION [OPTION...]
  local end=$1 program=$2
  shift 2
  is_wgu "$program" || set --
  implementation[$end]=$program
  daemon_log[$end]=$scratch/daemon-$end.log
  # A shell without job control starts its children with SIGINT ignored, as no user would.
  ip netns exec "${ns[$end]}" env --default-signal=INT LOG_LEVEL=verbose WG_PROCESS_FOREGROUND=1 \
    "$program" -f "$@" "${interface[$end]}" >"${daemon_log[$end]}" 2>&1 &
  daemon_pid[$end]=$!
  poll 10 daemon_is_ready "$end" || fail "$program ${interface[$end]} did not open its control socket in 10 s"
  ! exited "${daemon_pid[$end]}" || fail "$program ${interface[$end]} ended at once"
}
# wg removes a socket that refuses it, as wireguard-go's does between bind and listen (ours gets its name when it listens).
daemon_is_ready() {  # END
  exited "${daemon_pid[$1]}" && return
  is_wgu "${implementation[$1]:-}" || listens "$1" || return
  wg show "${interface[$1]}" >/dev/null 2>&1
}
listens() {  # END; flag 00010000: accepts connections
  at "$1" awk -v path="$(uapi_socket "${interface[$1]}")" '$4 == "00010000" && $8 == path { found = 1 } END { exit !found }' /proc/net/unix
}

# Gives END its key and its peer. Without `endpoint` the end waits to be called.
configure() {  # END OUTER(4|6) [endpoint] [WG-SET-PEER-ARGUMENT...]
  local end=$1 outer=$2 peer=${other[$1]} endpoint=()
  shift 2
  if [[ ${1:-} == endpoint ]]; then
    shift
    endpoint=(endpoint "${outer4[$peer]}:$port")
    [[ $outer -eq 4 ]] || endpoint=(endpoint "[${outer6[$peer]}]:$port")
  fi
  wg_at "$end" set "${interface[$end]}" private-key <(echo "${private_key[$end]}") listen-port $port \
    peer "${public_key[$peer]}" allowed-ips "${inner4[$peer]}/32,${inner6[$peer]}/128" "${endpoint[@]}" "$@"
}

bring_up() {  # END [NAMESPACE-OF-END]
  local end=$1 where=${2:-$1}
  ip -n "${ns[$where]}" addr add "${inner4[$end]}/24" dev "${interface[$end]}"
  ip -n "${ns[$where]}" addr add "${inner6[$end]}/64" dev "${interface[$end]}" nodad
  ip -n "${ns[$where]}" link set "${interface[$end]}" up
}

# The usual: both daemons, a calls b. OPTIONs go to the daemon at a, and to that at b if it is wgu as well.
make_tunnel() {  # IMPLEMENTATION-A IMPLEMENTATION-B OUTER [OPTION...]
  local a=$1 b=$2 outer=$3
  shift 3
  start_daemon a "$a" "$@"
  start_daemon b "$b" "$@"
  configure a "$outer" endpoint
  configure b "$outer"
  bring_up a
  bring_up b
}

reaches() {  # END ADDRESS [PING-OPTION...]
  local end=$1 address=$2
  shift 2
  at "$end" ping -n -q -c 1 -W 1 "$@" "$address" >/dev/null 2>&1
}
must_reach() {  # END ADDRESS [PING-OPTION...]; a few tries, for what needs a handshake or a roaming first
  poll 10 reaches "$@" || fail "namespace $1 does not reach $2 within 10 s"
}
must_not_reach() {  # END ADDRESS; twice a second, as an answer might be late
  ! at "$1" ping -n -q -c 4 -i 0.5 -W 1 "$2" >/dev/null 2>&1 || fail "namespace $1 reaches $2 and must not"
}

# TCP with every byte checked at the other side.
transfer() {  # SENDER RECEIVER ADDRESS-OF-RECEIVER [MEBIBYTES [SECONDS]]
  local sum_received sum_sent mebibytes=${4:-20} seconds=${5:-30} receiver
  at "$2" python3 "$system_tests/transfer.py" receive "$3" 7000 >"$scratch/received" &
  receiver=$!
  background+=("$receiver")
  sum_sent=$(at "$1" timeout --foreground "$seconds" python3 "$system_tests/transfer.py" send "$3" 7000 "$mebibytes") || fail "sending to $3 failed"
  poll 10 exited "$receiver" || fail "the receiver at $3 did not finish"
  wait "$receiver" || fail "receiving at $3 failed"
  sum_received=$(<"$scratch/received")
  [[ $sum_sent == "$sum_received" ]] || fail "sent $sum_sent, received $sum_received"
}

# UDP in trains of the sender's own making. Datagrams may be lost (half of them; with `unordered`, which means a wire with faults, three
# quarters), but what comes is as it was sent, comes once and, unless `unordered`, in order.
datagrams() {  # SENDER RECEIVER ADDRESS-OF-RECEIVER SIZE [TRAINS [unordered]]
  local receiver count=${5:-100} came
  : >"$scratch/datagrams"
  # shellcheck disable=SC2086 # no order asked for is no argument
  at "$2" python3 "$system_tests/datagrams.py" receive "$3" 7001 ${6:-} >"$scratch/datagrams" 2>&1 &
  receiver=$!
  background+=("$receiver")
  poll 10 grep -q ready "$scratch/datagrams" || fail "no receiver at $3"
  at "$1" timeout --foreground 60 python3 "$system_tests/datagrams.py" send "$3" 7001 "$count" "$4" || { poll 5 exited "$receiver" || true; fail "sending datagrams to $3 failed; the receiver: $(tail -1 "$scratch/datagrams")"; }
  poll 20 exited "$receiver" || fail "the receiver at $3 did not finish"
  wait "$receiver" || fail "$(<"$scratch/datagrams")"
  came=$(tail -1 "$scratch/datagrams")
  echo "$came of $((count * 41)) datagrams of $4 bytes"
  [[ $came -ge $((count * 41 / ($# > 5 ? 4 : 2))) ]] || fail "only $came of $((count * 41)) datagrams came"
}

# Several TCP streams at once, in both directions one after the other. Throughput is for the reader; data must flow.
iperf_both_ways() {  # CLIENT SERVER ADDRESS-OF-SERVER STREAMS
  local direction server result
  for direction in "" -R; do
    at "$2" iperf3 -s -1 -B "$3" >"$scratch/iperf-server.log" 2>&1 &
    server=$!
    background+=("$server")
    poll 5 is_listening "$2" 5201 || fail "iperf3 does not listen at $3"
    # shellcheck disable=SC2086 # an empty direction is no argument
    result=$(at "$1" timeout --foreground 20 iperf3 -c "$3" -t 2 -P "$4" $direction --json) ||
      fail "iperf3 $direction: $(jq_error <<<"$result")"
    python3 -c 'import json,sys
rate = json.load(sys.stdin)["end"]["sum_received"]["bits_per_second"]
print("iperf3 %s %.0f Mbit/s" % (sys.argv[1] or "  ", rate / 1e6))
sys.exit(rate < 1e6)' "$direction" <<<"$result" || fail "next to nothing came through"
    wait "$server" || true
  done
}
jq_error() { python3 -c 'import json,sys; print(json.load(sys.stdin).get("error"))' 2>/dev/null; }
is_listening() { [[ -n $(at "$1" ss -Htln "sport = :$2") ]]; }                                # END TCP-PORT
udp_ports() { at "$1" ss -Huln | awk '{sub(/.*:/, "", $4); print $4}' | sort -un | xargs; }   # END

latest_handshake() { wg show "${interface[$1]}" latest-handshakes | cut -f2; }                 # END
endpoint_of_peer() { wg show "${interface[$1]}" endpoints | cut -f2; }                         # END

# Stops the daemon at END by SIGNAL and checks that it has lost no packet unseen and leaves nothing behind.
stop_daemon() {  # END [SIGNAL]
  check_conservation "$1"
  kill -"${2:-TERM}" "${daemon_pid[$1]}"
  must_have_gone "$1"
}
must_have_gone() {  # END
  local pid=${daemon_pid[$1]} status=0
  poll 10 exited "$pid" || fail "the daemon at $1 (pid $pid) does not exit"
  unset "daemon_pid[$1]"
  wait "$pid" || status=$?
  [[ $status -eq 0 ]] || fail "the daemon at $1 exited with status $status"
  [[ ! -e $(uapi_socket "${interface[$1]}") ]] || fail "$(uapi_socket "${interface[$1]}") is left behind"
  [[ ! -e $(status_socket "${interface[$1]}") ]] || fail "$(status_socket "${interface[$1]}") is left behind"
}

# in = out + dropped + queued, for every worker and both directions, and nothing is lost between workers. SIGUSR1 makes the daemon write
# its counters to its log as one line of JSON. Polled, as workers are not asked at the same instant while packets flow.
check_conservation() {  # END
  is_wgu "${implementation[$1]}" || return 0
  poll 3 all_is_explained "$1" || fail "packets are unaccounted for at $1: $(tail -1 "$scratch/unexplained-$1.log")"
}
all_is_explained() {  # END
  report_counters "$1" | python3 -c '
import json, sys
told = json.load(sys.stdin)
wrong = {f"worker {number} {side}": count for number, worker in enumerate(told["workers"])
         for side, count in worker["unexplained"].items() if count != 0}
for side in ("outbound", "inbound"):
    if lost := told["total"][f"{side}_forwarded"] - told["total"][f"{side}_adopted"]:
        wrong[f"{side} between workers"] = lost
print(wrong)
sys.exit(bool(wrong))' >"$scratch/unexplained-$1.log"
}
report_counters() {  # END; prints the JSON
  local before
  before=$(grep -c '"workers"' "${daemon_log[$1]}" || true)
  kill -USR1 "${daemon_pid[$1]}"
  poll 3 has_reported "$1" "$before" || fail "the daemon at $1 does not report its counters"
  grep '"workers"' "${daemon_log[$1]}" | tail -1 | sed 's/^[^{]*//'
}
counter() {  # END NAME; of the sum over workers, or of outbound drops by reason
  report_counters "$1" | python3 -c 'import json, sys
total = json.load(sys.stdin)["total"]
print({**total["dropped"]["outbound"], **total}[sys.argv[1]])' "$2"
}
has_reported() { [[ $(grep -c '"workers"' "${daemon_log[$1]}") -gt $2 ]]; }  # END REPORTS-BEFORE

# What every case ends with: the daemons still run, complained of nothing, account for all packets and go when told.
finish() {
  local end
  for end in "${!daemon_pid[@]}"; do
    ! exited "${daemon_pid[$end]}" || fail "the daemon at $end has died"
    stop_daemon "$end"
  done
  for end in "${!daemon_log[@]}"; do
    ! grep -nE 'Sanitizer|runtime error|panic|terminate called|Assertion' "${daemon_log[$end]}" || fail "see the log of $end"
  done
}
