# How the daemon begins and ends.

clean_exit() {  # term|interrupt|link_deleted
  make_tunnel "$wgu" "$wireguard_go" 4
  must_reach a "${inner4[b]}"
  at a ping -n -q -i 0.01 -w 10 "${inner4[b]}" >/dev/null 2>&1 &
  background+=($!)
  case $1 in
  term) stop_daemon a TERM ;;
  interrupt) stop_daemon a INT ;;
  link_deleted)
    ip -n "${ns[a]}" link del "${interface[a]}"
    must_have_gone a
    ;;
  esac
  ! ip -n "${ns[a]}" link show "${interface[a]}" >/dev/null 2>&1 || fail "${interface[a]} is left behind"
}
for how in term interrupt link_deleted; do essential define_case lifecycle/exit/$how clean_exit $how; done

# Without -f the command returns once the device can be configured, and the daemon lives on without terminal or parent.
daemonises() {
  timeout --foreground 10 ip netns exec "${ns[a]}" "$wgu" "${interface[a]}" >"$scratch/start.log" 2>&1 </dev/null ||
    fail "it did not start, or did not return"
  wg show "${interface[a]}" >/dev/null || fail "it returned before it could be configured"
  daemon_pid[a]=$(pgrep -f "[w].* ${interface[a]}\$" | head -1)
  [[ -n ${daemon_pid[a]} ]] || fail "no daemon for ${interface[a]}"
  configure a 4 endpoint
  kill -TERM "${daemon_pid[a]}"
  poll 10 exited "${daemon_pid[a]}" || fail "it does not exit"
  unset 'daemon_pid[a]'
  [[ ! -e $(uapi_socket "${interface[a]}") ]] || fail "its socket is left behind"
}
define_case lifecycle/daemonises daemonises

# The workers, and no other thread.
realtime() {
  is_wgu "$wgu" || skip "wireguard-go has nothing of the kind"
  local thread policies=()
  start_daemon a "$wgu" --workers 2 --realtime
  for thread in /proc/"${daemon_pid[a]}"/task/*; do
    [[ $(<"$thread/comm") != wgu/* ]] || policies+=("$(chrt -p "${thread##*/}" | sed -n 's/.*policy: //p')")
  done
  ! grep -q SCHED_RR "${daemon_log[a]}" || skip "no right to real time: $(grep SCHED_RR "${daemon_log[a]}")"
  [[ ${policies[*]} == "SCHED_RR SCHED_RR" ]] || fail "workers run as ${policies[*]}"
  [[ $(chrt -p "${daemon_pid[a]}") == *SCHED_OTHER* ]] || fail "the main thread runs in real time, too"
}
define_case lifecycle/realtime realtime

# Whoever reads the log may go away: that ends no tunnel.
outlives_its_log() {
  is_wgu "$wgu" || skip "of ours"
  mkfifo "$scratch/log"
  cat "$scratch/log" >/dev/null &
  local reader=$!
  background+=("$reader")
  ip netns exec "${ns[a]}" env LOG_LEVEL=verbose "$wgu" -f "${interface[a]}" >"$scratch/log" 2>&1 &
  daemon_pid[a]=$!
  implementation[a]=$wgu daemon_log[a]=/dev/null
  poll 10 daemon_is_ready a || fail "it does not start"
  kill "$reader"
  poll 10 exited "$reader" || fail "the reader does not end"
  configure a 4 endpoint         # lines of the engine's threads
  kill -USR1 "${daemon_pid[a]}"  # and of the main one
  ip -n "${ns[a]}" link set "${interface[a]}" down
  sleep 2
  ! exited "${daemon_pid[a]}" || fail "the daemon ended with the reader of its log"
  wg show "${interface[a]}" >/dev/null || fail "it does not answer any more"
  kill -TERM "${daemon_pid[a]}"
  poll 10 exited "${daemon_pid[a]}" || fail "it does not exit"
  unset 'daemon_pid[a]'  # has no log to look into
}
define_case lifecycle/outlives_its_log outlives_its_log

socket_modes() {
  is_wgu "$wgu" || skip "wireguard-go makes it 0700"
  start_daemon a "$wgu"
  local socket
  socket=$(uapi_socket "${interface[a]}")
  [[ $(stat -c '%a %U' "$socket") == "600 root" ]] || fail "$socket: $(stat -c '%a %U' "$socket")"
  [[ $(stat -L -c '%a %U' "${socket%/*}") =~ ^7[05][05]\ root$ ]] || fail "${socket%/*}: $(stat -L -c '%a %U' "${socket%/*}")"
}
define_case lifecycle/socket_modes socket_modes

# A directory that the daemon makes itself is for root alone. In a mount namespace, as the machine's own may be in use.
socket_directory() {
  is_wgu "$wgu" || skip "wireguard-go makes it 0755"
  daemon_log[a]=$scratch/daemon-a.log
  unshare --mount --propagation private bash -euc '
    mount -t tmpfs none /var/run
    mkdir -p /var/run/netns
    env --default-signal=INT WG_PROCESS_FOREGROUND=1 "$1" -f "$2" &
    daemon=$!
    for ((i = 0; i < 200; i++)); do [[ -S /var/run/wireguard/$2.sock ]] && break; sleep 0.05; done
    stat -c %a /var/run/wireguard /var/run/wireguard/"$2".sock | xargs
    kill -TERM $daemon
    wait $daemon
    [[ ! -e /var/run/wireguard/$2.sock ]]' - "$wgu" "${interface[a]}" >"$scratch/modes" 2>"${daemon_log[a]}" || fail "see the log"
  [[ $(tail -1 "$scratch/modes") == "700 600" ]] || fail "modes of directory and socket: $(<"$scratch/modes")"
}
define_case lifecycle/socket_directory socket_directory

capabilities() {
  is_wgu "$wgu" || skip "wireguard-go keeps them all"
  make_tunnel "$wgu" "$wgu" 4
  must_reach a "${inner4[b]}"
  local kept
  kept=$((16#$(awk '/^CapEff/ {print $2}' "/proc/${daemon_pid[a]}/status")))
  # CAP_NET_ADMIN (12) for fwmark, CAP_NET_BIND_SERVICE (10) for ports below 1024; nothing else may remain.
  [[ $((kept & ~(1 << 12 | 1 << 10))) -eq 0 ]] || fail "$(printf 'effective capabilities: %x' "$kept")"
  wg_at a set "${interface[a]}" fwmark 9 listen-port 443 || fail "too few capabilities are left"
}
define_case lifecycle/capabilities capabilities

# A TUN and a control socket opened by somebody else, as an init system or wireguard-go's own parent would.
handed_over() {
  local flags interface_name=${interface[a]} socket
  socket=$(uapi_socket "${interface[a]}")
  implementation[a]=$wgu daemon_log[a]=$scratch/daemon-a.log
  is_wgu "$wgu" && flags=0x1001 || flags=0x0001  # IFF_TUN | IFF_NO_PI; Debian's wireguard-go wants the packet information
  mkdir -p -m 0700 "${socket%/*}"
  ip netns exec "${ns[a]}" python3 - "$(command -v "$wgu")" "$interface_name" "$socket" $flags >"${daemon_log[a]}" 2>&1 <<'PYTHON' &
import fcntl, os, signal, socket, struct, sys
program, name, path, flags = sys.argv[1:]
TUNSETIFF = 0x400454CA
tun = os.open("/dev/net/tun", os.O_RDWR)
fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", name.encode(), int(flags, 16)))
os.set_blocking(tun, False)
os.umask(0o077)
uapi = socket.socket(socket.AF_UNIX)
uapi.bind(path)
uapi.listen()
for fd in (tun, uapi.fileno()):
    os.set_inheritable(fd, True)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.environ.update(WG_TUN_FD=str(tun), WG_UAPI_FD=str(uapi.fileno()), WG_PROCESS_FOREGROUND="1", LOG_LEVEL="verbose")
os.execv(program, [program, "-f", name])
PYTHON
  daemon_pid[a]=$!
  poll 10 daemon_is_ready a || fail "no answer at the socket that was handed over"
  start_daemon b "$wgu"
  configure a 4 endpoint
  configure b 4
  bring_up a
  bring_up b
  must_reach a "${inner4[b]}"
  transfer b a "${inner4[a]}" 4
}
define_case lifecycle/handed_over handed_over

# What it cannot do it says in one line, ends with a status and leaves nothing.
refuses_to_start() {  # name_taken|name_too_long|no_arguments|unprivileged|bad_descriptor
  local status=0 name=${interface[a]} command=("$wgu")
  case $1 in
  name_taken)
    ip -n "${ns[a]}" link add "$name" type veth
    command+=(-f "$name")
    ;;
  name_too_long) command+=(-f "$name-name-too-long") ;;
  no_arguments) is_wgu "$wgu" || skip "wireguard-go exits with 0" ;;
  unprivileged) command=(setpriv --reuid 65534 --clear-groups --bounding-set=-all "$wgu" -f "$name") ;;
  bad_descriptor) command=(env WG_TUN_FD=977 "$wgu" -f "$name") ;;
  esac
  at a timeout --foreground 10 "${command[@]}" >"$scratch/refused.log" 2>&1 </dev/null || status=$?
  [[ $status -gt 0 && $status -lt 124 ]] || fail "exit status $status"
  [[ -s $scratch/refused.log ]] || fail "it says nothing"
  ! grep -E 'Sanitizer|panic|terminate called' "$scratch/refused.log" || fail "it crashed"
  [[ ! -e $(uapi_socket "$name") ]] || fail "a socket is left behind"
}
for what in name_taken name_too_long no_arguments unprivileged bad_descriptor; do
  define_case lifecycle/refuses/$what refuses_to_start $what
done

# A socket file that nobody listens at is no obstacle; one that somebody does is.
stale_socket() {
  start_daemon a "$wgu"
  kill -KILL "${daemon_pid[a]}"
  poll 5 exited "${daemon_pid[a]}" || fail "killed, and yet there"
  [[ -S $(uapi_socket "${interface[a]}") ]] || fail "the daemon was killed, who removed its socket?"
  start_daemon a "$wgu"
  local status=0
  at b timeout --foreground 10 "$wgu" -f "${interface[a]}" >"$scratch/second.log" 2>&1 </dev/null || status=$?
  [[ $status -gt 0 && $status -lt 124 ]] || fail "a second daemon of the same name in another namespace: exit status $status"
  wg show "${interface[a]}" >/dev/null || fail "the second daemon took the socket of the first"
}
define_case lifecycle/stale_socket stale_socket

# What a burst has made resident goes back; 16 MiB are the most that a daemon with one peer and two workers may keep.
memory_after_load() {  # BACKEND
  local end resident
  make_tunnel "$wgu" "$wgu" 4 --workers 2 --io "$1"
  must_reach a "${inner4[b]}"
  transfer a b "${inner4[b]}" 200
  transfer b a "${inner6[a]}" 200
  sleep 7  # five until a worker rests
  for end in a b; do
    resident=$(awk '/^VmRSS/ {print $2}' "/proc/${daemon_pid[$end]}/status")
    [[ $resident -le 16384 ]] || fail "the daemon at $end holds $resident KiB"
  done
  must_reach a "${inner4[b]}"
  transfer a b "${inner4[b]}" 4
}
define_case lifecycle/memory_after_load-uring memory_after_load uring
define_case lifecycle/memory_after_load-epoll at_length memory_after_load epoll
