# SPDX-License-Identifier: BSD-2-Clause
"""What the kernel says of a tree, one record per file: the manifests of the
golden archives, and what an extracted copy is compared with."""

import array
import errno
import fcntl
import hashlib
import json
import os
import stat

FS_IOC_GETFLAGS = 0x80086601
FS_IOC_SETFLAGS = 0x40086602
NODUMP = 0x40

KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "directory",
         stat.S_IFLNK: "symlink", stat.S_IFIFO: "fifo",
         stat.S_IFSOCK: "socket", stat.S_IFCHR: "char",
         stat.S_IFBLK: "block"}


def holes(path, size):
    """[from, to) of each hole of a file."""
    found, at = [], 0
    fd = os.open(path, os.O_RDONLY)
    try:
        while at < size:
            try:
                data = os.lseek(fd, at, os.SEEK_DATA)
            except OSError as e:
                if e.errno != errno.ENXIO:
                    raise
                data = size
            if data > at:
                found.append([at, data])
            at = os.lseek(fd, data, os.SEEK_HOLE) if data < size else size
    finally:
        os.close(fd)
    return found


def flags_ioctl(path, call, flags):
    """The flags afterwards; None where there are none."""
    number = array.array("i", [flags])
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(fd, call, number)
    except OSError:
        return None
    finally:
        os.close(fd)
    return number[0]


def nodump(path):
    return bool((flags_ioctl(path, FS_IOC_GETFLAGS, 0) or 0) & NODUMP)


def set_nodump(path):
    return flags_ioctl(path, FS_IOC_SETFLAGS, NODUMP) is not None


def shown(value):
    """A value of an attribute: long ones by their hash."""
    return value.hex() if len(value) <= 64 else \
        f"{len(value)} {hashlib.sha256(value).hexdigest()}"


def xattrs(path):
    try:
        names = os.listxattr(path, follow_symlinks=False)
    except OSError:
        return {}
    return {name: shown(os.getxattr(path, name, follow_symlinks=False))
            for name in sorted(names) if not name.startswith("security.sel")}


def describe(path, name, links):
    st = os.lstat(path)
    kind = KINDS[stat.S_IFMT(st.st_mode)]
    record = {"path": os.fsdecode(name), "kind": kind,
              "mode": stat.S_IMODE(st.st_mode), "mtime": st.st_mtime_ns}
    if st.st_uid or st.st_gid:
        record["owner"] = [st.st_uid, st.st_gid]
    if kind == "file":
        record["size"] = st.st_size
        with open(path, "rb") as f:
            record["sha256"] = hashlib.sha256(f.read()).hexdigest()
        if holes(path, st.st_size):
            record["holes"] = holes(path, st.st_size)
        if nodump(path):
            record["nodump"] = True
    elif kind == "symlink":
        record["target"] = os.fsdecode(os.readlink(path))
    elif kind in ("char", "block"):
        record["device"] = [os.major(st.st_rdev), os.minor(st.st_rdev)]
    if xattrs(path):
        record["xattrs"] = xattrs(path)
    if kind != "directory" and st.st_nlink > 1:
        first = links.setdefault((st.st_dev, st.st_ino), record["path"])
        record["link"] = first
    return record


def walk(top, leave_out=()):
    """Records of the tree, in the order of an archive: a directory before
    what it holds, names by their bytes."""
    top, links = os.fsencode(top), {}

    def below(folder, prefix):
        for name in sorted(os.listdir(folder)):
            path, full = os.path.join(folder, name), prefix + name
            if os.fsdecode(full) in leave_out:
                continue
            yield describe(path, full, links)
            if stat.S_ISDIR(os.lstat(path).st_mode):
                yield from below(path, full + b"/")

    yield describe(top, b".", links)
    yield from below(top, b"")


def dump(records, path):
    with open(path, "w") as f:
        for record in records:
            f.write(json.dumps(record) + "\n")


def load(path):
    with open(path) as f:
        return [json.loads(line) for line in f]


def differences(got, wanted, ignore=()):
    """One line for each record that differs."""
    got = {r["path"]: r for r in got}
    wanted = {r["path"]: r for r in wanted}
    for path in sorted(got.keys() | wanted.keys()):
        a, b = got.get(path), wanted.get(path)
        if a is None or b is None:
            yield f"{path!a}: {'missing' if a is None else 'not expected'}"
            continue
        for key in sorted(a.keys() | b.keys()):
            if key not in ignore and a.get(key) != b.get(key):
                yield (f"{path!a}: {key} is {a.get(key)!a}, "
                       f"not {b.get(key)!a}")
