# SPDX-License-Identifier: BSD-2-Clause
"""The worked examples of whole objects and meta chunks of
varve-repository(5), from the golden repository: test_golden.py compares them
with the page."""

from example import field, number, put
from objects import META, open_block, parse_name, verify_signature
from wire import Cursor, aead_open, need

CONFIG_TAGS = {2: "reader features", 4: "writer features", 6: "pairs",
               8: "who signs configs", 10: "roster", 12: "chunk sizes",
               13: "policy", 15: "key slot"}


class Show:
    """Goes through bytes and says what they mean."""

    def __init__(self, data, at=0, end=None):
        self.c, self.lines = Cursor(data, at, end), []

    def b(self, n, meaning):
        self.lines += field(self.c.b(n), meaning)

    def v(self, meaning):
        self.lines += field(number(self.c), meaning)

    def text(self, meaning):
        start = self.c.at
        self.c.text()
        self.lines += field(self.c.data[start:self.c.at], meaning)

    def u32(self):
        at = self.c.at
        return int.from_bytes(self.c.data[at:at + 4], "little")

    def head(self, kind):
        for n, meaning in ((8, "magic"), (2, f"version 1, type {kind}"),
                           (6, "domain 0, epoch 0"), (32, "repository"),
                           (16, "object id")):
            self.b(n, meaning)

    def block(self):
        """A sealed block; where it begins."""
        at, n = self.c.at, self.u32()
        self.b(4, "length of the sealed block")
        self.b(24, "nonce")
        self.b(n - 24, "ciphertext and tag")
        return at

    def signed(self):
        for n, meaning in ((1, "suite 1"), (2, "length of its value"),
                           (32, "signer"), (64, "signature"),
                           (4, "length of the signatures")):
            self.b(n, meaning)

    def trailer(self):
        self.b(8, "length of the object")
        self.b(16, "XXH3-128")
        self.done()

    def tags(self, names, end):
        while self.c.at < end:
            start = self.c.at
            tag = self.c.v()
            self.c.text()
            self.lines += field(self.c.data[start:self.c.at],
                                names.get(tag, f"tag {tag}"))

    def done(self):
        self.c.done()


def config(repo):
    name = min(repo.store.list("config"))
    data = repo.store.get(name)
    s = Show(data)
    yield from ("A configuration", name, "")
    s.head(1)
    s.b(4, "generation")
    s.b(32, "hash of the body before: none")
    s.b(4, "length of the list")
    s.tags(CONFIG_TAGS, verify_signature(data)[1])
    s.signed()
    s.trailer()
    yield from s.lines


def slot(repo):
    s = Show(repo.slot.data)
    yield from ("The key slot above, whole", "")
    s.head(2)
    for n, meaning in ((1, "kdf"), (4, "passes"), (8, "memory"),
                       (16, "salt")):
        s.b(n, meaning)
    s.text("label")
    s.b(32, "commitment")
    s.block()
    s.trailer()
    yield from s.lines


def entry(s):
    """A pack entry of frames of kind 1 and 2."""
    s.b(16, "pack")
    s.b(8, "length of the pack")
    count = Cursor(s.c.data, s.c.at).v()
    s.v("keys")
    for _ in range(count):
        s.b(2, "domain")
        s.b(4, "epoch")
        s.b(32, "epk")
    count = Cursor(s.c.data, s.c.at).v()
    s.v("frames")
    for _ in range(count):
        s.v("bytes of the record")
        s.b(1, "kind of the frame")
        for meaning in ("number of its epk", "gap", "bytes stored",
                        "bytes of its chunks"):
            s.v(meaning)
        for meaning in ("prefix of a chunk", "prefix of a base"):
            n = Cursor(s.c.data, s.c.at).v()
            s.v("prefixes" if meaning.endswith("chunk") else "bases")
            for _ in range(n):
                s.b(16, meaning)
    s.text("tail: empty")


def pack(repo, chunk_id):
    f, _ = repo.index[chunk_id[:16]][0]
    name = f"packs/{f['pack'].hex()[:2]}/{f['pack'].hex()}"
    data = repo.store.get(name)
    footer = aead_open(data[-80:-24], data[:64] + b"\2", repo.keys.index)
    at = int.from_bytes(footer[:8], "little")
    n = int.from_bytes(footer[8:12], "little")
    yield from ("The directory, footer and trailer of the pack", name, "")
    s = Show(data, at)
    s.block()
    need(s.c.at == at + n, "directory's length")
    if len(data) - 80 > s.c.at:
        s.b(len(data) - 80 - s.c.at, "padding")
    s.b(24, "nonce of the footer")
    s.b(32, "ciphertext and tag")
    s.trailer()
    yield from s.lines
    yield ""
    s = Show(footer)
    s.b(8, "footer: offset of the directory")
    s.b(4, "its length")
    s.b(4, "zero")
    yield from s.lines
    yield ""
    block = data[:64] + data[at:at + n]
    s = Show(open_block(block, 64, len(block), 1, repo.keys.index))
    entry(s)
    s.done()
    yield from s.lines


def index(repo, chunk_id):
    wanted = repo.index[chunk_id[:16]][0][0]["pack"]
    for name in repo.store.list("index"):
        data = repo.store.get(name)
        if wanted in data[:1024]:
            break
    yield from ("The index object", name, "")
    s = Show(data)
    s.head(4)
    count = Cursor(data, 64).v()
    need(count == 1, "simple index object")
    s.v("one pack")
    s.b(16, "pack")
    s.b(8, "length of the pack")
    s.b(32, "BLAKE2b-256 of the pack")
    at = s.block()
    end = s.c.at
    s.signed()
    s.trailer()
    yield from s.lines
    yield ""
    s = Show(open_block(data, at, end, 1, repo.keys.index))
    s.v("none superseded")
    s.v("one entry")
    entry(s)
    s.v("no chunk lost")
    s.done()
    yield from s.lines


ROLL_ENTRY = ((1, "type: archive"), (16, "object id"), (32, "hash"),
              (32, "logical id"), (4, "revision"), (1, "not deleted"),
              (8, "first seen"), (8, "series tag"), (32, "signer"))


def roll(repo):
    name, = repo.store.list("rolls")
    data = repo.store.get(name)
    yield from ("The roll", name, "")
    s = Show(data)
    s.head(9)
    s.v("none superseded")
    s.v("no dead intents")
    s.v("one entry")
    for n, meaning in ROLL_ENTRY:
        s.b(n, meaning)
    s.text("tail: empty")
    s.b(32, "epk")
    key = repo.keys.kem(data[s.c.at - 32:s.c.at], 5)
    at = s.block()
    end = s.c.at
    s.signed()
    s.trailer()
    yield from s.lines
    yield ""
    yield from put("KEM key", key)
    yield ""
    s = Show(open_block(data, at, end, 1, key))
    s.v("bytes of the rest of the facts")
    s.b(1, "whole")
    s.text("clear part of the archive")
    s.b(s.c.left(), "its tagged list, as above")
    yield from s.lines


def directory(repo, chunk_id):
    s = Show(repo.chunk(META, chunk_id))
    yield from ("A tree leaf of one directory", "")
    s.b(1, "tree leaf")
    s.v("one entry")
    s.v("bytes of the rest")
    s.b(1, "directory")
    flags = Cursor(s.c.data, s.c.at).v()
    need(not flags & ~257, "simple entry")
    s.v("flags")
    s.text("name")
    for meaning in ("mode", "uid", "gid", "inode"):
        s.v(meaning)
    for which in ["mtime", "ctime"] + ["btime"] * (flags & 1):
        s.v(f"{which}: seconds")
        s.v(f"{which}: nanoseconds")
    s.b(32, "its tree")
    s.b(1, "depth 0")
    s.done()
    yield from s.lines
    yield ""
    yield from put("id", chunk_id)


def node(repo):
    top = {e["name"]: e for e in repo.directory(repo.archive("one")[14])}
    chunk_id, depth = top[b"many"]["tree"]
    need(depth == 1, "one level of nodes")
    s = Show(repo.chunk(META, chunk_id))
    yield from ("A tree node", "")
    s.b(1, "tree node")
    s.b(1, "depth 1")
    count = Cursor(s.c.data, s.c.at).v()
    s.v("children")
    for _ in range(count):
        s.text("first name")
        s.b(32, "child")
        s.v("entries below it")
    s.done()
    yield from s.lines
    yield ""
    yield from put("id", chunk_id)


def owners(repo, name):
    """A list leaf, and the chunk of names that it leads to."""
    chunk_id, depth = repo.read_archive(name)[22]
    need(depth == 0, "simple list")
    s = Show(repo.chunk(META, chunk_id))
    yield from ("A list leaf: the owners of the archive", "")
    s.b(1, "list leaf")
    s.v("one extent")
    s.v("bytes of the chunk, shifted")
    leaf = s.c.at
    s.b(32, "its id")
    s.done()
    yield from s.lines
    yield ""
    s = Show(repo.chunk(META, s.c.data[leaf:leaf + 32]))
    s.b(1, "names of owners")
    while s.c.left():
        s.b(1, "what: 1 user, 2 group")
        s.v("number")
        s.text("name")
    yield from s.lines


def examples(repo):
    found = [a for a in repo.archives() if a[2] == b"way"]
    name = [n for n in repo.store.list("archives")
            if repo.read_archive(n)["logical"] == found[0]["logical"]][0]
    need(parse_name(name), "its name")
    refs = [found[0][14]]
    for _ in range(3):
        e, = repo.directory(refs[-1])
        refs.append(e["tree"])
    e, = repo.directory(refs[-1])
    chunk_id = e["content"][0]["id"]
    for part in (config(repo), slot(repo), pack(repo, chunk_id),
                 index(repo, chunk_id), roll(repo),
                 directory(repo, refs[-2][0]), node(repo),
                 owners(repo, name)):
        yield from part
        yield ""
