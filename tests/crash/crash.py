#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Stop and fail varve at every system call that changes something.

For each scenario (init, create, extract, delete, rename, key add, remove and
change-passphrase) and each such call: from the same state, run the command and
kill it before the call (or let it fail, or write half, or let a call that reads
fail), then prove that every acknowledged archive restores equal, that check
finds nothing, that the same command run again does its work, and that what was
stored is used.

VARVE names the binary, STOPPER the stopper. --every K tries each K-th call
and the first and last of each kind instead of all. As TAP.
"""

import argparse
import os
import re
import shutil
import sys

from crashlib import Summary, Workers, Wrong, make_source, varve_binary

SPECIFIC = {2, 13, 14, 15, 16, 17, 21, *range(40, 54), 90}
NAMED = re.compile(r"(config|keys|packs|index|intents|archives|tombstones|tmp|"
                   r"cache|state|reserve|quarantine|condemned|rolls)\b")
READS = "open,read,pread64,getdents64"
SECOND = {"VARVE_PASSPHRASE": "second"}


def shown(path):
    """A pattern of how varve shows the last name of a path of the stopper's
    report, where control characters are "?" and odd bytes are surrogates."""
    out = ""
    for c in os.path.basename(path):
        if c == "?":
            out += r"(?:\?|\\x[0-9a-f]{2})"
        elif 0xdc80 <= ord(c) <= 0xdcff:
            out += r"\\x%02x" % (ord(c) - 0xdc00)
        else:
            out += re.escape(c)
    return out


def mentions(err, path):
    """Does a message name what was hit? The source's and target's own folder
    is ".", as it is in the archive."""
    return bool(re.search(shown(path), err)) or \
        (os.path.basename(path) in ("src-1", "src-2", "out") and
         "varve: .: " in err)


class Scenario:
    """One command and what must hold whatever happened to it."""
    name = ""
    acknowledged = {}  # archive -> version of the source it holds
    env = {}
    by_passphrase = False  # a key file is faster, where it does not matter
    allowed = SPECIFIC

    def prepare(self, sb):
        """Bring the sandbox into the state from which each run starts."""
        for version in (1, 2):
            make_source(f"{sb.top}/src-{version}", version)
        self.setup(sb)
        sb.save()

    def setup(self, sb):
        sb.init()
        if not self.by_passphrase:
            sb.use_key_file()
        for archive, version in self.acknowledged.items():
            self.create(sb, archive, version)

    def create(self, sb, archive, version):
        sb.must(*sb.create_args(archive), cwd=f"{sb.top}/src-{version}")

    def command(self, sb):
        """(arguments, folder) of the command under test."""
        raise NotImplementedError

    def run(self, sb, before=()):
        argv, cwd = self.command(sb)
        return sb.run(*argv, cwd=cwd, before=before, env=self.env)

    def again(self, sb):
        """Run the command again; its work must then be done."""
        argv, cwd = self.command(sb)
        sb.must(*argv, cwd=cwd, env=self.env)

    def holds(self, sb, rc):
        """What must hold right after; `rc` of the stopped command."""

    def finished(self, sb):
        """What must hold when the command did its work."""

    def verify(self, sb, rc):
        self.holds(sb, rc)
        self.again(sb)
        self.finished(sb)
        sb.check()

    def prove_all(self, sb, names=None):
        for archive, version in self.acknowledged.items():
            if names is None or archive in names:
                sb.prove(archive, f"{sb.top}/src-{version}")


class Init(Scenario):
    name = "init"

    def setup(self, sb):
        pass

    def command(self, sb):
        return ["init", "-e", "repokey", sb.repo], sb.top

    def again(self, sb):
        """A repository that is there already must be whole."""
        argv, cwd = self.command(sb)
        sb.must(*argv, cwd=cwd, rc=(0, 10))

    def holds(self, sb, rc):
        if rc == 0:
            sb.names()

    def finished(self, sb):
        self.create(sb, "first", 1)
        sb.prove("first", f"{sb.top}/src-1")


class Create(Scenario):
    name = "create, first"
    new, version = "new", 1

    def command(self, sb):
        return sb.create_args(self.new), f"{sb.top}/src-{self.version}"

    def setup(self, sb):
        """Also learn what an undisturbed run stores."""
        super().setup(sb)
        sb.save()
        sb.before = sb.pack_bytes()
        sb.must(*self.command(sb)[0], cwd=self.command(sb)[1])
        sb.cost = sb.pack_bytes() - sb.before
        sb.restore()
        sb.indexed = self.index_objects(sb)

    @staticmethod
    def index_objects(sb):
        return {n for n in sb.objects() if n.startswith("index/")}

    def holds(self, sb, rc):
        names = sb.names()
        if rc == 0 and self.new not in names:
            raise Wrong("exit status 0, but the archive is not there")
        if self.new in names:
            sb.prove(self.new, f"{sb.top}/src-{self.version}")
        if not names >= set(self.acknowledged):
            raise Wrong(f"archives are gone, {names} are left")
        self.prove_all(sb)
        sb.check()

    def verify(self, sb, rc):
        self.holds(sb, rc)
        listed = self.new in sb.names()
        reusable = self.index_objects(sb) != sb.indexed
        argv, cwd = self.command(sb)
        sb.must(*argv, cwd=cwd, rc=(30,) if listed else (0,))
        self.finished(sb)
        # A run that made its archive left nothing over, and may have stored
        # more: what rested on a pack that it could not read.
        if reusable and not listed and \
                sb.pack_bytes() - sb.before > sb.cost * 5 // 4:
            raise Wrong(f"leftovers were not used: {sb.pack_bytes()} bytes in "
                        f"packs, {sb.before} before, {sb.cost} needed")
        sb.check()

    def finished(self, sb):
        sb.prove(self.new, f"{sb.top}/src-{self.version}")
        self.prove_all(sb)


class CreateSecond(Create):
    name = "create, second"
    acknowledged = {"old": 1}
    version = 2


class Extract(Scenario):
    name = "extract"
    acknowledged = {"old": 1}
    allowed = SPECIFIC | {1}  # a file that cannot be written is a warning

    def command(self, sb):
        return ["extract", "--root-metadata", sb.at("old")], sb.out

    def run(self, sb, before=()):
        shutil.rmtree(sb.out, ignore_errors=True)
        os.mkdir(sb.out)
        return super().run(sb, before)

    def holds(self, sb, rc):
        if rc == 0:
            sb.same(f"{sb.top}/src-1")

    def again(self, sb):
        sb.prove("old", f"{sb.top}/src-1")


class Delete(Scenario):
    name = "delete"
    acknowledged = {"old": 1, "kept": 2}

    def command(self, sb):
        return ["delete", sb.at("old")], sb.top

    def holds(self, sb, rc):
        names = sb.names()
        if "kept" not in names or (rc == 0 and "old" in names):
            raise Wrong(f"exit status {rc} and archives {names}")
        self.prove_all(sb, names)
        sb.check()

    def again(self, sb):
        there = "old" in sb.names()
        argv, cwd = self.command(sb)
        sb.must(*argv, cwd=cwd, rc=(0,) if there else (31,))

    def finished(self, sb):
        if sb.names() != {"kept"}:
            raise Wrong(f"archives {sb.names()} after delete")
        sb.prove("kept", f"{sb.top}/src-2")


class Rename(Scenario):
    name = "rename"
    acknowledged = {"old": 1, "kept": 2}

    def command(self, sb):
        return ["rename", sb.at("old"), "renamed"], sb.top

    def holds(self, sb, rc):
        names = sb.names()
        if names not in ({"old", "kept"}, {"renamed", "kept"}) or \
                (rc == 0 and "old" in names):
            raise Wrong(f"exit status {rc} and archives {names}")
        for name, version in (("old", 1), ("renamed", 1), ("kept", 2)):
            if name in names:
                sb.prove(name, f"{sb.top}/src-{version}")
        sb.check()

    def again(self, sb):
        there = "old" in sb.names()
        argv, cwd = self.command(sb)
        sb.must(*argv, cwd=cwd, rc=(0,) if there else (31,))

    def finished(self, sb):
        if sb.names() != {"renamed", "kept"}:
            raise Wrong(f"archives {sb.names()} after rename")
        sb.prove("renamed", f"{sb.top}/src-1")


def opens(sb, env):
    return sb.run("list", "--short", sb.repo, env=env).rc == 0


class KeyAdd(Scenario):
    name = "key add"
    by_passphrase = True
    acknowledged = {"old": 1}
    env = {"VARVE_NEW_PASSPHRASE": "second"}

    def command(self, sb):
        return ["key", "add", sb.repo], sb.top

    def holds(self, sb, rc):
        self.prove_all(sb)
        sb.check()
        if rc == 0 and not opens(sb, SECOND):
            raise Wrong("the new passphrase does not open it")

    def finished(self, sb):
        if not opens(sb, SECOND):
            raise Wrong("the new passphrase does not open it")
        self.prove_all(sb)


class KeyRemove(Scenario):
    name = "key remove"
    by_passphrase = True
    acknowledged = {"old": 1}

    def setup(self, sb):
        super().setup(sb)
        first = self.slots(sb)
        sb.must("key", "add", sb.repo, env={"VARVE_NEW_PASSPHRASE": "second"})
        sb.slot = min(self.slots(sb) - first)  # what its twins are called

    @staticmethod
    def slots(sb):
        return {n for n in os.listdir(sb.repo + "/keys")}

    def command(self, sb):
        return ["key", "remove", sb.repo, sb.slot], sb.top

    def holds(self, sb, rc):
        self.prove_all(sb)
        sb.check()
        if rc == 0 and opens(sb, SECOND):
            raise Wrong("the removed passphrase opens it")

    def again(self, sb):
        if sb.slot in self.slots(sb):
            super().again(sb)
        elif self.run(sb).rc == 0:
            raise Wrong("a slot that is gone was removed again")

    def finished(self, sb):
        if opens(sb, SECOND):
            raise Wrong("the removed passphrase opens it")
        self.prove_all(sb)


class KeyChange(Scenario):
    name = "key change-passphrase"
    by_passphrase = True
    acknowledged = {"old": 1}
    env = {"VARVE_NEW_PASSPHRASE": "second"}

    def command(self, sb):
        return ["key", "change-passphrase", sb.repo], sb.top

    def holds(self, sb, rc):
        old, new = opens(sb, {}), opens(sb, SECOND)
        if not old and not new:
            raise Wrong("no passphrase opens it")
        if rc == 0 and (old or not new):
            raise Wrong(f"changed, but: old opens {old}, new opens {new}")

    def again(self, sb):
        if opens(sb, {}):
            super().again(sb)

    def finished(self, sb):
        if opens(sb, {}) or not opens(sb, SECOND):
            raise Wrong("not changed")
        sb.must("extract", "-n", sb.at("old"), env=SECOND)

    def verify(self, sb, rc):
        self.holds(sb, rc)
        self.again(sb)
        self.finished(sb)
        sb.check(env=SECOND)


SCENARIOS = (Init, Create, CreateSecond, Extract, Delete, Rename, KeyAdd,
             KeyRemove, KeyChange)


class Harness:
    def __init__(self, scenario, stopper, jobs):
        self.scenario = scenario
        self.stopper = stopper
        self.workers = Workers(jobs, scenario.prepare)
        self.calls = []  # (call, file) of an undisturbed run
        self.reads = []  # the same of calls that read

    def stop(self, sb, *mode):
        """Run the command under the stopper; what was hit, or None."""
        report = sb.top + "/report"
        r = self.scenario.run(sb, before=[self.stopper, "-o", report, *mode, "--"])
        if r.rc == 125:
            raise Wrong(f"the stopper failed: {r}")
        with open(report, errors="surrogateescape") as f:
            *lines, last = f.read().splitlines()
        if not re.fullmatch(r"calls \d+ hit [01]", last):
            raise Wrong(f"no report of the stopper: {r}")
        calls = [line.split(" ", 2)[1:] for line in lines]
        hit = [line.split(" ", 2)[1:] for line in lines if line[0] == "*"]
        return r, calls, hit[0] if hit else None

    def learn(self, sb):
        for mode in (["count"], ["--only", READS, "count"]):
            sb.restore()
            r, calls, _ = self.stop(sb, *mode)
            if r.rc != 0:
                raise Wrong(f"undisturbed: {r}")
            if len(mode) == 1:
                self.calls = calls
            else:
                self.reads = calls

    @staticmethod
    def kind(call):
        """A call and its file with random names and numbers left out."""
        return re.sub(r"[0-9a-f]{8,}|/[0-9a-f]{2}\b|[.~]\w{6,}|\d+", "#",
                      " ".join(call))

    def points(self, calls, every):
        """The calls to stop at: each one, or each `every`-th and the first
        and the last of each kind. A few more than were counted: threads make
        the number vary."""
        n = len(calls)
        if every == 1:
            return list(range(1, n + 11))
        kinds = list(enumerate(map(self.kind, calls), 1))
        last = {kind: i for i, kind in kinds}
        first = {kind: i for i, kind in reversed(kinds)}
        return sorted({*range(every, n + 1, every), *first.values(),
                       *last.values()})

    def one_kill(self, sb, n):
        sb.restore()
        r, _, hit = self.stop(sb, "kill", str(n))
        try:
            if hit is None and r.rc != 0:
                raise Wrong(f"not stopped, but {r}")
            self.scenario.verify(sb, 0 if hit is None else 137)
        except Wrong as e:
            raise Wrong(f"killed before {hit}: {e}") from e

    def one_fault(self, sb, n, error, persist):
        sb.restore()
        mode = ["fail", str(n), error] + (["--persist"] if persist else [])
        r, _, hit = self.stop(sb, *mode)
        try:
            forgot = self.forgot(r)
            if not forgot:
                self.judge(sb, r, hit)
            self.scenario.verify(sb, 0 if forgot else r.rc)
        except Wrong as e:
            raise Wrong(f"{hit} failed with {error}: {e}") from e

    @staticmethod
    def forgot(r):
        """The work is done; only the client's memory, of it or of what was
        before, is not what it was."""
        return r.rc == 1 and ("cannot remember" in r.err or
                              "state directory '" in r.err)

    def judge(self, sb, r, hit):
        """A failed call is a failed run that says what failed, or nothing
        that matters."""
        if r.rc == 0:
            return
        if hit is None:
            raise Wrong(f"nothing was made to fail, but {r}")
        if r.rc not in self.scenario.allowed:
            raise Wrong(f"neither 2 nor a specific exit status: {r}")
        if not NAMED.search(r.err) and sb.repo not in r.err and \
                not mentions(r.err, hit[-1]) and not self.of_source(sb, r.err):
            raise Wrong(f"the message names no object: {r}")

    @staticmethod
    def of_source(sb, err):
        """A fault that lasts is met where it hurts first, which need not be
        where it began: a file of the source or of the target is named."""
        names = {"."}
        for top in (sb.top + "/src-1", sb.top + "/src-2", sb.out):
            for _, dirs, files in os.walk(top):
                names.update(dirs, files)
        return any(re.search(r"\b" + shown(n.replace("\n", "?")) + ": ", err)
                   for n in names if n != ".") or "varve: .: " in err

    def foreign(self, call):
        """Of files of the system: whether a program starts without them is
        not asked."""
        return call[-1].startswith("/") and \
            not call[-1].startswith(self.workers.top)

    def one_read(self, sb, n):
        """A call that reads fails: of the source, that is a warning and an
        archive without the file; of an object, a failed run, or a warning
        where the work was done without it."""
        sb.restore()
        r, _, hit = self.stop(sb, "--only", READS, "fail", str(n), "EIO")
        if hit is None or self.foreign(hit):
            return
        try:
            forgot = self.forgot(r)
            warned = forgot or (r.rc == 1 and mentions(r.err, hit[-1]))
            if warned and not forgot and not NAMED.search(hit[-1]):
                self.scenario.prove_all(sb)
                sb.check()
                return
            if not warned:
                self.judge(sb, r, hit)
            self.scenario.verify(sb, 0 if warned else r.rc)
        except Wrong as e:
            raise Wrong(f"{hit} failed: {e}") from e

    def one_short(self, sb, n):
        sb.restore()
        r, _, hit = self.stop(sb, "short", str(n))
        if r.rc != 0:
            raise Wrong(f"{hit} was short: {r}")
        self.scenario.verify(sb, 0)

    @staticmethod
    def faults(i, every):
        """Once and for good; a sample takes turns."""
        both = (("EIO", False), ("ENOSPC", True))
        return both if every == 1 else both[i % 2:i % 2 + 1]

    def run(self, args, summary):
        w = self.workers
        name = self.scenario.name
        try:
            w.all([(f"{name}, undisturbed", self.learn)])
            if w.problems:
                summary.part(name, w.done, w.problems)
                return
            points = self.points(self.calls, args.every)
            jobs = []
            if "kill" in args.modes:
                jobs += [(f"{name}, kill {n}", self.one_kill, n) for n in points]
            if "fail" in args.modes:
                jobs += [(f"{name}, {e} at {n}{' and after' * p}",
                          self.one_fault, n, e, p) for i, n in enumerate(points)
                         for e, p in self.faults(i, args.every)]
            if "short" in args.modes:
                writes = [c for c in self.calls if c[0] in ("write", "pwrite64")]
                jobs += [(f"{name}, short {n}", self.one_short, n)
                         for n in range(1, len(writes) + 1, args.every)]
            if "read" in args.modes:
                jobs += [(f"{name}, read {n}", self.one_read, n)
                         for n in self.points(self.reads, args.every)
                         if n > len(self.reads) or
                         not self.foreign(self.reads[n - 1])]
            w.all(jobs)
            summary.part(f"{name}, {len(self.calls)} calls, stopped at "
                         f"{len(points)}", w.done, w.problems)
        finally:
            w.close()


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    p.add_argument("--every", type=int, default=1, metavar="K")
    p.add_argument("--jobs", type=int, default=2)
    p.add_argument("--modes", default="kill,fail,short,read",
                   type=lambda text: text.split(","))
    p.add_argument("scenario", nargs="*", help="names; default: all")
    args = p.parse_args()
    varve_binary()
    stopper = os.path.abspath(os.environ.get("STOPPER", "stopper"))
    chosen = [s for s in SCENARIOS if not args.scenario or
              s.name in args.scenario]
    if not chosen:
        p.error("scenarios: " + "; ".join(s.name for s in SCENARIOS))
    summary = Summary()
    for scenario in chosen:
        try:
            harness = Harness(scenario(), stopper, args.jobs)
        except Wrong as e:
            summary.part(scenario.name, 0, [("setup", str(e))])
            continue
        harness.run(args, summary)
    return summary.close()


if __name__ == "__main__":
    sys.exit(main())
