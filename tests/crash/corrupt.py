#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Damage each object of a small repository in every way.

Each byte flipped, each object cut at 50 lengths, exchanged with each other of
its type, removed: check must fail and name the object, extract must not write
a wrong byte nor end well with a file missing, and nothing may crash. VARVE
names the binary. --sample N flips N bytes of each object (and those at its
ends) instead of all. As TAP.
"""

import argparse
import os
import random
import shutil
import sys

from crashlib import Summary, Workers, Wrong, make_source, varve_binary

ARCHIVE = "second"
PARTS = ("flipped", "shortened", "lengthened", "exchanged", "removed")
CUTS = 50
# What nothing that is left can tell: whether a slot or an intent ever was.
REMOVAL_UNSEEN = ("keys/", "intents/")


def prepare(sb):
    """Two archives, one tombstone, two key slots; the client knows them."""
    make_source(sb.top + "/src-1", 1, 60_000)
    make_source(sb.top + "/src-2", 2, 60_000)
    sb.init()
    sb.use_key_file()
    for name, version in (("first", 1), ("gone", 1), (ARCHIVE, 2)):
        before = set(sb.objects())
        sb.must(*sb.create_args(name), cwd=f"{sb.top}/src-{version}")
        if name == "gone":
            sb.deleted = {n for n in set(sb.objects()) - before
                          if n.startswith("archives/")}
    sb.must("delete", sb.at("gone"))
    sb.check()
    sb.prove(ARCHIVE, sb.top + "/src-2")
    sb.save()


def regular_files(top):
    top = os.fsencode(top)
    return {os.path.relpath(os.path.join(d, n), top)
            for d, _, names in os.walk(top) for n in names
            if os.path.isfile(os.path.join(d, n)) and
            not os.path.islink(os.path.join(d, n))}


def same(a, b):
    with open(a, "rb") as f, open(b, "rb") as g:
        return f.read() == g.read()


class Damage:
    """One kind of damage to one object, undone by copying it back."""

    def __init__(self, sb, *names):
        self.sb = sb
        self.names = names

    def path(self, name, saved=False):
        return f"{self.sb.top}/{'saved-' if saved else ''}repo/{name}"

    def __enter__(self):
        return self

    def write(self, name, data):
        """Objects are read-only: replaced, not changed."""
        path = self.path(name)
        os.unlink(path)
        with open(path, "wb") as f:
            f.write(data)

    def original(self, name):
        with open(self.path(name, True), "rb") as f:
            return f.read()

    def __exit__(self, *_):
        """What checking wrote into the client's state is undone, too."""
        for name in self.names:
            if os.path.exists(self.path(name)):
                os.unlink(self.path(name))
            shutil.copy2(self.path(name, True), self.path(name))
        shutil.rmtree(self.sb.home)
        shutil.copytree(self.sb.top + "/saved-home", self.sb.home)


def judge_check(sb, names, must_fail=True):
    r = sb.run("check", "--verify-data", sb.repo)
    if not must_fail:
        return
    if r.rc == 0:
        raise Wrong(f"check finds nothing: {r}")
    unnamed = [n for n in names if os.path.basename(n).split(".")[0]
               not in r.out + r.err]
    # Without a config of the generation that the client knows the run ends,
    # and tells of the first that it could not use.
    if all(n.startswith("config/") for n in names) and \
            len(unnamed) < len(names):
        return
    if unnamed:
        raise Wrong(f"check does not name {unnamed[0]}: {r}")


def judge_extract(sb):
    r = sb.extract(ARCHIVE)
    want, have = regular_files(sb.top + "/src-2"), regular_files(sb.out)
    for name in have:
        if name not in want:
            raise Wrong(f"extract made {name!r}: {r}")
        if not same(os.path.join(os.fsencode(sb.top) + b"/src-2", name),
                    os.path.join(os.fsencode(sb.out), name)):
            raise Wrong(f"extract wrote a wrong {name!r}: {r}")
    if r.rc == 0 and want != have:
        raise Wrong(f"exit status 0 without {want - have}: {r}")


def flip(sb, name, at, bit):
    with Damage(sb, name) as d:
        data = bytearray(d.original(name))
        data[at] ^= 1 << bit
        d.write(name, data)
        judge_check(sb, [name])
        judge_extract(sb)


def cut(sb, name, n):
    with Damage(sb, name) as d:
        d.write(name, d.original(name)[:n])
        judge_check(sb, [name])
        judge_extract(sb)


def lengthen(sb, name, extra):
    with Damage(sb, name) as d:
        d.write(name, d.original(name) + extra)
        judge_check(sb, [name])
        judge_extract(sb)


def swap(sb, name, other):
    with Damage(sb, name, other) as d:
        d.write(name, d.original(other))
        d.write(other, d.original(name))
        judge_check(sb, [name, other])
        judge_extract(sb)


def remove(sb, name):
    with Damage(sb, name) as d:
        os.unlink(d.path(name))
        # Nothing depends on the configs of older generations.
        unseen = name.startswith(REMOVAL_UNSEEN) or name in sb.deleted or \
            (name.startswith("config/") and name[:15] <
             max(n[:15] for n in sb.objects() if n.startswith("config/")))
        # Who follows an archive knows its id, not the name of its object.
        judge_check(sb, [name] if name.startswith("packs/") else [],
                    must_fail=not unseen)
        judge_extract(sb)


def positions(size, sample, rng):
    """Bytes of an object: all, or those that start its fields and a sample."""
    if sample == 0 or size <= sample:
        return range(size)
    fields = {0, 7, 8, 9, 10, 12, 16, 48, 63, 64, size - 80, size - 24,
              size - 16, size - 1}
    return sorted({at for at in fields if 0 <= at < size} |
                  set(rng.sample(range(size), sample)))


def few(jobs, sample, rng):
    return jobs if sample == 0 or len(jobs) <= 12 else rng.sample(jobs, 12)


class Plan:
    """The damage to one repository: a list of jobs per part."""

    def __init__(self, sample, seed):
        self.sample = sample
        self.seed = seed

    def jobs(self, part, sb):
        rng = random.Random(self.seed)
        names = sb.objects()
        sizes = {n: os.path.getsize(f"{sb.repo}/{n}") for n in names}
        return getattr(self, part)(names, sizes, rng)

    def flipped(self, names, sizes, rng):
        return [(f"bit of byte {at} of {n} flipped", flip, n, at,
                 rng.randrange(8))
                for n in names for at in positions(sizes[n], self.sample, rng)]

    def shortened(self, names, sizes, rng):
        cuts = CUTS if self.sample == 0 else CUTS // 10
        return [(f"{n} cut at {at}", cut, n, at) for n in names
                for at in {0, sizes[n] - 1, *rng.sample(
                    range(sizes[n]), min(cuts, sizes[n]))}]

    def lengthened(self, names, _, rng):
        return few([(f"{n} with {len(x)} more", lengthen, n, x)
                    for n in names for x in (b"\0", b"x" * 100)],
                   self.sample, rng)

    def exchanged(self, names, _, rng):
        def kind(name):
            return name.split("/")[0]
        return few([(f"{a} for {b}", swap, a, b) for i, a in enumerate(names)
                    for b in names[i + 1:] if kind(a) == kind(b)],
                   self.sample, rng)

    def removed(self, names, _, rng):
        return few([(f"{n} removed", remove, n) for n in names],
                   self.sample, rng)


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--sample", type=int, default=0, metavar="N")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("part", nargs="*", default=PARTS)
    args = p.parse_args()
    varve_binary()
    print(f"# seed {args.seed}")
    summary = Summary()
    try:
        workers = Workers(args.jobs, prepare)
    except Wrong as e:
        summary.part("setup", 0, [("setup", str(e))])
        return summary.close()
    # Each sandbox has a repository of its own, with names of its own.
    plan = Plan(args.sample, args.seed)
    try:
        for part in args.part:
            known, done = len(workers.problems), workers.done
            workers.share(lambda sb, part=part: plan.jobs(part, sb))
            summary.part(part, workers.done - done, workers.problems[known:])
    finally:
        workers.close()
    return summary.close()


if __name__ == "__main__":
    sys.exit(main())
