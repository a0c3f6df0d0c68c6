# SPDX-License-Identifier: BSD-2-Clause
"""What the lints share: the files of the tree and the way to report."""

import argparse
import os
import sys

SKIP = 77


class Lint:
    """One run of one lint over one tree; counts what is wrong."""

    def __init__(self, doc, add_arguments=None, argv=None):
        p = argparse.ArgumentParser(description=doc)
        here = os.path.dirname(os.path.abspath(__file__))
        p.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
        if add_arguments:
            add_arguments(p)
        self.args = p.parse_args(argv)
        self.root = os.path.abspath(self.args.root)
        self.problems = 0

    def bad(self, path, line, what):
        self.problems += 1
        where = os.path.relpath(path, self.root)
        print(f"{where}:{line}: {what}" if line else f"{where}: {what}")

    def done(self, looked_at):
        """The exit status. A lint that looked at nothing proves nothing."""
        if looked_at == 0:
            print("nothing to look at")
            return 1
        print(f"{looked_at} looked at, {self.problems} problems")
        return 1 if self.problems else 0

    def files(self, folders, endings):
        """Paths below folders of the root, sorted; build trees left out."""
        found = []
        for folder in folders:
            for top, dirs, names in os.walk(os.path.join(self.root, folder)):
                dirs[:] = sorted(d for d in dirs if d != "__pycache__" and
                                 not d.startswith((".", "build")))
                found += [os.path.join(top, n) for n in sorted(names)
                          if n.endswith(endings)]
        return found


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIP)


def read(path):
    with open(path, encoding="utf-8", errors="surrogateescape") as f:
        return f.read()
