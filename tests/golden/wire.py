# SPDX-License-Identifier: BSD-2-Clause
"""What bytes say: part of reader.py."""

import hashlib

import nacl.bindings as sodium
import nacl.exceptions

MIB = 1 << 20


class Refused(Exception):
    """Of the reason that it starts with."""


def need(condition, what, reason="damage"):
    if not condition:
        raise Refused(f"{reason}: {what}")


def blake2b(size, key, *parts):
    return hashlib.blake2b(b"".join(parts), digest_size=size, key=key).digest()


def u16(x):
    return x.to_bytes(2, "little")


def u32(x):
    return x.to_bytes(4, "little")


def aead_open(sealed, aad, key):
    """Nonce, ciphertext and tag."""
    need(len(sealed) >= 40, "sealed bytes are cut short")
    try:
        return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed[24:], aad, sealed[:24], key)
    except nacl.exceptions.CryptoError:
        raise Refused("forgery: sealed bytes do not open") from None


class Cursor:
    def __init__(self, data, at=0, end=None):
        self.data, self.at = data, at
        self.end = len(data) if end is None else end

    def left(self):
        return self.end - self.at

    def b(self, n):
        need(n <= self.left(), "cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def u(self, n):
        return int.from_bytes(self.b(n), "little")

    def i(self, n):
        return int.from_bytes(self.b(n), "little", signed=True)

    def v(self):
        x = 0
        for shift in range(0, 70, 7):
            byte = self.u(1)
            x |= (byte & 127) << shift
            if byte < 128:
                need(x < 1 << 64 and (byte or not shift), "bad number")
                return x
        raise Refused("damage: bad number")

    def small(self):
        x = self.v()
        need(x < 1 << 32, "number beyond 32 bits")
        return x

    def z(self):
        x = self.v()
        return x >> 1 ^ -(x & 1)

    def text(self):
        return self.b(self.v())

    def time(self):
        s, ns = self.z(), self.v()
        need(ns < 10**9, "nanoseconds")
        return s * 10**9 + ns

    def ref(self):
        ref = self.b(32), self.u(1)
        need(ref[1] <= 16, "reference too deep")
        return ref

    def list(self, size):
        """v n, then n items of that size."""
        n = self.v()
        need(n * size <= self.left(), "list is cut short")
        return [self.b(size) for _ in range(n)]

    def done(self):
        need(self.left() == 0, "something is left over")


def tagged(cursor, known, repeated, needed):
    """{tag: value}, or {tag: [values]} for those that repeat."""
    found, last = {}, 0
    while cursor.left():
        tag = cursor.v()
        value = Cursor(cursor.text())
        need(tag > last or tag == last and (tag in repeated or tag >= 64),
             f"value {tag} out of order")
        last = tag
        if tag not in known:
            need(tag % 2 == 1, f"unknown value {tag}", "version")
            continue
        got = known[tag](value)
        value.done()
        if tag in repeated:
            found.setdefault(tag, []).append(got)
        else:
            found[tag] = got
    need(set(needed) <= set(found), "a value is missing")
    return found
