# SPDX-License-Identifier: BSD-2-Clause
"""What the crash tests share: a sandbox with a repository, its client and a
source; commands run in it; the proof that acknowledged archives are whole."""

import concurrent.futures
import io
import os
import queue
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "support"))
import compare  # noqa: E402  (found through the line above)

SKIP = 77
TIMEOUT = 120
SANITIZER = re.compile(r"AddressSanitizer|ThreadSanitizer|LeakSanitizer|"
                       r"runtime error:|Assertion .* failed")
KINDS = ("config", "keys", "packs", "index", "intents", "archives",
         "tombstones", "condemned", "rolls")


class Wrong(Exception):
    """Varve broke a promise."""


def varve_binary():
    path = os.environ.get("VARVE")
    if not path or not os.access(path, os.X_OK):
        print("skipped: VARVE does not name the binary", file=sys.stderr)
        sys.exit(SKIP)
    return os.path.abspath(path)


def work_folder():
    """Memory, where there is enough of it: fsync is then free."""
    shm = "/dev/shm"
    try:
        if shutil.disk_usage(shm).free > 1 << 30 and os.access(shm, os.W_OK):
            return shm
    except OSError:
        pass
    return None


class Result:
    def __init__(self, argv, p):
        self.argv = argv
        self.rc = p.returncode
        self.out = p.stdout.decode("utf-8", "replace")
        self.err = p.stderr.decode("utf-8", "replace")

    def __str__(self):
        bug = SANITIZER.search(self.err)
        err = self.err[bug.start():][:6000] if bug else self.err[-3000:]
        return (f"{' '.join(self.argv)}\nexit status {self.rc}\n"
                f"{self.out[-1500:]}{err}")


class Sandbox:
    """Everything of one worker: repository, home folder of the client, two
    states of a source, a place to restore to. Nothing outside is touched."""

    def __init__(self, top):
        self.top = top
        self.repo = top + "/repo"
        self.home = top + "/home"
        self.out = top + "/out"
        self.varve = varve_binary()
        self.env = {k: v for k, v in os.environ.items()
                    if not k.startswith(("VARVE", "XDG_"))}
        self.env |= {"HOME": self.home, "VARVE_PASSPHRASE": "test",
                     "LC_ALL": "C.UTF-8", "TZ": "UTC",
                     "ASAN_OPTIONS": "detect_leaks=0"}
        os.makedirs(self.home)

    # --- running ---

    def run(self, *argv, cwd=None, before=(), env=None):
        """One varve command; `before` is what runs it. Never a crash."""
        command = [*before, self.varve, *argv]
        try:
            p = subprocess.run(command, cwd=cwd or self.top,
                               env=self.env | (env or {}),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, timeout=TIMEOUT)
        except subprocess.TimeoutExpired as e:
            raise Wrong(f"hangs: {' '.join(command)}") from e
        r = Result(command, p)
        killed = before and r.rc == 137
        if SANITIZER.search(r.err) or (not killed and
                                       (r.rc < 0 or r.rc >= 128)):
            raise Wrong(f"crashed: {r}")
        return r

    def must(self, *argv, rc=(0,), **kwargs):
        r = self.run(*argv, **kwargs)
        if r.rc not in rc:
            raise Wrong(f"expected exit status {rc}: {r}")
        return r

    def at(self, archive):
        return f"{self.repo}::{archive}"

    # --- whole operations ---

    def init(self):
        return self.must("init", "-e", "repokey", self.repo)

    def use_key_file(self):
        """From now on open the repository by a key file: no key derivation."""
        path = self.top + "/key"
        r = self.run("key", "add", "--key-file", path, self.repo)
        if r.rc == 0:
            self.env["VARVE_KEY_FILE"] = path

    def create_args(self, archive):
        return ["create", self.at(archive), "."]

    def names(self, env=None):
        out = self.must("list", "--short", self.repo, env=env).out
        return set(out.split())

    def check(self, **kwargs):
        """Nothing is damaged. Who was stopped between the two copies of a
        config leaves one, which check reports and the next create mends."""
        r = self.run("check", "--verify-data", self.repo, **kwargs)
        if r.rc == 90 and "varve: 1 problem found" in r.err and \
                "config: only one copy of two is whole" in r.err:
            return r
        if r.rc != 0:
            raise Wrong(f"expected exit status 0: {r}")
        return r

    def extract(self, archive):
        shutil.rmtree(self.out, ignore_errors=True)
        os.mkdir(self.out)
        return self.run("extract", "--root-metadata", self.at(archive),
                        cwd=self.out)

    def prove(self, archive, source):
        """The archive restores equal to `source`."""
        r = self.extract(archive)
        if r.rc != 0:
            raise Wrong(f"cannot restore {archive}: {r}")
        self.same(source)

    def same(self, source):
        """What was restored equals `source`."""
        report = io.StringIO()
        if compare.main([source, self.out], report) != 0:
            raise Wrong(f"restored otherwise:\n{report.getvalue()[:3000]}")

    # --- states ---

    def save(self):
        """Remember the repository and the client as they are."""
        self.copy("", "saved-")

    def restore(self):
        self.copy("saved-", "")

    def copy(self, source, target):
        for part in ("repo", "home"):
            shutil.rmtree(f"{self.top}/{target}{part}", ignore_errors=True)
            if os.path.exists(f"{self.top}/{source}{part}"):
                subprocess.run(["cp", "-a", f"{self.top}/{source}{part}",
                                f"{self.top}/{target}{part}"], check=True)

    def objects(self):
        """Names of all objects, sorted."""
        found = []
        for kind in KINDS:
            for folder, _, names in os.walk(f"{self.repo}/{kind}"):
                found += [os.path.relpath(os.path.join(folder, n), self.repo)
                          for n in names]
        return sorted(found)

    def pack_bytes(self):
        return sum(os.path.getsize(os.path.join(self.repo, n))
                   for n in self.objects() if n.startswith("packs/"))


def make_source(path, version, size=200_000, seed=1):
    """A small source: text, noise, a hole, links, odd names. Version 2 changes
    some of version 1."""
    rng = random.Random(seed)
    os.makedirs(path + "/sub/empty")
    for i in range(12):
        with open(f"{path}/sub/text-{i}", "w") as f:
            f.write(f"file {i} says {rng.randrange(10**9)}\n" * (i * 20))
    for i in range(4):
        with open(f"{path}/noise-{i}", "wb") as f:
            f.write(rng.randbytes(size // 4))
    with open(path + "/hole", "wb") as f:
        f.write(b"begin")
        f.seek(1 << 20)
        f.write(b"end")
    os.link(path + "/noise-0", path + "/sub/link")
    os.symlink("noise-1", path + "/symlink")
    with open(os.fsencode(path) + b"/odd\n\xff", "w") as f:
        f.write("odd\n")
    if version == 2:
        with open(path + "/noise-2", "r+b") as f:
            f.write(b"changed")
        os.unlink(path + "/sub/text-3")
        with open(path + "/sub/new", "wb") as f:
            f.write(random.Random(seed + 1).randbytes(size // 8))
    settle_times(path)


def settle_times(path):
    """Times of long ago: a file changed just now must be read again."""
    for folder, dirs, names in os.walk(path):
        for n in names + dirs + ["."]:
            os.utime(os.path.join(folder, n), ns=(0, 1_500_000_000_000_000_123),
                     follow_symlinks=False)


class Workers:
    """Runs jobs (what, fn, args...) as fn(sandbox, args...), one sandbox per
    thread, and collects what went wrong."""

    def __init__(self, jobs, prepare):
        self.top = tempfile.mkdtemp(prefix="varve-crash-", dir=work_folder())
        self.pool = concurrent.futures.ThreadPoolExecutor(jobs)
        self.problems = []
        self.done = 0
        self.sandboxes = [Sandbox(f"{self.top}/{i}") for i in range(jobs)]
        try:
            list(self.pool.map(prepare, self.sandboxes))
        except BaseException:
            self.close()
            raise

    def attempt(self, sb, what, fn, *args):
        try:
            fn(sb, *args)
        except Wrong as e:
            self.problems.append((what, str(e)))
            print(f"not ok: {what}: {e}", file=sys.stderr, flush=True)
        self.done += 1

    def all(self, jobs):
        """Each job on whichever sandbox is free."""
        todo = queue.SimpleQueue()
        for job in jobs:
            todo.put(job)

        def work(sb):
            while True:
                try:
                    job = todo.get_nowait()
                except queue.Empty:
                    return
                self.attempt(sb, *job)

        list(self.pool.map(work, self.sandboxes))

    def share(self, plan):
        """Of the jobs plan(sandbox), for jobs that name objects of it, each
        sandbox does its share."""
        def work(i):
            sb = self.sandboxes[i]
            for job in plan(sb)[i::len(self.sandboxes)]:
                self.attempt(sb, *job)

        list(self.pool.map(work, range(len(self.sandboxes))))

    def close(self):
        self.pool.shutdown()
        shutil.rmtree(self.top, ignore_errors=True)


class Summary:
    """Prints one line of TAP per part, with the time it took."""

    def __init__(self):
        self.n = self.failed = 0
        self.since = time.monotonic()

    def part(self, what, runs, problems):
        self.n += 1
        ok = not problems and runs > 0
        self.failed += not ok
        took = time.monotonic() - self.since
        self.since = time.monotonic()
        print(f"{'ok' if ok else 'not ok'} {self.n} - {what}: {runs} runs, "
              f"{len(problems)} wrong", flush=True)
        print(f"# {took:.1f} s")
        for name, text in problems[:5]:
            print(f"# {name}: " + text[:6000].replace("\n", "\n#   "))

    def close(self):
        print(f"1..{self.n}")
        return 1 if self.failed else 0
