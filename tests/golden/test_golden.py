#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The golden repository is read by varve, and by a reader that was written
from varve-repository(5): both give what the manifests say. The page's example
and what it says of cutting and padding hold for it too."""

import json
import os
import sys
import tempfile

import nacl.bindings as sodium

import treelist
from example import example
from example_objects import examples
from goldenlib import HERE, Scratch, Tap, V1, passphrase, skip_stale
from objects import META, open_block
from prf import Prf
from reader import Repository
from wire import Cursor, aead_open, blake2b

ARCHIVES = ("one", "second", "way")
PAGE = HERE + "/../../man/varve-repository.5"


def wanted(name):
    return treelist.load(f"{V1}/{name}.jsonl")


def can_have(top):
    """What this user and file system cannot have, as keys of records."""
    ignore, probe = {"holes"}, top + "/probe"
    with open(probe, "w"):
        pass
    try:
        os.setxattr(probe, "user.long", bytes(5120))
    except OSError:
        ignore.add("xattrs")
    try:
        os.chown(probe, 1, 65000)
    except OSError:
        ignore.add("owner")
    try:
        os.mknod(top + "/null", 0o20600, os.makedev(1, 3))
        os.remove(top + "/null")
    except OSError:
        ignore.add("device")
    if not treelist.set_nodump(probe):
        ignore.add("nodump")
    os.remove(probe)
    return ignore


def extract(tap, scratch, name):
    out = tempfile.mkdtemp(dir=scratch.top)
    ignore = can_have(out)
    # Sockets are never restored: who listens makes them.
    records = [r for r in wanted(name) if r["kind"] != "socket"]
    args = []
    if "device" in ignore:
        args = ["--exclude", "pp:devices"]
        records = [r for r in records if not r["path"].startswith("devices")]
    if "xattrs" in ignore:
        args += ["--noxattrs", "--noacls"]
    if "nodump" in ignore:
        args += ["--noflags"]
    p = scratch.varve("extract", "--numeric-ids", "--root-metadata",
                      "--preserve-permissions", *args,
                      f"{scratch.repo}::{name}", cwd=out)
    # Whom owners cannot be given to is told, and loses set-id bits.
    fine = (0, 1) if "owner" in ignore else (0,)
    tap.ok(p.returncode in fine, f"varve extracts {name}", [p.stderr])
    got = list(treelist.walk(out))
    for record in got + records if "owner" in ignore else ():
        record["mode"] &= 0o1777
    if records[0]["path"] != ".":
        paths = {r["path"] for r in records}
        got = [r for r in got if r["path"] in paths]
    different = list(treelist.differences(got, records, ignore))
    tap.ok(not different, f"what it extracts from {name} is right", different)


def by_varve(tap, scratch):
    p = scratch.varve("list", "--short", scratch.repo)
    tap.ok(p.stdout.split() == ["way", "one", "second"], "varve lists",
           [p.stdout, p.stderr])
    p = scratch.varve("check", "--verify-data", scratch.repo)
    tap.ok(p.returncode == 0, "varve checks", [p.stdout, p.stderr])
    for name in ARCHIVES:
        extract(tap, scratch, name)
    p = scratch.varve("list", "--short", scratch.repo,
                      VARVE_KEY_FILE=V1 + "/key-file",
                      VARVE_PASSPHRASE="another")
    tap.ok(p.returncode == 0, "varve opens it by the key file", [p.stderr])


def by_reader(tap, scratch):
    p = scratch.reader(scratch.repo, "verify")
    tap.ok(p.returncode == 0, "the reader verifies all", [p.stderr])
    p = scratch.reader("--key-file", V1 + "/key-file", scratch.repo, "list")
    names = [line.split()[2] for line in p.stdout.splitlines()]
    tap.ok(names == ["way", "one", "second"], "the reader lists", [p.stderr])
    for name in ARCHIVES:
        p = scratch.reader(scratch.repo, "dump", name)
        got = [json.loads(line) for line in p.stdout.splitlines()]
        different = list(treelist.differences(got, wanted(name)))
        tap.ok(p.returncode == 0 and not different,
               f"the reader reads {name} right", [p.stderr, *different])


def page_example(tap, repo):
    with open(PAGE) as f:
        page = f.read()
    for lines, what in ((example(repo), "keys, frame, leaf and archive"),
                        (examples(repo), "objects, nodes and lists")):
        text = "\n".join(lines).strip()
        tap.ok(text in page, f"the page's example of {what} is of this "
               "repository", [text])


def page_hashes(tap):
    with open(PAGE) as f:
        page = f.read()
    prf = Prf(bytes(range(32)))
    wanted = [f"{prf.hash(window):016x}"
              for window in (bytes(range(64)), b"\xff" * 64)]
    tap.ok(all(w in page for w in wanted), "the page's hashes of prf", wanted)


def cut(content, repo):
    """Lengths of the chunks of one run of data."""
    low, average, high = repo.chunk_sizes
    gear = [int.from_bytes(blake2b(64, repo.keys.chunker, b"varve-gear",
                                   bytes([i]))[:8], "little")
            for i in range(256)]
    bits = average.bit_length() - 1
    at, lengths = 0, []
    while at < len(content):
        end = min(high, len(content) - at)
        h, n = 0, min(max(low - 64, 0), end)
        while n < end:
            h = (h << 1) + gear[content[at + n]] & (1 << 64) - 1
            n += 1
            zeros = bits + 2 if n < average * 7 // 8 else bits - 2
            if n >= low and h >> (64 - zeros) == 0:
                break
        lengths.append(n)
        at += n
    return lengths


def leaves(repo, ref):
    """Names in each leaf of a directory with one level of nodes."""
    c = Cursor(repo.chunk(META, ref[0]), 2)
    for _ in range(c.v()):
        c.text()
        yield [e["name"] for e in repo.directory((c.b(32), 0))]
        c.v()


def cutting(tap, repo):
    top = {e["name"]: e for e in repo.directory(repo.archive("one")[14])}
    content, _ = repo.content(top[b"big.txt"])
    lengths = [x["length"] for x in top[b"big.txt"]["content"]]
    tap.ok(cut(content, repo) == lengths, "contents are cut as the page says",
           [lengths])
    ref, parts, leaf = top[b"many"]["tree"], [], []
    for e in repo.directory(ref):
        leaf.append(e["name"])
        if not sodium.crypto_shorthash_siphash24(
                e["name"], repo.keys.tree[:16])[0]:
            parts.append(leaf)
            leaf = []
    if leaf:
        parts.append(leaf)
    tap.ok(ref[1] == 1 and list(leaves(repo, ref)) == parts,
           "trees are cut as the page says", [len(parts)])


def padme(n):
    if n < 2:
        return n
    e = n.bit_length() - 1
    step = 1 << e - e.bit_length()
    return -(-n // step) * step


def padding(tap, repo):
    wrong = []
    for name in repo.store.list("packs"):
        data = repo.store.get(name)
        footer = Cursor(aead_open(data[-80:-24], data[:64] + b"\2",
                                  repo.keys.index))
        n = footer.u(8) + footer.u(4) + 80
        if not 0 <= len(data) - n < min(1 << n.bit_length() - 4, 65536):
            wrong.append((name, n, len(data)))
    for name in repo.store.list("index"):
        data, c, _ = repo.fetch(name)
        c.list(56)
        inner = c.left() - 44
        n = len(open_block(data, c.at, c.end, 1, repo.keys.index)) + 4
        if inner != padme(n):
            wrong.append((name, n, inner))
    tap.ok(not wrong, "padding is as the page says", wrong)


def main():
    skip_stale()
    tap = Tap()
    with Scratch() as scratch:
        by_varve(tap, scratch)
        by_reader(tap, scratch)
        repo = Repository(scratch.repo, passphrase().encode())
        page_example(tap, repo)
        page_hashes(tap)
        cutting(tap, repo)
        padding(tap, repo)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
