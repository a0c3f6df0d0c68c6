#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The versions of a path, and putting one back.
. "$(dirname "$0")/lib.sh"

varve init repo 2>/dev/null || exit 99
varve key add --key-file "$scratch/key" repo >/dev/null 2>&1 || exit 99
VARVE_KEY_FILE=$scratch/key
export VARVE_KEY_FILE

# day N: an archive of that day.
day()
{
	(cd src && varve create --timestamp "2026-01-0$1T12:00:00Z" \
	    "../repo::d$1" .) || exit 99
}

mkdir -p src/dir
printf 'first\n' >src/dir/file
touch -d '2020-01-01T00:00:00Z' src/dir/file
day 1
day 2
printf 'second\n' >src/dir/file
touch -d '2021-01-01T00:00:00Z' src/dir/file
chmod 600 src/dir/file
day 3
rm src/dir/file
day 4
day 5
printf 'third\n' >src/dir/file
touch -d '2022-01-01T00:00:00Z' src/dir/file
day 6
rm -r src/dir
printf 'a file now\n' >src/dir
day 7

# Without contents' ids, and owners, which differ from one repository and
# machine to another.
versions()
{
	varve history repo "$@" | sed 's/ [0-9a-f]\{16\} / ID /; s/ [^ ]*:[^ ]*$//'
}

is "$(versions dir/file)" \
    "   1       6 B 2020-01-01 00:00:00 ID [d1 .. d2: 2] -rw-r--r--
   2       7 B 2021-01-01 00:00:00 ID [d3] -rw-------
   - not in [d4 .. d5: 2]
   3       6 B 2022-01-01 00:00:00 ID [d6] -rw-r--r--
   - not in [d7]" "versions, oldest first"
is "$(versions /dir//./file/)" "$(versions dir/file)" "a path in other words"
is "$(versions dir | grep -c '^ *[1-9].* drwx')" 1 "what a folder was"
is "$(versions dir | tail -n 1)" "$(versions dir | grep -- ' -rw')" \
    "and that it is a file in the end"
is "$(versions . | grep -c drwx)" 1 "the source itself"
is "$(versions --archive 'd[13]' dir/file | grep -c .)" 2 "of some archives"
like "$(varve history repo dir/file)" "*-rw-r--r-- [!0-9]*:*" "names an owner"
run varve history --json repo dir/file
is "$(echo "$out" | python3 -c 'import json, sys
h = json.load(sys.stdin)
print(h["path"], [(v["number"], v["archives"], v["first"]["name"])
                  for v in h["versions"]])')" \
    "dir/file [(1, 2, 'd1'), (2, 1, 'd3'), (None, 2, 'd4'), (3, 1, 'd6'), (None, 1, 'd7')]" \
    "as JSON"
refuses 2 "'no/where' is in no archive*" history repo no/where
refuses 2 "'dir/file/x' is in no archive*" history repo dir/file/x

# Equal content has equal ids.
printf 'first\n' >src/copy
day 8
is "$(varve history repo copy | awk '{ print $6 }')" \
    "$(varve history repo dir/file | awk 'NR == 1 { print $6 }')" \
    "equal content has one id"

# --- restoring ---

mkdir back && cd back || exit 99
run varve history --restore 1 ../repo dir/file
is "$status $(cat dir/file)" "0 first" "by number"
is "$(stat -c '%a %Y' dir/file)" "644 1577836800" "with mode and time"
run varve history --restore 2 ../repo dir/file
is "$(test "$status" -ne 0 && cat dir/file)" first "what exists is kept"
run varve history --restore 2 --overwrite ../repo dir/file
is "$status $(cat dir/file)" "0 second" "unless it may be overwritten"
is "$(find . -type f)" ./dir/file "and nothing else comes"
is "$(varve history --restore latest --stdout ../repo dir/file)" third "latest"
is "$(varve history --restore before:2026-01-03 --stdout ../repo dir/file)" \
    first "before a day"
is "$(varve history --restore before:2026-01-05 --stdout ../repo dir/file)" \
    second "before a day on which it was not there"
rm -r dir
run varve history --restore 1 ../repo dir
is "$(find . -type f -exec cat {} +)" "second" "a folder, with what it held last"
cd ..
refuses 2 "'dir/file' has no version '9'*" history --restore 9 repo dir/file
refuses 2 "'dir/file' has no version '0'*" history --restore 0 repo dir/file
refuses 2 "'dir/file' has no version 'before:2026-01-01'*" \
    history --restore before:2026-01-01 repo dir/file
refuses 2 "option --restore: 'old'*" history --restore old repo dir/file
refuses 2 "--overwrite and --stdout go with*" history --stdout repo dir/file
refuses 2 "history needs a PATH*" history repo

# --- archives that come late, and two series ---

rm -rf src/dir src/copy && mkdir src/dir && printf 'late\n' >src/dir/file
(cd src && varve create --timestamp 2026-01-02T18:00:00Z ../repo::late .) ||
    exit 99
is "$(versions dir/file | sed -n 's/.*\(\[.*\]\).*/\1/; 1,3p')" \
    "[d1 .. d2: 2]
[late]
[d3]" "an archive that came late stands in its place"
varve create --series other --timestamp 2026-02-01T00:00:00Z repo::o1 src/./dir ||
    exit 99
is "$(varve history repo dir/file | tail -n 1 | sed 's/.*(.*:/(/')" "(other)" \
    "two series are told apart"
is "$(varve history --series other repo dir/file | wc -l)" 1 "one of them"
is "$(varve history --restore latest --stdout repo dir/file)" late \
    "the latest of both"

done_testing
