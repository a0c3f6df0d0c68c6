#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""No known misspelling, and American spelling, by codespell."""

import os
import shutil
import subprocess
import sys

from lintlib import Lint, skip

FOLDERS = ["src", "include", "man", "tests", "contrib", "README.md"]
# Words that are meant: names of the C library and of this field.
# Also what stands behind the letter of an escape: "\nNumber", "\tring".
MEANT = ("ro,fo,inout,ans,te,nd,ba,caf,statics,cancelled,crypted,nnumber,"
         "tring")


class Spelling(Lint):
    def run(self):
        if shutil.which("codespell") is None:
            skip("no codespell")
        folders = [f for f in FOLDERS
                   if os.path.exists(os.path.join(self.root, f))]
        p = subprocess.run(
            ["codespell", "--builtin", "clear,rare,en-GB_to_en-US",
             "--skip", "*/build*,*.bin,*/golden/*,*/corpus/*",
             "--ignore-words-list", MEANT, *folders],
            cwd=self.root, stdout=subprocess.PIPE)
        for line in p.stdout.decode(errors="replace").splitlines():
            self.problems += 1
            print(line)
        return self.done(len(folders))


if __name__ == "__main__":
    sys.exit(Spelling(__doc__).run())
