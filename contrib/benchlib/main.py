# SPDX-License-Identifier: BSD-2-Clause
"""Measure varve: whole processes, on real and made data, medians of some runs.

Installs what it needs, builds varve in build/release, makes the data that is
not there yet. Verdicts are printed; the exit status tells only whether
everything ran."""

import argparse
import os
import signal
import sys

import cmd_catalog
import cmd_compare
import cmd_cut
import cmd_mount
import setup

# In the order of the help; the first is what no command means. A command has
# SUMMARY, add_arguments(parser) and run(args), which returns the exit status.
COMMANDS = {"compare": cmd_compare, "cut": cmd_cut, "mount": cmd_mount,
            "catalog": cmd_catalog}


def parse(words):
    parser = argparse.ArgumentParser(
        prog="contrib/bench", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Without COMMAND, compare. "
        "contrib/bench COMMAND --help tells its options.")
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name, command in COMMANDS.items():
        sub = commands.add_parser(name, help=command.SUMMARY,
                                  description=command.__doc__)
        setup.add_arguments(sub)
        command.add_arguments(sub)
        sub.set_defaults(run=command.run)
    first = words[0] if words else ""
    if first not in COMMANDS and first not in ("-h", "--help"):
        words = [next(iter(COMMANDS))] + words
    return parser.parse_args(words)


def stop(number, _frame):
    """Leave by way of everything that cleans up."""
    sys.exit(128 + number)


def main():
    args = parse(sys.argv[1:])
    setup.own_mounts()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
    os.umask(0o022)
    try:
        return args.run(args)
    except setup.Failed as e:
        print(f"bench: {e}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
