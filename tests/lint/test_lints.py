#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each lint passes a small sound tree and fails on a deliberate breach of
each of its rules. As TAP."""

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import tempfile

import completions
import format
import headers
import layer_table
import layers
import lengths
import man_pages
import spelling
import symbols
import warning_flags

SPDX = "/* SPDX-License-Identifier: BSD-2-Clause */\n"
HERE = os.path.dirname(os.path.abspath(__file__))
SOUND = {
    "src/util/low.h": SPDX + "int vrv_low(int);\n",
    "src/util/low.c": SPDX + '#include "util/low.h"\n\n#include <sys/stat.h>\n\n'
                             "#include <stdio.h>\n\nint\nvrv_low(int n)\n{\n"
                             "\treturn n;\n}\n",
    "src/os/open.h": SPDX + "int vrv_os_call(void);\n",
    "src/os/open.c": SPDX + '#include "os/open.h"\n\n#include "util/low.h"\n\n'
                            "int\nvrv_os_call(void)\n{\n\treturn vrv_low(1);\n}\n",
    "src/store/store_internal.h": SPDX,
    "src/cli/cmd_list.c": SPDX,
    "include/varve/error.h": SPDX + "struct varve_err;\n",
    "man/varve.1": None,
    "man/varve-list.1": None,
    "meson.build": "warnings = [\n  '-Wshadow',\n]\nif gcc\n"
                   "  warnings += ['-Wlogical-op']\nendif\n",
}
PAGE = """.\\" SPDX-License-Identifier: BSD-2-Clause
.Dd November 21, 2026
.Dt %s 1
.Os
.Sh NAME
.Nm %s
.Nd a page
.Sh DESCRIPTION
This is one.
.Bl -tag -width Ds
%s.El
"""
OPTIONS = ".It Fl n , Fl Fl dry-run\nDo nothing.\n.It Fl Fl sort-by Ar KEY\nSort.\n"
HELP = """usage: varve list [--not-an-option-list] REPO
  -n, --dry-run       do nothing
      --sort-by KEY   sort, as --other-word says
      --verbose       in the main page
"""


class Tree:
    """A sound tree in a temporary folder, with some files changed."""

    def __init__(self, top, changes):
        self.top = top
        shutil.rmtree(top, ignore_errors=True)
        files = dict(SOUND)
        files["man/varve.1"] = PAGE % ("VARVE", "varve",
                                       ".It Fl Fl verbose\nMore.\n")
        files["man/varve-list.1"] = PAGE % ("VARVE-LIST", "varve-list", OPTIONS)
        files.update(changes)
        for name, text in files.items():
            path = os.path.join(top, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            if text is not None:
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
        shutil.copy(os.path.join(HERE, "../../.clang-format"), top)


def run(make, *argv):
    """Exit status and output of one lint."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            rc = make(list(argv)).run()
        except SystemExit as e:
            rc = e.code
    return rc, out.getvalue()


class Test:
    def __init__(self, top):
        self.top = top
        self.n = self.failed = 0

    def check(self, rc, want, text, what, words=()):
        self.n += 1
        if rc == 77:
            print(f"ok {self.n} - {what} # SKIP {text.strip()}")
            return
        ok = rc == want and all(w in text for w in words)
        self.failed += not ok
        print(f"{'ok' if ok else 'not ok'} {self.n} - {what}")
        if not ok:
            print(f"# exit status {rc}: " + text.replace("\n", "\n# "))

    def lint(self, make, what, changes, *words, argv=()):
        """The sound tree with `changes` must fail with these words, or pass
        if there are none."""
        Tree(self.top, changes)
        rc, text = run(make, "--root", self.top, *argv)
        self.check(rc, 1 if words else 0, text, what, words)


def source(includes, name="src/os/extra.c"):
    return {name: SPDX + includes}


def test_layers(t):
    make = layers.Layers
    t.lint(make, "layers: sound", {})
    for what, changes, word in (
            ("an upward include", source('#include "os/open.h"\n',
                                         "src/util/up.c"), "util may not include os"),
            ("the cli reaching inside", source('#include "os/open.h"\n',
                                               "src/cli/x.c"), "cli may not include os"),
            ("an internal header of another",
             source('#include "store/store_internal.h"\n', "src/repo/x.c"),
             "belongs to store alone"),
            ("a library of another module", source("#include <sodium.h>\n"),
             "only crypto includes <sodium.h>"),
            ("fuse outside mount", source("#include <fuse3/fuse_lowlevel.h>\n"),
             "only mount"),
            ("an unknown library", source("#include <gcrypt.h>\n"),
             "neither of the system"),
            ("a path with ..", source('#include "../util/low.h"\n'),
             "leaves its folder"),
            ("an include without module", source('#include "open.h"\n'),
             "is no"),
            ("an include by macro", source("#include HEADER\n"), "hides its file"),
            ("the public API below the repository",
             source("#include <varve/repo.h>\n"), "may not include <varve/repo.h>"),
            ("a module that is not in the table", {"src/misc/x.c": SPDX},
             "in no module"),
            ("one name twice", {"src/os/low.c": SPDX}, "has the name of"),
            ("own header not first",
             {"src/os/open.c": SPDX + '#include <stdio.h>\n#include "os/open.h"\n'},
             "comes first"),
            ("system headers after modules",
             source('#include <stdio.h>\n#include "util/low.h"\n#include <time.h>\n'),
             "too late"),
            ("sys/ after others",
             source("#include <stdio.h>\n#include <sys/stat.h>\n"), "too late"),
            ("a unit test reaching up",
             source('#include "store/store_internal.h"\n', "tests/unit/os/t.c"),
             "os may not include store")):
        t.lint(make, "layers: " + what, changes, word)
    t.lint(make, "layers: PCRE2 twice",
           source("#include <pcre2.h>\n") |
           source("#include <pcre2.h>\n", "src/cli/x.c"), "already")


TABLE = """.It util Ta \\- Ta \\-
.It os Ta \\- Ta \\-
.It store Ta os Ta \\-
.It cli Ta \\- Ta jansson.h
.It Sy util
.It Sy os , store
.It Sy cli
"""


def test_layer_table(t):
    make = lambda argv: layer_table.LayerTable(layer_table.__doc__, argv=argv)
    page = "man/varve-internals.7"
    jansson = source("#include <jansson.h>\n", "src/cli/x.c")

    def table(what, text, *expected):
        t.lint(make, "layer table: " + what, jansson | {page: text}, *expected)

    table("sound", TABLE)
    table("a module too few", TABLE.replace(".It os", ".It so"),
          "os has no row", "no module so")
    table("an include too many", TABLE.replace("Ta os", "Ta os util"),
          "store: modules have util")
    table("an include too few", TABLE.replace("Ta os", "Ta \\-"),
          "store: modules lack os")
    table("a library too few", TABLE.replace("jansson.h", "\\-"),
          "lack jansson.h")
    table("a library too many", TABLE.replace("util Ta \\- Ta \\-",
                                              "util Ta \\- Ta xxhash.h"),
          "have xxhash.h")
    table("a module without a word", TABLE.replace("Sy cli", "Sy x"),
          "cli: nothing tells")


def test_lengths(t):
    make = lambda argv: lengths.Lengths(lengths.__doc__, argv=argv)
    body = "int\nvrv_f(void)\n{\n%s}\n"
    t.lint(make, "lengths: sound", {})
    t.lint(make, "lengths: 100 lines pass", source(body % ("\t;\n" * 98)))
    t.lint(make, "lengths: a function of 101", source(body % ("\t;\n" * 99)),
           "vrv_f has 101 lines")
    t.lint(make, "lengths: a file of 901", source("\n" * 900), "more than 900")
    t.lint(make, "lengths: but not a generated one",
           source("/* Generated. */\n" + "\n" * 1000))
    t.lint(make, "lengths: 81 columns", source("\t" + "x" * 73 + "\n"), "81 columns")
    t.lint(make, "lengths: no license", {"src/os/open.c": "int x;\n"}, "SPDX")
    t.lint(make, "lengths: a script without license",
           {"tests/x.py": "import os\n"}, "license")


def test_headers(t):
    make = lambda argv: headers.Headers(headers.__doc__, argv=argv)
    t.lint(make, "headers: sound", {})
    t.lint(make, "headers: a type that is missing",
           {"src/os/open.h": SPDX + "size_t vrv_x(void);\n"}, "open.h")
    t.lint(make, "headers: a GNU extension in the public API",
           {"include/varve/error.h": SPDX + "struct x { int a; int : 0; } y = {};\n"},
           "error.h")


def test_format(t):
    make = lambda argv: format.Format(format.__doc__, format.add_arguments, argv)
    t.lint(make, "format: sound", {})
    t.lint(make, "format: spaces", {"src/os/open.h": SPDX + "int  x;\n"},
           "open.h:2: differs")
    Tree(t.top, {"src/os/open.h": SPDX + "int  x;\n"})
    run(make, "--root", t.top, "--fix")
    rc, text = run(make, "--root", t.top)
    t.check(rc, 0, text, "format: --fix mends it")


def test_spelling(t):
    make = lambda argv: spelling.Spelling(spelling.__doc__, argv=argv)
    t.lint(make, "spelling: sound", {})
    # Split, so that this file passes itself.
    t.lint(make, "spelling: a misspelling",
           {"man/x.1": ".\\\" reci" + "eve\n"}, "receive")
    t.lint(make, "spelling: British", {"man/x.1": ".\\\" colo" + "ur\n"}, "color")


def test_symbols(t, build):
    make = lambda argv: symbols.Symbols(symbols.__doc__, symbols.add_arguments, argv)

    def library(text):
        folder = os.path.join(build, "src/os")
        os.makedirs(folder, exist_ok=True)
        with open(folder + "/x.c", "w") as f:
            f.write(text)
        subprocess.run("cc -c x.c && rm -f libos.a && ar rc libos.a x.o",
                       shell=True, cwd=folder, check=True)

    only = {"src/util/low.c": None, "src/util/low.h": None}
    library("int vrv_os_x; int varve_y(void) { return vrv_os_x; }\n"
            "static int bare(void) { return 1; } int vrv_z(void) { return bare(); }\n")
    Tree(t.top, only)
    shutil.rmtree(t.top + "/src/util")
    rc, text = run(make, "--root", t.top, build)
    t.check(rc, 0, text, "symbols: sound")
    library("int helper(void) { return 1; }\n")
    rc, text = run(make, "--root", t.top, build)
    t.check(rc, 1, text, "symbols: a bare function", ["helper is global"])
    library("int vrv_x; int counter;\n")
    rc, text = run(make, "--root", t.top, build)
    t.check(rc, 1, text, "symbols: a bare variable", ["counter is global"])
    Tree(t.top, {})
    rc, text = run(make, "--root", t.top, build)
    t.check(rc, 1, text, "symbols: a module without library", ["has no library"])


def test_warnings(t, build):
    make = lambda argv: warning_flags.Warnings(
        warning_flags.__doc__, warning_flags.add_arguments, argv)

    def commands(path, flags):
        os.makedirs(build, exist_ok=True)
        with open(build + "/compile_commands.json", "w") as f:
            json.dump([{"directory": build, "file": os.path.join(t.top, path),
                        "command": f"gcc {flags} -c x.c"}], f)
        Tree(t.top, {})
        return run(make, "--root", t.top, build)

    if shutil.which("gcc") is None:
        return
    all_of = "-Wall -Wextra -Wshadow -Wlogical-op"
    rc, text = commands("src/os/open.c", all_of)
    t.check(rc, 0, text, "warnings: sound")
    for missing in all_of.split():
        rc, text = commands("src/os/open.c", all_of.replace(missing, ""))
        t.check(rc, 1, text, f"warnings: {missing} dropped", [missing])
    rc, text = commands("src/pack/x.c", all_of)
    t.check(rc, 1, text, "warnings: no -Wconversion in pack", ["-Wconversion"])


def test_man_pages(t, top):
    make = lambda argv: man_pages.ManPages(
        man_pages.__doc__, man_pages.add_arguments, argv)
    fake = top + "/fake"

    def binary(text, rc=0):
        with open(fake, "w") as f:
            f.write(f"#!/bin/sh\ncat <<'X'\n{text}X\nexit {rc}\n")
        os.chmod(fake, 0o755)

    with_help = ("--varve", fake)
    binary(HELP)
    t.lint(make, "man: sound", {}, argv=with_help)
    t.lint(make, "man: a broken macro",
           {"man/varve.1": PAGE % ("VARVE", "varve", ".Bogus x\n")}, "varve.1")
    t.lint(make, "man: a reference into nothing",
           {"man/varve.1": PAGE % ("VARVE", "varve", ".It Fl x\n.Xr varve-gone 1\n")},
           "varve-gone")
    t.lint(make, "man: a reference to a page here",
           {"man/varve.1": PAGE % ("VARVE", "varve", ".It Fl x\n.Xr varve-list 1\n")})
    t.lint(make, "man: a command without page", {"src/cli/cmd_info.c": SPDX},
           "varve-info.1: is missing")
    binary(HELP + "  --new   undocumented\n")
    t.lint(make, "man: an option without text", {}, "lacks --new", argv=with_help)
    binary(HELP.replace("-n, --dry-run", "    --dry-run"))
    t.lint(make, "man: an option that is gone", {}, "has -n", argv=with_help)
    two = SPDX + 'x = {\n    .name = "list all",\n}, {\n    .name = "list one",\n};\n'
    with open(fake, "w") as f:
        f.write("#!/bin/sh\necho '  -n, --dry-run'\n[ $2 = all ] && "
                "echo '  --sort-by KEY'\nexit 0\n")
    t.lint(make, "man: two commands on one page", {"src/cli/cmd_list.c": two},
           argv=with_help)
    binary(HELP, rc=2)
    t.lint(make, "man: help that fails", {}, "exit status 2", argv=with_help)


FAKE = """#!/bin/sh
case "$*" in
help) printf 'Commands:\\n  key add   adds\\n  list      lists\\n\\n  -h, --help  helps\\n' ;;
'key add --help' | 'list --help') printf '  -n, --dry  tries\\n      --help  helps\\n' ;;
'help --words --') printf 'key\\nlist\\n--help\\n' ;;
'help --words -- key') printf 'add\\n--help\\n' ;;
*) printf -- '--dry\\n--help\\n' ;;
esac
"""


def test_completions(t, top):
    make = lambda argv: completions.Completions(
        completions.__doc__, completions.add_arguments, argv)
    fake = top + "/fake"
    with open(os.path.join(HERE, "../..", completions.SCRIPT)) as f:
        script = {completions.SCRIPT: f.read()}

    def binary(what, text, *expected):
        with open(fake, "w") as f:
            f.write(text)
        os.chmod(fake, 0o755)
        t.lint(make, "completions: " + what, script, *expected,
               argv=("--varve", fake))

    binary("sound", FAKE)
    binary("a command too few", FAKE.replace("'key\\nlist", "'key"),
           "varve lacks list")
    binary("a subcommand too many", FAKE.replace("'add\\n", "'add\\nbad\\n"),
           "key offers bad")
    binary("an option too few", FAKE.replace("-- '--dry\\n", "-- '"),
           "list lacks --dry")
    t.lint(make, "completions: no script", {}, "varve lacks list",
           argv=("--varve", fake))


def main():
    with tempfile.TemporaryDirectory(prefix="varve-lint-") as top:
        t = Test(top + "/tree")
        test_layers(t)
        test_layer_table(t)
        test_lengths(t)
        test_headers(t)
        test_format(t)
        test_spelling(t)
        test_symbols(t, top + "/build")
        test_warnings(t, top + "/build")
        test_man_pages(t, top)
        test_completions(t, top)
    print(f"1..{t.n}")
    return 1 if t.failed else 0


if __name__ == "__main__":
    sys.exit(main())
