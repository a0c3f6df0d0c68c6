# SPDX-License-Identifier: BSD-2-Clause
"""The tools that are compared, and the programs that say what is possible.

A tool gives the command for each step and which exit statuses are good: 1 of
varve and borg, 3 of restic are warnings. All work with a passphrase, encrypt,
compress with zstd at about level 3, and use what threads they like."""

import os

from setup import FLOOR, VARVE

PASSPHRASE = "only for this benchmark"
FIND = ["find", ".", "-printf", r"%y %m %U %G %s %T@ %C@ %i %n %p\n"]


def clean_environment():
    """Without settings of the user's own for any of the tools."""
    own = ("VARVE_", "BORG_", "RESTIC_", "XDG_")
    env = {k: v for k, v in os.environ.items() if not k.startswith(own)}
    return dict(env, LC_ALL="C.UTF-8", TZ="UTC")


class Tool:
    name = ""
    packages = ()
    mount_packages = ("fuse3",)
    good = (0,)

    def __init__(self, folder):
        """A client and its repository, both in a new folder of their own."""
        self.folder = folder / self.name
        self.repo = self.folder / "repo"
        self.client = self.folder / "client"
        self.client.mkdir(parents=True)
        self.env = dict(clean_environment(), HOME=str(self.client),
                        **self.variables())

    def variables(self):
        return {}

    def archive(self, name):
        return f"{self.repo}::{name}"

    # Commands; create runs in the tree, extract in the target.
    def version(self):
        return [self.name, "--version"]

    def init(self):
        raise NotImplementedError

    def create(self, name):
        raise NotImplementedError

    def extract(self, name):
        raise NotImplementedError

    def list(self, name):
        raise NotImplementedError

    def check(self):
        raise NotImplementedError

    # In the foreground, and where the root of the archive is then.
    def mount(self, name, point):
        raise NotImplementedError

    def root(self, point):
        return point


class Varve(Tool):
    name = "varve"
    good = (0, 1)
    chunker = None  # what --chunker-params gets

    def variables(self):
        return {"VARVE_BASE_DIR": str(self.client),
                "VARVE_PASSPHRASE": PASSPHRASE}

    def key_file_env(self):
        """An environment in which no key is derived from a passphrase."""
        env = dict(self.env, VARVE_KEY_FILE=str(self.client / "slot"))
        del env["VARVE_PASSPHRASE"]
        return env

    def version(self):
        return [VARVE, "--version"]

    def init(self):
        more = ["--chunker-params", self.chunker] if self.chunker else []
        return [VARVE, "init", *more, self.repo]

    def add_key_file(self):
        return [VARVE, "key", "add", "--key-file", self.client / "slot",
                self.repo]

    def create(self, name):
        return [VARVE, "create", self.archive(name), "."]

    def extract(self, name):
        return [VARVE, "extract", self.archive(name)]

    def list(self, name):
        return [VARVE, "list", self.archive(name)]

    def list_archives(self):
        return [VARVE, "list", self.repo]

    def check(self):
        return [VARVE, "check", "--verify-data", self.repo]

    def mount(self, name, point):
        return [VARVE, "mount", "-f", self.archive(name), point]


class Borg(Tool):
    name = "borg"
    packages = ("borgbackup",)
    mount_packages = ("fuse3", "python3-pyfuse3")
    good = (0, 1)

    def variables(self):
        return {"BORG_BASE_DIR": str(self.client),
                "BORG_PASSPHRASE": PASSPHRASE}

    def init(self):
        return ["borg", "init", "-e", "repokey-blake2", self.repo]

    def create(self, name):
        return ["borg", "create", "-C", "zstd,3", self.archive(name), "."]

    def extract(self, name):
        return ["borg", "extract", self.archive(name)]

    def list(self, name):
        return ["borg", "list", self.archive(name)]

    def check(self):
        return ["borg", "check", "--verify-data", self.repo]

    def mount(self, name, point):
        return ["borg", "mount", "-f", self.archive(name), point]


class Restic(Tool):
    name = "restic"
    packages = ("restic",)

    def variables(self):
        return {"RESTIC_CACHE_DIR": str(self.client),
                "RESTIC_PASSWORD": PASSPHRASE,
                "RESTIC_REPOSITORY": str(self.repo)}

    def version(self):
        return ["restic", "version"]

    def init(self):
        return ["restic", "init", "-q", "--repository-version", "2"]

    def create(self, name):
        return ["restic", "backup", "-q", "--tag", name, "."]

    def extract(self, name):
        return ["restic", "restore", "-q", "--tag", name, "latest",
                "--target", "."]

    def list(self, name):
        return ["restic", "ls", "-q", "--tag", name, "latest"]

    def check(self):
        return ["restic", "check", "-q", "--read-data"]

    def mount(self, name, point):
        return ["restic", "mount", "-q", "--tag", name, point]

    def root(self, point):
        return point / "snapshots" / "latest"


TOOLS = {tool.name: tool for tool in (Varve, Borg, Restic)}


def floor(tree, out, verify):
    return [FLOOR, *(["-v"] if verify else []), tree, out]
