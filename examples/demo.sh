#!/bin/bash
# examples/demo.sh
#   Builds wgu and runs its main job: two wgu-tunnel daemons in two network namespaces, configured with wg(8), traffic through
#   them, what was measured, and where every packet went. Installs missing packages; needs root. Leaves nothing behind but
#   build/release.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source tests/packages.sh

if [[ $EUID -ne 0 ]]; then echo "needs root, for network namespaces and TUN devices" >&2; exit 1; fi
install_packages "${wgu_packages[@]}"

echo "== building"
cmake --preset release --log-level=WARNING >/dev/null
cmake --build --preset release --target wgu-tunnel | tail -1
daemon=$PWD/build/release/examples/wgu-tunnel

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
  LOG_LEVEL=error ip netns exec $side "$daemon" -f $side 2>"$files/$side.log" &
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
  ip netns exec $left iperf3 --client 10.77.0.2 --time 3 --interval 0 $direction | grep -E 'sender|receiver'
  wait $server
done

echo "== wg show"
wg show $left
echo "== where every packet went"
kill -USR1 "${pids[@]}"
for side in $left $right; do
  for ((i = 0; i < 50; i++)); do grep -q ^counters "$files/$side.log" && break; sleep 0.1; done
done
python3 - "$files/$left.log" "$files/$right.log" <<'PYTHON'
import json, sys
unexplained = 0
for side, path in zip(("left", "right"), sys.argv[1:]):
    line = [l for l in open(path) if l.startswith("counters ")][-1]
    total = json.loads(line.split(" ", 2)[2])["total"]
    dropped = total["dropped"]
    print(f"{side}: out {total['device_packets_received']} = sent {total['data_packets_sent']} + dropped {sum(dropped['outbound'].values())}"
          f" + queued {total['outbound_queued']}")
    print(f"{side}: in {total['datagrams_received']} = delivered {total['device_packets_sent'] - total['icmp_sent']}"
          f" + consumed {total['inbound_consumed']} + dropped {sum(dropped['inbound'].values())} + queued {total['inbound_queued']}")
    for flow, reasons in dropped.items():
        for reason, count in reasons.items():
            if count: print(f"{side}:   dropped {flow}: {reason} {count}")
    unexplained += sum(abs(count) for count in total["unexplained"].values())
print(f"unexplained: {unexplained}")
sys.exit(unexplained != 0)
PYTHON
