#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The man pages are clean, there is one for each command, and each has the
options that `varve CMD --help` has."""

import glob
import os
import re
import shutil
import subprocess
import sys

from lintlib import Lint, read, skip

OPTION = re.compile(r"(?<![\w-])(--[a-z][a-z0-9-]*|-[A-Za-z0-9])(?![\w-])")
COMMAND = re.compile(r'^\s+\.name = "([a-z -]+)"', re.M)
XREF = re.compile(r"referenced manual not found: Xr (\S+) (\d)")


def page_options(path):
    """The options that a page has as items of a list: `.It Fl n , Fl Fl dry-run`
    or `.It Fl -dry-run`."""
    found = set()
    for line in read(path).splitlines():
        if not line.startswith(".It "):
            continue
        words = line.split()[1:]
        for i, word in enumerate(words):
            if word != "Fl" or (i > 0 and words[i - 1] == "Fl"):
                continue
            rest = words[i + 1:]
            long = rest[:1] == ["Fl"]
            name = (rest[1:2] if long else rest[:1]) or [""]
            name = name[0].replace("\\-", "-").split("=")[0]
            if name:
                found.add("-" + ("-" if long else "") + name)
    return found


def help_options(text):
    """The options that a help text lists: those at the start of a line."""
    found = set()
    for line in text.splitlines():
        m = re.match(r"\s+(-\S.*?)(?:\s{2,}|$)", line)
        if m:
            found |= set(OPTION.findall(m.group(1)))
    return found


def add_arguments(p):
    p.add_argument("--varve", help="the binary whose help is compared")


class ManPages(Lint):
    def lint(self, path):
        p = subprocess.run(["mandoc", "-Tlint", "-Wstyle", path],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for line in p.stdout.decode(errors="replace").splitlines():
            if "outdated mandoc.db" in line:
                continue  # of this machine
            xref = XREF.search(line)
            if xref and os.path.exists(f"{self.root}/man/%s.%s" % xref.groups()):
                continue  # not installed, but here
            if xref and not xref.group(1).startswith("varve"):
                continue  # whether this machine has it says nothing
            self.bad(path, 0, line.split(":", 2)[-1].strip())

    def help_of(self, page, command):
        """The options that the help of a command shows."""
        p = subprocess.run([self.args.varve, *command.split(), "--help"],
                           stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if p.returncode != 0:
            self.bad(page, 0, f"varve {command} --help: exit status "
                     f"{p.returncode}")
        return help_options(p.stdout.decode(errors="replace"))

    def command(self, source):
        """The page of src/cli/cmd_NAME.c covers each command defined there:
        `key` is several."""
        name = os.path.basename(source)[4:-2].replace("_", "-")
        page = f"{self.root}/man/varve-{name}.1"
        if not os.path.exists(page):
            self.bad(page, 0, "is missing")
            return
        if not self.args.varve:
            return
        main = f"{self.root}/man/varve.1"
        common = page_options(main) if os.path.exists(main) else set()
        documented = page_options(page)
        shown = set()
        for command in COMMAND.findall(read(source)) or [name]:
            shown |= self.help_of(page, command)
        for option in sorted(shown - documented - common):
            self.bad(page, 0, f"lacks {option} of varve {name} --help")
        for option in sorted(documented - shown - common):
            self.bad(page, 0, f"has {option}, which varve {name} --help lacks")

    def run(self):
        commands = glob.glob(self.root + "/src/cli/cmd_*.c")
        pages = [p for p in sorted(glob.glob(self.root + "/man/*"))
                 if re.search(r"\.[1-8]$", p)]
        if not pages and not commands:
            skip("no man pages and no commands yet")
        if shutil.which("mandoc") is None:
            skip("no mandoc")
        for page in pages:
            self.lint(page)
        for source in sorted(commands):
            self.command(source)
        return self.done(len(pages) + len(commands))


if __name__ == "__main__":
    sys.exit(ManPages(__doc__, add_arguments).run())
