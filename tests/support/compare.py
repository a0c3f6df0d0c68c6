#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Compare two trees by what the kernel says of them; shares no code with varve.

Compared, unless left out with --no-CLASS: kind, content, mode (with set-id and
sticky bits), owner, mtime in ns, symlink targets, device numbers, hard-link
groups, extended attributes (POSIX ACLs and capabilities are some), inode
flags, maps of holes. Directories are walked by descriptor, so paths may be
longer than PATH_MAX; names are bytes.

Prints each difference, then counts. Exit status: 0 equal, 1 different, 2 a
tree could not be read.
"""

import argparse
import array
import errno
import fcntl
import os
import stat
import struct
import sys

CLASSES = ("content", "mode", "owner", "mtime", "target", "device",
           "hardlinks", "xattrs", "flags", "holes")

FS_IOC_GETFLAGS = 0x80086601 if struct.calcsize("l") == 8 else 0x80046601
# What a user can set: the rest (extents, inline data, index, ...) is how a
# file system stores a file, not what the file is.
FLAGS_COMPARED = {
    0x00000001: "secure-rm", 0x00000002: "undelete", 0x00000004: "compress",
    0x00000008: "sync", 0x00000010: "immutable", 0x00000020: "append",
    0x00000040: "nodump", 0x00000080: "noatime", 0x00004000: "journal-data",
    0x00008000: "notail", 0x00010000: "dirsync", 0x00020000: "topdir",
    0x00800000: "nocow", 0x02000000: "dax", 0x20000000: "project",
    0x40000000: "casefold",
}
FLAGS_MASK = sum(FLAGS_COMPARED)

KINDS = {
    stat.S_IFREG: "file", stat.S_IFDIR: "directory", stat.S_IFLNK: "symlink",
    stat.S_IFIFO: "fifo", stat.S_IFSOCK: "socket", stat.S_IFCHR: "char device",
    stat.S_IFBLK: "block device",
}
BLOCK = 1 << 20
DIR_FLAGS = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


def show(path):
    """A path of bytes as one printable line, the middle of long ones cut."""
    text = path.decode("utf-8", "backslashreplace")
    text = "".join(c if c.isprintable() and c != "\\" else
                   c.encode("unicode_escape").decode() for c in text) or "."
    return text if len(text) <= 300 else f"{text[:100]}[...]{text[-100:]}"


def kind_of(st):
    return KINDS.get(stat.S_IFMT(st.st_mode), "unknown")


def via_fd(dirfd, name):
    """A path to an entry that needs no file of it to be opened."""
    return b"/proc/self/fd/%d/%s" % (dirfd, name)


def read_xattrs(dirfd, name):
    path = via_fd(dirfd, name)
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError as e:
        if e.errno == errno.ENOTSUP:
            return {}
        raise
    return {n: os.getxattr(path, n, follow_symlinks=False) for n in names}


def read_flags(fd):
    """The inode flags a user can set, or None where there are none."""
    arg = array.array("L", [0])
    try:
        fcntl.ioctl(fd, FS_IOC_GETFLAGS, arg, True)
    except OSError:
        return None
    return (arg[0] & 0xffffffff) & FLAGS_MASK


def read_holes(fd, size):
    """The data ranges [(start, end)] of a file. One that takes the space of its
    whole size has no holes, whatever the file system says of space that is
    reserved: that depends on whether somebody has read it lately."""
    if 0 < size <= os.fstat(fd).st_blocks * 512:
        return [(0, size)]
    ranges, at = [], 0
    while at < size:
        try:
            start = os.lseek(fd, at, os.SEEK_DATA)
        except OSError as e:
            if e.errno == errno.ENXIO:  # a hole to the end
                break
            raise
        end = os.lseek(fd, start, os.SEEK_HOLE)
        ranges.append((start, min(end, size)))
        at = end
    return ranges


def subtract(ranges, minus):
    """The parts of sorted `ranges` that no range of sorted `minus` covers."""
    rest = []
    for start, end in ranges:
        for cut_start, cut_end in minus:
            if cut_end <= start or cut_start >= end:
                continue
            if cut_start > start:
                rest.append((start, cut_start))
            start = max(start, cut_end)
        if start < end:
            rest.append((start, end))
    return rest


def all_zero(fd, ranges):
    for start, end in ranges:
        while start < end:
            part = os.pread(fd, min(BLOCK, end - start), start)
            if not part or part.count(0) != len(part):
                return False
            start += len(part)
    return True


class Comparer:
    def __init__(self, classes, sockets, ignored_xattrs, out):
        self.classes = classes
        self.sockets = sockets
        self.ignored_xattrs = ignored_xattrs
        self.out = out
        self.counts = {}
        self.entries = 0
        self.bytes = 0
        self.links = ({}, {})  # (dev, ino) -> first path, for either side
        self.pairs = {}  # inode pairs whose content was compared

    def differ(self, what, path, detail):
        self.counts[what] = self.counts.get(what, 0) + 1
        print(f"{what}: {show(path)}: {detail}", file=self.out)

    # --- one entry ---

    def content(self, path, fds, size):
        """Bytes and holes of two regular files of the same size."""
        ranges = [read_holes(fd, size) for fd in fds]
        if "holes" in self.classes and ranges[0] != ranges[1]:
            self.differ("holes", path,
                        f"data at {ranges[0][:8]} against {ranges[1][:8]}")
        if "content" not in self.classes:
            return
        for start, end in ranges[0]:
            at = start
            while at < end:
                parts = [os.pread(fd, min(BLOCK, end - at), at) for fd in fds]
                if parts[0] != parts[1] or not parts[0]:
                    self.differ("content", path, f"near byte {at}")
                    return
                at += len(parts[0])
                self.bytes += len(parts[0])
        if not all_zero(fds[1], subtract(ranges[1], ranges[0])):
            self.differ("content", path, "data where the first has a hole")

    def flags(self, path, fds):
        a, b = (read_flags(fd) for fd in fds)
        if a != b and "flags" in self.classes:
            names = [" ".join(v for k, v in FLAGS_COMPARED.items()
                              if f is not None and f & k) or "none"
                     for f in (a, b)]
            self.differ("flags", path, f"{names[0]} against {names[1]}")

    def regular(self, path, dirs, name, stats):
        sizes = [st.st_size for st in stats]
        if sizes[0] != sizes[1]:
            if "content" in self.classes:
                self.differ("content", path,
                            f"size {sizes[0]} against {sizes[1]}")
            return
        pair = tuple((st.st_dev, st.st_ino) for st in stats)
        if stats[0].st_nlink > 1 and stats[1].st_nlink > 1:
            if pair in self.pairs:
                return
            self.pairs[pair] = True
        if not self.classes & {"content", "holes", "flags"}:
            return
        fds = []
        try:
            for d in dirs:
                fds.append(os.open(name, os.O_RDONLY | os.O_NOFOLLOW |
                                   os.O_NONBLOCK, dir_fd=d))
            self.flags(path, fds)
            if self.classes & {"content", "holes"}:
                self.content(path, fds, sizes[0])
        finally:
            for fd in fds:
                os.close(fd)

    def xattrs(self, path, dirs, name):
        a, b = (read_xattrs(d, name) for d in dirs)
        for key in sorted(set(a) | set(b)):
            if key in self.ignored_xattrs:
                continue
            if key not in b:
                self.differ("xattrs", path, f"{key} is missing")
            elif key not in a:
                self.differ("xattrs", path, f"{key} is new")
            elif a[key] != b[key]:
                self.differ("xattrs", path, f"{key} has another value")

    def hardlinks(self, path, stats):
        """Both sides must send this path to the same earlier path."""
        if stat.S_ISDIR(stats[0].st_mode):
            return
        first = []
        for links, st in zip(self.links, stats):
            if st.st_nlink < 2:
                first.append(path)
            else:
                first.append(links.setdefault((st.st_dev, st.st_ino), path))
        if first[0] != first[1]:
            self.differ("hardlinks", path,
                        f"linked to {show(first[0])} against {show(first[1])}")

    def metadata(self, path, stats):
        a, b = stats
        if "mode" in self.classes and not stat.S_ISLNK(a.st_mode):
            modes = [stat.S_IMODE(st.st_mode) for st in stats]
            if modes[0] != modes[1]:
                self.differ("mode", path, f"{modes[0]:04o} against {modes[1]:04o}")
        if "owner" in self.classes and \
                (a.st_uid, a.st_gid) != (b.st_uid, b.st_gid):
            self.differ("owner", path, f"{a.st_uid}:{a.st_gid} against "
                        f"{b.st_uid}:{b.st_gid}")
        if "mtime" in self.classes and a.st_mtime_ns != b.st_mtime_ns:
            self.differ("mtime", path,
                        f"{a.st_mtime_ns} against {b.st_mtime_ns}")

    def entry(self, path, dirs, name, stats):
        self.entries += 1
        kinds = [kind_of(st) for st in stats]
        if kinds[0] != kinds[1]:
            self.differ("kind", path, f"{kinds[0]} against {kinds[1]}")
            return
        self.metadata(path, stats)
        if "hardlinks" in self.classes:
            self.hardlinks(path, stats)
        if "xattrs" in self.classes:
            self.xattrs(path, dirs, name)
        kind = kinds[0]
        if kind == "file":
            self.regular(path, dirs, name, stats)
        elif kind == "symlink" and "target" in self.classes:
            a, b = (os.readlink(name, dir_fd=d) for d in dirs)
            if a != b:
                self.differ("target", path, f"{show(a)} against {show(b)}")
        elif kind.endswith("device") and "device" in self.classes:
            a, b = (st.st_rdev for st in stats)
            if a != b:
                self.differ("device", path,
                            f"{os.major(a)},{os.minor(a)} against "
                            f"{os.major(b)},{os.minor(b)}")

    # --- the walk ---

    def names(self, path, dirs):
        """Names of both directories, with what is there on one side only said
        already. A socket may be missing on the second if sockets are out."""
        lists = []
        for d in dirs:
            with os.scandir(d) as it:
                lists.append({os.fsencode(e.name) for e in it})
        for name in sorted(lists[0] - lists[1]):
            st = os.stat(name, dir_fd=dirs[0], follow_symlinks=False)
            if stat.S_ISSOCK(st.st_mode) and not self.sockets:
                continue
            self.differ("missing", path + name, kind_of(st))
        for name in sorted(lists[1] - lists[0]):
            self.differ("new", path + name, "not in the first tree")
        return sorted(lists[0] & lists[1])

    def directory(self, path, dirs):
        """Compare the content of two open directories. Returns the
        subdirectories still to be walked, [(name, path)], the first last."""
        self.flags(path, dirs)
        below = []
        for name in self.names(path, dirs):
            stats = [os.stat(name, dir_fd=d, follow_symlinks=False)
                     for d in dirs]
            self.entry(path + name, dirs, name, stats)
            if all(stat.S_ISDIR(st.st_mode) for st in stats):
                below.append((name, path + name + b"/"))
        return below[::-1]

    def walk(self, roots):
        """Depth first with an explicit stack, so that neither Python's nor
        the system's limit on depth is met: only the deepest pair of
        directories is open, its parents are found again through ".."."""
        dirs = [os.open(r, DIR_FLAGS) for r in roots]
        stats = [os.fstat(d) for d in dirs]
        self.entry(b"", dirs, b".", stats)
        stack = [self.directory(b"", dirs)]
        while stack:
            if stack[-1]:
                name, path = stack[-1].pop()
                dirs = self.move(dirs, name)
                stack.append(self.directory(path, dirs))
            else:
                stack.pop()
                if stack:
                    dirs = self.move(dirs, b"..")
        for d in dirs:
            os.close(d)

    @staticmethod
    def move(dirs, name):
        moved = [os.open(name, DIR_FLAGS, dir_fd=d) for d in dirs]
        for d in dirs:
            os.close(d)
        return moved


def main(argv, out=sys.stdout):
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("first")
    p.add_argument("second")
    p.add_argument("--no-sockets", action="store_true",
                   help="sockets may be missing in the second tree")
    p.add_argument("--ignore-xattr", action="append", default=[],
                   metavar="NAME", help="leave this attribute out")
    p.add_argument("-q", "--quiet", action="store_true",
                   help="no counts if the trees are equal")
    for c in CLASSES:
        p.add_argument(f"--no-{c}", action="store_true",
                       help=f"leave out {c}")
    args = p.parse_args(argv)
    classes = {c for c in CLASSES if not getattr(args, f"no_{c}")}
    c = Comparer(classes, not args.no_sockets, set(args.ignore_xattr), out)
    try:
        c.walk([os.fsencode(args.first), os.fsencode(args.second)])
    except OSError as e:
        print(f"compare: {e}", file=sys.stderr)
        return 2
    total = sum(c.counts.values())
    if total or not args.quiet:
        each = ", ".join(f"{n} {w}" for w, n in sorted(c.counts.items()))
        print(f"{c.entries} entries, {c.bytes} bytes compared, "
              f"{total} differences{': ' + each if each else ''}", file=out)
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
