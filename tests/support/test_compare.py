#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The comparer finds each class of difference, names it, and leaves out what
it is told to; equal trees are equal. As TAP."""

import fcntl
import io
import os
import shutil
import socket
import struct
import sys
import tempfile

import compare

FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
NODUMP = 0x40
ROOT = os.geteuid() == 0


def write(path, data=b"", mode="wb"):
    with open(path, mode) as f:
        f.write(data)


def add_flags(path, flags):
    fd = os.open(path, os.O_RDONLY)
    try:
        have = fcntl.ioctl(fd, FS_IOC_GETFLAGS, struct.pack("L", 0))
        flags |= struct.unpack("L", have)[0]
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("L", flags))
    finally:
        os.close(fd)


def make_socket(path):
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.close()


def deep(path, text):
    """A file below more than PATH_MAX bytes of directories."""
    fd = os.open(path, os.O_RDONLY)
    for i in range(40):
        name = "%02d" % i + "d" * 150
        try:
            os.mkdir(name, dir_fd=fd)
        except FileExistsError:
            pass
        below = os.open(name, os.O_RDONLY, dir_fd=fd)
        os.utime(fd, ns=(10**18, 10**18))
        os.close(fd)
        fd = below
    leaf = os.open("leaf", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, dir_fd=fd)
    os.write(leaf, text)
    for f in (leaf, fd):
        os.utime(f, ns=(10**18, 10**18))
        os.close(f)


def base(d):
    os.makedirs(d + "/sub/empty")
    write(d + "/file", b"content" * 1000)
    write(d + "/twin", b"content" * 1000)
    os.link(d + "/file", d + "/sub/link")
    os.symlink("file", d + "/symlink")
    os.mkfifo(d + "/fifo")
    write(os.fsencode(d) + b"/bad\xff\nname", b"x")
    with open(d + "/sparse", "wb") as f:
        f.truncate(1 << 20)
        f.seek(1 << 18)
        f.write(b"data" * 1024)
    if ROOT:
        os.mknod(d + "/null", 0o20600, os.makedev(1, 3))
    deep(d, b"deep")
    for folder, _, names in os.walk(d):
        for name in names + ["."]:
            path = os.path.join(folder, name)
            if len(path) < 4000:
                os.utime(path, ns=(10**18, 10**18), follow_symlinks=False)


def fill_hole(d):
    with open(d + "/sparse", "r+b") as f:
        f.write(bytes(4096))
    os.utime(d + "/sparse", ns=(10**18, 10**18))


def data_in_hole(d):
    with open(d + "/sparse", "r+b") as f:
        f.write(b"\0" * 4095 + b"!")
    os.utime(d + "/sparse", ns=(10**18, 10**18))


def flip(d):
    with open(d + "/file", "r+b") as f:
        f.seek(6999)
        f.write(b"!")
    os.utime(d + "/file", ns=(10**18, 10**18))


def unlink_group(d):
    os.unlink(d + "/sub/link")
    shutil.copy2(d + "/file", d + "/sub/link")


def regroup(d):
    os.unlink(d + "/sub/link")
    os.link(d + "/twin", d + "/sub/link")


def retype(d):
    os.unlink(d + "/fifo")
    write(d + "/fifo")


def renode(d):
    os.unlink(d + "/null")
    os.mknod(d + "/null", 0o20600, os.makedev(1, 5))
    os.utime(d + "/null", ns=(10**18, 10**18))


def retarget(d):
    os.unlink(d + "/symlink")
    os.symlink("fil2", d + "/symlink")
    os.utime(d + "/symlink", ns=(10**18, 10**18), follow_symlinks=False)


# what changes, the classes it must be seen as, and the change itself
CASES = [
    ("one byte of a file", {"content"}, flip),
    ("a longer file", {"content", "mtime"},
     lambda d: write(d + "/file", b"+", "ab")),
    ("bytes in a hole", {"content", "holes"}, data_in_hole),
    ("zeros in a hole", {"holes"}, fill_hole),
    ("a byte below PATH_MAX", {"content"}, lambda d: deep(d, b"deeP")),
    ("the mode", {"mode"}, lambda d: os.chmod(d + "/file", 0o600)),
    ("the sticky bit", {"mode"}, lambda d: os.chmod(d + "/sub/empty", 0o1755)),
    ("set-user-id", {"mode"}, lambda d: os.chmod(d + "/twin", 0o4644)),
    ("the mode of the root", {"mode"}, lambda d: os.chmod(d, 0o711)),
    ("a nanosecond", {"mtime"},
     lambda d: os.utime(d + "/file", ns=(0, 10**18 + 1))),
    ("the time of a symlink", {"mtime"},
     lambda d: os.utime(d + "/symlink", ns=(0, 5), follow_symlinks=False)),
    ("the time of the root", {"mtime"}, lambda d: os.utime(d, ns=(0, 1))),
    ("a target", {"target"}, retarget),
    ("a kind", {"kind"}, retype),
    ("a link made a copy", {"hardlinks"}, unlink_group),
    ("a link of another group", {"hardlinks"}, regroup),
    ("a new xattr", {"xattrs"},
     lambda d: os.setxattr(d + "/file", b"user.x", b"1")),
    ("a flag", {"flags"}, lambda d: add_flags(d + "/file", NODUMP)),
    ("a flag of a directory", {"flags"}, lambda d: add_flags(d + "/sub", NODUMP)),
    ("a missing file", {"missing"}, lambda d: os.unlink(d + "/twin")),
    ("a missing odd name", {"missing"},
     lambda d: os.unlink(os.fsencode(d) + b"/bad\xff\nname")),
    ("a new file", {"new"}, lambda d: write(d + "/sub/other")),
]
ROOT_CASES = [
    ("an owner", {"owner"}, lambda d: os.chown(d + "/twin", 77, -1)),
    ("a group of a symlink", {"owner"},
     lambda d: os.chown(d + "/symlink", -1, 77, follow_symlinks=False)),
    ("a device number", {"device"}, renode),
    ("a capability", {"xattrs"},
     lambda d: os.setxattr(d + "/twin", b"security.capability", struct.pack(
         "<IIIII", 0x02000001, 1 << 10, 0, 0, 0))),
]


def run(a, b, *options):
    out = io.StringIO()
    rc = compare.main([a, b, *options], out)
    return rc, out.getvalue()


def classes_seen(text):
    return {line.split(":")[0] for line in text.splitlines()[:-1]}


class Tap:
    def __init__(self):
        self.n = self.failed = 0

    def check(self, ok, what, detail=""):
        self.n += 1
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.n} - {what}")
        if not ok:
            print("# " + detail[:4000].replace("\n", "\n# "))

    def done(self):
        print(f"1..{self.n}")
        return 1 if self.failed else 0


def two_trees(top):
    """Two equal trees; a copy is made by making it twice."""
    dirs = [os.path.join(top, side) for side in "ab"]
    for d in dirs:
        shutil.rmtree(d, ignore_errors=True)
        base(d)
    return dirs


def test_sockets(tap, top):
    a, b = two_trees(top)
    make_socket(a + "/socket")
    os.utime(a, ns=(10**18, 10**18))
    rc, text = run(a, b)
    tap.check(rc == 1 and "missing: socket" in text, "a missing socket", text)
    rc, text = run(a, b, "--no-sockets")
    tap.check(rc == 0, "which may be missing if told so", text)


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="varve-compare-") as top:
        a, b = two_trees(top)
        rc, text = run(a, b)
        tap.check(rc == 0 and " 0 differences" in text, "equal trees", text)
        for what, want, change in CASES + (ROOT_CASES if ROOT else []):
            a, b = two_trees(top)
            try:
                change(b)
            except OSError as e:
                print(f"# not here: {what}: {e}")
                continue
            for d in (a, b):
                # A change to a name also changes its directory's time.
                if want != {"mtime"}:
                    os.utime(d, ns=(10**18, 10**18))
                    os.utime(d + "/sub", ns=(10**18, 10**18))
            rc, text = run(a, b)
            got = classes_seen(text) - (set() if "mtime" in want else {"mtime"})
            tap.check(rc == 1 and got == want, what, text)
            skip = [f"--no-{c}" for c in want if c in compare.CLASSES]
            if len(skip) == len(want):
                rc, text = run(a, b, "--no-mtime", *skip)
                tap.check(rc == 0, what + ", left out", text)
        test_sockets(tap, top)
        tap.check(compare.main([a, top + "/nowhere"]) == 2, "no such tree")
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
