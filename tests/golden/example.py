# SPDX-License-Identifier: BSD-2-Clause
"""The worked example of varve-repository(5), from the golden repository:
test_golden.py compares it with the page."""

from objects import META, derive, open_block, parse_name
from wire import Cursor, aead_open, need

WIDTH = 10
PER_LINE = 32


def put(label, value):
    """Hexadecimal, 32 bytes a line."""
    for at in range(0, len(value), PER_LINE):
        yield label.ljust(WIDTH) + value[at:at + PER_LINE].hex()
        label = ""


def field(value, meaning):
    """Bytes and what they say; long ones on lines of their own."""
    for at in range(0, len(value), PER_LINE):
        last = at + PER_LINE >= len(value)
        part = value[at:at + PER_LINE].hex()
        if last and len(part) < 40:
            yield f"{part:<40}{meaning}"
        elif last:
            yield part
            yield f"{'':<40}{meaning}"
        else:
            yield part


def keys(repo):
    slot = repo.slot
    out = slot.stretch(b"a golden passphrase")
    yield "A passphrase, its slot, and the keys"
    yield ""
    yield "passphrase".ljust(12) + "a golden passphrase"
    yield "slot".ljust(12) + "keys/" + slot.data[48:64].hex()
    yield "kdf".ljust(12) + (f"{slot.kdf}, {slot.passes} passes, "
                             f"{slot.memory} bytes")
    yield "salt".ljust(12) + slot.salt.hex()
    yield ""
    yield from put("KEK", out[:32])
    yield from put("second", out[32:])
    yield from put("commitm.", slot.commitment)
    yield ""
    ring = open_block(slot.data, slot.at, len(slot.data) - 24, 1, out[:32])
    yield from field(ring[:1], "two keys:")
    yield from field(ring[1:11], "what 0, suite 0; 32 bytes:")
    yield from put("master", ring[11:43])
    yield from field(ring[43:53], "what 73, suite 1; 32 bytes:")
    yield from put("admin", ring[53:85])
    yield ""
    for what, label in enumerate(("id_data", "id_meta", "chunker", "index",
                                  "psk", "tag", "data sec.", "meta sec."), 1):
        yield from put(label, derive(repo.keys.master, what))
    yield from put("data pub.", repo.keys.data_public)
    yield from put("meta pub.", repo.keys.meta_public)
    yield from put("tree key", repo.keys.tree)


def frame(repo, chunk_id):
    f, _ = repo.index[chunk_id[:16]][0]
    name = f"packs/{f['pack'].hex()[:2]}/{f['pack'].hex()}"
    stored = repo.store.get(name)[f["at"]:f["at"] + f["stored"]]
    key = repo.keys.kem(f["epk"], f["kind"])
    yield f"A frame of one data chunk: bytes {f['at']} to " \
        f"{f['at'] + f['stored'] - 1} of"
    yield name
    yield ""
    yield from put("epk", f["epk"])
    yield from put("KEM key", key)
    yield from put("stored", stored)
    yield ""
    c = Cursor(aead_open(stored, b"VF\1" + bytes([f["kind"]]), key))
    need(f["kind"] == 1 and len(f["ids"]) == 1, "simple frame")
    for n, meaning in ((1, "stored, not compressed"), (1, "one chunk"),
                       (1, "of five bytes"), (1, "no bases"),
                       (c.left() - 4, "payload")):
        yield from field(c.b(n), meaning)
    yield ""
    yield from put("id", chunk_id)


def number(c):
    """The bytes of a v."""
    start = c.at
    c.v()
    return c.data[start:c.at]


def leaf(repo, chunk_id):
    c = Cursor(repo.chunk(META, chunk_id))
    yield "A tree leaf of one entry"
    yield ""
    yield from field(c.b(1), "tree leaf")
    yield from field(number(c), "one entry")
    yield from field(number(c), "bytes of the rest")
    yield from field(c.b(1), "file")
    flags = number(c)
    need(flags in (b"\0", b"\1"), "simple entry")
    yield from field(flags, "flags: btime")
    start = c.at
    c.text()
    yield from field(c.data[start:c.at], "name: file")
    for meaning in ("mode 0644", "uid 0", "gid 0", "inode"):
        yield from field(number(c), meaning)
    for which in ["mtime", "ctime"] + ["btime"] * (flags == b"\1"):
        yield from field(number(c), f"{which}: seconds")
        yield from field(number(c), f"{which}: nanoseconds")
    yield from field(number(c), "file of five bytes")
    yield from field(number(c), "one extent")
    yield from field(number(c), "five bytes of chunk")
    yield from field(c.b(32), "id of the chunk above")
    c.done()
    yield ""
    yield from put("id", chunk_id)


TAGS = {2: "name", 4: "series", 6: "host", 7: "user", 8: "nominal",
        9: "argument", 10: "start", 11: "directory", 12: "end",
        13: "UTC offset", 14: "root", 16: "files", 17: "new chunks",
        18: "bytes", 19: "new bytes", 21: "entries", 22: "owners",
        25: "chunk sizes", 27: "options", 29: "software",
        33: "platform: Linux", 35: "with attributes", 37: "with ACLs",
        39: "arguments left out"}


def archive(repo, name):
    data, c, _ = repo.fetch(name)
    yield "The archive"
    yield name[:26]
    yield "".ljust(9) + name[26:]
    yield ""
    c = Cursor(data)
    for n, meaning in ((8, "magic"), (2, "version 1, type 6"),
                       (6, "domain 0, epoch 0"), (32, "repository"),
                       (16, "object id"), (1, "no warnings"),
                       (32, "logical id"), (4, "revision 0"), (8, "end"),
                       (8, "bytes stored"), (1, "no predecessors"),
                       (32, "epk")):
        yield from field(c.b(n), meaning)
    key = repo.keys.kem(data[c.at - 32:c.at], 3)
    end = c.at + 4 + int.from_bytes(data[c.at:c.at + 4], "little")
    plain = open_block(data, c.at, end, 1, key)
    for n, meaning in ((4, "length of the sealed block"), (24, "nonce"),
                       (end - c.at - 28, "ciphertext and tag"),
                       (1, "suite 1"), (2, "length of its value"),
                       (32, "signer"), (64, "signature"),
                       (4, "length of the signatures"),
                       (8, "length of the object"), (16, "XXH3-128")):
        yield from field(c.b(n), meaning)
    c.done()
    yield ""
    yield from put("KEM key", key)
    yield ""
    c = Cursor(plain)
    while c.left():
        start = c.at
        tag = c.v()
        c.text()
        yield from field(plain[start:c.at], TAGS[tag])


def example(repo):
    found = [a for a in repo.archives() if a[2] == b"way"]
    names = [n for n in repo.store.list("archives")
             if repo.read_archive(n)["logical"] == found[0]["logical"]]
    ref = found[0][14]
    for _ in range(3):
        e, = repo.directory(ref)
        ref = e["tree"]
    e, = repo.directory(ref)
    need(ref[1] == 0 and parse_name(names[0]), "simple tree")
    for part in (keys(repo), frame(repo, e["content"][0]["id"]),
                 leaf(repo, ref[0]), archive(repo, names[0])):
        yield from part
        yield ""
