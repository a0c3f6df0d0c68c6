# SPDX-License-Identifier: BSD-2-Clause
"""Browse the same archives, mounted by varve, borg and restic, each mounted
anew for each figure, run by run in turn. The peak of memory is that of the
process that answers. Of what takes longer than --limit in a mount only that
is known.

small  time until the root of the archive was listed; ls -lR of everything
rand   cp of the file of 2 GiB, beside extract
src    grep -r of 80,000 files, beside extract and grep of what it wrote

What reads contents, and what is called cold, starts with nothing in the page
cache, as far as this is run by root."""

import argparse
import os
import subprocess

import data
import measure
import report
import tools
from mounted import Mounted, drop_caches
from setup import Failed, Fresh, one_of, positive, prepare, remove, say, \
    workshop

SUMMARY = "archives mounted by varve, borg and restic, with its budgets"
WORD = "EXPORT_SYMBOL_GPL"
LS = ["ls", "-lR", "."]
GREP = ["grep", "-r", WORD, "."]
KEYED = "varve, key file"
FIRST_LS_SECONDS = 0.3
STEPS = {"list": "list archives", "first ls": "first ls",
         "cold ls": "first ls, cold", "ls -lR": "ls -lR",
         "mount": "first ls, ls -lR", "extract": "extract",
         "cp": "cp", "grep disk": "grep, extracted", "grep": "grep, mounted"}


def add_arguments(parser):
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--sets", metavar="NAMES", type=one_of(STEPS_OF),
                        default=list(STEPS_OF),
                        help="data sets (default: " + ",".join(STEPS_OF) +
                        ")")
    parser.add_argument("--tools", metavar="NAMES", type=one_of(tools.TOOLS),
                        default=list(tools.TOOLS),
                        help="tools (default: " + ",".join(tools.TOOLS) + ")")
    parser.add_argument("--limit", metavar="SECONDS", type=positive,
                        default=600, help="stop what takes longer "
                        "(default: 600)")


class Bench:
    """One data set: its repositories, and each step, by every tool in turn."""

    def __init__(self, rows, name, original, folder, live, args):
        self.rows, self.name, self.original = rows, name, original
        self.folder, self.limit, self.number = folder, args.limit, 0
        self.out = folder / "out"
        folder.mkdir()
        live.show(original)
        self.tools = [tools.TOOLS[tool](folder) for tool in args.tools]
        for tool in self.tools:
            self.fill(tool, live.path)

    def fill(self, tool, path):
        commands = [tool.init(), tool.create("a1")]
        if isinstance(tool, tools.Varve):
            commands.insert(1, tool.add_key_file())
        for command in commands:
            say(f"{self.name}: {tool.name} {command[1]}")
            if not measure.run(command, env=tool.env, cwd=path,
                               ok=tool.good)["ok"]:
                raise Failed(f"{tool.name} makes no archive")

    def row(self, step, who, figures):
        row = {**figures, "set": self.name, "run": self.number, "step": step,
               "tool": who, "repo": None}
        self.rows.append(row)
        measure.show(row)
        return row

    def by_hand(self, step, who, command, **how):
        """A process with nothing mounted."""
        return self.row(step, who, measure.run(command, **how))

    def mounted(self, tool, env=None):
        point = self.folder / "mnt"
        return Mounted(tool.mount("a1", point), env or tool.env, point,
                       tool.root(point), self.limit)

    def must_equal(self, row, found, wanted):
        """What is wrong but fast is not fast."""
        if row["ok"] and not row["over"] and found != wanted:
            say(f"FAILED: {row['tool']}, {row['step']}: {found}, not {wanted}")
            row["ok"] = False

    def first_ls(self, step, tool, who=None, env=None):
        m = self.mounted(tool, env)
        with m:
            pass
        row = self.row(step, who or tool.name,
                       {"wall": m.ready, "cpu": m.cpu, "mib": m.mib, "rc": 0,
                        "ok": True, "over": m.over})
        self.must_equal(row, m.names, sorted(os.listdir(self.original)))

    def inside(self, step, tool, command):
        """A process in the root of the mounted archive, and what the mount
        used, too, for it."""
        m = self.mounted(tool)
        with m:
            figures = {"wall": m.limit, "rc": 0, "ok": True, "over": True}
            if not m.over:
                figures = measure.run(command, cwd=m.root, out=self.out,
                                      limit=self.limit,
                                      env=tools.clean_environment())
        figures["cpu"] = m.cpu + figures.get("cpu", 0)
        figures["mib"] = m.mib
        return self.row(step, tool.name, figures), m

    def ls_all(self, tool, wanted):
        row, m = self.inside("ls -lR", tool, LS)
        files = size = 0
        with open(self.out, "rb") as f:
            for line in f:
                if line.startswith(b"-"):
                    files += 1
                    size += int(line.split(None, 5)[4])
        self.must_equal(row, (files, size), wanted)
        self.row("mount", tool.name, {**row, "wall": m.ready + row["wall"]})

    def grep_count(self):
        with open(self.out, "rb") as f:
            return sum(1 for _ in f)

    def small(self):
        wanted = measure.count(self.original)
        for tool in self.tools:
            self.first_ls("first ls", tool)
            if not isinstance(tool, tools.Varve):
                continue
            keyed = tool.key_file_env()
            self.first_ls("first ls", tool, KEYED, keyed)
            self.by_hand("list", tool.name, tool.list_archives(),
                         env=tool.env)
            self.by_hand("list", KEYED, tool.list_archives(), env=keyed)
        for tool in self.tools:
            drop_caches()
            self.first_ls("cold ls", tool)
        for tool in self.tools:
            self.ls_all(tool, wanted)

    def extract(self, tool, target, wanted):
        drop_caches()
        row = self.by_hand("extract", tool.name, tool.extract("a1"),
                           env=tool.env, cwd=target, ok=tool.good)
        self.must_equal(row, measure.count(target), wanted)

    def rand(self):
        wanted = measure.count(self.original)
        for tool in self.tools:
            with Fresh(self.folder / "restored", wanted[1]) as target:
                self.extract(tool, target, wanted)
            with Fresh(self.folder / "restored", wanted[1]) as target:
                drop_caches()
                row, _ = self.inside("cp", tool, ["cp", "blob", target])
                same = subprocess.run(["cmp", "-s", self.original / "blob",
                                       target / "blob"]).returncode == 0
                self.must_equal(row, same, True)

    def src(self):
        wanted = measure.count(self.original)
        env = tools.clean_environment()
        if not measure.run(GREP, cwd=self.original, out=self.out,
                           env=env)["ok"]:
            raise Failed("nothing to look for")
        lines = self.grep_count()
        for tool in self.tools:
            with Fresh(self.folder / "restored", wanted[1]) as target:
                self.extract(tool, target, wanted)
                row = self.by_hand("grep disk", tool.name, GREP, cwd=target,
                                   out=self.out, env=env)
                self.must_equal(row, self.grep_count(), lines)
            drop_caches()
            row, _ = self.inside("grep", tool, GREP)
            self.must_equal(row, self.grep_count(), lines)


STEPS_OF = {"small": Bench.small, "rand": Bench.rand, "src": Bench.src}


def against_peers(rows, name, what, step):
    """Against the faster peer; one that was stopped is slower than said."""
    def wall(tool):
        return rows.median("wall", set=name, step=step, tool=tool)

    peers = [w for w in map(wall, ("borg", "restic")) if w is not None]
    stopped = rows.over(set=name, step=step, tool="varve")
    value = report.ratio(None if stopped else wall("varve"),
                         min(peers, default=None))
    return report.budget(name, what, value, 1, strict=True)


def budgets(rows, name):
    def wall(step, tool="varve"):
        return rows.median("wall", set=name, step=step, tool=tool)

    def total(*walls):
        return None if None in walls else sum(walls)

    found = []
    if name == "small":
        listed = wall("list"), wall("list", KEYED)
        derivation = None if None in listed else listed[0] - listed[1]
        beyond = None if None in (derivation, wall("first ls")) else \
            wall("first ls") - derivation
        found = [
            report.budget(name, "first ls with a key file",
                          wall("first ls", KEYED), FIRST_LS_SECONDS, "s"),
            report.budget(name, "first ls but for key derivation", beyond,
                          FIRST_LS_SECONDS, "s"),
            report.budget(name, "key derivation, by list of the archives",
                          derivation, None, "s"),
            against_peers(rows, name, "ls -lR / faster peer", "ls -lR"),
            against_peers(rows, name, "first ls and ls -lR / faster peer",
                          "mount")]
    elif name == "rand":
        found = [report.budget(name, "cp / extract",
                               report.ratio(wall("cp"), wall("extract")),
                               1 / 0.8)]
    elif name == "src":
        found = [report.budget(
            name, "grep / (extract + grep of what it wrote)",
            report.ratio(wall("grep"),
                         total(wall("extract"), wall("grep disk"))), 2)]
    peaks = [row["mib"] for row in rows.of(set=name)
             if row["tool"] in ("varve", KEYED) and row["mib"] is not None and
             row["step"] in ("first ls", "cold ls", "ls -lR", "cp", "grep")]
    return found + [report.budget(name, "peak memory of a mount",
                                  max(peaks, default=None),
                                  report.MEMORY_MIB, "MiB")]


def run(args):
    packages = {p for t in args.tools for p in tools.TOOLS[t].packages +
                tools.TOOLS[t].mount_packages}
    prepare(*sorted(packages))
    trees = {name: data.trees(args.data, name)[0] for name in args.sets}
    rows = measure.Rows()
    found = []
    with workshop(args) as (folder, live):
        print(report.heading(args.tools, folder), flush=True)
        for name, original in trees.items():
            bench = Bench(rows, name, original, folder / name, live, args)
            for bench.number in range(1, args.runs + 1):
                STEPS_OF[name](bench)
            live.clear()
            if not args.keep:
                remove(bench.folder)
            print(report.table(rows, name, [original], STEPS))
            met = budgets(rows, name)
            found += met
            print(report.verdicts(met), flush=True)
    if args.json:
        report.write_json(args, args.tools, rows, found)
    rows.must_be_good()
    return 0
