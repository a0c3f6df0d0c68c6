#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Backs up a tree that threads change all the while, again and again.

  moving.py [--runs N]      VARVE names the program

Every archive must come out without an error, every file in it must be one that
existed unless create said that it changed while it was read, and nothing from
behind a symbolic link may be in it.
"""

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading

OUTSIDE = "from outside\n"
DIRS, FILES = 20, 40
LINE = re.compile(r"(\d+) (\d+) (\d+)\n")


def content(who, version):
    """A text that is one version of one file, to the byte."""
    n = random.Random(who * 1000 + version % 7).choice((0, 1, 50, 5000, 40000))
    return f"{who} {version} {n}\n" * max(n, 1)


def is_whole(text):
    m = LINE.match(text)
    return m is not None and text == m.group(0) * max(int(m.group(3)), 1)


class Mover(threading.Thread):
    """Changes the tree until it is told to stop. Nothing it does may fail for
    another reason than that another mover was faster."""

    def __init__(self, top, outside, number, stop):
        super().__init__(daemon=True)
        self.top, self.outside, self.stop = top, outside, stop
        self.random = random.Random(number)
        self.number, self.version = number, 0

    def path(self):
        return os.path.join(self.top, f"d{self.random.randrange(DIRS)}",
                            f"f{self.random.randrange(FILES)}")

    def text(self):
        self.version += 1
        return content(self.number, self.version)

    def replace(self):
        tmp = os.path.join(self.top, f"tmp-{self.number}")
        with open(tmp, "w") as f:
            f.write(self.text())
        os.rename(tmp, self.path())

    def rewrite(self):
        fd = os.open(self.path(), os.O_RDWR | os.O_NOFOLLOW)
        with open(fd, "r+") as f:
            f.write(self.text())
            f.truncate()

    def remove(self):
        os.unlink(self.path())

    def rename(self):
        os.rename(self.path(), self.path())

    def link(self):
        os.link(self.path(), self.path(), follow_symlinks=False)

    def make_dir(self):
        os.makedirs(os.path.join(self.top, f"d{self.random.randrange(DIRS)}"))

    def move_dir(self):
        a, b = (os.path.join(self.top, f"d{self.random.randrange(DIRS)}")
                for _ in "ab")
        os.rename(a, b + "/was")
        os.rename(b + "/was", a + "-moved")
        os.rename(a + "-moved", a)

    def swap(self):
        """A directory becomes a link to one outside, and back."""
        d = os.path.join(self.top, f"d{self.random.randrange(DIRS)}")
        away = os.path.join(self.top, f"away-{self.number}")
        os.rename(d, away)
        try:
            os.symlink(self.outside, d)
            self.stop.wait(self.random.random() / 200)
            os.unlink(d)
        finally:
            os.rename(away, d)

    def swap_file(self):
        path = self.path()
        os.unlink(path)
        os.symlink(os.path.join(self.outside, "o1"), path)

    def run(self):
        does = [self.replace] * 6 + [self.rewrite] * 3 + [
            self.remove, self.rename, self.link, self.make_dir, self.move_dir,
            self.swap, self.swap, self.swap_file]
        while not self.stop.is_set():
            try:
                self.random.choice(does)()
            except OSError:
                pass
            self.stop.wait(0.0005)


class Test:
    def __init__(self, scratch):
        self.scratch, self.n, self.failed = scratch, 0, 0
        self.varve = os.environ["VARVE"]
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("VARVE_", "XDG_"))}
        self.env.update(HOME=scratch, VARVE_BASE_DIR=scratch,
                        VARVE_PASSPHRASE="x", LC_ALL="C.UTF-8")

    def ok(self, good, name, why=""):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}", flush=True)
        if not good:
            print("\n".join("# " + line for line in why.splitlines()[:20]))

    def run(self, *args, cwd=None):
        return subprocess.run([self.varve, *args], env=self.env, text=True,
                              cwd=cwd or self.scratch, errors="replace",
                              capture_output=True)

    def wrong(self, out, told):
        """Files of an extracted tree that never were like that."""
        for folder, _, files in os.walk(os.path.join(out, "tree")):
            for name in files:
                path = os.path.join(folder, name)
                if os.path.islink(path):
                    continue
                with open(path) as f:
                    text = f.read()
                relative = os.path.relpath(path, out)
                if OUTSIDE in text:
                    yield f"{relative}: from behind a link"
                elif not is_whole(text) and relative not in told and \
                        "tmp-" not in name:
                    yield f"{relative}: {text[:40]!r}, {len(text)} bytes"

    def archive(self, name):
        made = self.run("create", f"repo::{name}", "tree")
        told = set(re.findall(r"^varve: (.*): changed while it was read$",
                              made.stderr, re.M))
        self.ok(made.returncode in (0, 1), f"create {name}", made.stderr)
        # A file with several names is told under the one that was read.
        linked = {}
        out = os.path.join(self.scratch, "out")
        os.mkdir(out)
        back = self.run("extract", f"../repo::{name}", cwd=out)
        # Of two names of one inode one may be older than a change.
        said = [line for line in back.stderr.splitlines()
                if "differs from the file it was a hard link to" not in line]
        self.ok(back.returncode <= 1 and not said, f"extract {name}",
                back.stderr)
        for folder, _, files in os.walk(out):
            for f in files:
                path = os.path.join(folder, f)
                linked.setdefault(os.lstat(path).st_ino, []).append(
                    os.path.relpath(path, out))
        for names in linked.values():
            if told.intersection(names):
                told.update(names)
        wrong = list(self.wrong(out, told))
        self.ok(not wrong, f"files of {name}", "\n".join(wrong))
        print(f"# {len(linked)} files, {len(told)} changed, "
              f"{len(made.stderr.splitlines())} told")
        shutil.rmtree(out)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--runs", type=int, default=8)
    runs = p.parse_args().runs
    scratch = tempfile.mkdtemp(prefix="varve-moving.")
    stop = threading.Event()
    try:
        test = Test(scratch)
        top, outside = (os.path.join(scratch, d) for d in ("tree", "outside"))
        os.makedirs(outside)
        for i in range(FILES):
            with open(os.path.join(outside, f"o{i}"), "w") as f:
                f.write(OUTSIDE)
        for i in range(DIRS):
            os.makedirs(os.path.join(top, f"d{i}"))
        test.ok(test.run("init", "repo").returncode == 0, "init")
        movers = [Mover(top, outside, i, stop) for i in range(3)]
        for mover in movers:
            mover.start()
        stop.wait(1)
        for i in range(runs):
            test.archive(f"a{i}")
        stop.set()
        for mover in movers:
            mover.join()
        check = test.run("check", "--verify-data", "repo")
        test.ok(check.returncode == 0, "check", check.stderr)
        test.ok(test.run("create", "repo::still", "tree").returncode == 0,
                "what stands still is backed up without a warning")
        print(f"1..{test.n}")
        return 1 if test.failed else 0
    finally:
        stop.set()
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
