# SPDX-License-Identifier: BSD-2-Clause
"""Tables, budgets and JSON out of what was measured."""

import json
import os
import platform
import subprocess

import tools
from measure import count

# Steps in the order of the table, and what they are called there.
STEPS = {"first": "first create", "unchanged": "unchanged",
         "changed": "changed", "restore": "restore", "list": "list",
         "archives": "list archives", "check": "check, all data"}
MEMORY_MIB = 256
LIST_SECONDS = 0.050
DIGITS = {"MiB": 0, "s": 3, "entries": 0, "entries/s": 0}


def machine():
    """What the figures depend on."""
    model = platform.machine()
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    with open("/proc/meminfo") as f:
        memory = int(f.readline().split()[1]) // 1024
    return {"cpu": model, "cores": len(os.sched_getaffinity(0)),
            "memory_mib": memory, "kernel": platform.release()}


def versions(names):
    found = {}
    for name in names:
        # A tool needs a folder only to run in.
        command = tools.TOOLS[name].version(tools.TOOLS[name])
        p = subprocess.run([str(word) for word in command],
                           stdout=subprocess.PIPE, text=True)
        found[name] = " ".join(p.stdout.split()[:2])
    return found


def file_system(folder):
    p = subprocess.run(["stat", "-f", "-c", "%T", folder],
                       stdout=subprocess.PIPE, text=True)
    return p.stdout.strip()


def heading(names, folder):
    m = machine()
    return (f"{m['cpu']}, {m['cores']} cores, {m['memory_mib']} MiB, "
            f"Linux {m['kernel']}, {file_system(folder)}\n"
            f"{', '.join(versions(names).values())}")


def number(value, digits, width):
    return f"{'-' if value is None else format(value, f'.{digits}f'):>{width}}"


def row_text(rows, name, step, tool, label):
    at = {"set": name, "step": step, "tool": tool}
    if not all(row["ok"] for row in rows.of(**at)):
        return f"{label:18}{tool:18}{'failed':>10}"
    repo = rows.median("repo", **at)
    wall = number(rows.median("wall", **at), 3, 10)
    if rows.over(**at):
        wall = f"> {rows.median('wall', **at):.0f}".rjust(10)
    return (f"{label:18}{tool:18}{wall}" +
            number(rows.median("cpu", **at), 3, 10) +
            number(rows.median("mib", **at), 0, 10) +
            number(repo and repo / 1e6, 1, 16))


def table(rows, name, trees, steps=None):
    """`steps`: in their order, and what they are called here."""
    sizes = [f"{n:,} file{'s' * (n != 1)}, {size / 1e6:.1f} MB"
             for n, size in map(count, trees)]
    lines = ["", f"{name}: {'; then '.join(sizes)}; {rows.runs(name)}", "",
             f"{'step':18}{'tool':18}{'wall s':>10}{'cpu s':>10}"
             f"{'peak MiB':>10}{'repository MB':>16}"]
    for step, label in (steps or STEPS).items():
        # dict, not set: in the order in which they ran
        for tool in dict.fromkeys(r["tool"] for r in rows.of(set=name,
                                                            step=step)):
            lines.append(row_text(rows, name, step, tool, label))
            label = ""
    return "\n".join(lines)


def budget(name, what, value, limit, unit="", strict=False):
    """`limit` None: only for information."""
    verdict = ""
    if value is None:
        verdict = "not measured"
    elif limit is not None:
        met = value < limit if strict else value <= limit
        verdict = "met" if met else "MISSED"
    return {"set": name, "budget": what, "value": value, "limit": limit,
            "unit": unit, "strict": strict, "verdict": verdict}


def at_least(name, what, value, limit, unit=""):
    """A budget from below."""
    found = budget(name, what, value, limit, unit)
    if value is not None:
        found["verdict"] = "met" if value >= limit else "MISSED"
    return dict(found, least=True)


def ratio(value, base):
    return None if value is None or not base else value / base


def repository_budgets(rows, name):
    """Against the smaller peer, after each backup of something new."""
    found = []
    for step in ("first", "changed"):
        if not rows.of(set=name, step=step):
            continue
        sizes = {tool: rows.median("repo", set=name, step=step, tool=tool)
                 for tool in tools.TOOLS}
        own = sizes.pop("varve")
        peers = [size for size in sizes.values() if size]
        found.append(budget(
            name, f"repository / smaller peer, {STEPS[step]}",
            ratio(own, min(peers)) if peers else None, 1, strict=True))
    return found


def budgets(rows, name):
    def wall(step, tool):
        return rows.median("wall", set=name, step=step, tool=tool)

    keyed = "varve, key file"
    create, unchanged = wall("first", "varve"), wall("unchanged", "varve")
    peaks = [row["mib"] for row in rows.of(set=name, tool="varve")
             if row["mib"] is not None]
    return [
        budget(name, "create / floor -v",
               ratio(create, wall("first", "floor -v")), 1.3),
        budget(name, "create / floor",
               ratio(create, wall("first", "floor")), None),
        budget(name, "unchanged / find -printf",
               ratio(unchanged, wall("unchanged", "find")), 2),
        budget(name, "unchanged with a key file / find -printf",
               ratio(wall("unchanged", keyed), wall("unchanged", "find")),
               None),
        budget(name, "restore / restic",
               ratio(wall("restore", "varve"), wall("restore", "restic")),
               0.5),
        *repository_budgets(rows, name),
        budget(name, "peak memory of varve, any step",
               max(peaks, default=None), MEMORY_MIB, "MiB"),
        budget(name, "list of the archives with a key file",
               wall("archives", keyed), LIST_SECONDS, "s"),
    ]


def verdicts(found):
    lines = ["", f"{'budget':46}{'measured':>12}{'limit':>12}  verdict"]
    for b in found:
        sign = "<" if b["strict"] else ">=" if b.get("least") else "<="
        limit = "" if b["limit"] is None else f"{sign} {b['limit']:,.7g}"
        digits = DIGITS.get(b["unit"], 2)
        unit = f" {b['unit']}" if b["unit"] else ""
        what = b["budget"] + (f" ({b['unit']})" if unit else "")
        lines.append(f"{what:46}{number(b['value'], digits, 12)}"
                     f"{limit:>12}  {b['verdict']}".rstrip())
    return "\n".join(lines)


def write_json(args, names, rows, found):
    with open(args.json, "w") as f:
        json.dump({"machine": machine(), "versions": versions(names),
                   "runs": args.runs, "rows": rows, "budgets": found},
                  f, indent=1)
        f.write("\n")
