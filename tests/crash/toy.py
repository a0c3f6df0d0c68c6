#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A toy with varve's command line, for testing the crash tests themselves: a
correct store of tar files, or with TOY_BUG one that breaks a promise. An
object is its bytes and a checksum; an archive names its pack."""

import errno
import hashlib
import io
import os
import sys
import tarfile
import tempfile
import uuid

BUG = os.environ.get("TOY_BUG", "")
KINDS = ("keys", "packs", "archives", "tombstones")


class Failure(Exception):
    def __init__(self, rc, text):
        super().__init__(text)
        self.rc = rc


def failure(what, error):
    if error.errno != errno.ENOSPC:
        return Failure(2, f"{what}: {error.strerror}")
    return Failure(14, f"{what}: {error.strerror}; all archives are intact")


def digest(data):
    return hashlib.sha256(data).digest()


class Repo:
    def __init__(self, path):
        self.path = path

    def put(self, name, data):
        """Whole or not at all, unless the bug says otherwise."""
        data += digest(data)
        target = f"{self.path}/{name}"
        if BUG == "in-place":
            with open(target, "wb") as f:
                f.write(data)
            return
        try:
            fd, tmp = tempfile.mkstemp(dir=self.path + "/tmp")
            try:
                done = 0
                while done < len(data):
                    done += os.write(fd, data[done:])
                    if BUG == "short-writes":
                        break
                os.fsync(fd)
            finally:
                os.close(fd)
            os.link(tmp, target)
            os.unlink(tmp)
            folder = os.open(os.path.dirname(target), os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)
        except OSError as e:
            if BUG != "errors-ignored":
                raise failure(name, e) from e

    def reserve(self):
        """Space that a deletion can have when there is no other."""
        path = self.path + "/reserve"
        if not os.path.exists(path):
            with open(path, "wb") as f:
                f.write(os.urandom(1 << 20))

    def get(self, name):
        with open(f"{self.path}/{name}", "rb") as f:
            data = f.read()
        data, have = data[:-32], data[-32:]
        if digest(data) != have and BUG != "damage-unseen":
            raise Failure(90, f"{name}: damaged")
        return data

    def list(self, kind):
        return sorted(os.listdir(f"{self.path}/{kind}"))

    def archives(self):
        """{name: (object, pack)}; the highest revision counts."""
        gone = {self.get("tombstones/" + n).decode()
                for n in self.list("tombstones")}
        found = {}
        for n in self.list("archives"):
            ident, revision, name, pack = \
                self.get("archives/" + n).decode().split("\n")
            if ident not in gone:
                found.setdefault(ident, {})[int(revision)] = (name, n, pack)
        newest = [(i, r[max(r)], max(r)) for i, r in found.items()]
        return {name: (i, pack, revision, n)
                for i, (name, n, pack), revision in newest}

    def open(self):
        word = digest(os.environ["VARVE_PASSPHRASE"].encode())
        if not os.path.exists(self.path + "/ready"):
            raise Failure(13, f"{self.path}: no repository")
        if not any(self.get("keys/" + n) == word for n in self.list("keys")):
            raise Failure(52, f"{self.path}: wrong passphrase")

    def add_key(self, passphrase):
        name = "keys/" + uuid.uuid4().hex
        self.put(name, digest(passphrase.encode()))
        return name


def init(path):
    repo = Repo(path)
    if os.path.exists(path + "/ready"):
        raise Failure(10, f"{path}: is a repository")
    try:
        for kind in KINDS + ("tmp",):
            os.makedirs(f"{path}/{kind}", exist_ok=True)
        repo.reserve()
        repo.add_key(os.environ["VARVE_PASSPHRASE"])
        with open(path + "/ready", "w"):
            pass
    except OSError as e:
        raise failure(f"repository {path}", e) from e


def find(repo, name):
    archives = repo.archives()
    if name not in archives:
        raise Failure(31, f"no archive {name}")
    return archives[name]


def create(repo, name):
    if name in repo.archives():
        raise Failure(30, f"archive {name} exists")
    out = io.BytesIO()
    try:
        with tarfile.open(fileobj=out, mode="w",
                          format=tarfile.PAX_FORMAT) as tar:
            tar.add(".")
    except OSError as e:
        raise Failure(2, f"packs/: {e}") from e
    data = out.getvalue()
    pack = "packs/" + hashlib.sha256(data).hexdigest()[:32]
    record = f"{uuid.uuid4().hex}\n0\n{name}\n{pack}".encode()
    if BUG == "archive-first":
        repo.put("archives/" + uuid.uuid4().hex, record)
    if not os.path.exists(f"{repo.path}/{pack}"):
        repo.put(pack, data)
    if BUG != "archive-first":
        repo.put("archives/" + uuid.uuid4().hex, record)
    repo.reserve()


def extract(repo, name):
    data = repo.get(find(repo, name)[1])
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        tar.extractall(".")
        # tarfile rounds times, and knows no holes.
        for member in tar:
            os.utime(member.name, ns=(0, 1_500_000_000_000_000_123),
                     follow_symlinks=False)
    if os.path.exists("hole"):
        with open("hole", "r+b") as f:
            f.truncate(0)
            f.write(b"begin")
            f.seek(1 << 20)
            f.write(b"end")
        os.utime("hole", ns=(0, 1_500_000_000_000_000_123))


def delete(repo, name):
    ident, pack, _, n = find(repo, name)
    if BUG == "delete-frees":
        for victim in repo.list("packs"):
            os.unlink(f"{repo.path}/packs/{victim}")
    name = "tombstones/" + uuid.uuid4().hex
    try:
        repo.put(name, ident.encode())
    except Failure as e:
        if e.rc != 14 or BUG == "reserve-kept":
            raise
        os.unlink(repo.path + "/reserve")
        repo.put(name, ident.encode())


def rename(repo, old, new):
    ident, pack, revision, n = find(repo, old)
    if BUG == "rename-deletes":
        os.unlink(f"{repo.path}/archives/{n}")
    repo.put("archives/" + uuid.uuid4().hex,
             f"{ident}\n{revision + 1}\n{new}\n{pack}".encode())


def check(repo):
    bad = []
    for kind in KINDS:
        for n in repo.list(kind):
            try:
                repo.get(f"{kind}/{n}")
            except Failure as e:
                bad.append(str(e))
    if not bad:
        bad = [f"{pack} is missing (archives/{n})"
               for _, pack, _, n in repo.archives().values()
               if not os.path.exists(f"{repo.path}/{pack}")]
    if bad:
        raise Failure(90, "\n".join(bad))


def key(repo, action, rest):
    if action == "add":
        repo.add_key(os.environ["VARVE_NEW_PASSPHRASE"])
    elif action == "remove":
        if rest[0] not in repo.list("keys"):
            raise Failure(44, f"no key {rest[0]}")
        os.unlink(f"{repo.path}/keys/{rest[0]}")
    else:
        word = digest(os.environ["VARVE_PASSPHRASE"].encode())
        old = [n for n in repo.list("keys") if repo.get("keys/" + n) == word]
        if BUG == "key-removed-first":
            os.unlink(f"{repo.path}/keys/{old[0]}")
        repo.add_key(os.environ["VARVE_NEW_PASSPHRASE"])
        if BUG != "key-removed-first":
            os.unlink(f"{repo.path}/keys/{old[0]}")


def main(argv):
    words = [a for a in argv if not a.startswith("-")]
    options = [a for a in argv if a.startswith("-")]
    command, rest = words[0], words[1:]
    if command == "init":
        return init(rest[-1])
    if command == "key":
        if "--key-file" in options:
            raise Failure(2, "keys/: no key files here")
        repo = Repo(rest[1])
        repo.open()
        return key(repo, rest[0], rest[2:])
    path, _, name = rest[0].partition("::")
    repo = Repo(path)
    repo.open()
    if command == "create":
        create(repo, name)
    elif command == "list":
        print("\n".join(repo.archives()))
    elif command == "extract" and "-n" not in options:
        extract(repo, name)
    elif command == "delete":
        delete(repo, name)
    elif command == "rename":
        rename(repo, name, rest[1])
    elif command == "check":
        check(repo)
    return None


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        print(f"toy: {failure}", file=sys.stderr)
        sys.exit(failure.rc)
    except (OSError, ValueError, tarfile.TarError) as error:
        print(f"toy: {error} (tmp/)", file=sys.stderr)
        sys.exit(2)
