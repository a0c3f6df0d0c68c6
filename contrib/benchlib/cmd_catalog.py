# SPDX-License-Identifier: BSD-2-Clause
"""What the catalog takes and brings: an archive for every hour of a copy of
the kernel's source in which some files change each hour, dated one after the
other, found and rebuilt; and 500,000 files in one archive. varve works with a
key file, so that no key is derived.

Peers have no catalog. What `restic find` takes, and `borg list` of one archive
after the other, is measured once over the first --peer-archives of these, and
says nothing of more."""

import json
import re
import subprocess
import time

import data
import hours
import measure
import report
import tools
from setup import Failed, one_of, positive, prepare, remove, say, workshop

SUMMARY = "the catalog over many archives, with its budgets"
FIND_SECONDS = 1.0
ENTRIES_PER_SECOND = 200000
NO_CATALOG = "varve, no catalog"
STEPS = {"hourly": "hourly create", "unchanged": "unchanged",
         "find": "find --name", "history": "history", "rebuild": "rebuild",
         "first": "first create"}
MARK = "Kconfig"
LOOKED_AT = re.compile(r" (\d+) entries")


def add_arguments(parser):
    parser.add_argument("--sets", metavar="NAMES", type=one_of(SETS),
                        default=list(SETS),
                        help="data sets (default: " + ",".join(SETS) + ")")
    parser.add_argument("--archives", metavar="N", type=positive, default=1000,
                        help="hourly archives (default: 1000)")
    parser.add_argument("--changes", metavar="N", type=positive, default=50,
                        help="files that change each hour (default: 50)")
    parser.add_argument("--peer-archives", metavar="N", type=int, default=10,
                        help="archives that the peers search, 0 for none "
                        "(default: 10)")


class Keyed(tools.Varve):
    """varve that derives no key once its repository is made."""

    def make(self):
        for command in (self.init(), self.add_key_file()):
            if not measure.run(command, env=self.env)["ok"]:
                raise Failed("varve makes no repository")
        self.env = self.key_file_env()

    def create_at(self, name, timestamp):
        return [tools.VARVE, "create", "--timestamp", timestamp,
                self.archive(name), "."]

    def create_without(self, name):
        return [tools.VARVE, "create", "--no-catalog", self.archive(name),
                "."]

    def find(self, glob):
        return [tools.VARVE, "find", "--name", glob, self.repo]

    def history(self, path):
        return [tools.VARVE, "history", self.repo, path]

    def rebuild(self):
        """What it did goes to standard error."""
        return ["sh", "-c", 'exec "$@" 2>&1', "sh",
                tools.VARVE, "catalog", "rebuild", "--stats", self.repo]

    def status(self):
        p = subprocess.run(
            [tools.VARVE, "catalog", "status", "--json", self.repo],
            env=self.env, stdout=subprocess.PIPE)
        if p.returncode != 0:
            raise Failed("varve catalog status fails")
        return json.loads(p.stdout)["catalog"]


class Bench:
    """One data set."""

    def __init__(self, rows, name, original, folder, args):
        self.rows, self.name, self.original = rows, name, original
        self.folder, self.args, self.number = folder, args, 1
        self.out = folder / "out"
        self.facts = {}
        folder.mkdir()

    def row(self, step, who, command, **how):
        row = {"set": self.name, "run": self.number, "step": step,
               "tool": who, "repo": None,
               **measure.run(command, out=self.out, **how)}
        self.rows.append(row)
        measure.show(row)
        return row

    def lines(self):
        with open(self.out, "rb") as f:
            return sum(1 for _ in f)

    def must_equal(self, row, found, wanted):
        """What is wrong but fast is not fast."""
        if row["ok"] and found != wanted:
            say(f"FAILED: {row['tool']}, {row['step']}: {found}, not {wanted}")
            row["ok"] = False

    # --- the kernel, hour by hour ---

    def peers(self):
        if self.args.peer_archives == 0:
            return []
        found = [kind(self.folder) for kind in (tools.Borg, tools.Restic)]
        for tool in found:
            if not measure.run(tool.init(), env=tool.env)["ok"]:
                raise Failed(f"{tool.name} makes no repository")
        return found

    def hour(self, tree, varve, peers, k):
        """One archive of each tool; what it takes is not shown line by line,
        there are too many."""
        if k > 0:
            tree.change(k)
        row = {"set": self.name, "run": 1, "step": "hourly" if k else "zero",
               "tool": "varve", "repo": None,
               **measure.run(varve.create_at(f"h{k}", tree.timestamp(k)),
                             env=varve.env, cwd=tree.path, ok=varve.good)}
        self.rows.append(row)
        if not row["ok"]:
            raise Failed("an archive is missing")
        if k < self.args.peer_archives:
            for tool in peers:
                if not measure.run(tool.create(f"h{k}"), env=tool.env,
                                   cwd=tree.path, ok=tool.good)["ok"]:
                    raise Failed(f"{tool.name} makes no archive")

    def all_hours(self, tree, varve, peers):
        """And the size of the catalog on the way: number of archives, bytes,
        folders that changed."""
        n = self.args.archives
        marks = sorted({1, (n + 1) // 2, n})
        start, points = time.monotonic(), []
        for k in range(n):
            self.hour(tree, varve, peers, k)
            if k + 1 in marks:
                points.append((k + 1, varve.status()["size"], tree.folders))
                say(f"{self.name}: {k + 1} archives after "
                    f"{time.monotonic() - start:.0f} s, catalog of "
                    f"{points[-1][1] / 1e6:.2f} MB")
        return points

    def ask_peers(self, peers, tree):
        """Lines differ: borg gives one for each archive, restic also tells
        where."""
        n = min(self.args.peer_archives, self.args.archives)
        for tool in peers:
            command = ["restic", "find", "-q", MARK + "*"]
            if tool.name == "borg":
                loop = ('i=0; while [ $i -lt "$2" ]; do borg list "$1::h$i" '
                        f'"sh:**/{MARK}*" || exit; i=$((i + 1)); done')
                command = ["sh", "-c", loop, "sh", tool.repo, str(n)]
            self.row("find", f"{tool.name}, {n}", command, env=tool.env)

    def ask(self, tree, varve):
        """Twice the versions of a name are as wrong as half."""
        row = self.row("find", "varve", varve.find(MARK + "*"), env=varve.env)
        self.must_equal(row, self.lines(), tree.named(MARK))
        path = max(tree.files, key=lambda name: tree.versions[name])
        row = self.row("history", "varve", varve.history(path), env=varve.env)
        self.must_equal(row, self.lines(), tree.versions[path])

    def unchanged(self, tree, varve):
        n = self.number
        self.row("unchanged", "find", tools.FIND, cwd=tree.path)
        self.row("unchanged", "varve", varve.create(f"again-{n}"),
                 env=varve.env, cwd=tree.path, ok=varve.good)
        self.row("unchanged", NO_CATALOG, varve.create_without(f"without-{n}"),
                 env=varve.env, cwd=tree.path, ok=varve.good)

    def rebuild(self, varve):
        row = self.row("rebuild", "varve", varve.rebuild(), env=varve.env)
        found = LOOKED_AT.search(self.out.read_text())
        self.facts["entries"] = int(found[1]) if found else None
        self.facts["versions"] = varve.status()["entries"]
        self.must_equal(row, found is not None, True)

    def src(self):
        tree = hours.Hours(self.original, self.folder / "tree",
                           self.args.archives, self.args.changes)
        time.sleep(3)  # what changed just now would be read again
        varve = Keyed(self.folder)
        varve.make()
        peers = self.peers()
        self.facts["points"] = self.all_hours(tree, varve, peers)
        self.ask_peers(peers, tree)
        for self.number in range(1, self.args.runs + 1):
            self.ask(tree, varve)
        time.sleep(3)
        for self.number in range(1, self.args.runs + 1):
            self.unchanged(tree, varve)
        for self.number in range(1, self.args.runs + 1):
            self.rebuild(varve)
        self.ask(tree, varve)  # the same from the new one

    # --- many files, once ---

    def small(self):
        subprocess.run("tar -cf - . | cat >/dev/null", shell=True,
                       cwd=self.original)
        for self.number in range(1, self.args.runs + 1):
            self.small_once(self.folder / str(self.number))

    def small_once(self, folder):
        folder.mkdir()
        self.row("first", "floor -v",
                 tools.floor(self.original, folder / "floor.out", True))
        remove(folder / "floor.out")
        for who, command in (("varve", Keyed.create),
                             (NO_CATALOG, Keyed.create_without)):
            varve = Keyed(folder / who.replace(", ", "-"))
            varve.make()
            self.row("first", who, command(varve, "a1"), env=varve.env,
                     cwd=self.original, ok=varve.good)
        self.rebuild(varve)
        remove(folder)


SETS = {"src": Bench.src, "small": Bench.small}


def growth_budgets(name, points):
    """Of the second half beside the first: a catalog that grows with what
    changed, and with nothing else, grows by the same."""
    if len(points) < 3:
        return []
    per_archive = [(b[1] - a[1]) / (b[0] - a[0])
                   for a, b in zip(points, points[1:])]
    first, last = points[0], points[-1]
    folders = last[2] - first[2]
    return [
        report.budget(name, "catalog after 1 archive (MB)",
                      first[1] / 1e6, None),
        report.budget(name, f"catalog after {last[0]} archives (MB)",
                      last[1] / 1e6, None),
        report.budget(name, "growth per archive, first half (kB)",
                      per_archive[0] / 1e3, None),
        report.budget(name, "growth per archive, second half (kB)",
                      per_archive[1] / 1e3, None),
        report.budget(name, "folders above what changed, per archive",
                      folders / (last[0] - 1), None),
        report.budget(name, "growth per such folder (kB)",
                      report.ratio((last[1] - first[1]) / 1e3, folders), None),
        report.budget(name, "growth, second half / first half",
                      report.ratio(per_archive[1], per_archive[0]), 1.2),
    ]


def budgets(rows, name, facts):
    def wall(step, tool="varve"):
        return rows.median("wall", set=name, step=step, tool=tool)

    rebuilt = wall("rebuild")
    rate = report.ratio(facts.get("entries"), rebuilt)
    found = []
    if name == "src":
        found = [
            *growth_budgets(name, facts["points"]),
            report.budget(name, f"find --name '{MARK}*'", wall("find"),
                          FIND_SECONDS, "s", strict=True),
            report.budget(name, "unchanged / find -printf",
                          report.ratio(wall("unchanged"),
                                       wall("unchanged", "find")), 2),
            report.budget(name, "unchanged, no catalog / find -printf",
                          report.ratio(wall("unchanged", NO_CATALOG),
                                       wall("unchanged", "find")), None)]
    else:
        found = [
            report.budget(name, "create / floor -v",
                          report.ratio(wall("first"),
                                       wall("first", "floor -v")), 1.3),
            report.budget(name, "create, no catalog / floor -v",
                          report.ratio(wall("first", NO_CATALOG),
                                       wall("first", "floor -v")), None)]
    return found + [
        report.budget(name, "versions in the catalog", facts.get("versions"),
                      None, "entries"),
        report.budget(name, "looked at by rebuild", facts.get("entries"), None,
                      "entries"),
        report.at_least(name, "rebuild", rate, ENTRIES_PER_SECOND,
                        "entries/s")]


def run(args):
    prepare(*tools.Borg.packages, *tools.Restic.packages)
    trees = {name: data.trees(args.data, name)[0] for name in args.sets}
    rows = measure.Rows()
    found = []
    with workshop(args) as (folder, _):
        print(report.heading(tools.TOOLS, folder), flush=True)
        for name, original in trees.items():
            bench = Bench(rows, name, original, folder / name, args)
            SETS[name](bench)
            if not args.keep:
                remove(bench.folder)
            print(report.table(rows, name, [original], STEPS))
            met = budgets(rows, name, bench.facts)
            found += met
            print(report.verdicts(met), flush=True)
    if args.json:
        report.write_json(args, tools.TOOLS, rows, found)
    rows.must_be_good()
    return 0
