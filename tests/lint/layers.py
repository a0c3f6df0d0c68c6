#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Modules include only what lies below them, each outside library is included
by one module, and includes stand in the order of the house style."""

import os
import re
import sys

from lintlib import Lint, read

BELOW_REPO = "os task crypto codec format store pack index"
OPERATION = "archive catalog ledger repo store os task format"

# module: the modules it may include (util is implied), lower layers first
MODULES = {
    "util": "",
    "os": "", "task": "", "crypto": "", "codec": "", "db": "os",
    "chunk": "crypto", "format": "", "store": "os task",
    "pack": "format crypto codec", "index": "format crypto os",
    "repo": BELOW_REPO,
    "archive": "os crypto repo format", "catalog": "archive db repo format os",
    "ledger": "db os repo",
    "create": OPERATION + " chunk", "extract": OPERATION, "check": OPERATION,
    "prune": OPERATION, "compact": OPERATION, "sync": OPERATION,
    "diff": OPERATION, "mount": OPERATION, "verify": OPERATION,
    "du": OPERATION,
    "lib": "*", "cli": "",
}
# Public headers are types for whoever implements them; what lies below the
# repository knows of errors only.
PUBLIC_FOR_ALL = {"varve/error.h", "varve/version.h"}
PUBLIC_FROM = ("repo archive catalog ledger create extract check prune compact "
               "sync diff mount verify du lib cli").split()

# header prefix: the one module that may include it
OUTSIDE = {
    "xxhash.h": "util", "sodium.h": "crypto", "sodium/": "crypto",
    "openssl/": "crypto",
    "zstd.h": "codec", "zstd_errors.h": "codec", "zdict.h": "codec",
    "sqlite3.h": "db", "fuse": "mount", "fuse3/": "mount", "jansson.h": "cli",
    "curl/": "store",
}
# Libraries whose place is free, as long as it is one.
OUTSIDE_ONCE = {"pcre2.h"}
SYSTEM = set("""assert.h byteswap.h ctype.h dirent.h dlfcn.h elf.h endian.h
err.h errno.h fcntl.h fnmatch.h ftw.h getopt.h glob.h grp.h inttypes.h langinfo.h
libgen.h limits.h locale.h malloc.h math.h mntent.h netdb.h poll.h pthread.h pwd.h
sched.h search.h semaphore.h setjmp.h signal.h spawn.h stdalign.h stdarg.h stdatomic.h
stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h sysexits.h
syslog.h termios.h threads.h time.h unistd.h utime.h wchar.h wctype.h""".split())
SYSTEM_PREFIXES = ("sys/", "linux/", "asm/", "net/", "netinet/", "arpa/")

INCLUDE = re.compile(r"^\s*#\s*include\s+(.*?)\s*(?:/\*.*)?$")
NAME = re.compile(r'^(?:<([^<>]+)>|"([^"]+)")$')


def may_include(module):
    allowed = set(MODULES) if MODULES[module] == "*" else \
        set(MODULES[module].split())
    return allowed | {module, "util"}


class Layers(Lint):
    def __init__(self, argv=None):
        super().__init__(__doc__, argv=argv)
        self.once = {}  # outside header -> (module, path) of its first user

    def quoted(self, path, n, module, name, in_tests):
        parts = name.split("/")
        if ".." in parts:
            self.bad(path, n, f'"{name}" leaves its folder')
            return
        if in_tests and len(parts) == 1:
            return  # a helper beside the test
        if len(parts) != 2 or not os.path.exists(
                os.path.join(self.root, "src", name)):
            self.bad(path, n, f'"{name}" is no "module/file.h" below src/')
            return
        target = parts[0]
        if target not in may_include(module):
            self.bad(path, n, f"{module} may not include {target}")
        if name.endswith("_internal.h") and target != module:
            self.bad(path, n, f'"{name}" belongs to {target} alone')

    def angled(self, path, n, module, name, in_tests):
        if name.startswith("varve/"):
            if name not in PUBLIC_FOR_ALL and module not in PUBLIC_FROM:
                self.bad(path, n, f"{module} may not include <{name}>")
            return
        if name in SYSTEM or name.startswith(SYSTEM_PREFIXES):
            return
        if in_tests and name == "cmocka.h":
            return
        if name in OUTSIDE_ONCE:
            if in_tests:
                return
            first = self.once.setdefault(name, module)
            if first != module:
                self.bad(path, n, f"<{name}> is included by {first} already")
            return
        for prefix, owner in OUTSIDE.items():
            if name == prefix or (prefix[-2:] != ".h" and
                                  name.startswith(prefix)):
                if owner != module:
                    self.bad(path, n, f"only {owner} includes <{name}>")
                return
        self.bad(path, n, f"<{name}> is neither of the system nor a library "
                 "of varve")

    def order(self, path, module, includes):
        """Own header, <sys/...>, <...>, "module/..."."""
        own = f"{module}/{os.path.basename(path)[:-2]}.h"
        quotes = [q for _, _, q in includes]
        if own in quotes and quotes[0] != own:
            self.bad(path, includes[0][0], f'"{own}" comes first')
        highest = 0
        for i, (n, angled, quoted) in enumerate(includes):
            if quoted is not None:
                rank = 0 if i == 0 and quoted.startswith(module + "/") else 3
            elif angled.startswith("varve/"):
                rank = max(highest, 2)  # the outermost of our own or of theirs
            else:
                rank = 1 if angled.startswith("sys/") else 2
            if rank < highest:
                self.bad(path, n, f"{angled or quoted} stands too late: own "
                         'header, <sys/...>, <...>, "module/..."')
            highest = max(highest, rank)

    def file(self, path, module, in_tests):
        includes = []
        for n, line in enumerate(read(path).splitlines(), 1):
            m = INCLUDE.match(line)
            if not m:
                continue
            name = NAME.match(m.group(1))
            if not name:
                self.bad(path, n, f"an include that hides its file: {line}")
                continue
            angled, quoted = name.groups()
            includes.append((n, angled, quoted))
            if quoted is not None:
                self.quoted(path, n, module, quoted, in_tests)
            else:
                self.angled(path, n, module, angled, in_tests)
        if path.endswith(".c") and includes and not in_tests:
            self.order(path, module, includes)

    def unique_names(self, paths):
        seen = {}
        for path in paths:
            first = seen.setdefault(os.path.basename(path), path)
            if first != path:
                self.bad(path, 0, "has the name of "
                         + os.path.relpath(first, self.root))

    def run(self):
        paths = self.files(["src"], (".c", ".h"))
        self.unique_names(paths)
        for path in paths:
            parts = os.path.relpath(path, self.root).split(os.sep)
            if len(parts) != 3 or parts[1] not in MODULES:
                self.bad(path, 0, "lies in no module of the table")
            else:
                self.file(path, parts[1], False)
        tests = self.files(["tests/unit"], (".c", ".h"))
        for path in tests:
            module = os.path.relpath(path, self.root).split(os.sep)[2]
            if module in MODULES:
                self.file(path, module, True)
        return self.done(len(paths) + len(tests))


if __name__ == "__main__":
    sys.exit(Layers().run())
