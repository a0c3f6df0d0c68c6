#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What verify --status tells apart, and a directory that --against cannot mean.
. "$(dirname "$0")/lib.sh"

mkdir -p src/sub other/deep && printf 'hello\n' >src/file || exit 99
printf 'inner\n' >src/sub/inner
printf 'else\n' >other/deep/else
varve init -e repokey repo >/dev/null 2>&1 || exit 99
state=$HOME/.local/state/varve

# --- the state directory

run varve verify --status repo
like "$out" "*
No run is recorded in $state
The systemd units * /var/lib/varve: set VARVE_STATE_DIR *" \
	"without a run, the state directory is named"
(cd src && varve create --series src ../repo::one .) || exit 99
varve check repo
varve check --verify-data repo
varve check --verify-data --max-duration 100 repo
varve verify repo >/dev/null || exit 99
run varve verify --status repo
like "$out" "*
Runs are recorded in $state*" "with runs, too"
run env VARVE_STATE_DIR="$scratch/unit" "$VARVE" verify --status repo
like "$out" "*
No run is recorded in $scratch/unit
*" "that of another environment is another"
run varve verify --status --json repo
is "$(printf '%s\n' "$out" | python3 -c '
import json, sys
print(json.load(sys.stdin)["state_directory"])')" "$state" "as JSON"

run env VARVE_STATE_DIR=/proc/nope "$VARVE" verify --status repo
like "$out" "*No run is recorded: the state directory cannot be used" \
	"nor is there one where none can be made"

# --- check and check --verify-data

run varve verify --status repo
is "$(printf '%s\n' "$out" | awk '/^20/ { print $3 }' | tr '\n' ' ')" \
	"verify check-data check-data check " "kinds of runs"
varve create --series src repo::host-2026-12-01T00:00:01 src || exit 99
varve verify repo::host-2026-12-01T00:00:01 >/dev/null || exit 99
like "$(varve verify --status repo)" "*good       host-2026-12-01T00:00:01
*check-data *% good
*" "the name of an archive is never cut"
varve delete repo::host-2026-12-01T00:00:01
run varve verify --status --json repo
is "$(printf '%s\n' "$out" | python3 -c '
import json, sys
print(*[r["kind"] for r in json.load(sys.stdin)["runs"]])')" \
	"verify verify check-data check-data check" "as JSON"

# --- a directory that is not the source

refuses 2 "'other' does not look like the source of this archive: none of its\
 2 top-level entries exists there" verify --against other repo::one
run varve verify --status repo
is "$(printf '%s\n' "$out" | grep -c ' verify ')" 2 "which is no run"
rm src/file
run varve verify --all --against src repo::one
is "$status" 1 "one entry is enough: status"
like "$out" "* 1 gone*" "what is gone is counted"
printf 'hello\n' >src/file
# Directories that only lead to a source are no entries of their own.
varve create --series deep repo::deep src/sub other/deep/else || exit 99
mkdir -p wrong/src wrong/other/deep
refuses 2 "'wrong' does not look like *none of its 2 top-level*" \
	verify --against wrong repo::deep
rm -r wrong/src && : >wrong/src
refuses 2 "'wrong' does not look like *none of its 2 top-level*" \
	verify --against wrong repo::deep
run varve verify --all --against . repo::deep
is "$status" 0 "the right one"
varve create --series single repo::single src/file || exit 99
refuses 2 "'wrong' does not look like *its only top-level entry does not exist\
 there" verify --against wrong repo::single
mkdir empty && (cd empty && varve create --series empty ../repo::empty .)
run varve verify --against wrong repo::empty
is "$status" 1 "an empty archive has no source to look for"

# Of several archives, the others are verified.
varve delete repo::empty
run varve verify --all --against src repo
is "$status" 2 "some archives have another source: status"
like "$err" "*varve: deep: 'src' does not look like the source *
varve: single: 'src' does not look like *
varve: 2 of 3 archives were not verified" "they are named"
like "$out" "one: 2 of 2 files*" "the others are verified"
done_testing
