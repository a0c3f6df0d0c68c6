#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A repository in which something else has the place of a directory or an
object: a symlink to a directory or file that must survive, a FIFO, a
directory. No command hangs, nothing elsewhere is written or deleted, and the
exit status says what happened. As TAP."""

import os
import shutil
import subprocess
import sys
import tempfile
import time

DAY = 24 * 3600
HANG = 60  # seconds: only a hang takes so long
DIRECTORIES = ["config", "keys", "packs", "packs/XX", "index", "intents",
               "archives", "tombstones", "condemned", "rolls", "tmp",
               "quarantine", "reserve"]
OBJECTS = ["config", "keys", "packs", "index", "intents", "archives",
           "tombstones"]


class Test:
    n = failed = 0

    def ok(self, good, name, why=""):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}")
        if not good and why:
            print("\n".join("# " + line for line in str(why).splitlines()))


class Box:
    """A repository of two archives and a deleted one, to be copied."""

    def __init__(self, top):
        self.top = top
        self.repo = top + "/repo"
        self.model = top + "/model"
        self.victim = top + "/victim"
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("VARVE_", "XDG_"))}
        self.env.update(HOME=top, VARVE_BASE_DIR=top + "/base",
                        VARVE_PASSPHRASE="x", LC_ALL="C.UTF-8")
        self.source = top + "/src"
        os.mkdir(self.source)
        self.write("one", 300_000)
        for args in (["init", "-e", "repokey", self.repo],
                     ["create", self.at("gone"), self.source],
                     ["create", self.at("a"), self.source],
                     ["delete", self.at("gone")]):
            self.must(*args)
        self.write("two", 200_000)
        self.must("create", self.at("b"), self.source)
        shutil.copytree(self.repo, self.model)

    def write(self, name, n):
        with open(f"{self.source}/{name}", "wb") as f:
            f.write(os.urandom(n))
        os.utime(f"{self.source}/{name}", (1, time.time() - DAY))

    def at(self, archive):
        return f"{self.repo}::{archive}"

    def run(self, *args):
        try:
            p = subprocess.run([os.environ["VARVE"], *args], env=self.env,
                               stdin=subprocess.DEVNULL, capture_output=True,
                               timeout=HANG, cwd=self.top)
        except subprocess.TimeoutExpired:
            return "hangs", ""
        return p.returncode, p.stderr.decode(errors="replace")

    def must(self, *args):
        rc, err = self.run(*args)
        if rc != 0:
            raise SystemExit(f"varve {args}: {rc}: {err}")

    def restore(self):
        for path in (self.repo, self.victim):
            shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.model, self.repo)
        os.mkdir(self.victim)

    def forget(self):
        shutil.rmtree(f"{self.top}/base", ignore_errors=True)

    def first(self, kind):
        """The path of an object, and the directory of a pack."""
        for top, _, files in sorted(os.walk(f"{self.model}/{kind}")):
            for name in sorted(files):
                return os.path.relpath(f"{top}/{name}", self.model)
        raise SystemExit(f"no object in {kind}")

    def tempt(self, path):
        """Old files that a sweep or a put could take for its own."""
        names = ["shadow", ".varve-" + 32 * "0" + ".tmp", os.path.basename(
            path)]
        for name in names:
            with open(f"{self.victim}/{name}", "w") as f:
                f.write("precious")
            os.utime(f"{self.victim}/{name}", (1, 1))

    def whole(self):
        found = {}
        for name in os.listdir(self.victim):
            with open(f"{self.victim}/{name}") as f:
                found[name] = f.read()
        return len(found) == 3 and set(found.values()) == {"precious"}

    def replace(self, path, how):
        full = f"{self.repo}/{path}"
        self.tempt(path)
        if os.path.isdir(full):
            shutil.rmtree(full)
            target = self.victim
        else:
            os.unlink(full)
            target = f"{self.victim}/{os.path.basename(path)}"
        if how == "link":
            os.symlink(target, full)
        elif how == "fifo":
            os.mkfifo(full)
        else:
            os.mkdir(full)


# Of create, list and check; what is not said here succeeds.
DIRECTORY_STATUS = {
    "config": (15, 15, 15), "packs": (15, 15, 15), "keys": (2, 2, 2),
    "packs/XX": ({1, 2}, 0, 2), "index": (2, 0, 2), "intents": (2, 0, 2),
    "archives": (2, 2, 2), "tombstones": (2, 2, 2), "condemned": (2, 0, 2),
    "rolls": (2, 2, 2), "tmp": (2, 0, 0)}
OBJECT_STATUS = {
    "config": (1, 1, 90), "keys": (1, 1, 90), "packs": (1, 0, 90),
    "index": (1, 0, 90), "intents": (0, 0, 90), "archives": (1, 1, 90),
    "tombstones": (1, 1, 90)}


def judge(test, box, path, how, wanted):
    """Each time as a client that knows nothing."""
    box.restore()
    box.replace(path, how)
    commands = (["list", box.repo], ["check", box.repo],
                ["create", "--files-cache", "disabled", box.at("c"),
                 box.source])
    for args, want in zip(commands, (wanted[1], wanted[2], wanted[0])):
        box.forget()
        rc, err = box.run(*args)
        label = f"{path[:20]} is a {how}: {args[0]}"
        test.ok(rc in (want if isinstance(want, set) else {want}),
                f"{label}: {rc}", f"wanted: {want}\n{err}")
        test.ok(rc == 0 or path.split("/")[0] in err or "backup" in err,
                f"{label}: names it", err)
        test.ok(box.whole(), f"{label}: nothing else was touched",
                os.listdir(box.victim))


def main():
    top = os.path.realpath(tempfile.mkdtemp(prefix="varve-hostile."))
    test = Test()
    try:
        box = Box(top)
        xx = os.path.dirname(box.first("packs"))
        for i, name in enumerate(DIRECTORIES):
            judge(test, box, name.replace("packs/XX", xx),
                  ("link", "fifo")[i % 2] if name in ("rolls", "quarantine")
                  else "link", DIRECTORY_STATUS.get(name, (0, 0, 0)))
        for name in ("archives", "packs/XX", "tmp"):
            judge(test, box, name.replace("packs/XX", xx), "fifo",
                  DIRECTORY_STATUS[name])
        for i, kind in enumerate(OBJECTS):
            for how in ("link", "fifo", "directory")[i % 3:][:2]:
                judge(test, box, box.first(kind), how, OBJECT_STATUS[kind])
        print(f"1..{test.n}")
        return 1 if test.failed else 0
    finally:
        shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
