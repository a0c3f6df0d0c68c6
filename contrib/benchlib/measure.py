# SPDX-License-Identifier: BSD-2-Clause
"""One process, measured; and what becomes of many."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from setup import Failed, is_root, say


class Rows(list):
    """All that was measured: dicts with set, run, step, tool, wall and cpu in
    seconds, mib (None: too little to tell), repo in bytes (None: has none),
    rc, ok, and over: it was stopped after wall seconds."""

    def of(self, **want):
        return [row for row in self
                if all(row[key] == value for key, value in want.items())]

    def median(self, what, **want):
        """None where nothing was measured, or anything of it failed."""
        rows = self.of(**want)
        if not rows or not all(row["ok"] for row in rows):
            return None
        values = [row[what] for row in rows]
        return None if None in values else statistics.median(values)

    def over(self, **want):
        """Whether any of it was stopped: what it takes is not known then, but
        that it is more."""
        return any(row["over"] for row in self.of(**want))

    def runs(self, name):
        """How often a set ran, in words."""
        n = max(row["run"] for row in self.of(set=name))
        return f"medians of {n} runs" if n > 1 else "one run"

    def must_be_good(self):
        failed = sum(not row["ok"] for row in self)
        if failed:
            raise Failed(f"{failed} of {len(self)} processes failed: "
                         "see above")


def run(command, env=None, cwd=None, ok=(0,), out=None, limit=None):
    """Run it to its end; its output goes nowhere, or to the file `out`. Its
    peak of memory is that of its largest process. It starts as a copy of this
    program, so that a peak below this program's own does not show. After
    `limit` seconds it is killed: what it took is then more than `wall`, which
    is good too, but `over`."""
    if is_root():
        os.sync()  # what others have written is not charged to this
    with tempfile.TemporaryFile() as errors, \
            open(out or os.devnull, "wb") as output:
        start = time.monotonic()
        p = subprocess.Popen([str(word) for word in command], cwd=cwd, env=env,
                             stdin=subprocess.DEVNULL, stdout=output,
                             stderr=errors)
        timer = threading.Timer(limit or 0, p.kill)
        if limit is not None:
            timer.start()
        try:
            _, status, used = os.wait4(p.pid, 0)
        except BaseException:
            p.kill()
            p.wait()
            raise
        finally:
            timer.cancel()
        wall = time.monotonic() - start
        p.returncode = os.waitstatus_to_exitcode(status)
        over = limit is not None and wall >= limit
        good = over or p.returncode in ok
        if not good:
            errors.seek(0)
            said = errors.read()[-2000:].decode(errors="replace")
            say(f"FAILED with {p.returncode}: "
                f"{' '.join(str(w) for w in command)}\n{said}")
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {"wall": limit if over else wall,
            "cpu": used.ru_utime + used.ru_stime,
            "mib": used.ru_maxrss / 1024 if used.ru_maxrss > own else None,
            "rc": p.returncode, "ok": good, "over": over}


def count(folder):
    """All files below, and their bytes."""
    files = size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            files += 1
            size += os.lstat(os.path.join(path, name)).st_size
    return files, size


def size_of(folder):
    return count(folder)[1]


def show(row):
    """One line as it happens."""
    fate = "" if row["ok"] else f"  FAILED ({row['rc']})"
    fate = "  stopped" if row["over"] else fate
    print(f"{row['set']:5}  run {row['run']}  {row['step']:10} "
          f"{row['tool']:16} {row['wall']:9.3f} s{fate}",
          file=sys.stderr, flush=True)
