#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Add archives and the rolls that hold them: make_rolls.py REPOSITORY COUNT.

Each archive is the newest one of the repository again, under another id and
name, following the one before; its object is as whole as any. No command of
varve stores rolls yet. The passphrase is in VARVE_PASSPHRASE.
"""

import os
import sys

import nacl.bindings as sodium
import xxhash

from objects import derive, parse_name
from reader import Repository
from roll import ARCHIVE
from wire import Cursor, blake2b, u32

ADMIN_SEED, WRITER_SEED = 9, 10
KEM_ARCHIVE, KEM_ROLL = 3, 5
ROLL_FACTS_MAX = 40 << 20
DEAD, SUPERSEDED = b"\0", b"\0"


def v(x):
    out = b""
    while x > 127:
        out += bytes([x & 127 | 128])
        x >>= 7
    return out + bytes([x])


def i64(x):
    return x.to_bytes(8, "little", signed=True)


class Maker:
    def __init__(self, top, secret):
        self.top = top
        self.repo = Repository(top, secret)
        self.pairs = {seed: sodium.crypto_sign_seed_keypair(
            derive(self.repo.keys.master, seed))
            for seed in (ADMIN_SEED, WRITER_SEED)}

    def seal(self, head, clear, kind, plain):
        """An object up to its signature part."""
        data = head + clear + os.urandom(32)
        key = self.repo.keys.kem(data[-32:], kind)
        nonce = os.urandom(24)
        box = nonce + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
            u32(len(plain)) + plain, head + b"\1" + data[64:], nonce, key)
        return data + u32(len(box)) + box

    def put(self, name, clear, sealing, seed):
        kind, _, object_id = parse_name(name)
        head = (b"\x89VARVE\r\n\1" + bytes([kind]) + bytes(6) +
                self.repo.id + object_id)
        data = self.seal(head, clear, *sealing)
        public, secret = self.pairs[seed]
        record = b"\1\x60\0" + public
        message = b"varve-sig-v1" + blake2b(32, b"", data, record)
        data += record + sodium.crypto_sign(message, secret)[:64] + u32(99)
        data += (len(data) + 24).to_bytes(8, "little")
        data += xxhash.xxh3_128_digest(data)
        with open(f"{self.top}/{name}", "wb") as f:
            f.write(data)
        return data


def parts(maker):
    """(tag, clear fields of, sealed list of) the newest archive."""
    newest = maker.repo.archives()[-1]
    for name in maker.repo.store.list("archives"):
        a = maker.repo.read_archive(name)
        if a["logical"] == newest["logical"]:
            data, c, _ = maker.repo.fetch(name)
            maker.repo.clear_archive(c)
            return (parse_name(name)[1], a,
                    bytes(maker.repo.open_meta(data, c, KEM_ARCHIVE)))
    raise SystemExit("no archive")


def renamed(sealed, name):
    """The list with another name, which comes first."""
    c = Cursor(sealed)
    assert c.v() == 2
    c.text()
    return b"\2" + v(len(name)) + name + sealed[c.at:]


def archives(maker, count):
    """Store them; yields (entry, facts) of each."""
    tag, a, sealed = parts(maker)
    previous = a["logical"]
    for i in range(count):
        logical, object_id = os.urandom(32), os.urandom(16)
        clear = (b"\0" + logical + u32(0) + i64(a["end"] + i) + i64(1) +
                 b"\1" + previous)
        plain = renamed(sealed, b"%s-%d" % (a[2], i))
        data = maker.put(f"archives/{tag}-{object_id.hex()}", clear,
                         (KEM_ARCHIVE, plain), WRITER_SEED)
        entry = (bytes([ARCHIVE]) + object_id + blake2b(32, b"", data) +
                 logical + u32(0) + b"\0" + i64(a["end"]) +
                 bytes.fromhex(tag) + maker.pairs[WRITER_SEED][0])
        facts = b"\0" + v(len(clear)) + clear + plain
        yield entry, v(len(facts)) + facts
        previous = logical


def store_roll(maker, held):
    held.sort()
    clear = (SUPERSEDED + DEAD + v(len(held)) +
             b"".join(e for e, _ in held) + b"\0")
    maker.put(f"rolls/{os.urandom(16).hex()}", clear,
              (KEM_ROLL, b"".join(f for _, f in held)), ADMIN_SEED)


def main():
    top, count = sys.argv[1], int(sys.argv[2])
    maker = Maker(top, os.environ["VARVE_PASSPHRASE"].encode())
    held, size = [], 0
    for entry, facts in archives(maker, count):
        held.append((entry, facts))
        size += len(facts)
        if size > ROLL_FACTS_MAX:
            store_roll(maker, held)
            held, size = [], 0
    if held:
        store_roll(maker, held)


if __name__ == "__main__":
    main()
