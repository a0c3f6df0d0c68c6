# SPDX-License-Identifier: BSD-2-Clause
"""Rolls: part of reader.py."""

from wire import Cursor, need, tagged

ARCHIVE = 6
ENTRY = (("type", 1), ("object", 16), ("hash", 32), ("logical", 32),
         ("revision", 4), ("deleted", 1), ("first", 8), ("tag", 8),
         ("signer", 32))


def entry(data):
    c = Cursor(data)
    e = {name: c.b(size) for name, size in ENTRY}
    for name in ("type", "revision", "deleted"):
        e[name] = int.from_bytes(e[name], "little")
    need(e["deleted"] <= 1, "unknown state in a roll", "version")
    return e


def ascends(items):
    return all(a < b for a, b in zip(items, items[1:]))


class Roll:
    """Fields: superseded, dead, entries, and facts: {object id: (form, clear,
    list)} of the archives that live."""
    def __init__(self, repository, name):
        data, c, _ = repository.fetch(name)
        self.superseded = c.list(16)
        self.dead = c.list(16)
        items = c.list(134)
        need(ascends(self.dead), "dead intents out of order")
        need(ascends([i[:17] for i in items]), "entries out of order")
        self.entries = [entry(i) for i in items]
        self.named = {(e["type"], e["object"]): e for e in self.entries}
        tagged(Cursor(c.text()), {}, (), ())
        self.facts = {}
        c = Cursor(repository.open_meta(data, c, 5))
        for e in self.entries:
            if e["type"] == ARCHIVE and not e["deleted"]:
                self.facts[e["object"]] = self.archive(Cursor(c.text()))
        tagged(c, {}, (), ())

    def archives(self):
        return [e for e in self.entries if e["type"] == ARCHIVE]

    @staticmethod
    def archive(c):
        form = c.u(1)
        clear = c.text() if form <= 1 else b""
        return form, clear, c.b(c.left())
