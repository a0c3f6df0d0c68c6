#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The shell completes every command, and for each the options that its help
shows, no others."""

import re
import shutil
import subprocess
import sys

from lintlib import Lint, skip

SCRIPT = "contrib/completions/varve.bash"
COMMAND = re.compile(r"^  ([a-z][a-z -]*?)\s{2,}", re.M)
OPTION = re.compile(r"^\s+(?:-\w, )?(--[a-z][a-z-]*)", re.M)
COMPLETE = """source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _varve
printf '%s\\n' "${COMPREPLY[@]}"
"""


def add_arguments(p):
    p.add_argument("--varve", help="the binary whose help is compared")


class Completions(Lint):
    def ask(self, *words):
        p = subprocess.run([self.args.varve, *words], stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT)
        return p.stdout.decode(errors="replace")

    def complete(self, *words):
        """What the shell offers for the last of the words."""
        p = subprocess.run(
            ["bash", "-c", COMPLETE, "bash", f"{self.root}/{SCRIPT}",
             self.args.varve, *words],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return set(p.stdout.decode(errors="replace").split())

    def compare(self, where, offered, wanted):
        for word in sorted(wanted - offered):
            self.bad(f"{self.root}/{SCRIPT}", 0, f"{where} lacks {word}")
        for word in sorted(offered - wanted):
            self.bad(f"{self.root}/{SCRIPT}", 0, f"{where} offers {word}")

    def run(self):
        if not self.args.varve:
            skip("no varve to ask")
        if shutil.which("bash") is None:
            skip("no bash")
        commands = COMMAND.findall(self.ask("help"))
        common = set(OPTION.findall(self.ask("help")))
        self.compare("varve", self.complete(""),
                     common | {c.split()[0] for c in commands})
        groups = {c.split()[0] for c in commands if " " in c}
        for group in sorted(groups):
            self.compare(group, self.complete(group, ""), common | {
                c.split()[1] for c in commands if c.startswith(group + " ")})
        for command in commands:
            words = command.split()
            self.compare(command, self.complete(*words, "--"),
                         set(OPTION.findall(self.ask(*words, "--help"))))
        return self.done(len(commands))


if __name__ == "__main__":
    sys.exit(Completions(__doc__, add_arguments).run())
