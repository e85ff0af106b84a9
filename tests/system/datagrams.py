#!/usr/bin/env python3
"""UDP in trains, every datagram checked on its own.

  datagrams.py receive ADDRESS PORT [unordered] until a datagram says "end" or nothing comes for 5 s; prints how many came whole; fails
                                                at one that is not as it was sent, comes twice or, unless unordered may be, out of order
  datagrams.py send ADDRESS PORT COUNT SIZE     COUNT trains of 40 datagrams of SIZE bytes (UDP_SEGMENT), and after each a short one
"""

import hashlib
import socket
import struct
import sys
import time

UDP_SEGMENT = 103
DATAGRAMS = 40


def payload(number, size):
    """Eight bytes of number, then what only this number and size give."""
    seed = hashlib.sha256(struct.pack("!QQ", number, size)).digest()
    return (struct.pack("!Q", number) + seed * (size // len(seed) + 1))[:size]


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def receive(address, port, in_order):
    whole, last = set(), -1
    with socket.socket(family(address), socket.SOCK_DGRAM) as receiver:
        receiver.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
        receiver.bind((address, port))
        receiver.settimeout(5)
        print("ready", flush=True)
        while True:
            try:
                datagram = receiver.recv(65536)
            except socket.timeout:
                break
            if datagram == b"end":
                break
            (number,) = struct.unpack_from("!Q", datagram)
            if datagram != payload(number, len(datagram)):
                sys.exit(f"datagram {number} of {len(datagram)} bytes was changed on its way")
            if number in whole:
                sys.exit(f"datagram {number} came twice")
            if number <= last and in_order:
                sys.exit(f"datagram {number} came after {last}")
            whole.add(number)
            last = number
    print(len(whole))


def send(address, port, count, size):
    with socket.socket(family(address), socket.SOCK_DGRAM) as sender:
        sender.connect((address, port))
        number = 0
        for _ in range(count):
            sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, size)
            sender.send(b"".join(payload(number + i, size) for i in range(DATAGRAMS)))
            sender.setsockopt(socket.IPPROTO_UDP, UDP_SEGMENT, 0)
            sender.send(payload(number + DATAGRAMS, 20))
            number += DATAGRAMS + 1
            time.sleep(0.002)  # about 25 MB/s: what the receiver's buffer can always take in
        for _ in range(3):
            time.sleep(0.1)
            try:
                sender.send(b"end")
            except ConnectionRefusedError:  # it has ended already
                break


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        receive(sys.argv[2], int(sys.argv[3]), sys.argv[4:] != ["unordered"])
    else:
        send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5]))
