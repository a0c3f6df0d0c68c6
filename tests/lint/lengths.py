#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""No function above 100 lines, no file above 900, no line above 80 columns,
and the license first. Tables that say "Generated" in line 2 may be longer."""

import re
import sys

from lintlib import Lint, read

FUNCTION_MAX = 100
FILE_MAX = 900
COLUMNS_MAX = 80
SPDX = "/* SPDX-License-Identifier: BSD-2-Clause */"
NAME = re.compile(r"^(\w+)\(")


def functions(lines):
    """(name, first line, length) of each function: in this style its name and
    both its braces stand in column one."""
    name, start = "?", None
    for n, line in enumerate(lines, 1):
        m = NAME.match(line)
        if m:
            name = m.group(1)
        elif line == "{":
            start = n
        elif line == "}" and start is not None:
            yield name, start, n - start + 1
            start = None


def columns(line):
    return len(line.expandtabs(8))


class Lengths(Lint):
    def file(self, path):
        lines = read(path).splitlines()
        if not lines or lines[0] != SPDX:
            self.bad(path, 1, f"does not start with {SPDX}")
        if len(lines) > 1 and "Generated" in lines[1]:
            return
        if len(lines) > FILE_MAX:
            self.bad(path, len(lines), f"more than {FILE_MAX} lines")
        for n, line in enumerate(lines, 1):
            if columns(line) > COLUMNS_MAX:
                self.bad(path, n, f"{columns(line)} columns")
        for name, start, length in functions(lines):
            if length > FUNCTION_MAX:
                self.bad(path, start, f"{name} has {length} lines")

    def scripts(self):
        """Everything else that is code only names its license."""
        paths = self.files(["tests", "contrib", ".ci"], (".py", ".sh"))
        for path in paths:
            head = read(path).splitlines()[:2]
            if not any("SPDX-License-Identifier: BSD-2-Clause" in h
                       for h in head):
                self.bad(path, 1, "does not name its license in line 1 or 2")
        return len(paths)

    def run(self):
        paths = self.files(["src", "include", "tests"], (".c", ".h"))
        for path in paths:
            self.file(path)
        return self.done(len(paths) + self.scripts())


if __name__ == "__main__":
    sys.exit(Lengths(__doc__).run())
