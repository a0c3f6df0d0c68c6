#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The stopper stops where it says. As TAP; arguments: STOPPER PROBE."""

import os
import subprocess
import sys
import tempfile

CALLS = ["openat main", "write main", "fsync main",
         "openat thread", "write thread", "fsync thread",
         "openat child", "write child", "fsync child",
         "link linked", "fsync ."]


class Run:
    """One run of the probe in a fresh folder."""

    def __init__(self, *mode):
        stopper, probe = sys.argv[1:3]
        with tempfile.TemporaryDirectory(prefix="varve-stopper-") as top:
            work, report = top + "/work", top + "/report"
            os.mkdir(work)
            p = subprocess.run([stopper, "-o", report, *mode, "--", probe, work],
                               stdout=subprocess.PIPE, timeout=60,
                               env=os.environ | {"ASAN_OPTIONS": "detect_leaks=0"})
            self.rc = p.returncode
            self.out = p.stdout.decode().splitlines()
            self.sizes = {n: os.stat(f"{work}/{n}").st_size
                          for n in os.listdir(work)}
            with open(report) as f:
                *calls, self.last = f.read().splitlines()
            self.calls, self.hits = [], []
            for line in calls:
                number, name, *path = line.split(" ", 2)
                path = path[0] if path else ""
                where = "." if path == work else os.path.basename(path)
                self.calls.append(f"{name} {where}")
                if number.startswith("*"):
                    self.hits.append(self.calls[-1])


def main():
    n = failed = 0

    def check(ok, what, run):
        nonlocal n, failed
        n += 1
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {n} - {what}")
        if not ok:
            print(f"# {vars(run)}")

    run = Run("count")
    check(run.rc == 7 and run.out == ["start", "end"], "the command runs", run)
    check([c.replace("linkat", "link").replace("open ", "openat ")
           for c in run.calls] == CALLS, "every change is counted", run)
    check(run.last == "calls 11 hit 0" and not run.hits, "none is hit", run)

    for at, there in ((1, {}), (2, {"main": 0}), (3, {"main": 20}),
                      (5, {"main": 20, "thread": 0}),
                      (8, {"main": 20, "thread": 20, "child": 0}),
                      (10, {"main": 20, "thread": 20, "child": 20})):
        run = Run("kill", str(at))
        check(run.rc == 137 and run.sizes == there and len(run.hits) == 1,
              f"killed before call {at}", run)
    run = Run("kill", "12")
    check(run.rc == 7 and run.last == "calls 11 hit 0", "no call 12", run)

    run = Run("fail", "2", "ENOSPC")
    check(run.out == ["start", "write: ENOSPC", "end"] and run.rc == 7 and
          run.sizes["main"] == 0 and run.sizes["child"] == 20,
          "one write fails and does not happen", run)
    run = Run("fail", "5", "5")
    check("write: EIO" in run.out and run.sizes["thread"] == 0,
          "a write of a thread fails", run)
    run = Run("fail", "8", "EIO")
    check("write: EIO" in run.out and run.sizes["child"] == 0,
          "a write of a child fails", run)
    run = Run("fail", "10", "EPERM", "--persist")
    check("link: EPERM" in run.out and "fsync of the folder: EPERM" in run.out
          and "linked" not in run.sizes, "all from one on fail", run)
    run = Run("--only", "fsync", "fail", "2", "EIO")
    check(run.hits == ["fsync thread"] and run.out == ["start", "fsync: EIO", "end"],
          "only some calls count", run)
    run = Run("--only", "open", "count")
    check("openat null" in run.calls and "openat main" in run.calls,
          "opens of any kind", run)
    run = Run("short", "2")
    check(run.out == ["start", "write: 10 of 20", "end"] and
          run.sizes["thread"] == 10, "a write is cut short", run)
    p = subprocess.run([sys.argv[1], "fail", "1", "ENONSENSE", "true"],
                       stderr=subprocess.PIPE)
    check(p.returncode == 125 and b"ENONSENSE" in p.stderr, "bad usage", run)
    print(f"1..{n}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
