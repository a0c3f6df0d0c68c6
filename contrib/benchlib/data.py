# SPDX-License-Identifier: BSD-2-Clause
"""The data sets: found below a folder, or made there. A tree appears under its
name when it is complete.

src    two Debian point releases of the source of Linux 6.1, about 80,000
       files and 1.3 GB each, by apt
small  500,000 small files of words in 1,000 folders, 0.8 GB
rand   one file of 2 GiB that does not compress
vm     a sparse ext4 image of 4 GiB with /usr/share in it, and the same with
       200 scattered writes of 64 KiB"""

import os
import random
import subprocess
from pathlib import Path

from setup import Failed, remove, say, shell

# First tree and changed tree; a set of one tree has no changed step.
SETS = {
    "src": ("linux-a", "linux-b"),
    "small": ("small", None),
    "rand": ("rand", None),
    "vm": ("vm-a", "vm-b"),
}
PAIRS = [name for name, (_, changed) in SETS.items() if changed]
SOURCE = "linux-source-6.1"


def trees(folder, name):
    """The trees of a set as absolute paths, made if need be."""
    folder = Path(folder).resolve()
    paths = [folder / tree for tree in SETS[name] if tree is not None]
    if not all(path.is_dir() for path in paths):
        say(f"making the data set {name} in {folder}")
        folder.mkdir(parents=True, exist_ok=True)
        MAKERS[name](*paths)
    return paths


def versions():
    p = subprocess.run(["apt-cache", "madison", SOURCE], check=True,
                       stdout=subprocess.PIPE, text=True)
    found = {line.split("|")[1].strip() for line in p.stdout.splitlines()
             if line.endswith("Packages")}
    ordered = subprocess.run(["sort", "-V"], input="\n".join(found) + "\n",
                             check=True, stdout=subprocess.PIPE, text=True)
    return ordered.stdout.split()


def make_src(*paths):
    shell("need_packages xz-utils")
    found = versions()
    if len(found) < 2:
        raise Failed(f"two versions of {SOURCE} are needed, apt knows "
                     f"{len(found)}: try apt-get update, or a mirror with "
                     "security updates")
    for path, version in zip(paths, (found[0], found[-1])):
        if not path.is_dir():
            fetch_source(path, version)


def fetch_source(path, version):
    tmp = path.with_name(path.name + ".tmp")
    remove(tmp)
    (tmp / "tree").mkdir(parents=True)
    shell(f"""
set -o pipefail
cd '{tmp}' && apt-get -qq download {SOURCE}={version} &&
dpkg --fsys-tarfile *.deb | tar -xO --wildcards '*.tar.xz' |
	tar -xJ -C tree --strip-components=1
""")
    (tmp / "tree").rename(path)
    remove(tmp)


def make_small(path):
    tmp = path.with_name(path.name + ".tmp")
    remove(tmp)
    rng = random.Random(7)
    letters = "etaoinshrdlucmfwypvbgkjqxz"
    words = ["".join(rng.choice(letters) for _ in range(rng.randint(2, 9)))
             .encode() for _ in range(5000)]
    for d in range(1000):
        folder = tmp / f"{d % 40:02d}/{d:04d}"
        folder.mkdir(parents=True)
        for f in range(500):
            count = int(rng.lognormvariate(5.0, 1.0))
            (folder / f"f{f:05d}.txt").write_bytes(
                b" ".join(rng.choice(words) for _ in range(count)))
    tmp.rename(path)


def make_rand(path):
    tmp = path.with_name(path.name + ".tmp")
    remove(tmp)
    tmp.mkdir()
    with open(tmp / "blob", "wb") as out:
        for _ in range(2048):
            out.write(os.urandom(1 << 20))
    tmp.rename(path)


def make_vm(first, second):
    shell("need_packages e2fsprogs")
    for path in (first, second):
        remove(path)
    tmp = [path.with_name(path.name + ".tmp") for path in (first, second)]
    for path in tmp:
        remove(path)
        path.mkdir()
    images = [path / "disk.img" for path in tmp]
    with open(images[0], "wb") as image:
        image.truncate(4 << 30)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-d", "/usr/share", images[0]],
                   check=True)
    subprocess.run(["cp", "--sparse=always", *images], check=True)
    rng = random.Random(3)
    with open(images[1], "r+b") as image:
        for _ in range(200):
            image.seek(rng.randrange(0, 1 << 30) // 4096 * 4096)
            image.write(rng.randbytes(65536))
    for path, final in zip(tmp, (first, second)):
        path.rename(final)


MAKERS = {"src": make_src, "small": make_small, "rand": make_rand,
          "vm": make_vm}
