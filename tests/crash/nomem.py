#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""nomem.py [--every N]: one allocation fails in a command that prints.

Whichever allocation fails: the command prints all that it prints otherwise, or
its exit status says that it did not. VARVE names the binary, built without
sanitizers, and FAILMALLOC the library that lets an allocation fail. As TAP.
"""

import argparse
import os
import sys

from crashlib import Summary, Workers, Wrong, make_source, varve_binary

COMMANDS = [
    ["list", "REPO"],
    ["list", "--json", "REPO"],
    ["list", "REPO::one"],
    ["list", "--json-lines", "REPO::one"],
    ["diff", "REPO::one", "two"],
    ["diff", "--json-lines", "REPO::one", "two"],
    ["find", "--name", "*", "REPO"],
    ["find", "--json-lines", "--name", "*", "REPO"],
    ["history", "REPO", "noise-2"],
    ["info", "REPO"],
    ["info", "--json", "REPO"],
    ["info", "REPO::one"],
    ["du", "REPO::one"],
    ["key", "list", "REPO"],
]


def prepare(sb):
    sb.init()
    sb.use_key_file()
    for version, name in enumerate(("one", "two"), 1):
        make_source(f"{sb.top}/{name}", version)
        sb.must(*sb.create_args(name), cwd=f"{sb.top}/{name}")


def run(sb, args, at=0):
    """The result, and how many allocations there were."""
    count = f"{sb.top}/count"
    env = {"LD_PRELOAD": os.environ["FAILMALLOC"], "FAILMALLOC_COUNT": count}
    if at > 0:
        env["FAILMALLOC_AT"] = str(at)
    r = sb.run(*[a.replace("REPO", sb.repo) for a in args], env=env)
    with open(count) as f:
        return r, int(f.read())


def fail_one(sb, args, at, whole, noticed):
    r, _ = run(sb, args, at)
    if r.rc == 0 and r.out != whole[sb]:
        raise Wrong(f"exit status 0, but not all was printed: {r}")
    if r.rc != 0 and not r.err:
        raise Wrong(f"no message: {r}")
    noticed.append(r.rc != 0)


def try_command(workers, args, every):
    """How many runs there were."""
    whole, total, noticed = {}, 0, []
    for sb in workers.sandboxes:
        for _ in range(2):  # the first may fill a cache
            r, total = run(sb, args)
        if r.rc != 0:
            raise Wrong(f"without a failure: {r}")
        whole[sb] = r.out
    jobs = [(f"{' '.join(args)}, allocation {at} of {total}", fail_one, args,
             at, whole, noticed) for at in range(1, total + 1, every)]
    workers.all(jobs)
    if not any(noticed):
        raise Wrong(f"none of {total} failures was noticed: is "
                    f"{os.environ['FAILMALLOC']} in use?")
    return len(jobs)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    every = parser.parse_args().every
    varve_binary()
    summary = Summary()
    workers = Workers(2, prepare)
    try:
        for args in COMMANDS:
            runs = 1
            workers.problems = []
            try:
                runs = try_command(workers, args, every)
            except Wrong as e:
                workers.problems.append((args[0], str(e)))
            summary.part(" ".join(args), runs, workers.problems)
    finally:
        workers.close()
    return summary.close()


if __name__ == "__main__":
    sys.exit(main())
