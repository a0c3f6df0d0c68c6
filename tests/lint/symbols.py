#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every global symbol of the static libraries starts with vrv_ or varve_, and
every module of src/ that has sources has its library."""

import glob
import os
import subprocess
import sys

from lintlib import Lint

PREFIXES = ("vrv_", "varve_")
# What sanitizers and coverage add.
MADE_BY_COMPILER = ("__odr_asan", "__asan", "__ubsan", "__tsan", "__llvm", "__gcov")


def symbols(archive):
    """[(member, symbol)] of the global definitions in an archive."""
    out = subprocess.run(["nm", "-A", "-g", "--defined-only", "-P", archive],
                         check=True, stdout=subprocess.PIPE).stdout.decode()
    found = []
    for line in out.splitlines():
        member, _, rest = line.partition(": ")
        found.append((member, rest.split()[0]))
    return found


def add_arguments(p):
    p.add_argument("build", help="the build folder")


class Symbols(Lint):
    def run(self):
        archives = sorted(glob.glob(self.args.build + "/src/*/lib*.a"))
        have = {os.path.basename(os.path.dirname(a)) for a in archives}
        for module in sorted(os.listdir(self.root + "/src")):
            if glob.glob(f"{self.root}/src/{module}/*.c") and \
                    module not in have and module != "cli":
                self.bad(f"{self.root}/src/{module}", 0, "has no library")
        n = 0
        for archive in archives:
            for member, symbol in symbols(archive):
                n += 1
                if not symbol.startswith(PREFIXES + MADE_BY_COMPILER) and \
                        symbol != "main":
                    self.bad(archive, 0, f"{member}: {symbol} is global")
        return self.done(n)


if __name__ == "__main__":
    sys.exit(Symbols(__doc__, add_arguments).run())
