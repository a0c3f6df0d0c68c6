#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Every file that a client keeps, damaged in every way: create, list, extract,
info and check say the same as before, at most slower. None crashes, hangs,
writes through a link or calls the repository damaged."""

import glob
import os
import shutil
import subprocess
import sys
import tempfile

VARVE = os.environ["VARVE"]
HANG = 60  # seconds; only a hang takes so long
NOBODY = 65534

# Files by what they are for: pattern below the client's directory.
FILES = {
    "archives": "cache/*/archives",
    "trees": "cache/*/trees-*",
    "index list": "cache/*/index/current",
    "index lock": "cache/*/index/lock",
    "index run": "cache/*/index/run-*",
    "catalog": "cache/*/catalog.db",
    "catalog log": "cache/*/catalog.db-wal",
    "lost packs": "cache/*/lost",
    "lock of lost packs": "cache/*/lost.lock",
    "state": "state/*-" + 16 * "?",
    "state before": "state/*.old",
    "place": "state/" + 32 * "[0-9a-f]",
    "state lock": "state/lock",
    "ledger": "state/ledger-*.db",
    "cache directory": "cache/[0-9a-f]*",
    "index directory": "cache/*/index",
    "caches": "cache",
    "state directory": "state",
}
# What this client remembers of a repository is no cache: that it is lost is a
# warning, with exit status 1.
MEMORY = ["state", "state before", "place", "state lock", "state directory"]
# This one says that another repository was here, which must not be believed
# away: 60.
REPLACED = ("place", "of another repository")
# Damage that is one of directories only.
FOR_DIRS = ["file", "symlink", "fifo", "unreadable", "writable by all"]


class Test:
    n = failed = 0

    def ok(self, good, name, why=""):
        self.n += 1
        self.failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}", flush=True)
        if not good:
            print("".join(f"# {line}\n" for line in why.splitlines()), end="")


# --- damage ---

def rewrite(path, change):
    with open(path, "r+b") as f:
        data = bytearray(f.read())
        change(data)
        f.seek(0)
        f.truncate()
        f.write(data)


def flip(at):
    def change(data):
        if data:
            data[int(at * (len(data) - 1))] ^= 4
    return lambda path, other: rewrite(path, change)


def cut(part):
    def change(data):
        del data[int(part * len(data)):]
    return lambda path, other: rewrite(path, change)


def older(data):
    """Another version stands at the end of the first eight bytes."""
    if len(data) > 8:
        data[7] ^= 0x40


def replace(make):
    def damage(path, other):
        if os.path.isdir(path):
            shutil.rmtree(path)
        else:
            os.unlink(path)
        make(path)
    return damage


def swap(path, other):
    shutil.copyfile(other, path)


def put_file(path):
    with open(path, "wb") as f:
        f.write(b"in the way")


def put_directory(path):
    os.mkdir(path, 0o700)
    put_file(os.path.join(path, "thing"))


DAMAGE = {
    "empty": cut(0),
    "one byte": lambda path, other: rewrite(
        path, lambda data: data.__delitem__(slice(1, None))),
    "cut": cut(0.5),
    "cut at the end": cut(0.97),
    "first bit": flip(0),
    "bit in the middle": flip(0.5),
    "last bit": flip(1),
    "older": lambda path, other: rewrite(path, older),
    "of another repository": swap,
    "unreadable": lambda path, other: os.chmod(path, 0),
    "writable by all": lambda path, other: os.chmod(path, 0o777),
    "file": replace(put_file),
    "directory": replace(put_directory),
    "symlink": replace(lambda path: os.symlink("VICTIM", path)),
    "fifo": replace(lambda path: os.mkfifo(path, 0o600)),
}


# --- the program ---

class Client:
    """A directory with everything that varve keeps of its own."""

    def __init__(self, path):
        self.path = path
        self.n = 0

    def run(self, *args, cwd=None):
        env = dict(os.environ, TZ="UTC", LC_ALL="C.UTF-8", HOME=self.path,
                   VARVE_PASSPHRASE="a passphrase",
                   VARVE_KEY_FILE=os.path.join(os.path.dirname(self.path),
                                               "key"),
                   VARVE_CACHE_DIR=os.path.join(self.path, "cache"),
                   VARVE_STATE_DIR=os.path.join(self.path, "state"),
                   VARVE_KEYS_DIR=os.path.join(self.path, "keys"))
        try:
            p = subprocess.run([VARVE, *args], env=env, text=True,
                               stdin=subprocess.DEVNULL, capture_output=True,
                               timeout=HANG, check=False, cwd=cwd)
        except subprocess.TimeoutExpired:
            return None, "", f"{args[0]} hangs"
        return p.returncode, p.stdout, p.stderr

    def find(self, pattern):
        found = sorted(glob.glob(os.path.join(self.path, pattern)))
        return found[0] if found else None


def thaw(path):
    """Make everything removable."""
    for name, dirs, _ in os.walk(path):
        for d in dirs:
            if not os.path.islink(os.path.join(name, d)):
                os.chmod(os.path.join(name, d), 0o700)


def restore(saved, to):
    thaw(os.path.dirname(to))
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(saved, to, symlinks=True)


def contents(path):
    found = {}
    for name, _, files in os.walk(path):
        for f in files:
            full = os.path.join(name, f)
            with open(full, "rb") as g:
                found[os.path.relpath(full, path)] = g.read()
    return found


def numbers(info):
    """What info says of the repository, without where things lie."""
    return [line for line in info.splitlines()
            if line.startswith(("Archives:", "All archives", "Packs:",
                                "Chunks:"))]


class World:
    def __init__(self, top):
        self.top = top
        self.repo = os.path.join(top, "repo")
        self.src = os.path.join(top, "src")
        self.victim = os.path.join(top, "VICTIM")
        self.names = []
        self.uses = 0

    def put(self, name, data):
        path = os.path.join(self.src, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(data)

    def use(self, client, what, thorough=False, fine=(0,)):
        """One use of each command, whose status must be in `fine`; a list of
        what is wrong. What takes long is done each time if `thorough`, else
        at times."""
        wrong = []

        def run(*args, cwd=None):
            status, out, err = client.run(*args, cwd=cwd)
            if status not in fine:
                wrong.append(f"{what}: {args[0]}: {status}: {err}")
            elif args[0] == "create":
                self.names.append(name)
            return out

        name = f"a{self.uses}"
        self.uses += 1
        self.put("dir/changing", name.encode() * 3)
        run("create", f"{self.repo}::{name}", "src", cwd=self.top)
        listed = run("list", "--short", self.repo).split()
        if listed != self.names:
            wrong.append(f"{what}: list: {listed}")
        target = os.path.join(self.top, "target")
        os.mkdir(target)
        run("extract", f"{self.repo}::{name}", cwd=target)
        got = contents(os.path.join(target, "src"))
        if got != contents(self.src):
            wrong.append(f"{what}: extract: {sorted(got)}")
        shutil.rmtree(target)
        told = numbers(run("info", self.repo))
        if not thorough and self.uses % 8 != 1:
            return wrong
        fresh = Client(os.path.join(self.top, "fresh"))
        status, out, err = fresh.run("info", self.repo)
        if status != 0 or told != numbers(out) or len(told) < 4:
            wrong.append(f"{what}: info: {told}, not {out} {err}")
        run("check", self.repo)
        return wrong


def cases():
    for what in sys.argv[1:] or FILES:
        for how in DAMAGE:
            is_dir = what.endswith("directory") or what == "caches"
            if (how in FOR_DIRS if is_dir else
                    how not in ("file", "writable by all")):
                yield what, how


def main():
    test = Test()
    top = tempfile.mkdtemp(prefix="varve-client-")
    try:
        if os.geteuid() == 0:
            foreign(test, os.path.join(top, "root"))
            shutil.rmtree(os.path.join(top, "root"))
            # For root nothing is unreadable.
            os.chown(top, NOBODY, NOBODY)
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        if not os.access(VARVE, os.X_OK):
            print("1..0 # SKIP an ordinary user cannot run the program")
            return 0
        work(test, top)
    finally:
        thaw(top)
        shutil.rmtree(top, ignore_errors=True)
    print(f"1..{test.n}")
    return test.failed != 0


def foreign(test, top):
    """The cache of another user: one note, and root writes nothing there."""
    os.mkdir(top)
    world, client = World(top), Client(os.path.join(top, "client"))
    os.mkdir(client.path)
    world.put("file", b"some bytes")
    for args in (("init", world.repo),
                 ("key", "add", "--key-file", os.path.join(top, "key"),
                  world.repo)):
        status, _, err = client.run(*args)
        assert status == 0, err
    wrong = world.use(client, "before", True)
    cache = client.find(FILES["caches"])
    for name, dirs, files in os.walk(cache):
        for f in [".", *dirs, *files]:
            os.chown(os.path.join(name, f), NOBODY, NOBODY)
    before = contents(cache)
    wrong += world.use(client, "foreign", True)
    test.ok(not wrong and contents(cache) == before,
            "another user's cache is left alone", "\n".join(wrong))
    _, _, err = client.run("list", world.repo)
    test.ok(err.count("cache directory") == 1, "that is one note", err)


def work(test, top):
    world = World(top)
    client = Client(os.path.join(top, "client"))
    other = Client(os.path.join(top, "other"))
    saved = os.path.join(top, "saved")
    os.umask(0o077)
    for i in range(6):
        world.put(f"dir{i}/file", f"{i}".encode() * 5000)
    for c, repo in ((client, world.repo), (other, world.repo + "2")):
        os.mkdir(c.path)
        status, _, err = c.run("init", repo)
        assert status == 0, err
        key = os.path.join(top, "key")
        if os.path.exists(key):
            os.rename(key, key + "1")
        status, _, err = c.run("key", "add", "--key-file", key, repo)
        assert status == 0, err
        names, world.names = world.names, []
        repo, world.repo = world.repo, repo
        wrong = world.use(c, "before", True)
        test.ok(not wrong, "before", "\n".join(wrong))
        shutil.rmtree(os.path.join(top, "fresh"), ignore_errors=True)
        world.repo = repo
        if c is client:
            names = world.names
        world.names = names
    os.rename(key + "1", key)
    shutil.copytree(client.path, saved)

    for what, how in cases():
        restore(saved, client.path)
        with open(world.victim, "wb") as f:
            f.write(b"mine")
        path = client.find(FILES[what])
        if path is None:
            test.ok(False, f"{what}: {how}", "no such file")
            continue
        DAMAGE[how](path, other.find(FILES[what]))
        if os.path.islink(path):
            os.unlink(path)
            os.symlink(world.victim, path)
        if (what, how) == REPLACED:
            status, _, err = client.run("list", world.repo)
            wrong = [] if status == 60 else [f"{status}: {err}"]
        else:
            wrong = world.use(client, how, what == "index run",
                              (0, 1) if what in MEMORY else (0,))
        with open(world.victim, "rb") as f:
            if f.read() != b"mine":
                wrong.append("the target of the link was written to")
        test.ok(not wrong, f"{what}: {how}", "\n".join(wrong))
    restore(saved, client.path)
    left = [os.path.join(client.find(FILES[d]), f".varve-{32 * 'a'}.tmp")
            for d in ("cache directory", "index directory")]
    for path in left:
        put_file(path)
    wrong = world.use(client, "temporary files")
    test.ok(not wrong and not any(map(os.path.exists, left)),
            "temporary files of killed processes go", "\n".join(wrong))
    shutil.rmtree(os.path.join(top, "fresh"))
    wrong = world.use(Client(os.path.join(top, "fresh")), "fresh")
    test.ok(not wrong, "a fresh client", "\n".join(wrong))


if __name__ == "__main__":
    sys.exit(main())
