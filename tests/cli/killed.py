#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An extract that is killed at any moment: every file that has its name is
complete, in content and attributes, and the same command run again finishes
the work and removes what the first one left. Killed with strace; skipped
without."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile

# The calls that make something in the target; each is the last one once.
CALLS = ["pwrite64", "fchown", "fchownat", "fchmod", "fchmodat", "utimensat",
         "linkat", "renameat2", "renameat", "symlinkat", "mknodat", "mkdirat",
         "flock"]
BEFORE = b"what was there before"
TIMES = 3  # of each call: the first ones


class Test:
    n = failed = 0

    def ok(self, good, name, why=""):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}")
        if not good and why:
            print("".join(f"# {line}\n" for line in why.splitlines()), end="")


def make_source(top):
    os.makedirs(os.path.join(top, "sub"))

    def put(name, content, mode):
        path = os.path.join(top, name)
        with open(path, "wb") as f:
            f.write(content)
        os.chmod(path, mode)
        os.utime(path, ns=(1, 1_500_000_000_123_456_789))
    put("a", b"small", 0o600)
    put("b", b"set-id", 0o4755)
    put("empty", b"", 0o644)
    put("large", os.urandom(20_000_000), 0o640)
    put("sub/c", b"more", 0o444)
    os.link(os.path.join(top, "a"), os.path.join(top, "sub/hard"))
    os.symlink("../a", os.path.join(top, "sub/soft"))
    os.mkfifo(os.path.join(top, "sub/fifo"))
    os.utime(os.path.join(top, "sub"), (1, 1_400_000_000))


def look(path):
    """What a regular file is, but for how many names it has."""
    st = os.lstat(path)
    with open(path, "rb") as f:
        return f.read(), stat.S_IMODE(st.st_mode), st.st_mtime_ns


def incomplete(source, target):
    """Names of files in the target that are not those of the source."""
    for top, _, names in os.walk(target):
        for name in names:
            path = os.path.join(top, name)
            if name.startswith(".varve-") or \
                    not stat.S_ISREG(os.lstat(path).st_mode):
                continue
            seen = look(path)
            if seen[0] != BEFORE and seen != look(
                    os.path.join(source, os.path.relpath(path, target))):
                yield path


def listing(top):
    """Every path with kind, mode, time, size and its number of names."""
    found = {}
    for at, dirs, names in os.walk(top):
        for name in dirs + names:
            path = os.path.join(at, name)
            st = os.lstat(path)
            found[os.path.relpath(path, top)] = (
                st.st_mode, st.st_mtime_ns,
                0 if stat.S_ISDIR(st.st_mode) else st.st_nlink,
                os.readlink(path) if stat.S_ISLNK(st.st_mode) else "")
    return found


class Run:
    def __init__(self, scratch):
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("VARVE_", "XDG_"))}
        # LeakSanitizer does not work under a tracer.
        self.env.update(HOME=scratch, VARVE_BASE_DIR=scratch,
                        VARVE_PASSPHRASE="x", ASAN_OPTIONS="detect_leaks=0")
        self.varve = os.environ["VARVE"]
        self.source = os.path.join(scratch, "src")
        self.target = os.path.join(scratch, "target")
        self.archive = os.path.join(scratch, "repo") + "::one"

    def extract(self, *tracer, options=()):
        return subprocess.run(
            [*tracer, self.varve, "extract", "--threads", "2", *options,
             self.archive], env=self.env, cwd=self.target,
            capture_output=True, text=True)

    def killed(self, call, when, options):
        """False if there are not as many of these calls."""
        run = self.extract("strace", "-f", "-o", "/dev/null", "-e",
                           f"inject={call}:signal=KILL:when={when}",
                           options=options)
        return run.returncode != 0


def one(test, run, call, when, options=()):
    """Kill, look, run again, look. False if nothing was killed."""
    what = f"{call} {when} {' '.join(options)}"
    if not run.killed(call, when, options):
        return False
    bad = list(incomplete(run.source, run.target))
    test.ok(not bad, f"{what}: files that have their name are complete",
            "\n".join(bad))
    again = run.extract(options=options)
    test.ok(again.returncode == 0 and again.stderr == "",
            f"{what}: the next run finishes", again.stderr)
    here, there = listing(run.target), listing(run.source)
    test.ok(here == there and not list(incomplete(run.source, run.target)),
            f"{what}: everything is there and nothing else",
            str(sorted(set(here.items()) ^ set(there.items()))))
    return True


def empty(target):
    shutil.rmtree(target, ignore_errors=True)
    os.mkdir(target)


def main():
    if shutil.which("strace") is None or subprocess.run(
            ["strace", "-o", "/dev/null", "true"],
            capture_output=True).returncode != 0:
        print("1..0 # SKIP no strace")
        return 0
    scratch = os.path.realpath(tempfile.mkdtemp(prefix="varve-killed."))
    run, test = Run(scratch), Test()
    try:
        subprocess.run([run.varve, "init", os.path.join(scratch, "repo")],
                       env=run.env, check=True, capture_output=True)
        os.mkdir(run.source)
        make_source(run.source)
        subprocess.run([run.varve, "create", run.archive, "."], env=run.env,
                       check=True, capture_output=True, cwd=run.source)
        kills = 0
        for call in CALLS:
            for when in range(1, TIMES + 1):
                empty(run.target)
                if not one(test, run, call, when):
                    break
                kills += 1
        test.ok(kills >= 15, f"killed {kills} times")
        # The same over a tree of other files.
        for call in "renameat", "utimensat":
            empty(run.target)
            for name in "a", "large", "sub":
                with open(os.path.join(run.target, name), "wb") as f:
                    f.write(BEFORE)
            kills += one(test, run, call, 2, ["--overwrite"])
        print(f"1..{test.n}")
        return 1 if test.failed else 0
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
