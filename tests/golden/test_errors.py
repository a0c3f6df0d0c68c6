#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Damaged and forged copies of the golden repository: what varve says of each,
and that the reader refuses it too.

errors.txt has what is expected: "name: command: exit status", a line that
varve prints on stderr, and the reader's. test_errors.py --write makes it anew,
to be read before it is committed.
"""

import os
import sys

import nacl.bindings as sodium
import xxhash

from goldenlib import HERE, Scratch, Tap, passphrase, skip_stale
from objects import derive, open_block, parse_name
from reader import Repository
from wire import Cursor, blake2b, u32

EXPECTED = HERE + "/errors.txt"
ADMIN_SEED, WRITER_SEED = 9, 10


class Forger:
    """Changes a copy, with the keys where it needs them."""

    def __init__(self, scratch):
        self.top = scratch.repo
        self.repo = Repository(scratch.repo, passphrase().encode())

    def find(self, kind, archive=None):
        """The names of a kind; of the object of that archive only."""
        names = list(self.repo.store.list(kind))
        if archive is None:
            return names
        return [n for n in names
                if self.repo.read_archive(n)[2] == archive]

    def largest(self, kind):
        return max(self.find(kind), key=lambda n: os.path.getsize(
            f"{self.top}/{n}"))

    def get(self, name):
        return self.repo.store.get(name)

    def put(self, name, data):
        with open(f"{self.top}/{name}", "wb") as f:
            f.write(data)

    def remove(self, *names):
        for name in names:
            os.remove(f"{self.top}/{name}")

    def flip(self, name, at):
        data = bytearray(self.get(name))
        data[at] ^= 1
        self.put(name, data)

    def summed(self, data):
        """With a trailer."""
        data += (len(data) + 24).to_bytes(8, "little")
        return data + xxhash.xxh3_128_digest(data)

    def patch(self, name, at, new):
        """Change bytes and make the sum right."""
        data = self.get(name)[:-24]
        self.put(name, self.summed(data[:at] + new + data[at + len(new):]))

    def signed(self, data, seed):
        public, secret = sodium.crypto_sign_seed_keypair(
            derive(self.repo.keys.master, seed))
        record = b"\1\x60\0" + public
        message = b"varve-sig-v1" + blake2b(32, b"", data, record)
        record += sodium.crypto_sign(message, secret)[:64] + u32(99)
        return self.summed(data + record)

    def body(self, name):
        """Header and body of an object with one signature."""
        return self.get(name)[:-127]

    def make(self, name, body, seed):
        """A new object, signed by one of the repository's own keys."""
        kind, _, object_id = parse_name(name)
        header = (b"\x89VARVE\r\n\1" + bytes([kind]) + bytes(6) +
                  self.repo.id + object_id)
        self.put(name, self.signed(header + body, seed))

    def sealed_archive(self, name, plain):
        """The archive with another sealed part."""
        data = self.get(name)
        at = 64 + 54 + 32 * data[117] + 32
        self.seal(name, data[:at], plain,
                  self.repo.keys.kem(data[at - 32:at], 3))

    def seal(self, name, start, plain, key):
        """An object of a clear start and a sealed part, by the writer."""
        inner = u32(len(plain)) + plain
        inner += bytes(-len(inner) % 256)
        box = bytes(24) + sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
            inner, start[:64] + b"\1" + start[64:], bytes(24), key)
        self.put(name, self.signed(start + u32(len(box)) + box, WRITER_SEED))

    def index(self, name):
        """(header and clear part, opened sealed part)"""
        data = self.body(name)
        c = Cursor(data, 64)
        c.list(56)
        return data[:c.at], open_block(data, c.at, len(data), 1,
                                       self.repo.keys.index)

    def later_frame(self, name, pack):
        """The first frame of the pack is of a kind that nobody knows yet."""
        start, plain = self.index(name)
        c = Cursor(plain)
        c.list(16)
        for _ in range(c.v()):
            this = c.b(16)
            c.u(8)
            c.b(38 * c.v())
            n = c.v()
            for i in range(n):
                size = c.v()
                if this == pack and i == 0:
                    plain = plain[:c.at] + b"\3" + plain[c.at + 1:]
                c.b(size)
            c.text()
        self.seal(name, start, plain, self.repo.keys.index)


def config_flipped(f):
    for name in f.find("config"):
        f.flip(name, 100)


def config_copy_flipped(f):
    f.flip(f.find("config")[-1], 100)


def config_of_version_2(f):
    for name in f.find("config"):
        f.patch(name, 8, b"\2")


def config_of_domain_1(f):
    for name in f.find("config"):
        f.patch(name, 10, b"\1")


def config_changed(f):
    for name in f.find("config"):
        f.patch(name, 100, b"\1")


def config_of_a_writer(f):
    for name in f.find("config"):
        f.put(name, f.signed(f.body(name), WRITER_SEED))


def config_needs_a_feature(f):
    name = f.find("config")[-1]
    data = bytearray(f.body(name))
    data[64 + 40 + 2] = 4
    f.put(name, f.signed(bytes(data), ADMIN_SEED))


def config_garbage(f):
    f.make("config/000000ff-" + "c0" * 16,
           f.body(f.find("config")[0])[64:], WRITER_SEED)


def config_twice(f):
    """Two bodies of one generation: that of the lower hash counts."""
    name = f.find("config")[-1]
    body = bytearray(f.body(name)[64:])
    body[-4 * 18 - 1] ^= 1  # in the policy, before the slots
    f.make(name[:16] + "c0" * 16, bytes(body), ADMIN_SEED)


def config_gone(f):
    f.remove(*f.find("config"))


def slots_gone(f):
    f.remove(*f.find("keys"))


def slot_of_passphrase(f):
    return [n for n in f.find("keys") if f.get(n)[64] == 1][0]


def slot_flipped(f):
    f.flip(slot_of_passphrase(f), 70)


def slot_too_costly(f):
    f.patch(slot_of_passphrase(f), 69, (5 << 30).to_bytes(8, "little"))


def slot_of_another_salt(f):
    f.patch(slot_of_passphrase(f), 77, b"another salt")


def archive_flipped(f):
    f.flip(f.find("archives", b"one")[0], 200)


def archive_cut_short(f):
    name = f.find("archives", b"one")[0]
    f.put(name, f.get(name)[:-1])


def archive_of_another_series(f):
    name = f.find("archives", b"one")[0]
    os.rename(f"{f.top}/{name}", f"{f.top}/archives/{'ab' * 8}{name[25:]}")


def archive_of_another_repository(f):
    name = f.find("archives", b"one")[0]
    data = f.get(name)
    f.put(name, f.signed(data[:16] + bytes(32) + data[48:-127], WRITER_SEED))


def archive_of_a_stranger(f):
    name = f.find("archives", b"one")[0]
    f.put(name, f.signed(f.get(name)[:-127], 77))


def archive_signed_twice(f):
    """A signature of a later suite stands before that of suite 1."""
    name = f.find("archives", b"one")[0]
    data = f.get(name)[:-24]
    f.put(name, f.summed(data[:-103] + b"\2\5\0later" + data[-103:-4] +
                         u32(99 + 8)))


def archive_signed_by_a_later_suite(f):
    name = f.find("archives", b"one")[0]
    f.patch(name, len(f.get(name)) - 127, b"\2")


def archive_revised_by_a_writer(f):
    name = f.find("archives", b"second")[0]
    f.put(name, f.signed(f.get(name)[:-127], WRITER_SEED))


def archive_with_an_even_tag(f):
    name = f.find("archives", b"one")[0]
    f.sealed_archive(name, b"\x02\x01a\x28\x00")


def archive_without_a_root(f):
    name = f.find("archives", b"one")[0]
    f.sealed_archive(name, b"\x02\x01a")


def archive_gone(f):
    f.remove(*f.find("archives", b"one"))


def tombstone_of_a_writer(f):
    a = f.repo.archive("one")
    f.make(f"tombstones/{'ab' * 8}-{'70' * 16}",
           bytes(8) + b"\1" + a["logical"] + u32(0), WRITER_SEED)


def condemned_for_an_unknown_reason(f):
    f.make("condemned/" + "cd" * 16, bytes(8 + 16) + b"\x08\0\0", ADMIN_SEED)


def roll_of_a_writer(f):
    f.make("rolls/" + "91" * 16, bytes(4), WRITER_SEED)


def roll_out_of_order(f):
    f.make("rolls/" + "92" * 16, b"\0\2" + bytes(32) + bytes(2), ADMIN_SEED)


def roll_with_an_unknown_state(f):
    f.make("rolls/" + "93" * 16, b"\0\0\1\6" + bytes(16 + 32 + 32 + 4) +
           b"\2" + bytes(8 + 8 + 32) + b"\0", ADMIN_SEED)


def index_flipped(f):
    f.flip(f.largest("index"), 300)


def index_says_another_length(f):
    name = f.largest("index")
    start, plain = f.index(name)
    f.seal(name, start[:-40] + bytes(8) + start[-32:], plain,
           f.repo.keys.index)


def frame_of_a_later_kind(f):
    pack = parse_name(f.largest("packs"))[2]
    for name in f.find("index"):
        f.later_frame(name, pack)


def index_gone(f):
    f.remove(f.largest("index"))


def pack_gone(f):
    f.remove(f.largest("packs"))


def pack_cut_short(f):
    name = f.largest("packs")
    f.put(name, f.get(name)[:-4096])


def frame_flipped(f):
    f.flip(f.largest("packs"), 1000)


def frame_forged(f):
    f.patch(f.largest("packs"), 1000, b"forged")


def footer_forged(f):
    name = f.largest("packs")
    f.patch(name, len(f.get(name)) - 50, b"forged")


# What is made of a copy, and what varve then does with it. "-" stands for no
# message: the packs that a lost index object named are found without it.
CASES = [
    (config_flipped, "list"), (config_copy_flipped, "list"),
    (config_garbage, "list"), (config_of_version_2, "list"),
    (config_of_domain_1, "list"), (config_changed, "list"),
    (config_of_a_writer, "list"), (config_needs_a_feature, "list"),
    (config_twice, "list"), (config_gone, "list"), (slots_gone, "list"),
    (slot_flipped, "list"), (slot_too_costly, "list"),
    (slot_of_another_salt, "list"), (archive_flipped, "list"),
    (archive_cut_short, "list"), (archive_of_another_series, "list"),
    (archive_of_another_repository, "list"), (archive_of_a_stranger, "list"),
    (archive_signed_twice, "list"), (archive_signed_by_a_later_suite, "list"),
    (archive_revised_by_a_writer, "list"), (archive_with_an_even_tag, "list"),
    (archive_without_a_root, "list"), (archive_gone, "list"),
    (tombstone_of_a_writer, "list"),
    (condemned_for_an_unknown_reason, "check"),
    (roll_of_a_writer, "list"), (roll_out_of_order, "list"),
    (roll_with_an_unknown_state, "check"), (index_flipped, "extract"),
    (index_says_another_length, "check"),
    (frame_of_a_later_kind, "check"), (index_gone, "extract"),
    (pack_gone, "extract"),
    (pack_cut_short, "check"), (frame_flipped, "check"),
    (frame_forged, "extract"), (footer_forged, "check"),
]


def answers(damage, command):
    """(exit status of varve, lines of its stderr, line of the reader)."""
    with Scratch() as scratch:
        damage(Forger(scratch))
        args = {"list": ["list", "--short", scratch.repo],
                "check": ["check", "--verify-data", scratch.repo],
                "extract": ["extract", scratch.repo + "::one", "big.txt"]}
        out = scratch.top + "/out"
        os.mkdir(out)
        varve = scratch.varve(*args[command], cwd=out)
        reader = scratch.reader(scratch.repo, "list" if command == "list"
                                else "verify")
        said = varve.stderr.replace(scratch.repo, "REPO")
        return (varve.returncode,
                said.replace(scratch.top, "TMP").splitlines() or ["-"],
                reader.stderr.replace(scratch.repo, "REPO").strip())


def write():
    with open(EXPECTED, "w") as f:
        for damage, command in CASES:
            status, lines, reader = answers(damage, command)
            f.write(f"{damage.__name__}: {command}: {status}\n"
                    f"\t{lines[0]}\n\t{reader}\n")


def read():
    with open(EXPECTED) as f:
        lines = f.read().splitlines()
    return {head.split(":")[0]: (head, varve[1:], reader[1:])
            for head, varve, reader in zip(*[iter(lines)] * 3)}


def main():
    skip_stale()
    if sys.argv[1:] == ["--write"]:
        write()
        return 0
    tap, expected = Tap(), read()
    for damage, command in CASES:
        name = damage.__name__
        status, lines, reader = answers(damage, command)
        want = expected.pop(name, ("", "", ""))
        tap.ok(f"{name}: {command}: {status}" == want[0] and
               want[1] in lines and reader == want[2],
               name.replace("_", " "), [status, *lines, reader])
    tap.ok(not expected, "nothing else is expected", expected)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
