#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""nomem.py [--every N]: one allocation fails: each, or each Nth of commands that
print and each 4 Nth of those that work, which take longer to prove.

Whichever allocation fails: a command that prints prints all that it prints
otherwise, a command that works does all its work, or the exit status is 2: a
lack of memory is no warning about a file and no damage. VARVE names the
binary, built without sanitizers, and FAILMALLOC the library that lets an
allocation fail. As TAP.
"""

import argparse
import os
import shutil
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


# Commands that work, and their proof after an exit status of 0.
def created(sb):
    sb.prove("new", f"{sb.top}/two")


def restored(sb):
    sb.same(f"{sb.top}/two")


def nothing(sb):
    pass


WORK = [
    (["create", "--files-cache", "disabled", "REPO::new", "."], created),
    (["create", "REPO::new", "."], created),
    (["extract", "--root-metadata", "REPO::two"], restored),
    (["rename", "REPO::one", "three"],
     lambda sb: sb.names() == {"three", "two"} or wrong(sb)),
    (["delete", "REPO::one"], lambda sb: sb.names() == {"two"} or wrong(sb)),
    (["verify", "--all", "REPO::two"], nothing),
    (["check", "--verify-data", "REPO"], nothing),
]


def wrong(sb):
    raise Wrong(f"archives are {sb.names()}")


def prepare(sb):
    sb.init()
    sb.use_key_file()
    for version, name in enumerate(("one", "two"), 1):
        make_source(f"{sb.top}/{name}", version)
        sb.must(*sb.create_args(name), cwd=f"{sb.top}/{name}")


def run(sb, args, at=0, cwd=None):
    """The result, and how many allocations there were."""
    count = f"{sb.top}/count"
    env = {"LD_PRELOAD": os.environ["FAILMALLOC"], "FAILMALLOC_COUNT": count}
    if at > 0:
        env["FAILMALLOC_AT"] = str(at)
    r = sb.run(*[a.replace("REPO", sb.repo) for a in args], cwd=cwd,
               env=env)
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


def work_once(sb, args, proof, at):
    """One run on the saved repository, and its proof; how many allocations."""
    sb.restore()
    shutil.rmtree(sb.out, ignore_errors=True)
    os.mkdir(sb.out)
    cwd = sb.out if args[0] == "extract" else f"{sb.top}/two"
    r, total = run(sb, args, at, cwd)
    if r.rc == 0:
        proof(sb)
    elif at == 0 or r.rc != 2 and "cannot remember" not in r.err:
        raise Wrong(f"only 0 and 2 are right: {r}")
    sb.prove("two", f"{sb.top}/two")
    return total


def try_work(workers, args, proof, every):
    for sb in workers.sandboxes:
        sb.save()
        total = work_once(sb, args, proof, 0)
    jobs = [(f"{' '.join(args)}, allocation {at} of {total}", work_once, args,
             proof, at) for at in range(1, total + 1, every)]
    workers.all(jobs)
    for sb in workers.sandboxes:
        sb.restore()
    return len(jobs)


def attempt(workers, summary, args, attempt_fn, *more):
    runs = 1
    workers.problems = []
    try:
        runs = attempt_fn(workers, args, *more)
    except Wrong as e:
        workers.problems.append((args[0], str(e)))
    summary.part(" ".join(args), runs, workers.problems)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    every = parser.parse_args().every
    varve_binary()
    summary = Summary()
    workers = Workers(2, prepare)
    try:
        for args in COMMANDS:
            attempt(workers, summary, args, try_command, every)
        for args, proof in WORK:
            attempt(workers, summary, args, try_work, proof,
                    every if every == 1 else 4 * every)
    finally:
        workers.close()
    return summary.close()


if __name__ == "__main__":
    sys.exit(main())
