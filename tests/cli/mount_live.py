#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""A mount while archives are created, renamed and deleted: what is read stays
right all the while, and what is shown follows. VARVE names the program."""

import os
import random
import sys
import threading

from mountlib import Bench


class Readers:
    """Threads that read an archive over and over until they are stopped."""

    def __init__(self, top, files, n=4):
        self.top, self.files = top, files
        self.stop = threading.Event()
        self.wrong, self.rounds = [], 0
        self.threads = [threading.Thread(target=self.run, args=(i,))
                        for i in range(n)]
        for t in self.threads:
            t.start()

    def run(self, seed):
        names = sorted(self.files)
        rnd = random.Random(seed)
        while not self.stop.is_set():
            rnd.shuffle(names)
            for name in names:
                try:
                    with open(os.path.join(self.top, name), "rb") as f:
                        os.posix_fadvise(f.fileno(), 0, 0,
                                         os.POSIX_FADV_DONTNEED)
                        if f.read() != self.files[name]:
                            self.wrong.append(f"{name}: other content")
                    if sorted(os.listdir(self.top)) != sorted(self.files):
                        self.wrong.append("another listing")
                except OSError as e:
                    self.wrong.append(f"{name}: {e.strerror}")
            self.rounds += 1

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()
        return self.wrong


def write_files(top, seed, n=12):
    rnd = random.Random(seed)
    files = {f"f{i}": rnd.randbytes(rnd.choice((10, 5000, 400000)))
             for i in range(n)}
    os.makedirs(top, exist_ok=True)
    for name, content in files.items():
        with open(os.path.join(top, name), "wb") as f:
            f.write(content)
    return files


def read_all(top):
    found = {}
    for name in os.listdir(top):
        with open(os.path.join(top, name), "rb") as f:
            found[name] = f.read()
    return found


def main():
    with Bench() as b:
        repo, at = b.path("repo"), b.path("m")
        archives = os.path.join(at, "archives")
        files = [write_files(b.path(f"src{i}"), i) for i in range(4)]

        def create(name, i):
            b.varve("create", f"{repo}::{name}", ".", cwd=b.path(f"src{i}"))

        b.varve("init", repo)
        b.mount(repo, at)
        b.equal(sorted(os.listdir(archives)), [], "no archive yet")
        create("first", 0)
        b.until(lambda: os.listdir(archives) == ["first"],
                "the first one appears")
        b.equal(read_all(os.path.join(archives, "first")), files[0],
                "with its files")

        readers = Readers(os.path.join(archives, "first"), files[0])
        create("second", 1)
        b.until(lambda: os.path.exists(os.path.join(archives, "second")),
                "another appears, by its name")
        b.until(lambda: sorted(os.listdir(archives)) == ["first", "second"],
                "and in the listing")
        b.equal(read_all(os.path.join(archives, "second")), files[1],
                "what is in it is right")
        b.until(lambda: os.readlink(os.path.join(at, "latest")) ==
                "archives/second", "it is the latest")
        create("third", 2)

        # One is deleted while a file of it is open and half read.
        b.until(lambda: "third" in os.listdir(archives), "a third appears")
        name = max(files[2], key=lambda n: len(files[2][n]))
        held = open(os.path.join(archives, "third", name), "rb", buffering=0)
        begin = held.read(1000)
        b.varve("delete", f"{repo}::third")
        b.until(lambda: "third" not in os.listdir(archives),
                "one that was deleted vanishes")
        b.until(lambda: not os.path.exists(os.path.join(archives, "third")),
                "also by its name")
        rest = b""
        while part := held.read(1 << 20):
            rest += part
        held.close()
        b.equal(begin + rest == files[2][name], True,
                "what was open is read to its end")

        number = os.stat(os.path.join(archives, "second", "f1")).st_ino
        b.varve("rename", f"{repo}::second", "zweites")
        b.until(lambda: sorted(os.listdir(archives)) == ["first", "zweites"],
                "a new name is shown instead of the old one")
        b.until(lambda: not os.path.exists(os.path.join(archives, "second")),
                "the old one is gone")
        b.equal(read_all(os.path.join(archives, "zweites")), files[1],
                "with the same files")
        b.equal(os.stat(os.path.join(archives, "zweites", "f1")).st_ino,
                number, "and numbers")
        b.until(lambda: os.readlink(os.path.join(at, "latest")) ==
                "archives/zweites", "the latest has its name")
        b.equal(readers.end(), [], "what was read meanwhile was right")
        b.ok(readers.rounds > 0, "and it was read")

        # An open folder goes on where it was.
        create("fourth", 3)
        b.until(lambda: "fourth" in os.listdir(archives), "a fourth appears")
        hosts = os.listdir(os.path.join(at, "by-host"))
        b.equal(len(hosts), 1, "one host")
        b.until(lambda: sorted(n for n in os.listdir(os.path.join(
            at, "by-host", hosts[0])) if n != "latest") ==
            ["first", "fourth", "zweites"], "by host, too")
        b.varve("delete", f"{repo}::first")
        b.varve("delete", f"{repo}::fourth")
        b.varve("delete", f"{repo}::zweites")
        b.until(lambda: os.listdir(archives) == [], "all are gone")
        b.varve("umount", at)
        b.equal(b.mounts(), [], "unmounted")
        return b.done()


if __name__ == "__main__":
    sys.exit(main())
