# SPDX-License-Identifier: BSD-2-Clause
"""What has to stand before anything is measured: packages, programs, a folder
to work in and the place where the tree to back up appears."""

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent.parent
BUILD = TOP / "build"
VARVE = BUILD / "release/src/cli/varve"
FLOOR = BUILD / "floor"


class Failed(Exception):
    """Nothing more can be measured; says why."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def is_root():
    return os.geteuid() == 0


def add_arguments(parser):
    """The options that all commands have."""
    parser.add_argument("--data", metavar="DIR", type=Path,
                        default=BUILD / "bench-data",
                        help="where the data is, or is made "
                        "(default: build/bench-data)")
    parser.add_argument("--work", metavar="DIR", type=Path, default=BUILD,
                        help="where repositories and restored trees are "
                        "made, in a new folder (default: build)")
    parser.add_argument("--runs", metavar="N", type=positive, default=3,
                        help="times that each step runs (default: 3)")
    parser.add_argument("--json", metavar="FILE", type=Path,
                        help="write all figures to FILE too")
    parser.add_argument("--keep", action="store_true",
                        help="leave repositories and clients' folders")


def positive(text):
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 on")
    return int(text)


def one_of(choices):
    """Parses "A,B" where both are among `choices`."""
    def parse(text):
        names = text.split(",")
        for name in names:
            if name not in choices:
                raise argparse.ArgumentTypeError(
                    f"'{name}' is none of {', '.join(choices)}")
        return names
    return parse


def own_mounts():
    """As root, go on in a mount namespace of our own: however this ends, the
    bind mounts end with it."""
    if not is_root() or "VARVE_BENCH_MOUNTS" in os.environ:
        return
    command = ["unshare", "--mount", "--propagation", "private"]
    try:
        subprocess.run(command + ["true"], check=True,
                       stderr=subprocess.DEVNULL)
    except (OSError, subprocess.CalledProcessError):
        return
    os.environ["VARVE_BENCH_MOUNTS"] = "own"
    os.execvp(command[0], command + [sys.executable] + sys.orig_argv[1:])


def shell(script):
    """Run lines of bash after contrib/common.sh; its output goes to stderr."""
    p = subprocess.run(
        ["bash", "-c", "set -u; . contrib/common.sh\n" + script], cwd=TOP,
        stdout=sys.stderr)
    if p.returncode != 0:
        raise Failed("see above")


def prepare(*packages):
    """Install packages, build varve and the floor program."""
    names = " ".join(packages)
    say("building varve in build/release and build/floor")
    shell(f"""
need_packages "${{BUILD_PACKAGES[@]}}" e2fsprogs {names}
mkdir -p build || die "cannot make build/"
build build/release -Dbuildtype=release >build/release.log 2>&1 || {{
	tail -n 30 build/release.log
	die "the build failed; all of its output is in build/release.log"
}}
cc -std=gnu17 -D_GNU_SOURCE -O3 -march=native contrib/benchlib/floor.c \\
	-o build/floor -lsodium -lzstd -lxxhash -lpthread ||
	die "contrib/benchlib/floor.c does not build"
""")


def remove(path):
    """A tree with anything in it; quiet where there is none."""
    subprocess.run(["rm", "-rf", "--one-file-system", "--", str(path)],
                   check=False)


class Fresh:
    """An empty folder on an ext4 of its own, in an image file: on a file system
    where a tree was removed minutes ago, ext4 takes long to find inodes that
    were not, whoever asks. Without root it is a folder like any other."""

    def __init__(self, folder, data_bytes):
        self.path = Path(folder)
        self.image = self.path.with_suffix(".img")
        self.size = 2 * data_bytes + (1 << 30)
        self.mounted = False

    def __enter__(self):
        self.path.mkdir()
        if is_root():
            with open(self.image, "wb") as f:
                f.truncate(self.size)
            self.mounted = subprocess.run(
                f"mkfs.ext4 -q -F -m 0 -i 4096 '{self.image}' && "
                f"mount -o loop '{self.image}' '{self.path}'", shell=True,
                stderr=subprocess.DEVNULL).returncode == 0
            if self.mounted:
                remove(self.path / "lost+found")
        return self.path

    def __exit__(self, *_):
        if self.mounted:
            subprocess.run(["umount", self.path], check=False)
        remove(self.image)
        remove(self.path)


class Live:
    """One path at which one tree after the other is seen, by bind mounts, so
    that tools find unchanged paths. Without root it is the tree itself, and
    a second one cannot take its place."""

    def __init__(self, folder):
        self.path = Path(folder)
        self.can_swap = is_root() and self._try()
        self.mounted = False

    def _try(self):
        self.path.mkdir()
        command = ["mount", "--bind", self.path, self.path]
        if subprocess.run(command, stderr=subprocess.DEVNULL).returncode != 0:
            self.path.rmdir()
            return False
        subprocess.run(["umount", self.path], check=True)
        return True

    def show(self, tree):
        """Put `tree` there and have it in the page cache."""
        if self.can_swap:
            self.clear()
            subprocess.run(["mount", "--bind", tree, self.path], check=True)
            self.mounted = True
        else:
            self.path = Path(tree)
        subprocess.run("tar -cf - . | cat >/dev/null", shell=True,
                       cwd=self.path, stderr=subprocess.DEVNULL)

    def clear(self):
        if self.mounted:
            subprocess.run(["umount", self.path], check=True)
            self.mounted = False

    def close(self):
        self.clear()
        if self.can_swap:
            self.path.rmdir()


@contextlib.contextmanager
def workshop(args):
    """A new folder for all that is made, and a Live in it. Both are gone in
    the end; a mounted tree is never in the way of that."""
    args.work.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="bench.", dir=args.work)).resolve()
    live = Live(folder / "live")
    try:
        yield folder, live
    finally:
        live.close()
        if args.keep:
            say(f"kept: {folder}")
        else:
            remove(folder)
