#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The C sources are as clang-format 14 leaves them, but for tables of test
vectors. --fix makes them so."""

import shutil
import subprocess
import sys

from lintlib import Lint, read, skip

VERSION = "14"


def find():
    for name in ("clang-format-" + VERSION, "clang-format"):
        path = shutil.which(name)
        if path is None:
            continue
        p = subprocess.run([path, "--version"], stdout=subprocess.PIPE)
        if f"version {VERSION}." in p.stdout.decode():
            return path
    return None


def add_arguments(p):
    p.add_argument("--fix", action="store_true", help="format in place")


class Format(Lint):
    def run(self):
        tool = find()
        if tool is None:
            skip(f"no clang-format {VERSION}: others format differently")
        paths = self.files(["src", "include", "tests"], (".c", ".h"))
        for path in paths:
            if path.endswith("_vectors.h"):
                continue
            p = subprocess.run([tool, "--style=file", path],
                               stdout=subprocess.PIPE, check=True)
            want = p.stdout.decode("utf-8", "surrogateescape")
            have = read(path)
            if want == have:
                continue
            if self.args.fix:
                subprocess.run([tool, "--style=file", "-i", path], check=True)
                continue
            lines = have.splitlines(), want.splitlines()
            first = next((i for i, (a, b) in enumerate(zip(*lines), 1)
                          if a != b), 1)
            self.bad(path, first, "differs from clang-format from here on "
                     "(tests/lint/format.py --fix)")
        return self.done(len(paths))


if __name__ == "__main__":
    sys.exit(Format(__doc__, add_arguments).run())
