#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A repository on a file system of 64 MiB that fills up.

Archives are made until the disk is full: the run that fails says so and exits
with 14, nothing acknowledged is lost, reading and checking still work, and
with more room the same command succeeds. VARVE names the binary. Needs to
mount a tmpfs; where that is not allowed, it is skipped (77). As TAP.
"""

import contextlib
import os
import random
import shutil
import subprocess
import sys
import tempfile

from crashlib import (SKIP, Sandbox, Summary, Wrong, make_source,
                      settle_times, varve_binary, work_folder)

SIZE = 64 << 20
PART = 14 << 20
FULL = 14


def mount(path, options):
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "varve-test",
                           path], stderr=subprocess.PIPE)


def noise_source(path, seed):
    make_source(path, 1, seed=seed)
    rng = random.Random(seed)
    for i in range(7):
        with open(f"{path}/large-{i}", "wb") as f:
            f.write(rng.randbytes(PART // 7))
    settle_times(path)


class FullDisk:
    def __init__(self, sb):
        self.sb = sb
        self.acknowledged = []  # (archive, source)
        self.waiting = None
        self.filler = -1

    def create(self, i):
        source = f"{self.sb.top}/src-{i}"
        if not os.path.exists(source):
            noise_source(source, i)
        return self.sb.run(*self.sb.create_args(f"a{i}"), cwd=source), source

    def full_message(self, r):
        if r.rc != FULL or "No space left" not in r.err or \
                "archives are intact" not in r.err:
            raise Wrong(f"a full disk must be said, exit status {FULL}: {r}")

    def prove(self):
        for archive, source in self.acknowledged:
            self.sb.prove(archive, source)

    # --- the parts, in order ---

    def fills_up(self):
        self.sb.init()
        # An unknown name is left alone; later no file could be made.
        self.filler = os.open(self.sb.repo + "/filler",
                              os.O_WRONLY | os.O_CREAT)
        for i in range(1, 20):
            r, source = self.create(i)
            if r.rc != 0:
                self.waiting = i
                self.full_message(r)
                break
            self.acknowledged.append((f"a{i}", source))
        if not self.acknowledged or self.waiting is None:
            raise Wrong(f"{len(self.acknowledged)} archives, none refused")

    def stays_readable(self):
        if self.sb.names() != {a for a, _ in self.acknowledged}:
            raise Wrong(f"archives are {self.sb.names()}")
        self.prove()
        self.sb.check()

    def refuses_again(self):
        r, _ = self.create(self.waiting)
        self.full_message(r)
        self.stays_readable()

    def without_one_byte(self):
        """Not even a small object fits; still nothing is lost."""
        with contextlib.suppress(OSError):
            while True:
                os.write(self.filler, bytes(4096))
        os.close(self.filler)
        r = self.sb.run("rename", self.sb.at("a1"), "b1")
        if r.rc != 0:
            self.full_message(r)
        elif "b1" in self.sb.names():
            self.acknowledged[0] = ("b1", self.acknowledged[0][1])
        self.stays_readable()

    def deletes(self):
        """What frees space works without any: the reserve is for that."""
        archive, _ = self.acknowledged.pop()
        r = self.sb.run("delete", self.sb.at(archive))
        if r.rc != 0:
            raise Wrong(f"delete on a full disk: {r}")
        self.stays_readable()

    def more_room(self):
        os.unlink(self.sb.repo + "/filler")
        mount(self.sb.repo, f"remount,size={4 * SIZE}")
        r, source = self.create(self.waiting)
        if r.rc != 0:
            raise Wrong(f"with room again: {r}")
        self.acknowledged.append((f"a{self.waiting}", source))
        self.stays_readable()
        if not os.path.exists(self.sb.repo + "/reserve"):
            raise Wrong("the reserve was not made again")


def no_inodes(sb):
    """init on a disk that cannot hold the layout; again with room."""
    mount(sb.repo, "remount,nr_inodes=4")
    r = sb.run("init", "-e", "repokey", sb.repo)
    if r.rc != FULL or "No space left" not in r.err:
        raise Wrong(f"init on a full disk: {r}")
    mount(sb.repo, "remount,nr_inodes=100000")
    sb.must("init", "-e", "repokey", sb.repo)
    sb.check()


def with_disk(top, options, steps):
    """Run steps(sandbox) on a fresh mounted repository folder; yields
    (what, problems)."""
    sb = Sandbox(top)
    os.mkdir(sb.repo)
    p = mount(sb.repo, options)
    if p.returncode != 0:
        print("skipped: NOT TESTED: a full disk: cannot mount a tmpfs here: "
              + p.stderr.decode().strip(), file=sys.stderr)
        sys.exit(SKIP)
    try:
        for what, step in steps(sb):
            try:
                step()
                yield what, []
            except Wrong as e:
                yield what, [(what, str(e))]
                return
    finally:
        subprocess.run(["umount", "-l", sb.repo], check=False)


def filling(sb):
    disk = FullDisk(sb)
    yield "fills up", disk.fills_up
    yield "stays readable", disk.stays_readable
    yield "refuses again", disk.refuses_again
    yield "without one byte left", disk.without_one_byte
    yield "deletes", disk.deletes
    yield "more room", disk.more_room


def main():
    varve_binary()
    top = tempfile.mkdtemp(prefix="varve-full-", dir=work_folder())
    summary = Summary()
    try:
        for what, problems in with_disk(top + "/1", f"size={SIZE}", filling):
            summary.part(what, 1, problems)
        for what, problems in with_disk(
                top + "/2", f"size={SIZE}",
                lambda sb: [("init without inodes", lambda: no_inodes(sb))]):
            summary.part(what, 1, problems)
    finally:
        shutil.rmtree(top, ignore_errors=True)
    return summary.close()


if __name__ == "__main__":
    sys.exit(main())
