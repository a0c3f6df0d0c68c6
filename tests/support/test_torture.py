#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The torture tree is the same for the same seed, another for another one,
holds what it says, and can be removed. As TAP."""

import contextlib
import io
import os
import stat
import sys
import tempfile

import compare
import torture
from test_compare import Tap


def make(path, seed):
    notes = io.StringIO()
    with contextlib.redirect_stderr(notes):
        rc = torture.main([path, "--seed", str(seed)])
    print("# " + notes.getvalue().strip().replace("\n", "\n# "))
    return rc


def compared(a, b):
    out = io.StringIO()
    return compare.main([a, b], out), out.getvalue()


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="varve-torture-") as top:
        a, b = top + "/a", top + "/b"
        tap.check(make(a, 1) == 0 and make(b, 1) == 0, "two trees are made")
        rc, text = compared(a, b)
        tap.check(rc == 0, "of one seed, they are equal", text)
        tap.check(torture.main([a]) == 2, "a tree is not made over another")
        kinds = {stat.S_IFMT(os.lstat(os.path.join(d, n)).st_mode)
                 for d, dirs, files in os.walk(a) for n in dirs + files
                 if len(d) < 3000}
        tap.check({stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK, stat.S_IFIFO}
                  <= kinds, "kinds of files")
        tap.check(os.stat(a + "/sparse/empty-1T").st_size == 1 << 40 and
                  os.stat(a + "/sparse/empty-1T").st_blocks == 0,
                  "a file of 1 TiB without data")
        for d in (a, b):
            torture.main([d, "--clean"])
        tap.check(os.listdir(top) == [], "and they are removed")
        make(a, 1)
        make(b, 2)
        rc, text = compared(a, b)
        tap.check(rc == 1, "another seed makes another tree", text)
        for d in (a, b):
            torture.main([d, "--clean"])
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
