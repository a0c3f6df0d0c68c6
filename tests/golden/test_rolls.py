#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Rolls made by make_rolls.py, which shares no code with varve: what varve and
the reader list from them."""

import os
import shutil
import subprocess
import sys
import tempfile

from goldenlib import HERE, Tap
from reader import Repository
from wire import Refused

ENV = {k: v for k, v in os.environ.items()
       if not k.startswith(("VARVE_", "XDG_"))}


class Box:
    def __init__(self, top):
        self.top = top
        self.repo = top + "/repository"
        self.clients = 0
        self.env = {**ENV, "HOME": top, "VARVE_PASSPHRASE": "a roll",
                    "TZ": "UTC", "LC_ALL": "C.UTF-8",
                    "PYTHONDONTWRITEBYTECODE": "1"}
        self.fresh()

    def fresh(self):
        """From now on as a client that knows nothing."""
        self.clients += 1
        self.env["VARVE_BASE_DIR"] = f"{self.top}/base{self.clients}"

    def run(self, *argv):
        return subprocess.run(argv, env=self.env, text=True, cwd=self.top,
                              stdin=subprocess.DEVNULL, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def varve(self, *args):
        return self.run(os.environ["VARVE"], *args)

    def python(self, script, *args):
        return self.run(sys.executable, f"{HERE}/{script}", *args)

    def listed(self):
        """By varve, and by the reader."""
        a = self.varve("list", "--format", "{id} {archive}{NL}", self.repo)
        b = self.python("reader.py", self.repo, "list")
        ours = sorted(a.stdout.splitlines())
        theirs = sorted(f"{i} {name}" for i, _, name in
                        (line.split(" ", 2) for line in
                         b.stdout.splitlines()))
        return a, ours, theirs


def damage(path):
    os.chmod(path, 0o600)
    with open(path, "r+b") as f:
        f.seek(70)
        byte = f.read(1)
        f.seek(70)
        f.write(bytes([byte[0] ^ 1]))


def retired(tap, box):
    """As if the newest config retired the writer: the reader's view."""
    repo = Repository(box.repo, box.env["VARVE_PASSPHRASE"].encode())
    for key, rights in repo.roster.items():
        repo.roster[key] = rights | (4 if rights == 1 else 0)
    names = sorted(os.fsdecode(a[2]) for a in repo.archives())
    tap.ok(len(names) == 20 and "first" not in names and
           len(repo.unvouched) == 1, "the reader sets apart what is unvouched",
           [names, repo.unvouched])
    try:
        repo.fetch(next(repo.store.list("index")))
        refused = ""
    except Refused as e:
        refused = str(e)
    tap.ok(refused == "forgery: retired signer", "and refuses its index",
           [refused])


def main():
    tap = Tap()
    top = os.path.realpath(tempfile.mkdtemp(prefix="varve-rolls."))
    box = Box(top)
    os.mkdir(top + "/source")
    with open(top + "/source/file", "w", encoding="ascii") as f:
        f.write("content\n")
    box.varve("init", box.repo)
    r = box.varve("create", box.repo + "::first", "source")
    tap.ok(r.returncode == 0, "a repository of one archive", [r.stderr])
    r = box.python("make_rolls.py", box.repo, "20")
    tap.ok(r.returncode == 0, "a roll of twenty more", [r.stderr])
    box.fresh()
    a, ours, theirs = box.listed()
    tap.ok(a.returncode == 0 and len(ours) == 21 and ours == theirs,
           "varve and the reader list the same", [a.stderr, ours, theirs])
    r = box.python("reader.py", box.repo, "verify")
    tap.ok(r.returncode == 0, "the reader reads all of it", [r.stderr])
    r = box.varve("check", box.repo)
    tap.ok(r.returncode == 0, "so does check", [r.stderr])
    r = box.varve("extract", "--dry-run", box.repo + "::first-7")
    tap.ok(r.returncode == 0 and not r.stderr, "one is opened", [r.stderr])

    retired(tap, box)

    # What a roll holds is listed without its object.
    for name in os.listdir(box.repo + "/archives"):
        damage(f"{box.repo}/archives/{name}")
    box.fresh()
    r = box.varve("list", "--short", box.repo)
    names = r.stdout.split()
    tap.ok(len(names) == 20 and "first-7" in names,
           "objects that a roll holds are not read", [r.stdout, r.stderr])
    r = box.varve("extract", "--dry-run", box.repo + "::first-7")
    tap.ok("as a roll states it" in r.stderr,
           "who opens one is told what is wrong with it",
           [r.returncode, r.stderr])
    r = box.varve("delete", box.repo + "::first-7")
    tap.ok(r.returncode == 90, "and cannot delete it",
           [r.returncode, r.stderr])
    shutil.rmtree(top)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
