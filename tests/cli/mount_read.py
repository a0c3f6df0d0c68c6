#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Reading through a mount in every way: many at once, at any offset, mapped,
by sendfile, and asking for holes. VARVE names the program."""

import errno
import hashlib
import mmap
import multiprocessing
import os
import random
import sys

from mountlib import Bench

KIB, MIB = 1 << 10, 1 << 20
READERS = 16


def make_files(top):
    """Path to content."""
    rnd = random.Random(7)
    files = {"big": rnd.randbytes(21 * MIB + 12345),
             "text": b"a line of text\n" * 300000,
             "empty": b"", "one": b"1"}
    for i in range(150):
        files[f"small/{i % 10}/{i}"] = rnd.randbytes(rnd.choice(
            (1, 100, 4096, 70000, 300000)))
    for name, content in files.items():
        path = os.path.join(top, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(content)
    # Data at both ends and in the middle.
    sparse = bytearray(40 * MIB)
    with open(os.path.join(top, "sparse"), "wb") as f:
        for at, n in ((0, 100000), (17 * MIB, 200000), (40 * MIB - 5000, 5000)):
            part = rnd.randbytes(n)
            f.seek(at)
            f.write(part)
            sparse[at:at + n] = part
    files["sparse"] = bytes(sparse)
    with open(os.path.join(top, "hole"), "wb") as f:
        f.truncate(5 * MIB)
    files["hole"] = bytes(5 * MIB)
    return files


def reader(at, sums, seed, ret):
    """All files in an order of its own; tells which were wrong."""
    names = sorted(sums)
    random.Random(seed).shuffle(names)
    for name in names:
        try:
            with open(os.path.join(at, name), "rb", buffering=0) as f:
                h = hashlib.sha256()
                while block := f.read(random.Random(seed).choice(
                        (4096, 65536, 200000))):
                    h.update(block)
            if h.hexdigest() != sums[name]:
                ret.put(f"{name}: other content")
        except OSError as e:
            ret.put(f"{name}: {e.strerror}")
    ret.put(None)


def many_readers(at, files):
    sums = {n: hashlib.sha256(c).hexdigest() for n, c in files.items()}
    ret = multiprocessing.Queue()
    readers = [multiprocessing.Process(target=reader, args=(at, sums, i, ret))
               for i in range(READERS)]
    for r in readers:
        r.start()
    wrong, ended = [], 0
    while ended < READERS:
        said = ret.get(timeout=110)
        if said is None:
            ended += 1
        else:
            wrong.append(said)
    for r in readers:
        r.join()
    return wrong


def at_offsets(path, content, n, seed):
    """Reads at random places, some across and behind the end."""
    rnd = random.Random(seed)
    wrong = []
    fd = os.open(path, os.O_RDONLY)
    os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_RANDOM)
    for _ in range(n):
        offset = rnd.choice((rnd.randrange(len(content) + 10000),
                             max(0, len(content) - rnd.randrange(9000)),
                             rnd.randrange(22) * MIB, 0))
        length = rnd.choice((0, 1, 5, 4096, 100000, MIB, 3 * MIB))
        got = b""
        while len(got) < length:
            part = os.pread(fd, length - len(got), offset + len(got))
            if not part:
                break
            got += part
        if got != content[offset:offset + length]:
            wrong.append(f"{length} bytes at {offset}")
    os.close(fd)
    return wrong


def mapped(path, content):
    with open(path, "rb") as f, \
            mmap.mmap(f.fileno(), 0, prot=mmap.PROT_READ) as m:
        rnd = random.Random(3)
        for _ in range(300):
            i = rnd.randrange(len(content))
            if m[i] != content[i]:
                return False
        return m[:] == content


def sent(path, to, content):
    with open(path, "rb") as f, open(to, "w+b") as t:
        left = len(content)
        while left > 0:
            n = os.sendfile(t.fileno(), f.fileno(), None, left)
            if n == 0:
                break
            left -= n
        t.seek(0)
        return t.read() == content


def segments(path):
    """[(start, end)] of the data, as lseek tells it."""
    found = []
    fd = os.open(path, os.O_RDONLY)
    size = os.fstat(fd).st_size
    at = 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as e:
            if e.errno != errno.ENXIO:
                raise
            break
        at = os.lseek(fd, start, os.SEEK_HOLE)
        found.append((start, at))
    os.close(fd)
    return found


def behind_end(path):
    fd = os.open(path, os.O_RDONLY)
    codes = []
    for how in (os.SEEK_DATA, os.SEEK_HOLE):
        try:
            os.lseek(fd, os.fstat(fd).st_size, how)
            codes.append(0)
        except OSError as e:
            codes.append(e.errno)
    os.close(fd)
    return codes


def look_at(b, at, src, files):
    def path(name):
        return os.path.join(at, name)

    b.equal(many_readers(at, files), [], f"{READERS} readers at once")
    for name, n in (("big", 400), ("sparse", 150), ("text", 150)):
        b.equal(at_offsets(path(name), files[name], n, 1), [],
                f"{name} at random offsets")
    b.ok(mapped(path("big"), files["big"]), "mapped into memory")
    b.ok(mapped(path("sparse"), files["sparse"]), "mapped, with holes")
    b.ok(sent(path("big"), b.path("copy"), files["big"]), "by sendfile")
    for name in ("sparse", "hole", "empty", "one", "big"):
        b.equal(segments(path(name)), segments(os.path.join(src, name)),
                f"{name}: holes as in the source")
    b.equal(behind_end(path("sparse")), [errno.ENXIO] * 2,
            "nothing is behind the end")


def main():
    with Bench() as b:
        src, at = b.path("src"), b.path("m")
        files = make_files(src)
        b.varve("init", b.path("repo"))
        b.varve("create", b.path("repo") + "::a", ".", cwd=src)
        b.mount(b.path("repo") + "::a", at)
        look_at(b, at, src, files)
        b.varve("umount", at)

        # A cache that holds next to nothing makes it slow, not wrong.
        b.mount(b.path("repo") + "::a", at, "-o", "cache=8M")
        small = {n: c for n, c in files.items() if n.startswith("small/")
                 or n == "text"}
        b.equal(many_readers(at, small), [], "many, with a small cache")
        b.equal(at_offsets(os.path.join(at, "big"), files["big"], 60, 2), [],
                "at random offsets, with a small cache")
        b.varve("umount", at)
        return b.done()


if __name__ == "__main__":
    sys.exit(main())
