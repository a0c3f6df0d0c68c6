#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What create tells the disk, and in which order: an object's bytes before its
name, packs before what names them, the archive last, and index/ even where
nothing was written to it. Seen with strace; skipped without."""

import os
import re
import shutil
import subprocess
import sys
import tempfile

KINDS = ["packs", "index", "intents", "archives"]
CALL = re.compile(r"^(\d+) +(.*)$")
LINK = re.compile(r'^linkat\(\d+<[^>]*>, "([^"]+)", \d+<([^>]*)>, "([^"]+)"')
FSYNC = re.compile(r"^f(?:data)?sync\(\d+<([^>]*)>")


def calls(trace):
    """The successful calls, each when it returned, as one line."""
    begun = {}
    for line in trace.splitlines():
        m = CALL.match(line)
        if not m:
            continue
        pid, text = m.groups()
        if text.endswith("<unfinished ...>"):
            begun[pid] = text[:-len("<unfinished ...>")].rstrip()
            continue
        if text.startswith("<... "):
            text = begun.pop(pid, "") + text[text.index("resumed>") + 8:]
        if text.rstrip().endswith("= 0"):
            yield text


def events(trace, repo):
    """("fsync", path) and ("link", temporary name, path), in order."""
    for text in calls(trace):
        link, fsync = LINK.match(text), FSYNC.match(text)
        # The state file is linked to its older version elsewhere.
        if link and (link.group(2) + os.sep).startswith(repo + os.sep):
            yield ("link", link.group(1),
                   os.path.join(link.group(2), link.group(3)))
        elif fsync and (fsync.group(1) + os.sep).startswith(repo + os.sep):
            yield ("fsync", fsync.group(1))


class Test:
    n = failed = 0

    def ok(self, good, name, why=""):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}")
        if not good and why:
            print(f"# {why}")


def judge(test, what, seen, repo):
    kind = [os.path.relpath(e[2], repo).split(os.sep)[0]
            for e in seen if e[0] == "link"]
    test.ok("archives" in kind and kind == sorted(kind, key=KINDS.index),
            f"{what}: the order of kinds", str(kind))
    test.ok(kind.count("archives") == 1 and kind[-1] == "archives",
            f"{what}: the archive is last", str(kind))
    for i, e in enumerate(seen):
        if e[0] != "link":
            continue
        name = os.path.relpath(e[2], repo)[:20]
        test.ok(any(f[0] == "fsync" and f[1].endswith(e[1])
                    for f in seen[:i]), f"{what}: {name}: bytes first")
        after = seen[i + 1:]
        until = next((k for k, f in enumerate(after) if f[0] == "link"),
                     len(after))
        test.ok(("fsync", os.path.dirname(e[2])) in after[:until],
                f"{what}: {name}: its folder before the next object")
    before = [e for e in seen[:next(
        k for k, e in enumerate(seen)
        if e[0] == "link" and "/archives/" in e[2])]]
    test.ok(("fsync", os.path.join(repo, "index")) in before,
            f"{what}: index/ before the archive")


def main():
    if shutil.which("strace") is None or subprocess.run(
            ["strace", "-o", "/dev/null", "true"],
            capture_output=True).returncode != 0:
        print("1..0 # SKIP no strace")
        return 0
    scratch = os.path.realpath(tempfile.mkdtemp(prefix="varve-durable."))
    env = {k: v for k, v in os.environ.items()
           if not k.startswith(("VARVE_", "XDG_"))}
    # LeakSanitizer does not work under a tracer.
    env.update(HOME=scratch, VARVE_BASE_DIR=scratch, VARVE_PASSPHRASE="x",
               ASAN_OPTIONS="detect_leaks=0")
    varve, repo = os.environ["VARVE"], os.path.join(scratch, "repo")
    test = Test()
    try:
        subprocess.run([varve, "init", repo], env=env, check=True,
                       capture_output=True)
        os.mkdir(os.path.join(scratch, "src"))
        with open(os.path.join(scratch, "src", "f"), "wb") as f:
            f.write(os.urandom(3_000_000))
        for what in ("first", "unchanged"):
            log = os.path.join(scratch, "trace")
            run = subprocess.run(
                ["strace", "-f", "-y", "-s", "300", "-o", log, "-e",
                 "trace=linkat,fsync,fdatasync", varve, "create",
                 f"{repo}::{what}", os.path.join(scratch, "src")],
                env=env, capture_output=True, text=True)
            test.ok(run.returncode == 0, f"{what}: create", run.stderr)
            with open(log) as f:
                judge(test, what, list(events(f.read(), repo)), repo)
        print(f"1..{test.n}")
        return 1 if test.failed else 0
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
