# SPDX-License-Identifier: BSD-2-Clause
"""For tests of JSON: runs the program, which VARVE names, in a scratch
directory, and reads what it writes."""

import json
import os
import subprocess

VARVE = os.environ["VARVE"].encode()


class Test:
    n = failed = 0

    def __init__(self, top):
        self.top = top
        self.env = {**os.environb, b"VARVE_BASE_DIR": os.fsencode(top + "/home"),
                    b"VARVE_PASSPHRASE": b"a passphrase", b"TZ": b"UTC"}
        for name in list(self.env):
            if name.startswith((b"VARVE_", b"XDG_")) and name not in (
                    b"VARVE_BASE_DIR", b"VARVE_PASSPHRASE"):
                del self.env[name]

    def run(self, *args):
        words = [a if isinstance(a, bytes) else a.encode() for a in args]
        return subprocess.run([VARVE, *words], cwd=self.top, env=self.env,
                              stdin=subprocess.DEVNULL, capture_output=True)

    def lines(self, *args, stream="stdout"):
        p = self.run(*args)
        return [json.loads(line) for line in getattr(p, stream).splitlines()]

    def one(self, *args):
        return json.loads(self.run(*args).stdout)

    def is_equal(self, got, wanted, name):
        self.n += 1
        self.failed += got != wanted
        print(f"{'ok' if got == wanted else 'not ok'} {self.n} - {name}",
              flush=True)
        if got != wanted:
            print(f"# got {got!r}\n# wanted {wanted!r}")
