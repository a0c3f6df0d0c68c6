#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Names that are not valid UTF-8 keep their bytes in every JSON output: beside
each string that cannot hold them stands KEY_b64. VARVE names the program."""

import base64
import os
import sys
import tempfile

from jsonlib import Test

ONE, TWO = b"s/\xff\xfename", b"s/\xfd\xfcname"  # both print as s/??name
LINK, TARGET = b"s/\xfblink", b"to\xfa"


def raw(obj, key):
    """The bytes that a JSON object means by `key`."""
    beside = obj.get(key + "_b64")
    if isinstance(beside, list):
        return [base64.b64decode(b, validate=True) for b in beside]
    if beside is not None:
        return base64.b64decode(beside, validate=True)
    value = obj[key]
    return [v.encode() for v in value] if isinstance(value, list) \
        else value.encode()


def names(objects, key="path"):
    return sorted(raw(o, key) for o in objects if b"name" in raw(o, key))


def make(t):
    os.mkdir(t.top + "/s")
    for name, text in ((ONE, b"1"), (TWO, b"22"), (b"s/plain", b"3")):
        with open(os.path.join(os.fsencode(t.top), name), "wb") as f:
            f.write(text)
    os.symlink(TARGET, os.path.join(os.fsencode(t.top), LINK))
    t.run("init", "r")


def check_archives(t):
    got = t.lines("--log-json", "create", "--list", "--comment", b"c\xc3\xbf",
                  "r::a", "s", stream="stderr")
    t.is_equal(names(o for o in got if o["type"] == "file_status"),
               [TWO, ONE], "create --list --log-json")
    items = t.lines("list", "--json-lines", "r::a")
    t.is_equal(names(items), [TWO, ONE], "list --json-lines")
    t.is_equal([o for o in items if o["path"] == "s/plain"][0].keys() &
               {"path_b64", "source_b64"}, set(),
               "a valid name has no companion")
    link = [o for o in items if raw(o, "path") == LINK][0]
    t.is_equal([raw(link, k) for k in ("source", "linktarget")],
               [TARGET, TARGET], "the target of a symbolic link")
    a = t.one("info", "--json", "r::a")["archives"][0]
    t.is_equal(raw(a, "comment"), b"c\xc3\xbf", "info: comment")
    t.is_equal(raw(a, "command_line")[-4:], [b"--comment", b"c\xc3\xbf", b"r::a",
               b"s"], "info: command line")
    a = t.one("list", "--json", "--format", "{comment}{command_line}",
              "r")["archives"][0]
    t.is_equal(raw(a, "comment"), b"c\xc3\xbf", "list: comment")
    t.is_equal(raw(a, "command_line")[-3], b"c\xc3\xbf", "list: command line")
    t.run("create", "--stdin-name", b"n\xff", "r::stdin", "-")
    item = t.lines("list", "--json-lines", "r::stdin")[0]
    t.is_equal(raw(item, "path"), b"n\xff", "the name of standard input")
    made = t.one("create", "--json", "--comment", b"c\xc3\xbf", "r::b", "s")
    t.is_equal(raw(made["archive"], "command_line")[-3], b"c\xc3\xbf",
               "create --json: command line")


def check_paths(t):
    os.unlink(os.path.join(os.fsencode(t.top), ONE))
    t.run("create", "r::c", "s")
    t.is_equal(names(t.lines("diff", "--json-lines", "r::a", "c")), [ONE],
               "diff")
    t.is_equal(names(t.lines("find", "--json-lines", "--name", "*name", "r")),
               [TWO, ONE], "find")
    history = t.one("history", "--json", "r", ONE)
    t.is_equal(raw(history, "path"), ONE, "history: path")
    t.is_equal(names(history["versions"])[0], ONE, "history: versions")
    t.is_equal(names(t.one("du", "--json", "r::a", ONE, TWO)["paths"]),
               [TWO, ONE], "du")


def check_messages(t):
    got = t.lines("--log-json", "list", b"r::no\xff", stream="stderr")
    t.is_equal(b"no\xff" in raw(got[-1], "message"), True, "an error")
    got = t.lines("--log-json", "extract", "-p", "--list", "r::a",
                  stream="stderr")
    t.is_equal(names((o for o in got if o.get("name") == "varve.output.list"),
                     "message"), [TWO, ONE], "extract --list --log-json")
    got = t.lines("--log-json", "create", "r::d", b"s", TWO + b"-none",
                  stream="stderr")
    t.is_equal(any(TWO + b"-none" in raw(o, "message") for o in got), True,
               "a warning about a path")


def main():
    with tempfile.TemporaryDirectory(prefix="varve-json.") as top:
        t = Test(top)
        make(t)
        check_archives(t)
        check_paths(t)
        check_messages(t)
        print(f"1..{t.n}")
        return t.failed > 0


if __name__ == "__main__":
    sys.exit(main())
