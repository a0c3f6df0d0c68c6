# SPDX-License-Identifier: BSD-2-Clause
"""Back up, restore, list and check each data set with varve, borg and restic,
all at the same path, run by run in turn, and beside the least work that each
step could be. The changed step backs up the second tree of the set at the
path of the first."""

import argparse

import data
import measure
import report
import tools
from setup import Failed, Fresh, one_of, prepare, remove, say, workshop

SUMMARY = "varve beside borg and restic, with its budgets"


def add_arguments(parser):
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "data sets:\n" + data.__doc__.split("\n\n", 1)[1]
    parser.add_argument("--sets", metavar="NAMES", type=one_of(data.SETS),
                        default=list(data.SETS),
                        help="data sets (default: " + ",".join(data.SETS) +
                        ")")
    parser.add_argument("--tools", metavar="NAMES", type=one_of(tools.TOOLS),
                        default=list(tools.TOOLS),
                        help="tools (default: " + ",".join(tools.TOOLS) + ")")


class Round:
    """One run of one data set: every step, by every tool in turn."""

    def __init__(self, rows, name, number, folder, live, names):
        self.rows, self.name, self.number = rows, name, number
        self.folder, self.live = folder, live
        folder.mkdir()
        self.tools = [tools.TOOLS[tool](folder) for tool in names]

    def row(self, step, who, repo, command, **how):
        row = {"set": self.name, "run": self.number, "step": step,
               "tool": who, "repo": None, **measure.run(command, **how)}
        if repo is not None and row["ok"]:
            row["repo"] = measure.size_of(repo)
        self.rows.append(row)
        measure.show(row)
        if step == "init" and not row["ok"]:
            raise Failed(f"{who} makes no repository")

    def by_tool(self, tool, step, command, cwd=None):
        self.row(step, tool.name, tool.repo, command, env=tool.env, cwd=cwd,
                 ok=tool.good)

    def all(self, step, command_of, cwd=None):
        for tool in self.tools:
            self.by_tool(tool, step, command_of(tool), cwd)

    def keyed(self, step, command_of, cwd=None):
        """A step of varve again, without deriving a key."""
        for tool in self.tools:
            if isinstance(tool, tools.Varve):
                self.row(step, "varve, key file", None, command_of(tool),
                         env=tool.key_file_env(), cwd=cwd, ok=tool.good)

    def init(self):
        self.all("init", lambda tool: tool.init())
        for tool in self.tools:
            if isinstance(tool, tools.Varve):
                self.by_tool(tool, "key add", tool.add_key_file())

    def first(self):
        out = self.folder / "floor.out"
        for verify in (False, True):
            self.row("first", "floor -v" if verify else "floor", None,
                     tools.floor(self.live.path, out, verify))
            remove(out)
        self.all("first", lambda tool: tool.create("a1"), self.live.path)

    def unchanged(self):
        self.row("unchanged", "find", None, tools.FIND, cwd=self.live.path)
        self.all("unchanged", lambda tool: tool.create("a2"), self.live.path)
        self.keyed("unchanged", lambda tool: tool.create("a2-key"),
                   self.live.path)

    def restore(self, original):
        """Of each into a new folder. What brings too little back fast is not
        fast: number and size of the files must be right."""
        wanted = measure.count(original)
        for tool in self.tools:
            with Fresh(self.folder / "restored", wanted[1]) as target:
                self.by_tool(tool, "restore", tool.extract("a1"), target)
                found = measure.count(target)
            if self.rows[-1]["ok"] and found != wanted:
                say(f"FAILED: {tool.name} restored {found} files and bytes, "
                    f"not {wanted}")
                self.rows[-1]["ok"] = False

    def whole(self, first, second=None):
        self.live.show(first)
        self.init()
        self.first()
        self.unchanged()
        if second is not None:
            self.live.show(second)
            self.all("changed", lambda tool: tool.create("a3"),
                     self.live.path)
        self.restore(first)
        self.all("list", lambda tool: tool.list("a1"))
        self.keyed("archives", lambda tool: tool.list_archives())
        self.all("check", lambda tool: tool.check())


def run(args):
    packages = [p for t in args.tools for p in tools.TOOLS[t].packages]
    prepare(*packages)
    sets = {name: data.trees(args.data, name) for name in args.sets}
    rows = measure.Rows()
    budgets = []
    with workshop(args) as (folder, live):
        if not live.can_swap and any(len(t) > 1 for t in sets.values()):
            say("bind mounts need root: without them the step \"changed\" "
                "is left out")
            sets = {name: trees[:1] for name, trees in sets.items()}
        print(report.heading(args.tools, folder), flush=True)
        for name, trees in sets.items():
            for number in range(1, args.runs + 1):
                here = folder / f"{name}-{number}"
                one = Round(rows, name, number, here, live, args.tools)
                one.whole(*trees)
                if not args.keep:
                    remove(here)
            print(report.table(rows, name, trees))
            met = report.budgets(rows, name)
            budgets += met
            print(report.verdicts(met), flush=True)
    if args.json:
        report.write_json(args, args.tools, rows, budgets)
    rows.must_be_good()
    return 0
