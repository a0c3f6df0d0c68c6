#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# "latest" means the newest archive, wherever an archive is named.

. "$(dirname "$0")/lib.sh"

varve init repo 2>/dev/null || exit 99
mkdir src
echo 1 >src/a
refuses 31 "no archive 'latest'*" list repo::latest
varve create --timestamp 2026-01-01T00:00:00 repo::one src || exit 99
echo 2 >src/b
varve create --timestamp 2026-01-02T00:00:00 repo::two src || exit 99

# The order of the archives is that of their time, not of their making.
echo 3 >src/c
varve create --timestamp 2025-01-01T00:00:00 repo::old src || exit 99

is "$(varve list --short repo::latest)" "src
src/a
src/b" "list"
like "$(varve info repo::latest)" "Archive name: two*" "info"
like "$(varve diff repo::one latest)" "*added*src/b" "diff, second"
like "$(varve diff repo::latest one)" "*removed*src/b" "diff, first"
like "$(varve verify --all repo::latest)" "two: *" "verify"
ok "check" varve check repo::latest
like "$(varve du repo::latest)" "* 4 B*" "du"
mkdir out
(cd out && varve extract ../repo::latest) || exit 99
is "$(ls out/src)" "a
b" "extract"
VARVE_REPO=repo
export VARVE_REPO
like "$(varve info ::latest)" "Archive name: two*" "in VARVE_REPO"
unset VARVE_REPO

# It is the name of no archive.
refuses 2 "'latest' cannot name an archive: it means the newest*" create repo::latest src
refuses 2 "'latest' cannot name an archive: it means the newest*" rename repo::one latest
refuses 2 "delete needs the name of an archive*'two'*" delete repo::latest
refuses 2 "delete needs the name of an archive*" delete repo one latest
is "$(varve list --short repo)" "old
one
two" "and nothing was deleted"
varve rename repo::latest newest || exit 99
is "$(varve list --short repo)" "old
one
newest" "rename"

done_testing
