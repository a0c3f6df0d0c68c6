#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make a tree that holds everything a backup must hold, or remove one.

  torture.py DIR            make it (DIR is made, or is empty)
  torture.py DIR --big      also a directory of 10^6 entries and an inode
                            with as many links as the file system allows
  torture.py DIR --clean    remove inode flags, then the tree; any tree

The content is the same for the same --seed. What this user or file system
cannot have (devices, trusted.* attributes, a time of 2446, ...) is left out
and named on stderr. Exit status 0 if the tree is there, 2 if not.
"""

import argparse
import errno
import fcntl
import os
import random
import socket
import stat
import struct
import sys
import zlib

FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
FLAGS = {"sync": 0x8, "immutable": 0x10, "append": 0x20, "nodump": 0x40,
         "noatime": 0x80, "dirsync": 0x10000}
LOCKED = FLAGS["immutable"] | FLAGS["append"]

KIB, MIB, TIB = 1 << 10, 1 << 20, 1 << 40
NS = 10**9
T0 = 1_600_000_000 * NS + 123_456_789

# Sizes around the limits of blocks, chunks (64 KiB to 2 MiB), frames (128 KiB
# and 1 MiB by policy, 8 MiB by format) and inline extent lists.
SIZES = sorted({base + d for base in (4 * KIB, 64 * KIB, 128 * KIB, 256 * KIB,
                                      MIB, 2 * MIB) for d in (-1, 0, 1)}
               | {0, 1, 2, 100, 8 * MIB - 1, 8 * MIB + 1})

NAMES = [b"new\nline", b"\n", b"tab\tand\x01control\x7f", b"escape\x1b[31mred",
         b"invalid \xff\xfe utf-8 \xc3", b"\xed\xa0\x80 surrogate", b"caf\xc3\xa9",
         b"cafe\xcc\x81", b" ", b" leading and trailing ", b"-rf", b"--help", b"*",
         b"?[a-z]{x,y}", b"~", b"...", b"back\\slash", b"quote'\"`$(x)", b"::",
         b"a::b", b"c:", b"#", b"%s%n", b"n" * 255, b"\xff" * 255,
         "\u65e5\u672c\u8a9e".encode(), b".hidden"]

TIMES = {"epoch": 0, "one-ns": 1, "before-epoch": -1, "1969": -3600 * NS + 5,
         "1901": -(2**31) * NS, "1901-ns": -(2**31) * NS + 999_999_999,
         "2038-last": (2**31 - 1) * NS + 999_999_999, "2038": 2**31 * NS,
         "2106": (2**32 - 1) * NS, "2106-after": 2**32 * NS + 7,
         "2446": 15032385535 * NS, "year-9999": 253402300799 * NS,
         "half": T0 // NS * NS + 500_000_000}


def acl(entries):
    """The raw value of a POSIX ACL attribute: [(tag, permissions, id)]."""
    return struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", tag, perm, who & 0xffffffff)
        for tag, perm, who in entries)


ACL = acl([(0x01, 7, -1), (0x02, 5, 1234), (0x02, 4, 65000), (0x04, 4, -1),
           (0x08, 7, 4321), (0x10, 7, -1), (0x20, 0, -1)])
# cap_net_bind_service and cap_net_raw, effective
CAPABILITY = struct.pack("<IIIII", 0x02000001, 1 << 10 | 1 << 13, 0, 0, 0)


class Torture:
    def __init__(self, top, seed):
        self.top = os.fsencode(top)
        self.random = random.Random(seed)
        self.flags = []  # (path, flags), set last: they forbid the rest

    def path(self, name):
        return os.path.join(self.top, os.fsencode(name))

    def folder(self, name):
        path = self.path(name)
        os.mkdir(path)
        return path

    @staticmethod
    def attempt(what, fn, *args, **kwargs):
        """Do what not every user and file system can; say if it failed."""
        try:
            fn(*args, **kwargs)
            return True
        except OSError as e:
            print(f"torture: left out: {what}: {e.strerror}", file=sys.stderr)
            return False

    def write(self, path, data):
        with open(path, "xb") as f:
            f.write(data)
        return path

    def noise(self, n):
        return self.random.randbytes(n)

    def text(self, n):
        words = [self.random.choice((b"varve", b"layer", b"lake", b"sediment",
                                     b"year", b"deposit")) for _ in range(n // 6 + 1)]
        return b" ".join(words)[:n].ljust(n, b".")

    # --- the parts of the tree ---

    def sizes(self):
        d = self.folder("sizes")
        for n in SIZES:
            self.write(d + b"/noise-%d" % n, self.noise(n))
            if n <= MIB + 1:
                self.write(d + b"/text-%d" % n, self.text(n))
        self.write(d + b"/zeros", bytes(3 * MIB))
        again = self.noise(64 * KIB)
        self.write(d + b"/repeating", again * 20)
        self.write(d + b"/shifted", b"x" + again * 20)

    def names(self):
        d = self.folder("names")
        for i, name in enumerate(NAMES):
            self.write(os.path.join(d, name), b"%d\n" % i)
            # A path of invalid UTF-8 all the way, too.
            os.mkdir(os.path.join(d, b"d" + name[:254]))
            self.write(os.path.join(d, b"d" + name[:254], name), b"below\n")
        os.symlink(b"\n\xff", d + b"/link to an odd name")

    def kinds(self):
        d = self.folder("kinds")
        os.mkfifo(d + b"/fifo")
        self.attempt("a socket", self.socket, d, b"socket")
        for name, target in ((b"dangling", b"no such file"), (b"absolute", b"/"),
                             (b"loop", b"loop"), (b"up", b"../../.."),
                             (b"long", b"t" * 4095)):
            os.symlink(target, d + b"/" + name)
        for name, kind, major, minor in (
                (b"char", stat.S_IFCHR, 1, 3), (b"block", stat.S_IFBLK, 7, 200),
                (b"large-numbers", stat.S_IFCHR, 4095, 0xfffff),
                (b"whiteout", stat.S_IFCHR, 0, 0)):
            self.attempt("device " + name.decode(), os.mknod, d + b"/" + name,
                         0o640 | kind, os.makedev(major, minor))
        os.mkdir(d + b"/empty")

    @staticmethod
    def socket(d, name):
        """Bound by a short path: socket addresses are."""
        here = os.open(".", os.O_RDONLY)
        try:
            os.chdir(d)
            with socket.socket(socket.AF_UNIX) as s:
                s.bind(name)
        finally:
            os.fchdir(here)
            os.close(here)

    def modes(self):
        d = self.folder("modes")
        for mode in (0o000, 0o400, 0o644, 0o777, 0o1644, 0o2755, 0o4755, 0o7777):
            if mode == 0 and os.geteuid() != 0:
                continue  # its maker could not read it
            path = self.write(d + b"/file-%04o" % mode, b"mode\n")
            os.chmod(path, mode)
        for mode in (0o500, 0o700, 0o1777, 0o2770, 0o4711):
            os.mkdir(d + b"/dir-%04o" % mode)
            self.write(d + b"/dir-%04o/inside" % mode, b"mode\n")
            os.chmod(d + b"/dir-%04o" % mode, mode)
        if os.geteuid() != 0:
            return
        for uid, gid in ((1, 2), (1234567, 7654321), (65534, 65534),
                         (2**32 - 2, 2**32 - 2)):
            path = self.write(d + b"/owner-%d" % uid, b"owner\n")
            self.attempt(f"owner {uid}", os.chown, path, uid, gid)
            os.chmod(path, 0o6755)  # chown takes these bits away
        os.symlink(b"x", d + b"/owned-link")
        os.chown(d + b"/owned-link", 33, 44, follow_symlinks=False)

    def times(self):
        d = self.folder("times")
        for name, t in TIMES.items():
            path = self.write(self.path(b"times/" + name.encode()), b"time\n")
            if self.attempt(f"time {name}", os.utime, path, ns=(T0, t)) and \
                    os.stat(path).st_mtime_ns != t:
                print(f"torture: time {name} is clamped here", file=sys.stderr)
        os.symlink(b"x", d + b"/link")
        os.utime(d + b"/link", ns=(T0, -5 * NS + 3), follow_symlinks=False)
        os.mkdir(d + b"/dir")
        os.utime(d + b"/dir", ns=(T0, 2**32 * NS + 1))

    def xattrs(self):
        d = self.folder("xattrs")
        f = self.write(d + b"/many", b"x")
        for i in range(20):
            self.attempt("user.*", os.setxattr, f, b"user.name%02d" % i,
                         self.noise(i * 5))
        self.attempt("odd names", os.setxattr, f, b"user.\xff\n \x01", b"odd")
        self.attempt("a long name", os.setxattr, f, b"user." + b"n" * 250, b"1")
        self.attempt("an empty value", os.setxattr, f, b"user.empty", b"")
        for n in (3000, 4096, 4097, 65536):
            f = self.write(d + b"/value-%d" % n, b"x")
            self.attempt(f"a value of {n} bytes", os.setxattr, f,
                         b"user.large", self.noise(n))
        os.mkdir(d + b"/dir")
        self.attempt("user.* of a directory", os.setxattr, d + b"/dir",
                     b"user.dir", b"yes")
        os.symlink(b"many", d + b"/link")
        for path in (d + b"/many", d + b"/dir", d + b"/link"):
            self.attempt("trusted.*", os.setxattr, path, b"trusted.varve",
                         b"t\0t", follow_symlinks=False)
        cap = self.write(d + b"/capability", b"x")
        os.chmod(cap, 0o755)
        self.attempt("a capability", os.setxattr, cap, b"security.capability",
                     CAPABILITY)
        self.attempt("security.*", os.setxattr, cap, b"security.varve", b"s")
        for name in (b"acl-file", b"acl-ro"):
            f = self.write(d + b"/" + name, b"x")
            self.attempt("an ACL", os.setxattr, f,
                         b"system.posix_acl_access", ACL)
        os.mkdir(d + b"/acl-dir")
        for which in (b"access", b"default"):
            self.attempt("an ACL of a directory", os.setxattr, d + b"/acl-dir",
                         b"system.posix_acl_" + which, ACL)
        self.attempt("a file that inherits an ACL", self.write,
                     d + b"/acl-dir/inherits", b"x")

    def inode_flags(self):
        d = self.folder("flags")
        for name, flag in FLAGS.items():
            if flag != FLAGS["dirsync"]:
                self.flags.append((self.write(d + b"/file-" + name.encode(),
                                              b"flag\n"), flag))
            if flag != FLAGS["sync"]:
                sub = d + b"/dir-" + name.encode()
                os.mkdir(sub)
                self.write(sub + b"/inside", b"flag\n")
                self.flags.append((sub, flag))
        both = self.write(d + b"/file-several", b"flag\n")
        os.link(both, d + b"/linked-several")
        self.flags.append((both, FLAGS["nodump"] | FLAGS["noatime"] |
                           FLAGS["immutable"]))

    def sparse(self):
        d = self.folder("sparse")
        maps = {
            b"one-hole": (MIB, []),
            b"data-hole": (3 * MIB, [(0, 64 * KIB)]),
            b"hole-data": (MIB, [(MIB - 4 * KIB, 4 * KIB)]),
            b"odd-end": (MIB + 17, [(MIB, 17)]),
            b"hole-at-odd-end": (MIB + 17, [(0, 4 * KIB)]),
            b"comb": (4 * MIB, [(i * 64 * KIB, 4 * KIB) for i in range(64)]),
            b"large-data": (64 * MIB, [(16 * MIB, 3 * MIB)]),
            b"far": (TIB // 2 + 1, [(TIB // 2 - 8 * KIB, 4 * KIB)]),
            b"empty-1T": (TIB, []),
        }
        for name, (size, data) in maps.items():
            with open(d + b"/" + name, "xb") as f:
                self.attempt("sparse " + name.decode(), f.truncate, size)
                for at, n in data:
                    self.attempt("sparse " + name.decode(), os.pwrite,
                                 f.fileno(), self.noise(n), at)
        with open(d + b"/preallocated", "xb") as f:
            f.write(b"begin")
            f.flush()
            self.attempt("preallocation", os.posix_fallocate, f.fileno(), 0, MIB)
        self.write(d + b"/written-zeros", bytes(256 * KIB))

    def links(self):
        d = self.folder("links")
        os.makedirs(d + b"/one/two")
        os.mkdir(d + b"/other")
        f = self.write(d + b"/one/two/file", self.noise(100 * KIB))
        os.link(f, d + b"/other/file")
        os.link(f, self.top + b"/linked-from-the-top")
        os.link(f, d + b"/one/second")
        empty = self.write(d + b"/empty", b"")
        os.link(empty, d + b"/other/empty")
        os.mkfifo(d + b"/fifo")
        os.link(d + b"/fifo", d + b"/other/fifo")
        os.symlink(b"target", d + b"/symlink")
        os.link(d + b"/symlink", d + b"/other/symlink", follow_symlinks=False)
        for i in range(300):
            os.link(f, d + b"/other/n%03d" % i)

    def deep(self):
        """More than PATH_MAX (4,096) bytes of directories."""
        fd = os.open(self.folder("deep"), os.O_RDONLY | os.O_DIRECTORY)
        for i in range(30):
            name = b"%02d-" % i + b"d" * 200
            os.mkdir(name, dir_fd=fd)
            below = os.open(name, os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
            leaf = os.open(b"leaf", os.O_WRONLY | os.O_CREAT, 0o640, dir_fd=below)
            os.write(leaf, b"%d\n" % i)
            os.close(leaf)
            os.symlink(b"leaf", b"link", dir_fd=below)
            for name in (b"leaf", b"link"):
                os.utime(name, ns=(T0, T0), dir_fd=below, follow_symlinks=False)
            os.utime(fd, ns=(T0, T0 + i))
            os.close(fd)
            fd = below
        os.utime(fd, ns=(T0, T0))
        os.close(fd)
        many = self.folder("levels")
        for i in range(100):
            many += b"/%d" % i
            os.mkdir(many)

    def wide(self, n):
        d = self.folder("wide")
        for i in range(n):
            os.close(os.open(d + b"/entry-%07d" % i,
                             os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))

    def many_links(self, n):
        """n links; a new inode whenever the file system has enough of one."""
        d = self.folder("many-links")
        f = None
        for i in range(n):
            path = d + b"/link-%06d" % i
            try:
                if f is not None:
                    os.link(f, path)
                    continue
            except OSError as e:
                if e.errno != errno.EMLINK:
                    raise
            f = self.write(path, b"inode %d\n" % i)

    def finish(self):
        """Times that depend on the path alone, then the flags."""
        for folder, dirs, files in os.walk(self.top):
            if os.path.basename(folder) in (b"times", b"deep"):
                dirs.clear()
                continue
            dirs.sort()
            links = [d for d in dirs if os.path.islink(os.path.join(folder, d))]
            for name in sorted(files + links) + [b"."]:
                path = os.path.join(folder, name)
                part = zlib.crc32(path[len(self.top):])
                os.utime(path, ns=(T0, T0 + part), follow_symlinks=False)
        for path in (b"times", b"deep"):
            os.utime(self.path(path), ns=(T0, T0 + 2))
        for path, flag in self.flags:
            self.attempt("a flag of " + os.fsdecode(os.path.basename(path)),
                         add_flags, path, flag)

    def make(self, big):
        os.makedirs(self.top, exist_ok=True)
        if os.listdir(self.top):
            raise OSError(errno.ENOTEMPTY, "not empty", os.fsdecode(self.top))
        for part in (self.sizes, self.names, self.kinds, self.modes, self.times,
                     self.xattrs, self.inode_flags, self.sparse, self.links,
                     self.deep):
            part()
        self.wide(1_000_000 if big else 2_000)
        if big:
            self.many_links(100_000)
        self.finish()


# --- inode flags, and removing a tree ---

def get_flags(fd):
    return struct.unpack("L", fcntl.ioctl(fd, FS_IOC_GETFLAGS,
                                          struct.pack("L", 0)))[0]


def add_flags(path, flags):
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("L", get_flags(fd) | flags))
    finally:
        os.close(fd)


def unlock(fd):
    """Take away the flags that forbid removal, if there are any."""
    try:
        flags = get_flags(fd)
        if flags & LOCKED:
            fcntl.ioctl(fd, FS_IOC_SETFLAGS, struct.pack("L", flags & ~LOCKED))
    except OSError:
        pass


def remove(name, dir_fd):
    """Remove one entry that is no directory."""
    try:
        os.unlink(name, dir_fd=dir_fd)
    except PermissionError:
        fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK,
                     dir_fd=dir_fd)
        unlock(fd)
        os.close(fd)
        os.unlink(name, dir_fd=dir_fd)


def open_dir(name, dir_fd=None):
    """Open a directory that will be emptied."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
    if os.geteuid() != 0:
        os.chmod(name, 0o700, dir_fd=dir_fd)
    fd = os.open(name, flags, dir_fd=dir_fd)
    unlock(fd)
    return fd


def empty(fd):
    """Remove all that is no directory; returns the names of directories."""
    below = []
    with os.scandir(fd) as it:
        entries = [(os.fsencode(e.name), e.is_dir(follow_symlinks=False))
                   for e in it]
    for name, is_dir in entries:
        if is_dir:
            below.append(name)
        else:
            remove(name, fd)
    return below


def clean(top):
    """Remove a tree of any depth, whatever flags are in it."""
    top = os.fsencode(os.path.abspath(top))
    try:
        fd = open_dir(top)
    except FileNotFoundError:
        return
    stack = [(empty(fd), None)]
    while stack:
        todo, name = stack[-1]
        if todo:
            below = open_dir(todo[-1], fd)
            os.close(fd)
            fd = below
            stack.append((empty(fd), todo.pop()))
            continue
        stack.pop()
        if stack:
            up = os.open(b"..", os.O_RDONLY | os.O_DIRECTORY, dir_fd=fd)
            os.close(fd)
            fd = up
            os.rmdir(name, dir_fd=fd)
    os.close(fd)
    os.rmdir(top)


def main(argv):
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("dir")
    p.add_argument("--big", action="store_true")
    p.add_argument("--clean", action="store_true")
    p.add_argument("--seed", type=int, default=1)
    args = p.parse_args(argv)
    try:
        if args.clean:
            clean(args.dir)
        else:
            Torture(args.dir, args.seed).make(args.big)
    except OSError as e:
        print(f"torture: {e}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
