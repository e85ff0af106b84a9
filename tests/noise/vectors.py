#!/usr/bin/env python3
"""Writes vectors.h: one WireGuard handshake, byte for byte, from the whitepaper's formulas (5.4.1 to 5.4.7) and from nothing of
lib/. BLAKE2s and HMAC are Python's own, X25519 and ChaCha20-Poly1305 those of the 'cryptography' package, HChaCha20 is below.

    python3 vectors.py > vectors.h
"""
import hashlib
import hmac
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305


def HASH(data):
    return hashlib.blake2s(data).digest()


def MAC(key, data):
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def KDF(n, key, data):
    t0 = hmac.new(key, data, hashlib.blake2s).digest()
    outputs, t = [], b""
    for i in range(1, n + 1):
        t = hmac.new(t0, t + bytes([i]), hashlib.blake2s).digest()
        outputs.append(t)
    return outputs


def AEAD(key, plain, associated):
    return ChaCha20Poly1305(key).encrypt(bytes(12), plain, associated)


def public(private):
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def DH(private, pub):
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(pub))


def hchacha20(key, nonce16):
    def rotate(v, n):
        return ((v << n) | (v >> (32 - n))) & 0xFFFFFFFF

    s = list(struct.unpack("<4I", b"expand 32-byte k") + struct.unpack("<8I", key) + struct.unpack("<4I", nonce16))

    def quarter(a, b, c, d):
        for x, y, z, n in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            s[x] = (s[x] + s[y]) & 0xFFFFFFFF
            s[z] = rotate(s[z] ^ s[x], n)

    for _ in range(10):
        for i in range(4):
            quarter(i, 4 + i, 8 + i, 12 + i)
        for i in range(4):
            quarter(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4)
    return struct.pack("<8I", *(s[:4] + s[12:]))


def XAEAD(key, nonce24, plain, associated):
    return ChaCha20Poly1305(hchacha20(key, nonce24[:16])).encrypt(bytes(4) + nonce24[16:], plain, associated)


def seed(name):
    return HASH(b"wgu test vector: " + name)


init_private, resp_private = seed(b"initiator"), seed(b"responder")
init_ephemeral, resp_ephemeral = seed(b"initiator ephemeral"), seed(b"responder ephemeral")
psk = seed(b"preshared")
device_secret, nonce = seed(b"device secret"), seed(b"nonce")[:24]
init_public, resp_public = public(init_private), public(resp_private)
sender, receiver = 0x01020304, 0xA0B0C0D0
timestamp = struct.pack(">QI", 0x400000000000000A + 1700000000, 0x12000000)


def handshake(q):
    # Initiation, 5.4.2.
    c = HASH(b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s")
    h = HASH(HASH(c + b"WireGuard v1 zx2c4 Jason@zx2c4.com") + resp_public)
    e = public(init_ephemeral)
    (c,) = KDF(1, c, e)
    h = HASH(h + e)
    c, k = KDF(2, c, DH(init_ephemeral, resp_public))
    static = AEAD(k, init_public, h)
    h = HASH(h + static)
    c, k = KDF(2, c, DH(init_private, resp_public))
    sealed_timestamp = AEAD(k, timestamp, h)
    h = HASH(h + sealed_timestamp)
    initiation = struct.pack("<II", 1, sender) + e + static + sealed_timestamp
    initiation += MAC(HASH(b"mac1----" + resp_public), initiation)
    # Response, 5.4.3.
    e2 = public(resp_ephemeral)
    (c,) = KDF(1, c, e2)
    h = HASH(h + e2)
    (c, _) = KDF(2, c, DH(resp_ephemeral, e))
    (c, _) = KDF(2, c, DH(resp_ephemeral, init_public))
    c, t, k = KDF(3, c, q)
    h = HASH(h + t)
    nothing = AEAD(k, b"", h)
    response = struct.pack("<III", 2, receiver, sender) + e2 + nothing
    response += MAC(HASH(b"mac1----" + init_public), response)
    # 5.4.5.
    first, second = KDF(2, c, b"")
    return initiation, response, first, second


initiation, response, first, second = handshake(psk)
_, response_no_psk, first_no_psk, second_no_psk = handshake(bytes(32))
# wgu's cookie: the secret of the period of 120 s is keyed BLAKE2s of the period's number; period 2 holds 240 s to 360 s.
secret = hashlib.blake2s(struct.pack("<Q", 2), key=device_secret).digest()
cookie4 = MAC(secret, bytes([192, 0, 2, 1]) + struct.pack(">H", 51820))
cookie6 = MAC(secret, bytes.fromhex("20010db8000000000000000000000001") + struct.pack(">H", 51820))
cookie_key = HASH(b"cookie--" + resp_public)
mac1 = initiation[-16:]

values = [
    ("Both parties' keys.", [
        ("InitiatorPrivate", init_private), ("InitiatorPublic", init_public), ("InitiatorEphemeral", init_ephemeral),
        ("ResponderPrivate", resp_private), ("ResponderPublic", resp_public), ("ResponderEphemeral", resp_ephemeral),
        ("Preshared", psk), ("Timestamp", timestamp)]),
    ("Messages up to and including MAC1. Sender index 0x01020304 (initiator), 0xa0b0c0d0 (responder).", [
        ("Initiation", initiation), ("Response", response), ("ResponseWithoutPreshared", response_no_psk)]),
    ("Transport keys: the initiator sends with the first.", [
        ("First", first), ("Second", second), ("FirstWithoutPreshared", first_no_psk), ("SecondWithoutPreshared", second_no_psk)]),
    ("Cookie reply to that initiation from 192.0.2.1:51820 and from [2001:db8::1]:51820, and the MAC2 made with each.", [
        ("DeviceSecret", device_secret), ("Nonce", nonce),
        ("CookieReply4", struct.pack("<II", 3, sender) + nonce + XAEAD(cookie_key, nonce, cookie4, mac1)),
        ("CookieReply6", struct.pack("<II", 3, sender) + nonce + XAEAD(cookie_key, nonce, cookie6, mac1)),
        ("Mac2With4", MAC(cookie4, initiation)), ("Mac2With6", MAC(cookie6, initiation))]),
]

print("#pragma once")
print("// Written by vectors.py (an independent implementation of the whitepaper in Python). Do not edit.\n")
print("namespace wgu::noise::vectors {")
for comment, group in values:
    print(f"\n// {comment}")
    for name, value in group:
        text = value.hex()
        lines = [text[i:i + 128] for i in range(0, len(text), 128)]
        print(f"inline constexpr const char* k{name} =\n" + "\n".join(f'    "{line}"' for line in lines) + ";")
print("\n}  // namespace wgu::noise::vectors")
