#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""varve-internals(7) has the layers that the includes are tested against: a
row for each module with what it may include and its outside headers, and a
line on what it does."""

import os
import re
import sys

import layers
from lintlib import Lint, read

PAGE = "man/varve-internals.7"
ROW = re.compile(r"^\.It ([a-z]+) Ta (.*) Ta (.*)$")
LINE = re.compile(r"^\.It Sy ([a-z , ]+)$")


def words(cell):
    return set() if cell == "\\-" else set(cell.split())


class LayerTable(Lint):
    def modules(self):
        """Those that exist; the table of layers also has some to come."""
        src = os.path.join(self.root, "src")
        return [m for m in sorted(os.listdir(src))
                if os.path.isdir(os.path.join(src, m))]

    def may_include(self, module, there):
        uses = layers.MODULES.get(module, "")
        return {"all"} if uses == "*" else set(uses.split()) & set(there)

    def outside(self, module):
        """The headers of libraries that its files include."""
        found = set()
        for path in self.files([f"src/{module}"], (".c", ".h")):
            for line in read(path).splitlines():
                include = layers.INCLUDE.match(line)
                name = layers.NAME.match(include.group(1)) if include else None
                header = name.group(1) if name else None
                if header and not (header in layers.SYSTEM or
                                   header.startswith(layers.SYSTEM_PREFIXES) or
                                   header.startswith("varve/")):
                    found.add(header)
        return found

    def compare(self, line, module, what, page, tree):
        for word in sorted(tree - page):
            self.bad(self.page, line, f"{module}: {what} lack {word}")
        for word in sorted(page - tree):
            self.bad(self.page, line, f"{module}: {what} have {word}, wrongly")

    def run(self):
        self.page = os.path.join(self.root, PAGE)
        there = self.modules()
        rows, told = {}, set()
        for n, line in enumerate(read(self.page).splitlines(), 1):
            row, does = ROW.match(line), LINE.match(line)
            if row:
                rows[row.group(1)] = (n, *map(words, row.groups()[1:]))
            elif does:
                told |= set(does.group(1).replace(" , ", " ").split())
        for module in there:
            if module not in rows:
                self.bad(self.page, 0, f"{module} has no row")
                continue
            n, uses, outside = rows[module]
            self.compare(n, module, "modules", uses,
                         self.may_include(module, there))
            self.compare(n, module, "outside headers", outside,
                         self.outside(module))
            if module not in told:
                self.bad(self.page, n, f"{module}: nothing tells what it does")
        for module in sorted(set(rows) - set(there)):
            self.bad(self.page, rows[module][0], f"there is no module {module}")
        return self.done(len(there))


if __name__ == "__main__":
    sys.exit(LayerTable(__doc__).run())
