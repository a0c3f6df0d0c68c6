#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The crash tests pass a correct toy and find each broken one. As TAP;
argument: STOPPER."""

import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
# (what is broken, the test that must find it)
BROKEN = [
    ("archive-first", ["crash.py", "--every", "3", "--modes", "kill", "create, first"]),
    ("in-place", ["crash.py", "--every", "3", "--modes", "kill", "create, second"]),
    ("errors-ignored", ["crash.py", "--modes", "fail", "--every", "3", "create, first"]),
    ("short-writes", ["crash.py", "--modes", "short", "create, first"]),
    ("delete-frees", ["crash.py", "--every", "3", "--modes", "kill", "delete"]),
    ("rename-deletes", ["crash.py", "--every", "3", "--modes", "kill", "rename"]),
    ("key-removed-first", ["crash.py", "--every", "3", "--modes", "kill",
                           "key change-passphrase"]),
    ("reserve-kept", ["fulldisk.py"]),
    ("damage-unseen", ["corrupt.py", "--sample", "1", "shortened"]),
]


def run(bug, argv, stopper):
    env = os.environ | {"VARVE": HERE + "/toy.py", "STOPPER": stopper,
                        "TOY_BUG": bug}
    p = subprocess.run([sys.executable, os.path.join(HERE, argv[0]), *argv[1:]],
                       env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return p.returncode, p.stdout.decode(errors="replace")


def main():
    cases = [("", ["crash.py", "--every", "50", "create, second", "rename"], 0),
             ("", ["corrupt.py", "--sample", "1", "flipped", "shortened"], 0),
             ("", ["fulldisk.py"], 0)]
    cases += [(bug, argv, 1) for bug, argv in BROKEN]
    failed = 0
    for n, (bug, argv, want) in enumerate(cases, 1):
        rc, text = run(bug, argv, os.path.abspath(sys.argv[1]))
        # A breach that is found is a line of TAP, not a traceback.
        if rc == 77:
            print(f"ok {n} - {argv[0]} # SKIP {text.strip()}")
            continue
        ok = rc == want and ("\nnot ok" in "\n" + text) == (want == 1) and \
            "Traceback" not in text
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {n} - {bug or 'sound'}: {argv[0]}")
        if not ok:
            print(f"# exit status {rc}\n# " + text[-3000:].replace("\n", "\n# "))
    print(f"1..{len(cases)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
