# SPDX-License-Identifier: BSD-2-Clause
"""What the sizes of chunks cost and bring: for each choice of (minimum,
average, maximum), the repository after the first tree of a pair, what the
second tree adds, and the time of both."""

import data
import measure
import report
import tools
from setup import Failed, one_of, prepare, remove, workshop

SUMMARY = "sizes and times for some choices of chunk sizes"
CHOICES = ["16K,64K,512K", "32K,128K,1M", "64K,256K,1M", "64K,256K,2M",
           "128K,256K,2M", "128K,512K,4M", "256K,1M,8M"]


def add_arguments(parser):
    parser.add_argument("--sets", metavar="NAMES", type=one_of(data.PAIRS),
                        default=data.PAIRS,
                        help="data sets of two trees (default: " +
                        ",".join(data.PAIRS) + ")")
    parser.add_argument("--sizes", metavar="MIN,AVERAGE,MAX",
                        action="append",
                        help="a choice; any number of times (default: " +
                        " ".join(CHOICES) + ")")


def step(rows, at, tool, name, command, tree):
    row = {**at, "step": name, "repo": None,
           **measure.run(command, env=tool.env, cwd=tree, ok=tool.good)}
    if row["ok"]:
        row["repo"] = measure.size_of(tool.repo)
    rows.append(row)
    measure.show(row)
    if name == "init" and not row["ok"]:
        raise Failed(f"varve does not take the sizes {tool.chunker}")


def one_run(rows, at, choices, trees, folder, live):
    made = []
    for choice in choices:
        tool = tools.Varve(folder / choice)
        tool.chunker = "gear," + choice
        made.append(({**at, "tool": choice}, tool))
        step(rows, made[-1][0], tool, "init", tool.init(), None)
    for name, tree in zip(("first", "second"), trees):
        live.show(tree)
        for where, tool in made:
            step(rows, where, tool, name, tool.create(name), live.path)


def table(rows, name, choices):
    lines = ["", f"{name}: {rows.runs(name)}", "",
             f"{'min,average,max':16}{'first MB':>12}{'second adds MB':>16}"
             f"{'first s':>12}{'second s':>12}{'peak MiB':>12}"]
    for choice in choices:
        def median(what, step):
            return rows.median(what, set=name, step=step, tool=choice)
        first, both = median("repo", "first"), median("repo", "second")
        added = None if first is None or both is None else both - first
        lines.append(f"{choice:16}" +
                     report.number(first and first / 1e6, 1, 12) +
                     report.number(added and added / 1e6, 1, 16) +
                     report.number(median("wall", "first"), 2, 12) +
                     report.number(median("wall", "second"), 2, 12) +
                     report.number(median("mib", "first"), 0, 12))
    return "\n".join(lines)


def run(args):
    prepare()
    choices = args.sizes or CHOICES
    trees = {name: data.trees(args.data, name) for name in args.sets}
    rows = measure.Rows()
    with workshop(args) as (folder, live):
        if not live.can_swap:
            raise Failed("bind mounts need root: two trees must be seen at "
                         "one path")
        print(report.heading(["varve"], folder), flush=True)
        for name in args.sets:
            for number in range(1, args.runs + 1):
                here = folder / f"{name}-{number}"
                one_run(rows, {"set": name, "run": number}, choices,
                        trees[name], here, live)
                if not args.keep:
                    remove(here)
            print(table(rows, name, choices), flush=True)
    if args.json:
        report.write_json(args, ["varve"], rows, [])
    rows.must_be_good()
    return 0
