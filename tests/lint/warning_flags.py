#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The warnings that meson.build asks for are on the command line of every
source: a misspelled flag is dropped silently by meson."""

import json
import os
import re
import shlex
import subprocess
import sys

from lintlib import Lint, read

ALWAYS = ["-Wall", "-Wextra"]
CONVERSION = ("format", "pack", "index", "crypto", "codec")


def wanted(meson_build, is_gcc):
    """The flags that meson.build names, from its own text."""
    text = read(meson_build)
    flags = list(ALWAYS)
    for start, gcc_only in (("warnings = [", False), ("warnings += [", True)):
        at = text.index(start)
        block = text[at:text.index("]", at)]
        if is_gcc or not gcc_only:
            flags += re.findall(r"'(-W[^']+)'", block)
    return flags


def is_gcc(compiler):
    p = subprocess.run([compiler, "--version"], stdout=subprocess.PIPE)
    return b"Free Software Foundation" in p.stdout


def add_arguments(p):
    p.add_argument("build", help="the build folder")


class Warnings(Lint):
    def run(self):
        with open(self.args.build + "/compile_commands.json") as f:
            commands = json.load(f)
        n = 0
        for entry in commands:
            path = os.path.join(entry["directory"], entry["file"])
            parts = os.path.relpath(path, self.root).split(os.sep)
            if parts[0] != "src" or not path.endswith(".c"):
                continue
            n += 1
            words = shlex.split(entry["command"])
            compiler = next(w for w in words if "ccache" not in w)
            flags = wanted(self.root + "/meson.build", is_gcc(compiler))
            if parts[1] in CONVERSION:
                flags.append("-Wconversion")
            missing = [f for f in flags if f not in words]
            if missing:
                self.bad(path, 0, "compiled without " + " ".join(missing))
        return self.done(n)


if __name__ == "__main__":
    sys.exit(Warnings(__doc__, add_arguments).run())
