#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""An acknowledged archive can be restored by a client that knows nothing, also
when packs or index objects were lost before it was made. VARVE names the
program."""

import glob
import os
import random
import shutil
import subprocess
import sys
import tempfile

VARVE = os.environ["VARVE"]
PASS = {"VARVE_PASSPHRASE": "a passphrase", "TZ": "UTC", "LC_ALL": "C.UTF-8"}


class Sandbox:
    """A repository, a source and the folders of one client."""

    def __init__(self, top):
        self.top = top
        self.tests = self.failures = 0

    def path(self, *names):
        return os.path.join(self.top, *names)

    def env(self, home):
        return {"PATH": os.environ["PATH"], "HOME": self.path(home),
                "VARVE_BASE_DIR": self.path(home),
                "VARVE_KEY_FILE": self.path("key"), **PASS}

    def varve(self, *args, home="home"):
        return subprocess.run([VARVE, *args], cwd=self.top,
                              env=self.env(home), capture_output=True,
                              text=True, errors="replace")

    def fresh(self, *args):
        """The same as a client without cache and state."""
        shutil.rmtree(self.path("nobody"), ignore_errors=True)
        os.mkdir(self.path("nobody"))
        return self.varve(*args, home="nobody")

    def ok(self, good, name, *runs):
        self.tests += 1
        self.failures += not good
        print(("ok " if good else "not ok ") + f"{self.tests} - {name}",
              flush=True)
        for run in () if good else runs:
            print(f"# {' '.join(run.args[1:])}: {run.returncode}\n# " +
                  run.stderr.replace("\n", "\n# "))

    def save(self):
        for name in ("repo", "home"):
            shutil.copytree(self.path(name), self.path(name + ".0"))

    def reset(self):
        for name in ("repo", "home"):
            shutil.rmtree(self.path(name), ignore_errors=True)
            shutil.copytree(self.path(name + ".0"), self.path(name))

    def objects(self, kind):
        found = glob.glob(self.path("repo", kind, "**"), recursive=True)
        return sorted(f for f in found if os.path.isfile(f))

    def remembered(self):
        """The files in which the client remembers when it compared."""
        return [os.path.join(root, "lost")
                for root, _, files in os.walk(self.path("home"))
                if "lost" in files]

    def next_day(self):
        for name in self.remembered():
            os.unlink(name)

    def create(self, name, *options, fresh=False):
        """Times of change are too young in a test to be compared."""
        run = self.fresh if fresh else self.varve
        return run("create", "--files-cache", "mtime,size,inode", *options,
                   "repo::" + name, "src")

    def restores(self, name):
        return self.fresh("extract", "--dry-run", "repo::" + name)


def age(path):
    """Old enough to be taken for unchanged."""
    os.utime(path, (10**9, 10**9), follow_symlinks=False)


def fill(box):
    r = random.Random(7)
    os.makedirs(box.path("src", "deep"))
    for i in range(12):
        with open(box.path("src", "deep", f"f{i}"), "wb") as f:
            f.write(r.randbytes(3000))
    # Longer than a list of extents that stands in its entry.
    with open(box.path("src", "large"), "wb") as f:
        f.write(r.randbytes(600000))
    try:
        for name in ("src", "src/deep", "src/deep/f0"):
            os.setxattr(box.path(name), "user.long", r.randbytes(3000))
    except OSError:
        pass
    for root, _, files in os.walk(box.path("src")):
        for name in files + ["."]:
            age(os.path.join(root, name))


def flip(path):
    os.chmod(path, 0o600)
    with open(path, "r+b") as f:
        f.seek(os.path.getsize(path) // 2)
        byte = f.read(1)
        f.seek(-1, os.SEEK_CUR)
        f.write(bytes([byte[0] ^ 1]))


def truncate(path):
    os.chmod(path, 0o600)
    os.truncate(path, os.path.getsize(path) - 40)


def prepare(box):
    os.mkdir(box.path("home"))
    fill(box)
    env = box.env("home")
    del env["VARVE_KEY_FILE"]
    for args in (["init", "--chunker-params", "gear,4K,8K,32K", "repo"],
                 ["key", "add", "--key-file", "key", "repo"]):
        if subprocess.run([VARVE, *args], cwd=box.top, env=env,
                          capture_output=True).returncode != 0:
            sys.exit(99)
    # Three packs: the first files, a later one, and metadata alone.
    runs = [box.create("one")]
    with open(box.path("src", "later"), "wb") as f:
        f.write(random.Random(8).randbytes(20000))
    age(box.path("src", "later"))
    runs.append(box.create("two"))
    os.chmod(box.path("src", "deep", "f3"), 0o600)
    runs.append(box.create("three"))
    box.ok(all(r.returncode == 0 for r in runs) and
           len(box.objects("packs")) == 3, "three archives in three packs",
           *runs)
    box.save()


# --- packs ---

def create(box, how):
    """The next run after a loss, as different clients make it."""
    if how == "day":
        box.next_day()
    if how == "check":
        box.varve("check", "--verify-data", "repo")
    if how == "garbage":
        for name in box.remembered():
            with open(name, "wb") as f:
                f.write(b"VRVLOST1 and more")
    options = ["--files-cache", "disabled"] if how == "disabled" else []
    return box.create("new", *options, fresh=how == "fresh")


def lose(box, which, damage, how):
    box.reset()
    what = f"pack {which} {damage.__name__}, {how}"
    damage(box.objects("packs")[which])
    made = create(box, how)
    back = box.restores("new")
    box.ok(made.returncode in (0, 1) and back.returncode == 0,
           what + ": restorable", made, back)
    if how not in ("day", "check"):
        return
    # The pack stays named by its index object: the next run is still right,
    # and reads nothing again.
    again = box.create("next", "--list", "--filter", "AMC",
                       fresh=how == "fresh")
    back = box.restores("next")
    listed = [l for l in again.stderr.split("\n") if l[:2] in ("A ", "M ")]
    box.ok(back.returncode == 0 and listed == [], what + ": the next one",
           again, back)


def lose_packs(box):
    for which in range(3):
        for how in ("day", "disabled", "check", "fresh"):
            lose(box, which, os.unlink, how)
        lose(box, which, truncate, ("day", "disabled", "fresh")[which])
        lose(box, which, flip, "check")
    lose(box, 0, os.unlink, "garbage")


def notice_later(box):
    """A run that changes nothing asks once a day; until then it cannot know.
    Whatever it finds missing by the way it stores again."""
    box.reset()
    for name in box.objects("packs"):
        os.unlink(name)
    box.create("hour")
    box.next_day()
    made = box.create("day")
    box.ok(made.returncode == 1 and "missing or damaged" in made.stderr,
           "all packs lost: told", made)
    back = box.restores("day")
    box.ok(back.returncode == 0, "all packs lost: stored again", back)
    quiet = box.create("quiet")
    box.ok(quiet.returncode == 0 and quiet.stderr == "",
           "all packs lost: told once", quiet)


def other_source(box):
    """What the source has no more is not in the new archive."""
    box.reset()
    shutil.copytree(box.path("src"), box.path("src.0"), symlinks=True)
    os.unlink(box.path("src", "deep", "f5"))
    os.unlink(box.objects("packs")[0])
    os.unlink(box.objects("packs")[-1])
    box.next_day()
    made = box.create("less")
    back = box.restores("less")
    box.ok(made.returncode in (0, 1) and back.returncode == 0,
           "a file is gone from the source too", made, back)
    shutil.rmtree(box.path("src"))
    os.rename(box.path("src.0"), box.path("src"))


# --- index objects ---

def everything(box, name):
    runs = [box.restores(a) for a in ("one", "two", "three", name)]
    return all(r.returncode == 0 for r in runs), runs


def lose_index(box):
    for which in (0, 2):
        for damage in (flip, os.unlink):
            for change in (True, False):
                box.reset()
                lost = box.objects("index")[which]
                what = f"index object {which} {damage.__name__}" + (
                    ", changed" if change else "")
                damage(lost)
                if change:
                    with open(box.path("src", "changing"), "w") as f:
                        f.write(f"{which} {damage.__name__}\n" * 50)
                made = box.create("new")
                if change and damage is os.unlink:
                    seen = box.fresh("check", "repo")
                    box.ok(seen.returncode == 0,
                           what + ": named by the run that opens the index",
                           made, seen)
                if os.path.exists(lost):
                    os.unlink(lost)
                good, runs = everything(box, "new")
                box.ok(made.returncode in (0, 1) and good, what, made, *runs)
    os.unlink(box.path("src", "changing"))


def lose_both(box):
    """Packs of which nobody knows any more."""
    for how in ("day", "check"):
        box.reset()
        for kind in ("index", "packs"):
            for name in box.objects(kind):
                os.unlink(name)
        made = create(box, how)
        back = box.restores("new")
        box.ok(made.returncode in (0, 1) and back.returncode == 0,
               f"packs lost with their index objects, {how}", made, back)


def other_series_first(box):
    """The run of the day that finds out that packs were lost with their index
    objects may be one of another series, or one that makes no archive."""
    others = {"another series": ["create", "--series", "other", "repo::other",
                                 "key"],
              "a run that fails": ["create", "--content-from-command",
                                   "repo::fails", "--", "false"]}
    for what, args in others.items():
        box.reset()
        for kind in ("index", "packs"):
            for name in box.objects(kind):
                os.unlink(name)
        box.next_day()
        first = box.varve(*args)
        made = box.create("new")
        back = box.restores("new")
        box.ok(made.returncode in (0, 1) and back.returncode == 0,
               f"packs lost with their index objects, {what} first",
               first, made, back)


def check_unnamed(box):
    for damage in (flip, os.unlink):
        box.reset()
        what = f"check, index object {damage.__name__}"
        lost = box.objects("index")[0]
        damage(lost)
        checked = box.varve("check", "repo")
        box.ok(checked.returncode == 90, what + ": told", checked)
        if damage is os.unlink:
            box.ok("no usable index object names it" in checked.stderr,
                   what + ": which pack", checked)
            seen = box.fresh("check", "repo")
            box.ok(seen.returncode == 90, what + ": by anybody", seen)
        made = box.create("new")
        if os.path.exists(lost):
            os.unlink(lost)
        mended = box.fresh("check", "repo")
        box.ok(made.returncode in (0, 1) and mended.returncode == 0,
               what + ": the next backup mends it", made, mended)


def main():
    with tempfile.TemporaryDirectory(prefix="varve-heal.") as top:
        box = Sandbox(top)
        prepare(box)
        other_series_first(box)
        lose_packs(box)
        notice_later(box)
        other_source(box)
        lose_index(box)
        lose_both(box)
        check_unnamed(box)
    print(f"1..{box.tests}")
    return box.failures > 0


if __name__ == "__main__":
    sys.exit(main())
