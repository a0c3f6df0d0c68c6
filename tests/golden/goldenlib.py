# SPDX-License-Identifier: BSD-2-Clause
"""What the golden tests share: copies of the repository, and varve."""

import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# Another one, made by make_v1.py, can be named while the format changes.
V1 = os.environ.get("GOLDEN_V1", HERE + "/v1")
FOLDERS = ("config", "keys", "packs", "index", "intents", "archives",
           "tombstones", "condemned", "rolls")


def skip_stale():
    """Skip the test while the repository is of a format that has changed."""
    if os.path.exists(V1 + "/STALE"):
        print("1..0 # SKIP the golden repository has to be made anew")
        sys.exit(0)


def passphrase():
    with open(V1 + "/passphrase") as f:
        return f.read().rstrip("\n")


class Scratch:
    """A folder with a copy of the golden repository, and a home of its own."""

    def __init__(self):
        self.top = os.path.realpath(tempfile.mkdtemp(prefix="varve-golden."))
        self.repo = self.top + "/repository"
        shutil.copytree(V1 + "/repository", self.repo)
        for folder in FOLDERS:  # git keeps no empty ones
            os.makedirs(f"{self.repo}/{folder}", exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.top, ignore_errors=True)

    def environment(self, **more):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("VARVE_", "XDG_"))}
        env.update(HOME=self.top, VARVE_BASE_DIR=self.top + "/base",
                   VARVE_PASSPHRASE=passphrase(), TZ="UTC",
                   LC_ALL="C.UTF-8", PYTHONDONTWRITEBYTECODE="1")
        return {**env, **more}

    def run(self, argv, cwd=None, **more):
        return subprocess.run(
            argv, cwd=cwd or self.top, text=True, errors="surrogateescape",
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=self.environment(**more), check=False)

    def varve(self, *args, cwd=None, **more):
        return self.run([os.environ["VARVE"], *args], cwd, **more)

    def reader(self, *args, **more):
        return self.run([sys.executable, HERE + "/reader.py", *args], **more)


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def ok(self, good, name, notes=()):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}")
        for note in () if good else notes[:20]:
            print("# " + str(note).replace("\n", "\n# "))

    def done(self):
        print(f"1..{self.n}")
        return 1 if self.failed else 0
