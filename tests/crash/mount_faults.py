#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A mount whose nth allocation, thread, fork, read or write of /dev/fuse fails:
nobody hangs, and the mount point can be used or is gone. As TAP; VARVE names
the program, NTHFAIL the library that is preloaded. --every N: only each nth
allocation."""

import argparse
import ctypes
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, "cli"))
from mountlib import Bench, skip

MNT_FORCE, MNT_DETACH = 1, 2
DEADLINE = 20  # seconds, after which something hangs
KINDS = ("malloc", "thread", "fork", "read", "write")
# What is asked of the mount, in a process of its own. Prints what is wrong.
WORK = r"""
import os, sys
def look(top):
    for name in sorted(os.listdir(top)):
        path = os.path.join(top, name)
        st = os.lstat(path)
        os.listxattr(path, follow_symlinks=False)
        if os.path.islink(path):
            os.readlink(path)
        elif os.path.isdir(path):
            look(path)
        else:
            with open(path, "rb") as f:
                content = f.read()
            if content not in [c * 1000 for c in (b"a", b"b", b"c")]:
                sys.exit("other content of " + path)
os.statvfs(sys.argv[1])
if not os.listdir(sys.argv[1]):
    sys.exit("nothing is mounted")
look(sys.argv[1])
"""


class Hang(Exception):
    pass


def is_mounted(at):
    with open("/proc/self/mountinfo") as f:
        return any(line.split()[4] == at for line in f)


def force(at):
    """Unmount; the kernel tells everybody who waits there."""
    libc = ctypes.CDLL(None)
    while is_mounted(at):
        if libc.umount2(os.fsencode(at), MNT_FORCE) != 0 and \
                libc.umount2(os.fsencode(at), MNT_DETACH) != 0:
            break


class Fault:
    """One mount with one fault."""

    def __init__(self, bench, repo, at, kind, n, options=()):
        self.bench, self.at, self.hit = bench, at, bench.path("hit")
        if os.path.exists(self.hit):
            os.unlink(self.hit)
        env = bench.env | {
            "LD_PRELOAD": os.environ["NTHFAIL"], "NTHFAIL": f"{kind}:{n}",
            "NTHFAIL_AFTER": "mount", "NTHFAIL_HIT": self.hit,
            "NTHFAIL_IN": os.path.basename(bench.program)}
        self.log = open(bench.path("log"), "w+")
        self.process = subprocess.Popen(
            [bench.program, "mount", "-f", *options, repo, at], env=env,
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def wait(self, process, what):
        try:
            return process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            raise Hang(what) from None

    def work(self):
        """Look at everything; what it said, or None if all was right."""
        p = subprocess.Popen([sys.executable, "-c", WORK, self.at],
                             stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             stdin=subprocess.DEVNULL)
        self.wait(p, "who looks at the mount hangs")
        said = p.stderr.read().decode(errors="replace").strip()
        p.stderr.close()
        return None if p.returncode == 0 else said.splitlines()[-1]

    def run(self):
        """What is wrong, or None."""
        end = time.monotonic() + DEADLINE
        while not is_mounted(self.at) and self.process.poll() is None:
            if time.monotonic() > end:
                raise Hang("it does not mount")
            time.sleep(0.01)
        said = self.work()
        if said is not None and self.process.poll() is None:
            # One request failed, or the mount is about to end.
            try:
                self.process.wait(0.5)
            except subprocess.TimeoutExpired:
                said = self.work()
                if said is not None:
                    return "it runs, but cannot be used: " + said
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            status = self.wait(self.process, "it does not end")
            # The fault may come just then.
            if status != 0 and "varve: " not in self.said():
                return f"it ended with status {status}: {self.said()}"
        elif self.process.returncode == 0:
            return "it ended by itself with status 0"
        elif self.process.returncode < 0:
            return f"it died of signal {-self.process.returncode}"
        elif "varve: " not in self.said():
            return "it does not say why it ended"
        if is_mounted(self.at):
            return "it is mounted still"
        return None

    def said(self):
        self.log.seek(0)
        return self.log.read()

    def end(self):
        force(self.at)
        self.process.kill()
        self.process.wait()
        self.log.close()
        return os.path.exists(self.hit)


def sweep(bench, repo, at, kind, every, options=()):
    """Every nth call until there are no more."""
    bad, n, tried = [], 1, 0
    while True:
        fault = Fault(bench, repo, at, kind, n, options)
        try:
            wrong = fault.run()
        except Hang as hang:
            wrong = str(hang)
        if not fault.end():
            if wrong is not None:
                bad.append(f"{kind} without a fault: {wrong}")
            break
        tried += 1
        if wrong is not None:
            bad.append(f"{kind} {n}: {wrong}")
        n += every
    bench.ok(not bad and tried > 0,
             f"{kind} {' '.join(options)}: {tried} faults", "\n".join(bad))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--every", type=int, default=1)
    args = parser.parse_args()
    if os.geteuid() != 0:
        skip("only root mounts without another program")
    with Bench() as b:
        with open(b.program, "rb") as f:
            if b"__asan_init" in f.read():
                skip("sanitizers have an allocator of their own")
        repo, at = b.path("repo"), b.path("m")
        os.makedirs(b.path("src/sub/deep"))
        for name in ("a", "sub/b", "sub/deep/c"):
            with open(b.path("src", name), "w") as f:
                f.write(os.path.basename(name) * 1000)
        os.symlink("a", b.path("src/link"))
        os.mkdir(at)
        b.varve("init", repo)
        b.varve("create", f"{repo}::one", ".", cwd=b.path("src"))
        for kind in KINDS:
            sweep(b, f"{repo}::one", at, kind,
                  args.every if kind == "malloc" else 1)
        sweep(b, repo, at, "malloc", args.every)
        sweep(b, repo, at, "malloc", 4 * args.every, ("-o", "versions"))
        sys.exit(b.done())


if __name__ == "__main__":
    main()
