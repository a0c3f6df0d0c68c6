# SPDX-License-Identifier: BSD-2-Clause
"""Names, envelopes, keys and key slots: part of reader.py."""

import hashlib
import os
import re

import nacl.bindings as sodium
import nacl.exceptions
import xxhash

from wire import Cursor, MIB, Refused, aead_open, blake2b, need, u16, u32

MAGIC = b"\x89VARVE\r\n"
TYPES = {"config": 1, "keys": 2, "packs": 3, "index": 4, "intents": 5,
         "archives": 6, "tombstones": 7, "condemned": 8, "rolls": 9}
MAX = {1: 4 * MIB, 2: MIB, 3: 4096 * MIB, 4: 64 * MIB,
       9: 64 * MIB}  # others: 1 MiB
ID = "([0-9a-f]{32})"
TAG = "([0-9a-f]{16})"
NAMES = [re.compile(p + r"\Z") for p in (
    f"(config)/([0-9a-f]{{8}})-{ID}", f"(keys|condemned|rolls)/(){ID}",
    rf"(packs)/([0-9a-f]{{2}})/(\2[0-9a-f]{{30}})",
    f"(index)/{TAG}-{ID}" + r"\.[dmb]",
    f"(intents|archives|tombstones)/{TAG}-{ID}")]
DATA, META = 1, 2


def parse_name(name):
    """(type, what stands in the middle, id), or None."""
    for pattern in NAMES:
        m = pattern.match(name)
        if m:
            return TYPES[m[1]], m[2], bytes.fromhex(m[3])
    return None


def check_object(data, kind, object_id, repository=None):
    need(88 <= len(data) <= MAX.get(kind, MIB), "impossible size")
    need(data[:8] == MAGIC, "not an object")
    need(int.from_bytes(data[-24:-16], "little") == len(data), "other length")
    need(xxhash.xxh3_128_digest(data[:-16]) == data[-16:], "wrong sum")
    header = Cursor(data, 8, 64)
    need(header.u(1) == 1, "object of another version", "version")
    got = header.u(1)
    need(1 <= got <= 9, "unknown type", "version")
    need((header.u(2), header.u(4)) == (0, 0), "domain or epoch", "version")
    other = header.b(32)
    need(repository in (None, other), "another repository", "forgery")
    need(got == kind and header.b(16) == object_id, "another object's bytes")
    return other


def verify_signature(data):
    """Of an object; its signer, and where its body ends."""
    total = int.from_bytes(data[-28:-24], "little")
    need(total <= 1 << 16, "signatures", "limit")
    need(0 < total <= len(data) - 64 - 28, "no room for a signature")
    end = len(data) - 28 - total
    c, found = Cursor(data, end, end + total), {}
    while c.left():
        at, suite = c.at, c.u(1)
        value = c.b(c.u(2))
        if suite == 1:
            need(not found and len(value) == 96, "signatures")
            found = {at: value}
    need(found, "suites of its signatures", "version")
    (at, value), = found.items()
    message = b"varve-sig-v1" + blake2b(32, b"", data[:end],
                                        data[at:at + 35])
    try:
        sodium.crypto_sign_open(value[32:] + message, value[:32])
    except nacl.exceptions.CryptoError:
        raise Refused("forgery: wrong signature") from None
    return value[:32], end


def open_block(data, at, end, number, key):
    """sealed(key, number), which ends at `end`."""
    need(at + 4 <= end, "no block")
    length = int.from_bytes(data[at:at + 4], "little")
    need(length >= 44 and at + 4 + length == end, "block of another length")
    inner = aead_open(data[at + 4:end],
                      data[:64] + bytes([number]) + data[64:at], key)
    n = int.from_bytes(inner[:4], "little")
    need(n <= len(inner) - 4 and not any(inner[4 + n:]), "bad padding")
    return inner[4:4 + n]


class Store:
    def __init__(self, path):
        self.path = path

    def list(self, kind):
        top = os.path.join(self.path, kind)
        for folder, _, files in os.walk(top):
            for file in sorted(files):
                name = os.path.relpath(os.path.join(folder, file), self.path)
                if parse_name(name):
                    yield name

    def get(self, name):
        with open(os.path.join(self.path, name), "rb") as f:
            return f.read()


# --- keys ---

def derive(master, what):
    return hashlib.blake2b(b"", digest_size=32, key=master,
                           salt=what.to_bytes(8, "little") + bytes(8),
                           person=b"varve-k1" + bytes(8)).digest()


class Keys:
    def __init__(self, master, repository):
        self.master, self.repository = master, repository
        (self.id_data, self.id_meta, self.chunker, self.index, self.psk,
         self.tag, self.data_secret, self.meta_secret) = (
            derive(master, what) for what in range(1, 9))
        self.tree = blake2b(32, self.chunker, b"varve-tree")
        self.data_public = sodium.crypto_scalarmult_base(self.data_secret)
        self.meta_public = sodium.crypto_scalarmult_base(self.meta_secret)

    def kem(self, epk, kind):
        secret, public = ((self.data_secret, self.data_public) if kind == 1
                          else (self.meta_secret, self.meta_public))
        try:
            s = sodium.crypto_scalarmult(secret, epk)
        except nacl.exceptions.RuntimeError:
            raise Refused("forgery: key of low order") from None
        return blake2b(32, self.psk, b"varve-kem-v1", self.repository, u16(0),
                       u32(0), bytes([kind]), epk, public, s)

    def chunk_id(self, kind, plain):
        return blake2b(32, self.id_meta if kind == META else self.id_data,
                       plain)

    def series_tag(self, host, label):
        return blake2b(8, self.tag, host, b"\0", label)


class Slot:
    def __init__(self, data, object_id, repository):
        try:
            check_object(data, 2, object_id, repository)
        except Refused as why:  # a wrong sum is no reason not to try it
            need(str(why) == "damage: wrong sum" and
                 data[16:48] == repository and data[48:64] == object_id,
                 str(why))
        c = Cursor(data, 64, len(data) - 24)
        self.data, self.kdf = data, c.u(1)
        self.passes, self.memory, self.salt = c.u(4), c.u(8), c.b(16)
        self.label = c.text()
        self.commitment = c.b(32)
        self.at = c.at
        need(len(self.label) <= 255, "long label")
        need(self.kdf <= 1, "unknown kdf", "version")
        if self.kdf == 0:
            need(self.passes == self.memory == 0, "parameters", "version")
        else:
            need(2 <= self.passes <= 64 and
                 64 * MIB <= self.memory <= 4096 * MIB, "costs", "limit")

    def stretch(self, secret):
        if self.kdf == 0:
            return blake2b(64, b"", secret, self.salt)
        return sodium.crypto_pwhash_alg(
            64, secret, self.salt, self.passes, self.memory,
            sodium.crypto_pwhash_ALG_ARGON2ID13)

    def cost(self):
        """What twins share."""
        return self.kdf, self.passes, self.memory, self.salt

    def open(self, secret, derived):
        """The keyring, or None if the secret is another."""
        if self.cost() not in derived:
            derived[self.cost()] = self.stretch(secret)
        out = derived[self.cost()]
        if blake2b(32, out[32:], self.data[:self.at - 32]) != self.commitment:
            return None
        c = Cursor(open_block(self.data, self.at, len(self.data) - 24, 1,
                              out[:32]))
        n = c.v()
        need(n <= 4096, "keyring too long")
        ring = {}
        for _ in range(n):
            what, suite, domain, epoch = c.u(1), c.u(1), c.u(2), c.u(4)
            key, value = (what, domain, epoch), c.b(c.u(2))
            if (suite, key) in ((0, (0, 0, 0)), (1, (73, 0, 0))):
                need(key not in ring and len(value) == 32, "keyring")
                ring[key] = value
        c.done()
        return ring
