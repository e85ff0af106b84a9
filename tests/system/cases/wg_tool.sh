# wg and wg-quick, unchanged, against the daemon.

one_daemon() {
  start_daemon a "$wgu"
  wg_at a set "${interface[a]}" private-key <(echo "${private_key[a]}") listen-port 0
}

show_and_set() {
  one_daemon
  local name=${interface[a]} peer=${public_key[b]} dump
  wg genpsk >"$scratch/psk" 2>/dev/null
  wg_at a set "$name" listen-port 4444 fwmark 77 peer "$peer" preshared-key "$scratch/psk" endpoint '[2001:db8::2]:9' \
    persistent-keepalive 21 allowed-ips 10.1.2.3/8,fd00::/8
  dump=$(settings "$name")
  [[ $dump == "${private_key[a]} ${public_key[a]} 4444 0x4d"$'\n'"$peer $(<"$scratch/psk") [2001:db8::2]:9 10.0.0.0/8,fd00::/8 21" ]] ||
    fail "wg show dump: $dump"
  wg show interfaces | grep -qw "$name" || fail "wg show interfaces: $(wg show interfaces)"
  wg show "$name" >/dev/null
  wg_at a set "$name" peer "$peer" persistent-keepalive off preshared-key /dev/null allowed-ips ""
  [[ $(settings "$name" | tail -1) == "$peer (none) [2001:db8::2]:9 (none) off" ]] || fail "$(settings "$name")"
  wg_at a set "$name" peer "$peer" remove
  [[ -z $(wg show "$name" peers) ]] || fail "the peer is still there"
  wg_at a set "$name" private-key /dev/null
  [[ $(wg show "$name" private-key) == "(none)" ]] || fail "the private key is still there"
}
# The dump without what is counted: latest handshake, bytes received, bytes sent.
settings() { wg show "$1" dump | tr '\t' ' ' | sed -E 's/ [0-9]+ [0-9]+ [0-9]+ ([0-9]+|off)$/ \1/'; }  # IFNAME
essential define_case wg/show_and_set show_and_set

# What showconf prints, setconf takes; addconf adds; syncconf changes no more than differs.
configurations() {
  one_daemon
  local name=${interface[a]} second third
  second=$(wg genkey | wg pubkey) third=$(wg genkey | wg pubkey)
  cat >"$scratch/one.conf" <<CONF
[Interface]
PrivateKey = ${private_key[a]}
ListenPort = 4444
FwMark = 0x20

[Peer]
PublicKey = ${public_key[b]}
PresharedKey = $(wg genpsk)
AllowedIPs = 10.1.0.0/16, fd01::/16
Endpoint = 192.0.2.2:51820
PersistentKeepalive = 25

[Peer]
PublicKey = $second
AllowedIPs = 10.2.0.0/16
CONF
  wg_at a setconf "$name" "$scratch/one.conf"
  wg showconf "$name" >"$scratch/shown.conf"
  wg_at a setconf "$name" "$scratch/shown.conf"
  diff <(sorted_conf "$name") <(sort "$scratch/shown.conf") || fail "showconf, setconf, showconf does not come full circle"
  printf '[Peer]\nPublicKey = %s\nAllowedIPs = 10.3.0.0/16\n' "$third" >"$scratch/more.conf"
  wg_at a addconf "$name" "$scratch/more.conf"
  [[ $(wg show "$name" peers | wc -l) -eq 3 ]] || fail "addconf: $(wg show "$name" peers)"
  wg_at a syncconf "$name" "$scratch/one.conf"
  [[ $(wg show "$name" peers | sort) == "$(printf '%s\n' "${public_key[b]}" "$second" | sort)" ]] ||
    fail "syncconf: $(wg show "$name" peers)"
  ! wg_at a setconf "$name" <(sed 's/10.2.0.0/10.2.0/' "$scratch/one.conf") 2>/dev/null || fail "a bad address was accepted"
  diff <(sorted_conf "$name") <(sort "$scratch/shown.conf") || fail "a refused configuration changed something"
}
sorted_conf() { wg showconf "$1" | sort; }  # IFNAME; peers come in any order
define_case wg/configurations configurations

# syncconf while packets flow: the session stays.
syncconf_keeps_sessions() {
  make_tunnel "$wgu" "$wgu" 4
  must_reach a "${inner4[b]}"
  local report
  wg showconf "${interface[a]}" >"$scratch/same.conf"
  at a ping -n -q -c 40 -i 0.05 -W 1 "${inner4[b]}" >"$scratch/ping.log" 2>&1 &
  local ping=$!
  background+=("$ping")
  for _ in 1 2 3 4 5 6 7 8; do wg_at a syncconf "${interface[a]}" "$scratch/same.conf"; done
  wait "$ping" || true
  report=$(<"$scratch/ping.log")
  grep -q ' 0% packet loss' <<<"$report" || fail "$report"
}
define_case wg/syncconf_keeps_sessions syncconf_keeps_sessions

# A thousand peers, and one with very many allowed IPs, set and shown whole.
large_configuration() {
  one_daemon
  python3 - >"$scratch/large.conf" <<'PYTHON'
import base64, hashlib
def key(number):
    return base64.b64encode(hashlib.sha256(b"%d" % number).digest()).decode()
for number in range(1000):
    print(f"[Peer]\nPublicKey = {key(number)}\nAllowedIPs = 10.{number >> 8}.{number & 255}.0/24\nEndpoint = 192.0.2.2:{number + 1}")
print(f"[Peer]\nPublicKey = {key(1000)}")
for number in range(130000):
    print(f"AllowedIPs = fd00::{number >> 16:x}:{number & 65535:x}/128")
PYTHON
  wg_at a addconf "${interface[a]}" "$scratch/large.conf"
  [[ $(wg show "${interface[a]}" peers | wc -l) -eq 1001 ]] || fail "$(wg show "${interface[a]}" peers | wc -l) peers shown, not 1001"
  local addresses
  addresses=$(wg show "${interface[a]}" allowed-ips | cut -f2 | wc -w)
  [[ $addresses -eq 131000 ]] || fail "$addresses allowed IPs shown, not 131000"
}
define_case wg/large_configuration large_configuration

# Clients that connect and then do nothing, or ask and never read, keep nobody else from an answer.
idle_clients() {
  is_wgu "$wgu" || skip "wireguard-go keeps all waiting while one client is slow"
  one_daemon
  python3 - "$(uapi_socket "${interface[a]}")" <<'PYTHON' &
import signal, socket, sys
clients = []
for request in [b"", b"get=1\n", b"set=1\nlisten_", b"get=1\n\n", b"\0" * 4096] * 4:
    client = socket.socket(socket.AF_UNIX)
    client.connect(sys.argv[1])
    client.sendall(request)
    clients.append(client)
open(sys.argv[1].replace("/var/run/wireguard", "/tmp") + ".ready", "w").close()
signal.pause()
PYTHON
  background+=($!)
  local ready=/tmp/${interface[a]}.sock.ready
  poll 5 test -e "$ready" || fail "the idle clients could not connect"
  rm -f "$ready"
  timeout --foreground 5 wg show "${interface[a]}" >/dev/null || fail "wg show gets no answer beside idle clients"
  timeout --foreground 5 wg set "${interface[a]}" fwmark 5 || fail "wg set gets no answer beside idle clients"
}
essential define_case wg/idle_clients idle_clients

# wg-quick first tries the kernel, which it must not find here, and takes the daemon then.
wg_quick() {  # tunnel|everything
  local name=${interface[a]} networks="${inner4[b]}/32, ${inner6[b]}/128"
  if [[ $1 == everything ]]; then
    command -v nft >/dev/null || skip "wg-quick needs nft for a default route"
    networks="0.0.0.0/0, ::/0"
  fi
  [[ ! -e /sys/module/wireguard ]] || skip "the kernel has WireGuard, so wg-quick never asks for a daemon"
  start_daemon b "$wgu"
  configure b 4
  bring_up b
  cat >"$scratch/$name.conf" <<CONF
[Interface]
PrivateKey = ${private_key[a]}
ListenPort = $port
Address = ${inner4[a]}/24, ${inner6[a]}/64
MTU = 1400

[Peer]
PublicKey = ${public_key[b]}
AllowedIPs = $networks
Endpoint = ${outer4[b]}:$port
CONF
  chmod 600 "$scratch/$name.conf"
  at a env WG_QUICK_USERSPACE_IMPLEMENTATION="$(command -v "$wgu")" wg-quick up "$scratch/$name.conf" >"$scratch/quick-up.log" 2>&1 ||
    fail "wg-quick up failed"
  # It runs in the background, a child of nobody: found by its own unique argument.
  daemon_pid[a]=$(pgrep -f "[w].* $name\$" | head -1)
  [[ -n ${daemon_pid[a]} ]] || fail "no daemon for $name"
  must_reach a "${inner4[b]}"
  must_reach a "${inner6[b]}"
  [[ $(at a cat "/sys/class/net/$name/mtu") == 1400 ]] || fail "the MTU was not set"
  [[ $1 != everything || $(wg show "$name" fwmark) != off ]] || fail "no mark, so packets would go round in circles"
  at a wg-quick down "$scratch/$name.conf" >"$scratch/quick-down.log" 2>&1 || fail "wg-quick down failed"
  poll 10 exited "${daemon_pid[a]}" || fail "the daemon survives wg-quick down"
  unset 'daemon_pid[a]'
  [[ ! -e $(uapi_socket "$name") ]] || fail "its socket is left behind"
}
define_case wg_quick/tunnel wg_quick tunnel
define_case wg_quick/everything wg_quick everything
