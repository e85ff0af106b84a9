#!/bin/bash
# examples/demo.sh
#   Builds wgu and runs its main job: two wgu-tunnel daemons in two network namespaces, configured with wg(8), traffic through
#   them, what they tell of it (wg, Prometheus, wgu-top), percentiles by stage, and where every packet went. Installs missing
#   packages; needs root. Leaves nothing behind but build/release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/packages.sh

if [[ $EUID -ne 0 ]]; then echo "needs root, for network namespaces and TUN devices" >&2; exit 1; fi
install_packages "${wgu_packages[@]}"

echo "== building"
cmake --preset release --log-level=WARNING >/dev/null
cmake --build --preset release --target wgu-tunnel wgu-top | tail -1
build=$PWD/build/release/examples

# Names of our own, so that two demonstrations at once do not meet.
left=wgul$$ right=wgur$$ files=$(mktemp -d)
pids=()
clean_up() {
  trap '' INT TERM
  kill "${pids[@]}" 2>/dev/null || true
  wait "${pids[@]}" 2>/dev/null || true
  for namespace in $left $right; do ip netns del "$namespace" 2>/dev/null || true; done
  rm -rf "$files"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

echo "== two hosts, one wire between them"
ip netns add $left
ip netns add $right
ip -n $left link add wire type veth peer name wire netns $right
ip -n $left address add 192.0.2.1/24 dev wire
ip -n $right address add 192.0.2.2/24 dev wire
for namespace in $left $right; do ip -n $namespace link set wire up; ip -n $namespace link set lo up; done

echo "== a tunnel between them"
umask 077
for side in $left $right; do wg genkey | tee "$files/$side.key" | wg pubkey >"$files/$side.pub"; done
for side in $left $right; do
  LOG_LEVEL=error ip netns exec $side "$build/wgu-tunnel" -f --telemetry all --metrics 9586 $side 2>"$files/$side.log" &
  pids+=($!)
done
for side in $left $right; do
  for ((i = 0; i < 100; i++)); do [[ -S /var/run/wireguard/$side.sock ]] && break; sleep 0.1; done
done
wg set $left private-key "$files/$left.key" listen-port 51820 \
  peer "$(<"$files/$right.pub")" endpoint 192.0.2.2:51820 allowed-ips 10.77.0.2/32,fd77::2/128
wg set $right private-key "$files/$right.key" listen-port 51820 \
  peer "$(<"$files/$left.pub")" endpoint 192.0.2.1:51820 allowed-ips 10.77.0.1/32,fd77::1/128
ip -n $left address add 10.77.0.1/24 dev $left
ip -n $right address add 10.77.0.2/24 dev $right
ip -n $left address add fd77::1/64 dev $left nodad
ip -n $right address add fd77::2/64 dev $right nodad
for side in $left $right; do ip -n $side link set $side mtu 1420 up; done

echo "== traffic: ping"
ip netns exec $left ping -q -c 20 -i 0.01 10.77.0.2 | tail -2
ip netns exec $left ping -q -c 20 -i 0.01 fd77::2 | tail -2
echo "== traffic: TCP, 3 s each way"
for direction in "" --reverse; do
  ip netns exec $right iperf3 --server --one-off --interval 0 >/dev/null &
  server=$!
  for ((i = 0; i < 50; i++)); do ip netns exec $right ss -ltn | grep -q :5201 && break; sleep 0.1; done
  "$build/wgu-top" --once -i 2 $left >"$files/top" &
  top=$!
  ip netns exec $left iperf3 --client 10.77.0.2 --time 3 --interval 0 $direction | grep -E 'sender|receiver'
  wait $server $top
done

echo "== wg show"
wg show $left
echo "== what Prometheus would scrape"
ip netns exec $left python3 -c 'import urllib.request
text = urllib.request.urlopen("http://127.0.0.1:9586/metrics").read().decode()
print(*(line for line in text.splitlines() if line.startswith("wireguard_peer_") and "info" not in line), f"... {len(text.splitlines())} lines", sep="\n")'
echo "== what wgu-top showed of the last of it"
cat "$files/top"
echo "== percentiles by stage"
"$build/wgu-tunnel" --status $left | sed -n '/^  measured/,/^  peer/ { /^  peer/!p }'
echo "== where every packet went"
for side in $left $right; do echo "$side:"; "$build/wgu-tunnel" --check $side; done
