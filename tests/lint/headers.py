#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Each header compiles alone, with gcc and with clang; public headers as
plain C11, too."""

import concurrent.futures
import os
import shutil
import subprocess
import sys

from lintlib import Lint, skip

PACKAGES = ["libsodium", "libcrypto", "libzstd", "libxxhash", "sqlite3",
            "jansson", "libpcre2-8", "fuse3", "cmocka"]


def package_flags():
    flags = []
    for package in PACKAGES:
        p = subprocess.run(["pkg-config", "--cflags", package],
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        flags += p.stdout.decode().split()
    return flags


class Headers(Lint):
    def compile(self, compiler, flags, path):
        p = subprocess.run(
            [compiler, *flags, "-fsyntax-only", "-Wall", "-Wextra", "-Werror",
             "-Wstrict-prototypes", "-x", "c", "-include", path, "/dev/null"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return p.stdout.decode(errors="replace") if p.returncode else None

    def jobs(self, compilers):
        include = [f"-I{self.root}/include"]
        internal = ["-std=gnu17", "-D_GNU_SOURCE", f"-I{self.root}/src",
                    '-DVARVE_VERSION="0"'] + include + package_flags()
        for compiler in compilers:
            for path in self.files(["src"], ".h"):
                yield compiler, internal, path
            for path in self.files(["include"], ".h"):
                yield compiler, ["-std=c11", "-Wpedantic"] + include, path

    def run(self):
        compilers = [c for c in ("gcc", "clang") if shutil.which(c)]
        if not compilers:
            skip("neither gcc nor clang")
        jobs = list(self.jobs(compilers))
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            results = pool.map(lambda job: self.compile(*job), jobs)
            for (compiler, _, path), output in zip(jobs, results):
                if output is not None:
                    self.bad(path, 0, f"does not compile alone ({compiler}):")
                    print("    " + output.replace("\n", "\n    "))
        return self.done(len(jobs))


if __name__ == "__main__":
    sys.exit(Headers(__doc__).run())
