# SPDX-License-Identifier: BSD-2-Clause
"""Config, index, packs and frames: part of reader.py."""

import zstandard

from objects import DATA, Keys, META, Slot, Store, check_object, open_block
from objects import parse_name, verify_signature
from roll import Roll
from wire import Cursor, MIB, Refused, aead_open, blake2b, need, tagged

WRITE, ADMIN, RETIRED = 1, 2, 4


class Opened:
    """An open repository, as far as its chunks."""

    def __init__(self, path, passphrase=None, key_file=None):
        self.store = Store(path)
        names = sorted(self.store.list("config"), reverse=True)
        self.hints = []
        need(names, "no config: no repository")
        ids = self.claimed_ids(names)
        for number, self.id in enumerate(ids):
            try:
                ring = self.unlock(passphrase, key_file)
                break
            except Refused:
                if number + 1 == len(ids):
                    raise
        need((0, 0, 0) in ring and (73, 0, 0) in ring, "not an admin's slot")
        self.keys = Keys(ring[0, 0, 0], self.id)
        self.admin = ring[73, 0, 0]
        self.choose_config(names)
        self.index = None
        self.frames = {}
        self.all_rolls = None
        self.unvouched = set()  # names of archives

    def unlock(self, passphrase, key_file):
        secret, kdf = (passphrase, 1) if key_file is None else (key_file, 0)
        names = list(self.store.list("keys"))
        names = [f"keys/{h}" for h in self.hints if f"keys/{h}" in names] + \
            sorted(n for n in names if n[5:] not in self.hints)
        derived = {}
        for name in names[:128]:
            try:
                slot = Slot(self.store.get(name), parse_name(name)[2], self.id)
                if slot.kdf != kdf or slot.memory > 1024 * MIB:
                    continue
                if slot.cost() not in derived and len(derived) == 32:
                    break
                ring = slot.open(secret, derived)
            except Refused:
                continue
            if ring is not None:
                self.slot = slot
                return ring
        raise Refused("forgery: no slot opens")

    def claimed_ids(self, names):
        """Repository ids of configs with a right sum, newest first."""
        ids, first = [], None
        for name in names:
            data = self.store.get(name)
            try:
                check_object(data, 1, parse_name(name)[2])
                ids += [data[16:48]] if data[16:48] not in ids else []
                body = data[64:verify_signature(data)[1]]
                for slot in self.read_config(body, name).get(15, []):
                    self.hints.append(slot.hex())
            except Refused as why:
                first = first or why
        if not ids:
            raise first
        return ids

    def choose_config(self, names):
        """The newest valid one; of several bodies that of the lowest hash."""
        valid, first, generation = {}, None, None
        for name in names:
            if valid and name[:15] != generation:
                break
            generation = name[:15]
            data = self.store.get(name)
            try:
                body = self.signed_config(data, name)
            except Refused as why:
                first = first or why
                continue
            try:
                values = self.read_config(body, name)
            except Refused as why:
                if str(why).startswith("version"):
                    raise
                first = first or why
                continue
            valid[blake2b(32, b"", body)] = values
        if not valid:
            raise first
        values = valid[min(valid)]
        self.chunk_sizes = values[12][1:]
        self.roster = {key: rights for key, rights in values.get(10, [])
                       if key}
        self.config = values

    def signed_config(self, data, name):
        check_object(data, 1, parse_name(name)[2], self.id)
        signer, end = verify_signature(data)
        need(signer == self.admin, "config's signer", "forgery")
        return data[64:end]

    @staticmethod
    def read_config(body, name):
        def public(v):
            suite, value = v.u(1), v.b(v.u(2))
            need(suite != 1 or len(value) == 32, "length of a public key")
            return value if suite == 1 else None

        def member(v):
            key, rights = public(v), v.u(1)
            v.text()
            tagged(v, {}, (), ())
            return key, rights

        generation = int(parse_name(name)[1], 16)
        c = Cursor(body)
        need(c.u(4) == generation, "another generation")
        need(c.b(32) == bytes(32) or generation > 0, "predecessor")
        need(c.u(4) == c.left(), "another length")
        values = tagged(c, {
            2: lambda v: v.u(8), 4: lambda v: v.u(8),
            6: lambda v: (v.u(2), v.u(4), public(v), public(v)),
            8: public, 10: member,
            12: lambda v: (v.v(), v.v(), v.v(), v.v()),
            13: lambda v: (v.v(), v.v()),
            15: lambda v: v.b(16)}, {6, 8, 10, 15}, {2, 4, 6, 8, 12})
        need(values[2] == 0, "unknown reader features", "version")
        need(any(d and m for _, _, d, m in values[6]) and any(values[8]),
             "suites of the config", "version")
        method, low, average, high = values[12]
        need(method in (1, 2), "chunking method", "version")
        need(1 <= low <= average <= high <= 8 * MIB, "chunk sizes")
        return values

    def fetch(self, name):
        """A signed object: (its bytes, cursor over its body, by an admin)."""
        data = self.store.get(name)
        kind, _, object_id = parse_name(name)
        check_object(data, kind, object_id, self.id)
        signer, end = verify_signature(data)
        rights = self.roster.get(signer, 0)
        by_writers = kind in (4, 5, 6)
        wanted = WRITE | ADMIN if by_writers else ADMIN
        named = self.hashes_in_rolls(kind, object_id) if by_writers else set()
        vouched = blake2b(32, b"", data) in named
        need(vouched or not named, "not what a roll names", "forgery")
        if rights & RETIRED:
            need(by_writers and (vouched or kind == 6), "retired signer",
                 "forgery")
            if not vouched:
                self.unvouched.add(name)
            return data, Cursor(data, 64, end), True
        need(rights & wanted, "signer without the right", "forgery")
        return data, Cursor(data, 64, end), bool(rights & ADMIN)

    def rolls(self):
        """Those that no other one supersedes."""
        if self.all_rolls is None:
            every = {parse_name(n)[2]: Roll(self, n)
                     for n in self.store.list("rolls")}
            gone = {i for me, r in every.items() for i in r.superseded
                    if i != me}
            self.all_rolls = [r for i, r in every.items() if i not in gone]
        return self.all_rolls

    def hashes_in_rolls(self, kind, object_id):
        """What rolls say that the object is; nothing: they name it not."""
        entries = [r.named.get((kind, object_id)) for r in self.rolls()]
        return {e["hash"] for e in entries if e and not e["deleted"]}

    def open_meta(self, data, c, kind):
        key = self.keys.kem(c.b(32), kind)
        return open_block(data, c.at, c.end, 1, key)

    # --- packs and chunks ---

    def pack_entry(self, c):
        pack, length = c.b(16), c.u(8)
        need(64 <= length <= 4096 * MIB, "pack's length")
        n = c.v()
        need(n <= 4096, "keys of a pack")
        keys = [(c.u(2), c.u(4), c.b(32)) for _ in range(n)]
        n, at, frames = c.v(), 64, []
        need(n <= MIB, "frames of a pack")
        for _ in range(n):
            f = self.frame_record(Cursor(c.text()), keys)
            f.update(pack=pack, at=at + f["gap"])
            at = f["at"] + f["stored"]
            need(at <= length, "frame outside its pack")
            frames.append(f)
        tagged(Cursor(c.text()), {}, (), ())
        return pack, length, frames

    @staticmethod
    def frame_record(c, keys):
        """One of a later version only says which chunks it holds."""
        f = {"kind": c.u(1), "key": c.v(), "gap": c.v(), "stored": c.v(),
             "plain": c.v(), "ids": c.list(16)}
        f["later"] = f["kind"] not in (DATA, META)
        if f["later"]:
            return f
        f["bases"] = c.list(16)
        c.done()
        need(f["key"] < len(keys), "key of a frame")
        domain, epoch, f["epk"] = keys[f["key"]]
        f["later"] = (domain, epoch) != (0, 0)
        need(1 <= len(f["ids"]) <= 4096 and len(f["bases"]) <= 64 and
             len(f["ids"]) <= f["plain"] <= 8 * MIB and
             40 <= f["stored"] <= 8 * MIB + (64 << 10), "frame's sizes")
        return f

    def pack_directory(self, name):
        """A pack's own entry, found from its end."""
        data = self.store.get(name)
        check_object(data, 3, parse_name(name)[2], self.id)
        footer = Cursor(aead_open(data[-80:-24], data[:64] + b"\2",
                                  self.keys.index))
        at, n = footer.u(8), footer.u(4)
        need(footer.u(4) == 0, "footer", "version")
        need(at >= 64 and at + n <= len(data) - 80, "directory's place")
        block = data[:64] + data[at:at + n]
        c = Cursor(open_block(block, 64, len(block), 1, self.keys.index))
        pack, length, frames = self.pack_entry(c)
        c.done()
        need(pack == parse_name(name)[2] and length == len(data),
             "entry of another pack")
        return frames

    def load_index(self):
        objects, self.hashes = {}, {}
        for name in self.store.list("index"):
            data, c, _ = self.fetch(name)
            clear = c.list(56)
            c = Cursor(open_block(data, c.at, c.end, 1, self.keys.index))
            superseded = c.list(16)
            n = c.v()
            entries = [self.pack_entry(c) for _ in range(n)]
            c.list(16)  # lost
            tagged(c, {}, (), ())
            need([x[:24] for x in clear] ==
                 [e[0] + e[1].to_bytes(8, "little") for e in entries],
                 "clear part of an index object")
            self.hashes.update((x[:16], x[24:]) for x in clear)
            objects[parse_name(name)[2]] = superseded, entries
        gone = {s for i, o in objects.items() for s in o[0] if s != i}
        self.index, self.packs = {}, {}
        for object_id, (_, entries) in objects.items():
            if object_id in gone:
                continue
            for pack, length, frames in entries:
                self.packs[pack] = length
                for f in frames:
                    for i, prefix in enumerate(f["ids"]):
                        self.index.setdefault(prefix, []).append((f, i))

    def open_frame(self, f, depth=0):
        """Its chunks."""
        need(not f["later"], "frame of a later version", "version")
        place = f["pack"], f["at"]
        if place in self.frames:
            return self.frames[place]
        name = f"packs/{f['pack'].hex()[:2]}/{f['pack'].hex()}"
        stored = self.store.get(name)[f["at"]:f["at"] + f["stored"]]
        need(len(stored) == f["stored"], "pack is cut short")
        c = Cursor(aead_open(stored, b"VF\1" + bytes([f["kind"]]),
                             self.keys.kem(f["epk"], f["kind"])))
        codec, n = c.u(1), c.v()
        need(codec <= 1, "codec", "version")
        need(n == len(f["ids"]), "chunks of a frame")
        lengths = [c.v() for _ in range(n)]
        bases = c.list(16)
        payload = c.b(c.left())
        total = sum(lengths)
        need(min(lengths) > 0 and total == f["plain"] and payload and
             bases == f["bases"], "frame is not its entry's")
        if codec == 0:
            need(not bases and len(payload) == total, "stored frame")
            plain = payload
        else:
            need(not bases or depth == 0, "base of a base")
            prefix = b"".join(self.base(b) for b in bases)
            need(len(prefix) <= 16 * MIB, "long bases", "limit")
            plain = self.decompress(payload, total, prefix)
        chunks, at = [], 0
        for length in lengths:
            chunks.append(plain[at:at + length])
            at += length
        self.frames[place] = chunks
        return chunks

    @staticmethod
    def decompress(payload, total, prefix):
        try:
            p = zstandard.get_frame_parameters(payload)
            need(p.window_size <= 16 * MIB, "zstd window", "limit")
            need(p.content_size == total and not p.has_checksum and
                 p.dict_id == 0, "zstd frame's header")
            raw = zstandard.ZstdCompressionDict(
                prefix, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
            d = zstandard.ZstdDecompressor(
                dict_data=raw if prefix else None,
                max_window_size=16 * MIB).decompressobj()
            plain = d.decompress(payload)
        except zstandard.ZstdError:
            raise Refused("damage: zstd frame") from None
        need(len(plain) == total and d.eof and not d.unused_data,
             "zstd frame's length")
        return plain

    def base(self, prefix):
        for f, i in self.index.get(prefix, []):
            if not f["later"] and not f["bases"]:
                plain = self.open_frame(f, 1)[i]
                need(self.keys.chunk_id(f["kind"], plain)[:16] == prefix,
                     "base of another id")
                return plain
        raise Refused("damage: no base")

    def chunk(self, kind, chunk_id):
        if self.index is None:
            self.load_index()
        why = Refused("damage: chunk in no pack")
        for f, i in self.index.get(chunk_id[:16], []):
            try:
                need(f["later"] or f["kind"] == kind,
                     "chunk of the other kind")
                plain = self.open_frame(f)[i]
                need(self.keys.chunk_id(kind, plain) == chunk_id,
                     "chunk of another id")
                return plain
            except (Refused, OSError) as e:
                why = e
        raise why
