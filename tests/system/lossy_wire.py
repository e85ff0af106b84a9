#!/usr/bin/env python3
"""A wire with faults: a UDP relay that loses, doubles and reorders datagrams, seeded, both ways.

  lossy_wire.py LISTEN-ADDRESS PORT TARGET-ADDRESS PORT LOSS DUPLICATION REORDERING SEED

What comes to LISTEN goes to TARGET, and what TARGET answers to whoever came last. The rates are of datagrams, 0 to 1; a reordered one
goes behind the next few. Trains are taken in and handed on whole (UDP_GRO, UDP_SEGMENT), so that the relay is not what is measured.
On SIGTERM prints how many datagrams came, were lost, doubled and reordered.
"""

import random
import select
import signal
import socket
import struct
import sys

UDP_SEGMENT, UDP_GRO = 103, 104
MOST_SEGMENTS = 64  # of a train, UDP_MAX_SEGMENTS before Linux 6.9
MOST_BYTES = 65_000
KEPT_BACK = 5  # datagrams that overtake a reordered one, at the most

counts = {"came": 0, "lost": 0, "doubled": 0, "reordered": 0}


def open_socket(family):
    made = socket.socket(family, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
    for option in (33, 32):  # SO_RCVBUFFORCE, SO_SNDBUFFORCE
        made.setsockopt(socket.SOL_SOCKET, option, 8 << 20)
    made.setblocking(False)
    return made


def receive(source):
    """The datagrams of one train, and who sent them."""
    data, control, _, sender = source.recvmsg(65536, socket.CMSG_SPACE(4))
    size = len(data)
    for level, kind, value in control:
        if level == socket.IPPROTO_UDP and kind == UDP_GRO:
            (size,) = struct.unpack("i", value)
    if size == 0:
        return [b""], sender
    return [data[at : at + size] for at in range(0, len(data), size)], sender


def with_faults(datagrams, rates, chance):
    """A new order of `datagrams`, some left out, some twice."""
    loss, duplication, reordering = rates
    placed = []
    counts["came"] += len(datagrams)
    for number, datagram in enumerate(datagrams):
        fate = chance()
        place = float(number)
        if fate < loss:
            counts["lost"] += 1
            continue
        if fate < loss + duplication:
            counts["doubled"] += 1
            placed.append((place + KEPT_BACK * chance(), datagram))
        elif fate < loss + duplication + reordering:
            counts["reordered"] += 1
            place += 1 + KEPT_BACK * chance()
        placed.append((place, datagram))
    placed.sort(key=lambda one: one[0])
    return [datagram for _, datagram in placed]


def send(to, datagrams, address):
    at = 0
    while at < len(datagrams):
        size = len(datagrams[at])
        end, total = at + 1, size
        while end < len(datagrams) and end - at < MOST_SEGMENTS and size > 0:
            length = len(datagrams[end])
            if length == 0 or length > size or total + length > MOST_BYTES:
                break
            total, end = total + length, end + 1
            if length < size:
                break
        control = [(socket.IPPROTO_UDP, UDP_SEGMENT, struct.pack("H", size))] if end - at > 1 else []
        try:
            to.sendmsg(datagrams[at:end], control, 0, address)
        except BlockingIOError:
            counts["lost"] += end - at
        except OSError:  # a train that the route refuses
            for datagram in datagrams[at:end]:
                to.sendto(datagram, address)
        at = end


def main(listen, target, rates, seed):
    chance = random.Random(seed).random
    family = socket.AF_INET6 if ":" in listen[0] else socket.AF_INET
    outside, inside = open_socket(family), open_socket(family)
    outside.bind(listen)
    caller = None
    # What is kept back of one look goes with the next, or when nothing more comes.
    kept = {outside: [], inside: []}
    print("ready", flush=True)
    while True:
        readable, _, _ = select.select([outside, inside], [], [], 0.002 if any(kept.values()) else None)
        for source in (outside, inside):
            datagrams, kept[source] = kept[source], []
            if source in readable:
                try:
                    for _ in range(8):
                        more, sender = receive(source)
                        datagrams += with_faults(more, rates, chance)
                        if source is outside:
                            caller = sender
                except (BlockingIOError, ConnectionError):
                    pass
                if len(datagrams) > 1 and chance() < rates[2] * len(datagrams):
                    counts["reordered"] += 1
                    kept[source] = [datagrams.pop(int(chance() * len(datagrams)))]
            if source is outside:
                send(inside, datagrams, target)
            elif caller is not None:
                send(outside, datagrams, caller)


def report(*_):
    print(" ".join(f"{name} {count}" for name, count in counts.items()), flush=True)
    sys.exit(0)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, report)
    main((sys.argv[1], int(sys.argv[2])), (sys.argv[3], int(sys.argv[4])), tuple(map(float, sys.argv[5:8])), int(sys.argv[8]))
