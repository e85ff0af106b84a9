#!/usr/bin/env python3
"""One TCP transfer with a digest at either side.

  transfer.py receive ADDRESS PORT              accepts one connection; prints the SHA-256 of all that came
  transfer.py send ADDRESS PORT MEBIBYTES       sends random bytes; prints their SHA-256 once the receiver has read the last
"""

import hashlib
import os
import socket
import sys
import time

TIMEOUT_S = 20


def receive(address, port):
    with socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET) as server:
        server.settimeout(TIMEOUT_S)
        connection, _ = server.accept()
    with connection:
        connection.settimeout(TIMEOUT_S)
        digest = hashlib.sha256()
        while block := connection.recv(1 << 18):
            digest.update(block)
        connection.sendall(b"!")  # the sender's exit means "received", not "buffered"
    return digest.hexdigest()


def connect(address, port):
    give_up = time.monotonic() + TIMEOUT_S
    while True:
        try:
            return socket.create_connection((address, port), timeout=TIMEOUT_S)
        except ConnectionRefusedError:  # the receiver is not there yet
            if time.monotonic() > give_up:
                raise
            time.sleep(0.02)


def send(address, port, mebibytes):
    digest = hashlib.sha256()
    with connect(address, port) as connection:
        for _ in range(mebibytes):
            block = os.urandom(1 << 20)
            digest.update(block)
            connection.sendall(block)
        connection.shutdown(socket.SHUT_WR)
        if connection.recv(1) != b"!":
            raise ConnectionError("the receiver went away")
    return digest.hexdigest()


if __name__ == "__main__":
    if sys.argv[1] == "receive":
        print(receive(sys.argv[2], int(sys.argv[3])))
    else:
        print(send(sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
