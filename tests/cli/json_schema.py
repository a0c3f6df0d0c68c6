#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every JSON output of every command is what its schema in contrib/schema says,
field by field: what a schema does not know fails. VARVE names the program."""

import copy
import glob
import json
import os
import shutil
import sys
import tempfile

from jsonlib import Test

try:
    import jsonschema
except ImportError:
    print("1..0 # SKIP no python3-jsonschema")
    sys.exit(0)

SCHEMAS = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                       "../../contrib/schema")


def load(name):
    with open(os.path.join(SCHEMAS, name)) as f:
        return json.load(f)


def local(x):
    """References to common.json as references within the schema."""
    if isinstance(x, dict):
        return {k: v.replace("common.json#", "#") if k == "$ref" else local(v)
                for k, v in x.items()}
    return [local(v) for v in x] if isinstance(x, list) else x


class Schemas:
    def __init__(self, t):
        self.t = t
        self.used = set()

    def validator(self, name):
        self.used.add(name + ".json")
        schema = {**local(load("common.json")), **local(load(name + ".json"))}
        cls = jsonschema.Draft202012Validator
        cls.check_schema(schema)
        return cls(schema)

    def check(self, name, objects, what):
        """All fit, and none does with a field more."""
        v = self.validator(name)
        errors = [f"{'/'.join(map(str, e.absolute_path))}: {e.message}"
                  for o in objects for e in v.iter_errors(o)]
        self.t.is_equal((bool(objects), errors[:5]), (True, []), what)
        more = {**copy.deepcopy(objects[0]), "surprise": 1} if objects else {}
        self.t.is_equal(v.is_valid(more), False, f"{what}: nothing else")
        self.t.is_equal([k for o in objects for k in widowed(o)], [],
                        f"{what}: bytes beside their string only")

    def one(self, name, *args, status=0):
        p = self.t.run(*args)
        what = " ".join(a if isinstance(a, str) else repr(a) for a in args)
        self.t.is_equal(p.returncode, status, f"{what}: status")
        self.check(name, [json.loads(p.stdout)], what)

    def lines(self, name, *args, stream="stdout"):
        what = " ".join(a if isinstance(a, str) else repr(a) for a in args)
        self.check(name, self.t.lines(*args, stream=stream), what)


def widowed(x):
    """Keys KEY_b64 without KEY."""
    if isinstance(x, list):
        return [k for v in x for k in widowed(v)]
    if not isinstance(x, dict):
        return []
    return [k for k in x if k.endswith("_b64") and k[:-4] not in x] + \
        [k for v in x.values() for k in widowed(v)]


def open_objects(x):
    """Objects of a schema that accept fields which they do not name."""
    if isinstance(x, list):
        return [o for v in x for o in open_objects(v)]
    if not isinstance(x, dict):
        return []
    found = [x] if "properties" in x and x.get("type") == "object" and \
        x.get("additionalProperties") is not False else []
    return found + [o for v in x.values() for o in open_objects(v)]


def make(t):
    os.makedirs(t.top + "/s/d")
    for name in (b"s/a", b"s/d/b", b"s/odd\xff\xfe"):
        with open(os.path.join(os.fsencode(t.top), name), "wb") as f:
            f.write(name * 3)
    os.symlink(b"a\xff", os.path.join(os.fsencode(t.top), b"s/link"))
    os.link(t.top + "/s/a", t.top + "/s/hard")
    os.mkfifo(t.top + "/s/fifo")
    t.run("init", "r")
    t.run("init", "-e", "keyfile", "k")


def change(t):
    """Every kind of difference that can be had without root."""
    os.unlink(t.top + "/s/d/b")
    os.unlink(t.top + "/s/link")
    os.unlink(t.top + "/s/fifo")
    os.symlink("other", t.top + "/s/link")
    os.symlink("new", t.top + "/s/new")
    os.mkdir(t.top + "/s/dir")
    os.chmod(t.top + "/s/a", 0o600)
    with open(t.top + "/s/a", "a") as f:
        f.write("more")


def archives(s):
    s.one("list", "list", "--json", "r")
    s.one("create", "create", "--json", "--comment", b"c\xc3\xbf", "r::a", "s")
    s.one("create", "create", "--json", "k::a", "s")
    s.one("create", "create", "--json", "r::skipped", "s", b"s/none\xff",
          status=1)
    s.one("list", "list", "--json", "--series", "r")
    s.one("info", "info", "--json", "r::skipped")
    s.one("info", "info", "--json", "--first", "1", "k")
    s.one("info", "info", "--json", "r")
    s.one("info", "info", "--json", "--unreferenced", "r")
    s.lines("list-lines", "list", "--json-lines", "r::a")
    s.lines("list-lines", "list", "--json-lines", "--format",
            "{size}{num_chunks}{mtime}{ctime}{atime}{isomtime}{isoctime}"
            "{isoatime}{archiveid}{archivename}{extra}{bpath}{health}",
            "r::a")
    s.one("key-list", "key", "list", "--json", "r")


def contents(s):
    change(s.t)
    s.one("create", "create", "--json", "r::b", "s")
    s.lines("diff-lines", "diff", "--json-lines", "r::a", "b")
    s.lines("diff-lines", "diff", "--json-lines", "r::b", "a")
    s.lines("find-lines", "find", "--json-lines", "r")
    s.one("history", "history", "--json", "r", "s/d/b")
    s.one("history", "history", "--json", "r", b"s/odd\xff\xfe")
    s.one("du", "du", "--json", "r")
    s.one("du", "du", "--json", "r::a", "s/a", b"s/odd\xff\xfe")
    s.one("catalog-status", "catalog", "status", "--json", "r")
    s.t.run("catalog", "drop", "r")
    s.one("catalog-status", "catalog", "status", "--json", "r")


def proofs(s):
    s.one("check", "check", "--json", "r")
    s.one("check", "check", "--json", "--verify-data", "r::a")
    s.one("check", "check", "--json", "--repository-only", "r")
    s.one("verify", "verify", "--json", "r")
    s.one("verify", "verify", "--json", "--all", "--against", ".", "r::a",
          status=1)
    s.one("verify-status", "verify", "--status", "--json", "r")
    s.one("info", "info", "--json", "r")
    s.one("list", "list", "--json", "--series", "r")


def damage(s):
    """Damaged: findings."""
    t = s.t
    shutil.copytree(t.top + "/r", t.top + "/kept")
    for pack in glob.glob(t.top + "/r/packs/*/*"):
        size = os.path.getsize(pack)
        os.chmod(pack, 0o600)
        with open(pack, "r+b") as f:
            f.seek(size // 2)
            f.write(bytes(size // 4))
    s.one("check", "check", "--json", "--verify-data", "r", status=90)
    p = t.run("verify", "--json", "--all", "r")
    got = json.loads(p.stdout)
    s.check("verify", [got], "verify of damaged archives")
    t.is_equal(any(a["findings"] for a in got["archives"]), True,
               "which lists what is damaged")
    s.one("verify-status", "verify", "--status", "--json", "r")
    shutil.rmtree(t.top + "/r")
    os.rename(t.top + "/kept", t.top + "/r")


def messages(s):
    s.lines("log", "--log-json", "-p", "-v", "create", "--list", "--stats",
            "r::log", "s", b"none\xff", stream="stderr")
    s.lines("log", "--log-json", "-p", "-v", "--show-rc", "--show-version",
            "check", "r", stream="stderr")
    s.lines("log", "--log-json", "list", b"r::\xff", stream="stderr")
    os.mkdir(s.t.top + "/out")
    s.lines("log", "--log-json", "-p", "extract", "--list", "--dry-run", "r::a",
            stream="stderr")
    s.lines("log", "--log-json", "verify", "-p", "-v", "r", stream="stderr")


def commands_with_json(t):
    """Commands whose help has --json or --json-lines."""
    found = []
    words = t.run("help", "--words").stdout.decode().split()
    for command in sorted({w for w in words if not w.startswith("-")}):
        own = t.run("help", "--words", command).stdout.decode().split()
        for name in [f"{command} {w}" for w in own if w[0] != "-"] or [command]:
            shown = t.run(*name.split(), "--help").stdout.decode()
            found += [name + ("-lines" if o == "--json-lines" else "")
                      for o in ("--json", "--json-lines")
                      if any(o == w for w in shown.split())]
    return found


def main():
    with tempfile.TemporaryDirectory(prefix="varve-json.") as top:
        t = Test(top)
        s = Schemas(t)
        make(t)
        archives(s)
        contents(s)
        proofs(s)
        damage(s)
        messages(s)
        files = {os.path.basename(p) for p in glob.glob(SCHEMAS + "/*.json")}
        t.is_equal(files - s.used, {"common.json"}, "every schema was used")
        t.is_equal([f for f in sorted(files) if open_objects(load(f))], [],
                   "no schema accepts unknown fields")
        named = {n.replace(" ", "-") + ".json" for n in commands_with_json(t)}
        t.is_equal((len(named) > 9, named - files), (True, set()),
                   "every command has a schema")
        print(f"1..{t.n}")
        return t.failed > 0


if __name__ == "__main__":
    sys.exit(main())
