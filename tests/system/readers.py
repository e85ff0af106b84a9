#!/usr/bin/env python3
"""readers.py uapi SOCKET | wg IFNAME | wg-all IFNAME | prometheus URL IFNAME

What a reader of a device makes of it, in one form for all of them: a line a peer, sorted, with tabs between public key, bytes received,
bytes sent, time of the last handshake in seconds, endpoint and allowed IPs.
"""

import base64
import re
import socket
import subprocess
import sys
import urllib.request


def canonical(peers):
    for key in sorted(peers):
        peer = peers[key]
        blocks = ",".join(sorted(peer["allowed_ips"])) or "(none)"
        print(key, peer["rx"], peer["tx"], peer["handshake"], peer["endpoint"] or "(none)", blocks, sep="\t")


def new_peer():
    return {"rx": None, "tx": None, "handshake": None, "endpoint": "", "allowed_ips": []}


def uapi(path):
    """The cross-platform interface of wireguard.com/xplatform: what wgctrl reads, on which exporters in Go rest."""
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(path)
        client.sendall(b"get=1\n\n")
        reply = b""
        while b"\n\n" not in reply:
            received = client.recv(65536)
            assert received, f"the reply ends early: {reply}"
            reply += received
    peers, peer = {}, None
    names = {"rx_bytes": "rx", "tx_bytes": "tx", "last_handshake_time_sec": "handshake", "endpoint": "endpoint"}
    for line in reply.decode().strip().splitlines():
        name, value = line.split("=", 1)
        if name == "public_key":
            peer = peers[base64.b64encode(bytes.fromhex(value)).decode()] = new_peer()
        elif name == "allowed_ip":
            peer["allowed_ips"].append(value)
        elif name in names:
            peer[names[name]] = value
        elif name == "errno":
            assert value == "0", reply
    return peers


def peers_of_dump(lines):
    peers = {}
    for key, _, endpoint, allowed_ips, handshake, rx, tx, _ in lines:
        peers[key] = {"rx": rx, "tx": tx, "handshake": handshake, "endpoint": "" if endpoint == "(none)" else endpoint,
                      "allowed_ips": [] if allowed_ips == "(none)" else allowed_ips.split(",")}
    return peers


def dump_of(what):
    dump = subprocess.run(["wg", "show", what, "dump"], capture_output=True, text=True, check=True).stdout
    return [line.split("\t") for line in dump.splitlines()]


def wg(name):
    """wg(8). The first line is the device's own."""
    return peers_of_dump(dump_of(name)[1:])


def wg_all(name):
    """... where each line begins with the interface."""
    return peers_of_dump([line[1:] for line in dump_of("all") if line[0] == name][1:])


def prometheus(url, device):
    """The names of mdlayher/wireguard_exporter and MindFlavor/prometheus_wireguard_exporter, as the dashboards made for them ask."""
    text = urllib.request.urlopen(url, timeout=10).read().decode()
    peers = {}
    values = {"wireguard_peer_receive_bytes_total": "rx", "wireguard_peer_transmit_bytes_total": "tx",
              "wireguard_peer_last_handshake_seconds": "handshake"}
    for line in text.splitlines():
        sample = re.fullmatch(r"(wireguard_peer_\w+)\{(.*)\} (\S+)", line)
        if not sample:
            continue
        name, labels, value = sample.group(1), dict(re.findall(r'(\w+)="([^"]*)"', sample.group(2))), sample.group(3)
        if labels["device"] != device:
            continue
        peer = peers.setdefault(labels["public_key"], new_peer())
        if name in values:
            peer[values[name]] = str(int(float(value)))
        elif name == "wireguard_peer_info":
            peer["endpoint"] = labels["endpoint"]
        elif name == "wireguard_peer_allowed_ips_info":
            peer["allowed_ips"].append(labels["allowed_ips"])
    return peers


readers = {"uapi": uapi, "wg": wg, "wg-all": wg_all, "prometheus": prometheus}
found = readers[sys.argv[1]](*sys.argv[2:])
assert found, "no peers"
canonical(found)
