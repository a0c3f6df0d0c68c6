#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Make the golden repository of format version 1: make_v1.py VARVE OUT.

It was run once: what is in v1/ must stay readable for ever. Needs root, what
the reader needs, and a temporary folder (TMPDIR) whose file system keeps long
attributes, flags and holes: a tmpfs of Linux 6.6 does. OUT gets repository/,
passphrase, key-file and a manifest of each archive, which is made from the
source tree.
"""

import os
import random
import shutil
import socket
import stat
import struct
import subprocess
import sys
import tempfile

import treelist
from make_rolls import ARCHIVE, KEM_ARCHIVE, Maker, i64, store_roll, v
from objects import parse_name, verify_signature
from wire import blake2b, u32

PASSPHRASE = "a golden passphrase"
T0 = 1_000_000_000_000_000_000  # ns
WORDS = ("sediment clay silt spring autumn lake river ice melt layer summer "
         "winter pollen ash gravel sand").split()


def write(path, content, mode=0o644):
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
    with open(path, "wb") as f:
        f.write(content)
    os.chmod(path, mode)


def text(seed, size):
    r, out = random.Random(seed), []
    while len(out) * 64 < size:
        words = " ".join(r.choice(WORDS) for _ in range(9))
        out.append(words[:63].ljust(63) + "\n")
    return "".join(out).encode()


def sparse(path, size, pieces):
    with open(path, "wb") as f:
        f.truncate(size)
        for at, content in pieces:
            f.seek(at)
            f.write(content)


def fill():
    """The first tree, in the current folder."""
    write("hello.txt", b"hello, varve\n")
    write("empty", b"", 0o600)
    write("big.txt", text(1, 700 << 10))
    write("links/a", b"one file, three names\n")
    os.link("links/a", "links/b")
    os.link("links/a", "other-name")
    sparse("sparse", 1 << 20, [(256 << 10, b"data between two holes" * 400)])
    sparse("striped", 40 * 8192, [(i * 8192, bytes([i + 1]) * 4096)
                                  for i in range(40)])
    write("attributes", b"has some\n", 0o4755)
    os.setxattr("attributes", "user.short", b"value")
    os.setxattr("attributes", "user.empty", b"")
    os.setxattr("attributes", "user.long", bytes(range(256)) * 20)
    acl = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", *entry) for entry in
        ((1, 6, 0xffffffff), (2, 4, 1), (4, 4, 0xffffffff),
         (16, 6, 0xffffffff), (32, 0, 0xffffffff)))
    write("acl", b"more than a mode\n", 0o640)
    os.setxattr("acl", "system.posix_acl_access", acl)
    write("nodump", b"a flag\n")
    assert treelist.set_nodump("nodump")
    write("owned", b"by another user\n")
    os.chown("owned", 1, 65000)
    os.symlink("hello.txt", "symlink")
    os.symlink(b"no such \xff file", "dangling")
    write(b"caf\xe9 \n\x1b", b"its name is no UTF-8\n")
    write("before-1970", b"old\n")
    os.mkfifo("fifo", 0o620)
    socket.socket(socket.AF_UNIX).bind("socket")
    os.mkdir("devices", 0o711)
    os.mknod("devices/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod("devices/loop", stat.S_IFBLK | 0o660, os.makedev(7, 70000))
    os.mkdir("empty-directory", 0o1777)
    write("way/on the way/here/file", b"deep\n")
    write("way/not this", b"beside\n")
    for i in range(500):
        write(f"many/{i:03}", b"")


def change():
    """What is different in the second archive."""
    shutil.rmtree("many")
    write("hello.txt", b"hello again, varve\n")
    with open("big.txt", "r+b") as f:
        f.seek(650 << 10)
        f.write(b"a few bytes changed")
    os.rename("before-1970", "renamed")
    os.chmod("empty", 0o640)


def settle():
    """The same times in every run, what is deepest first."""
    n = 0
    for folder, names, files in os.walk(b".", topdown=False):
        for name in sorted(names + files):
            path = os.path.join(folder, name)
            if b"repository" in path:
                continue
            n += 1
            ns = -86400 * 10**9 + 5 if name == b"before-1970" \
                else T0 + n * 1_000_000_007
            os.utime(path, ns=(ns, ns), follow_symlinks=False)
    os.utime(".", ns=(T0, T0))


def vouch():
    """No command stores rolls yet: one of the archive "way"."""
    maker = Maker("repository", PASSPHRASE.encode())
    repo = maker.repo
    for name in repo.store.list("archives"):
        a = repo.read_archive(name)
        if a[2] != b"way":
            continue
        data, c, _ = repo.fetch(name)
        repo.clear_archive(c)
        clear = data[64:c.at]
        facts = (b"\0" + v(len(clear)) + clear +
                 repo.open_meta(data, c, KEM_ARCHIVE))
        _, tag, object_id = parse_name(name)
        store_roll(maker, [(
            bytes([ARCHIVE]) + object_id + blake2b(32, b"", data) +
            a["logical"] + u32(a["revision"]) + b"\0" + i64(a["end"]) +
            bytes.fromhex(tag) + verify_signature(data)[0],
            v(len(facts)) + facts)])
    for name in os.listdir("repository/rolls"):
        os.chmod("repository/rolls/" + name, 0o400)


def main():
    out = os.path.abspath(sys.argv[2])
    scratch = tempfile.mkdtemp()
    # The words of the command line go into archives: no place of a build.
    shutil.copy2(sys.argv[1], scratch + "/varve")
    env = {"PATH": scratch + ":" + os.environ["PATH"], "HOME": scratch,
           "TZ": "UTC", "VARVE_BASE_DIR": scratch + "/base",
           "VARVE_PASSPHRASE": PASSPHRASE}
    os.umask(0o022)
    os.makedirs(scratch + "/tree")
    os.chdir(scratch + "/tree")

    def run(*args):
        # The host's name goes into archives.
        subprocess.run(["unshare", "--uts", "sh", "-c",
                        'hostname golden && exec "$@"', "sh", "varve", *args],
                       env=env, check=True)

    def manifest(name):
        treelist.dump(treelist.walk(".", ["repository"]),
                      f"{out}/{name}.jsonl")

    os.makedirs(out)
    run("init", "repository")
    run("key", "add", "--label", "a key file",
        "--key-file", f"{out}/key-file", "repository")
    fill()
    settle()
    manifest("one")
    run("create", "--compression", "none", "repository::way",
        "way/on the way/here")
    run("create", "--comment", "the first", "repository::one", ".")
    way = [r for r in treelist.walk(".")
           if r["path"].startswith("way/on the way/here")]
    treelist.dump(way, f"{out}/way.jsonl")
    change()
    settle()
    manifest("second")
    run("create", "repository::two", ".")
    run("rename", "repository::two", "second")
    run("create", "repository::gone", "hello.txt")
    run("delete", "repository::gone")
    vouch()
    run("check", "--verify-data", "repository")

    shutil.copytree("repository", f"{out}/repository")
    os.remove(f"{out}/repository/reserve")
    with open(f"{out}/passphrase", "w") as f:
        f.write(PASSPHRASE + "\n")
    shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
