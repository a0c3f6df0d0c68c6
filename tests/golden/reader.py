#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A reader of varve repositories, written from varve-repository(5) and nothing
else: where the two disagree, one of them is wrong.

  reader.py [--key-file F] REPOSITORY list         live archives
  reader.py [--key-file F] REPOSITORY dump NAME    its files, as JSON lines
  reader.py [--key-file F] REPOSITORY verify       every object and frame
  reader.py [--key-file F] REPOSITORY example      values of the page's example

The passphrase is that of VARVE_PASSPHRASE. Exit status 0, or 1 and one line
on stderr.
"""

import argparse
import hashlib
import json
import os
import sys

from chunks import Opened
from objects import DATA, META, Slot, TYPES, open_block, parse_name
from treelist import shown
from roll import Roll
from wire import Cursor, MIB, Refused, blake2b, need, tagged

METAS = [bytes([c]) for c in b"TNLMPUX"]
KINDS = [None, "file", "directory", "symlink", "fifo", "socket", "char",
         "block"]


class Repository(Opened):
    def meta(self, chunk_id, kind):
        plain = self.chunk(META, chunk_id)
        need(plain[:1] in METAS, "kind of meta chunk", "version")
        need(len(plain) <= MIB and plain[:1] == kind, "kind of meta chunk")
        return Cursor(plain, 1)

    def descend(self, chunk_id, depth, leaf, node, element, weigh):
        """Elements of a tree or list in order, and (weight, first name)."""
        if depth == 0:
            c = self.meta(chunk_id, leaf)
            n = c.v()
            need(n <= c.left(), "count")
            found = [element(c) for _ in range(n)]
            c.done()
            return found, (sum(map(weigh, found)),
                           found[0].get("name") if found else None)
        c = self.meta(chunk_id, node)
        need(c.u(1) == depth, "depth of a node")
        n = c.v()
        need(0 < n <= c.left(), "children of a node")
        found, total, names = [], 0, []
        for _ in range(n):
            first = c.text() if node == b"N" else None
            child, weight = c.b(32), c.v()
            need(weight > 0, "empty child")
            below, got = self.descend(child, depth - 1, leaf, node, element,
                                      weigh)
            need(got == (weight, first), "child is not as its node says")
            found += below
            total += weight
            names.append(first)
        c.done()
        need(total < 1 << 63, "node's weight")
        return found, (total, names[0])

    def directory(self, ref):
        entries, _ = self.descend(*ref, b"T", b"N", self.entry, lambda e: 1)
        names = [e["name"] for e in entries]
        need(all(a < b for a, b in zip(names, names[1:])), "order of names")
        return entries

    def extents(self, ref):
        return self.descend(*ref, b"L", b"M", self.extent,
                            lambda e: e["length"])[0]

    @staticmethod
    def extent(c):
        x = c.v()
        e = {"length": x >> 1, "id": None if x & 1 else c.b(32)}
        need(e["length"] > 0 and (x & 1 or e["length"] <= 8 * MIB),
             "length of an extent")
        return e

    def entry(self, outer, root=False):
        c = Cursor(outer.text())
        e = {"kind": c.u(1), "flags": c.v(), "name": c.text()}
        kind, flags, name = e["kind"], e["flags"], e["name"]
        need(1 <= kind <= 7, "kind of entry", "version")
        need(flags < 512, "flags of an entry", "version")
        need(not flags & (8 if kind == 2 else 16 | 256), "flags of its kind")
        if root:
            need(kind == 2 and name == b".", "root's entry")
        else:
            need(0 < len(name) <= 4096 and name not in (b".", b"..") and
                 b"/" not in name and b"\0" not in name, "name")
        e["mode"] = c.v()
        need(e["mode"] <= 0o7777, "mode")
        e["uid"], e["gid"], e["inode"] = c.small(), c.small(), c.v()
        e["mtime"], e["ctime"] = c.time(), c.time()
        e["btime"] = c.time() if flags & 1 else None
        e["atime"] = c.time() if flags & 128 else None
        if kind == 1:
            e["size"] = c.v()
            need(e["size"] < 1 << 63, "size of a file")
            x = c.v()
            need(x <= 33, "extents of an entry")
            e["content"] = c.ref() if x == 0 else \
                [self.extent(c) for _ in range(x - 1)]
            need(x == 0 or sum(i["length"] for i in e["content"]) ==
                 e["size"], "extents and size differ")
        elif kind == 2:
            e["tree"] = c.ref()
        elif kind == 3:
            e["target"] = c.text()
            need(len(e["target"]) <= 65535 and b"\0" not in e["target"],
                 "target")
        elif kind >= 6:
            e["device"] = [c.small(), c.small()]
        e["xattrs"] = self.xattrs(c) if flags & 2 else {}
        e["iflags"] = c.small() if flags & 4 else 0
        if flags & 64:
            n, last = c.v(), 0
            need(n > 0, "extensions")
            for _ in range(n):
                tag = c.v()
                need(tag > last, "extensions")
                last = tag
                c.text()
        c.done()
        return e

    @staticmethod
    def xattrs(c):
        n, found, last = c.v(), {}, b""
        need(n > 0, "attributes")
        for _ in range(n):
            name, x = c.text(), c.v()
            need(last < name and len(name) <= 255 and b"\0" not in name,
                 "name of an attribute")
            need(x >> 1 <= 65536 and bool(x & 1) == (x >> 1 > 4096),
                 "size of an attribute")
            found[name] = (x >> 1, c.b(32)) if x & 1 else c.b(x >> 1)
            last = name
        need(sum(v[0] if isinstance(v, tuple) else len(v)
                 for v in found.values()) <= MIB, "attributes", "limit")
        return found

    def xattr(self, value):
        if isinstance(value, bytes):
            return value
        size, chunk_id = value
        c = self.meta(chunk_id, b"X")
        need(c.left() == size, "length of an attribute")
        return c.b(size)

    def content(self, e):
        """(bytes, holes) of a file."""
        extents = e["content"]
        if isinstance(extents, tuple):
            extents = self.extents(extents)
        parts, gaps, at = [], [], 0
        for i in extents:
            end = at + i["length"]
            need(end <= e["size"], "extents beyond the file")
            if i["id"] is None:
                if gaps and gaps[-1][1] == at:
                    gaps[-1][1] = end
                else:
                    gaps.append([at, end])
                parts.append(bytes(i["length"]))
            else:
                parts.append(self.chunk(DATA, i["id"]))
                need(len(parts[-1]) == i["length"], "length of a chunk")
            at = end
        need(at == e["size"], "extents short of the file")
        return b"".join(parts), gaps

    def own_list(self, ref, kind, record):
        """Records of an archive's own list."""
        found, seen = [], set()
        for e in self.extents(ref):
            need(e["id"] is not None, "hole in a list")
            need(e["id"] not in seen, "a chunk twice in a list")
            seen.add(e["id"])
            c = self.meta(e["id"], kind)
            need(len(c.data) == e["length"], "length of a chunk")
            while c.left():
                found.append(record(c))
        return found

    def skipped(self, archive):
        def record(c):
            reason, path = c.v(), c.text()
            need(reason > 0 and path and b"\0" not in path, "path left out")
            return reason, path
        return self.own_list(archive[20], b"P", record) \
            if 20 in archive else []

    def owners(self, archive):
        def record(c):
            what, number, name = c.u(1), c.small(), c.text()
            need(what in (1, 2) and name and b"\0" not in name, "owner")
            need(len(name) <= 255, "name of an owner", "limit")
            return what, number, name
        owners = self.own_list(archive[22], b"U", record) \
            if 22 in archive else []
        need(len(owners) <= 1 << 17, "names of owners", "limit")
        return owners

    # --- archives ---

    def read_archive(self, name):
        data, c, by_admin = self.fetch(name)
        a = self.clear_archive(c)
        need(a["revision"] == 0 or by_admin, "revision's signer", "forgery")
        return self.rest_of_archive(name, a, self.open_meta(data, c, 3))

    @staticmethod
    def clear_archive(c):
        a = {"flags": c.u(1), "logical": c.b(32), "revision": c.u(4),
             "end": c.i(8), "stored": c.u(8)}
        need(a["flags"] <= 1, "flags of an archive", "version")
        n = c.u(1)
        need(n <= 8, "predecessors")
        a["previous"] = [c.b(32) for _ in range(n)]
        return a

    def rest_of_archive(self, name, a, plain):
        a.update(self.sealed_archive(plain))
        need(self.keys.series_tag(a[6], a[4]) ==
             bytes.fromhex(parse_name(name)[1]), "series of its name")
        return a

    def sealed_archive(self, plain):
        def rest(v):
            return v.b(v.left())

        def when(v):
            s, ns = v.i(8), v.u(4)
            need(ns < 10**9, "nanoseconds")
            return s * 10**9 + ns

        def id32(v):
            return v.b(32)
        most = {2: 1024, 3: 65536, 4: 4096, 5: 255, 6: 255, 7: 255, 27: 255,
                29: 255}

        def words(tag):
            def read(v):
                text = rest(v)
                need(len(text) <= most[tag], "a text is too long")
                need(text or tag not in (2, 5), "an empty text")
                need(0 not in text, "NUL in a text")
                try:
                    text.decode("utf-8")
                except UnicodeDecodeError:
                    need(False, "a text is not UTF-8")
                return text
            return read
        texts = {9: rest, 11: rest, **{t: words(t) for t in most}}
        a = tagged(Cursor(plain), {
            **texts, 8: when, 10: when, 12: when, 13: lambda v: v.i(4),
            14: Cursor.ref, 15: lambda v: self.entry_alone(v),
            16: Cursor.v, 17: Cursor.v, 18: Cursor.v, 19: Cursor.v,
            20: Cursor.ref, 21: Cursor.v, 22: Cursor.ref, 23: id32,
            25: lambda v: (v.small(), v.small(), v.small(), v.small()),
            31: lambda v: (v.b(32), v.b(32)),
            33: Cursor.v, 35: Cursor.v, 37: Cursor.v, 39: Cursor.v},
            {5, 9}, {2, 4, 6, 8, 10, 12, 14})
        need(len(a.get(5, ())) <= 1024, "tags of an archive")
        need(len(a.get(9, ())) <= 4096 and
             sum(map(len, a.get(9, ()))) <= 65536, "command line")
        return a

    def entry_alone(self, v):
        return self.entry(v, root=True)

    def tombstones(self):
        buried = {}
        for name in self.store.list("tombstones"):
            _, c, _ = self.fetch(name)
            c.i(8)
            for item in c.list(36):
                logical = item[:32]
                revision = int.from_bytes(item[32:], "little")
                buried[logical] = max(buried.get(logical, 0), revision)
            tagged(c, {}, (), ())
        return buried

    def list_archive(self, name, held):
        """From a roll that has its facts whole, or by reading it."""
        entry, facts = held.get(parse_name(name)[2], (None, (1, b"", b"")))
        if facts[0] != 0:
            return self.read_archive(name)
        c = Cursor(facts[1])
        a = self.clear_archive(c)
        c.done()
        self.rest_of_archive(name, a, facts[2])
        need((a["logical"], a["revision"]) ==
             (entry["logical"], entry["revision"]), "facts in a roll")
        return a

    def archives(self):
        """Live archives by nominal time."""
        buried = self.tombstones()
        rolls = self.rolls()
        held, dead = {}, set()
        for r in rolls:
            dead.update(r.dead)
            for e in r.archives():
                if e["deleted"]:
                    buried[e["logical"]] = max(buried.get(e["logical"], 0),
                                               e["revision"])
                else:
                    held[e["object"]] = e, r.facts[e["object"]]
        all_of = {n: self.list_archive(n, held)
                  for n in self.store.list("archives")}
        known = {a["logical"] for a in all_of.values()}
        every = [a for n, a in all_of.items() if n not in self.unvouched and
                 parse_name(n)[2] not in dead]
        newest = {}
        for a in every:
            newest[a["logical"]] = max(a["revision"],
                                       newest.get(a["logical"], 0))
        for a in every:
            for logical in a["previous"]:
                need(logical in known or logical in buried,
                     "an archive is missing", "forgery")
        for e, _ in held.values():
            need(newest.get(e["logical"], -1) >= e["revision"] or
                 e["logical"] in buried or e["object"] in dead,
                 "an archive of a roll is missing", "forgery")
        live = [a for a in every if a["revision"] == newest[a["logical"]] and
                buried.get(a["logical"], -1) < a["revision"]]
        return sorted(live, key=lambda a: a[8])

    def archive(self, name):
        found = [a for a in self.archives() if a[2] == os.fsencode(name)]
        need(len(found) == 1, f"{len(found)} archives of that name")
        return found[0]

    def walk(self, archive):
        """Records like those of treelist.py."""
        links = {}
        if 15 in archive:
            need(archive[15]["tree"] == archive[14], "root's Ref")
            yield self.record(archive[15], b".", links, None)
        yield from self.below(archive[14], b"", links, b"")

    def below(self, ref, prefix, links, filesystem):
        for e in self.directory(ref):
            path = prefix + e["name"]
            if not e["flags"] & 256:
                yield self.record(e, path, links, filesystem)
            if e["kind"] == 2:
                yield from self.below(e["tree"], path + b"/", links, path
                                      if e["flags"] & 16 else filesystem)

    def record(self, e, path, links, filesystem):
        r = {"path": os.fsdecode(path), "kind": KINDS[e["kind"]],
             "mode": e["mode"], "mtime": e["mtime"]}
        if e["uid"] or e["gid"]:
            r["owner"] = [e["uid"], e["gid"]]
        if e["kind"] == 1:
            content, gaps = self.content(e)
            r["size"] = e["size"]
            r["sha256"] = hashlib.sha256(content).hexdigest()
            if gaps:
                r["holes"] = gaps
            if e["iflags"] & 0x40:
                r["nodump"] = True
        if e["kind"] == 3:
            r["target"] = os.fsdecode(e["target"])
        if e["kind"] >= 6:
            r["device"] = e["device"]
        if e["xattrs"]:
            r["xattrs"] = {os.fsdecode(n): shown(self.xattr(v))
                           for n, v in e["xattrs"].items()}
        if e["flags"] & 8 and e["inode"]:
            alike = (filesystem, e["inode"], e["kind"], e.get("size"),
                     e["mtime"], repr(e.get("content")), e.get("target"))
            r["link"] = links.setdefault(alike, r["path"])
        return r

    # --- everything ---

    def verify(self):
        """Every object, every frame of every pack, every live archive."""
        self.load_index()
        counts = {}
        for kind in TYPES:
            for name in self.store.list(kind):
                self.verify_one(kind, name)
                counts[kind] = counts.get(kind, 0) + 1
        for pack, length in self.packs.items():
            data = self.store.get(f"packs/{pack.hex()[:2]}/{pack.hex()}")
            need(len(data) == length, "pack's length in the index")
            need(self.hashes[pack] in (blake2b(32, b"", data), bytes(32)),
                 "pack's hash in the index", "forgery")
        for a in self.archives():
            self.skipped(a)
            self.owners(a)
            counts["files"] = counts.get("files", 0) + len(list(self.walk(a)))
        return counts

    def verify_one(self, kind, name):
        if kind == "keys":
            Slot(self.store.get(name), parse_name(name)[2], self.id)
        elif kind == "packs":
            for f in self.pack_directory(name):
                for prefix, plain in zip(f["ids"], self.open_frame(f)):
                    need(self.keys.chunk_id(f["kind"], plain)[:16] == prefix,
                         "chunk of another id")
        else:
            data, c, _ = self.fetch(name)
            if kind == "archives":
                self.read_archive(name)
            elif kind == "intents":
                self.verify_intent(data, c)
            elif kind == "condemned":
                self.verify_condemned(c)
            elif kind == "rolls":
                Roll(self, name)

    def verify_intent(self, data, c):
        c.b(36)
        c = Cursor(self.open_meta(data, c, 4))
        has_root = c.u(1)
        need(has_root <= 1, "intent")
        if has_root:
            c.ref()
        c.list(16)
        tagged(c, {}, (), ())

    @staticmethod
    def verify_condemned(c):
        c.b(8 + 16)
        need(1 <= c.u(1) <= 7, "reason of a condemn record", "version")
        objects = c.list(17)
        need(all(1 <= o[0] <= 9 for o in objects), "condemned type",
             "version")
        need(all(a < b for a, b in zip(objects, objects[1:])),
             "order of condemned objects")
        c.list(16)
        tagged(c, {}, (), ())


def main():
    p = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--key-file")
    p.add_argument("repository")
    p.add_argument("command", choices=("list", "dump", "verify", "example"))
    p.add_argument("archive", nargs="?")
    args = p.parse_args()
    key_file = None
    if args.key_file:
        with open(args.key_file, "rb") as f:
            key_file = f.read()
    repo = Repository(args.repository,
                      os.environ.get("VARVE_PASSPHRASE", "").encode(),
                      key_file)
    if args.command == "list":
        for a in repo.archives():
            print(a["logical"].hex(), a["revision"], os.fsdecode(a[2]))
    elif args.command == "dump":
        for record in repo.walk(repo.archive(args.archive)):
            print(json.dumps(record))
    elif args.command == "verify":
        print(json.dumps(repo.verify()))
    else:
        from example import example
        for line in example(repo):
            print(line)


if __name__ == "__main__":
    try:
        main()
    except (Refused, OSError) as e:
        print(f"reader.py: {e}", file=sys.stderr)
        sys.exit(1)
