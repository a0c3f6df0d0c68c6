#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A file system without one free byte, which also holds cache and state.

. "$(dirname "$0")/lib.sh"

mkdir disk
mount -t tmpfs -o size=24m varve-test disk 2>/dev/null ||
    skip_all "cannot mount a tmpfs here"
trap 'umount -l "$scratch/disk"; rm -rf "$scratch"' EXIT
mkdir disk/home src
HOME=$scratch/disk/home VARVE_BASE_DIR=$HOME
head -c 100000 /dev/urandom >src/one

fill()
{
	cat /dev/zero >disk/fill 2>/dev/null
	is "$(df --output=avail disk | tail -1 | tr -d ' ')" 0 "$1: full"
}

varve init -e repokey disk/repo 2>/dev/null
ok "create a" varve create disk/repo::a src
ok "create b" varve create disk/repo::b src
ok "create c" varve create disk/repo::c src
ok "the reserve is there" test -s disk/repo/reserve
fill "three archives"

head -c 100000 /dev/urandom >src/two
run varve create disk/repo::d src
is "$status" 14 "create on a full disk: status"
like "$err" "*No space left*all existing archives are intact*free space*" \
    "create on a full disk: what is intact and what to do"
ok "create took nothing from the reserve" test -s disk/repo/reserve
is "$(varve list --short disk/repo)" "$(printf 'a\nb\nc')" "all are listed"

run varve delete disk/repo::a
is "$status" 0 "delete on a full disk: $err"
is "$(varve list --short disk/repo)" "$(printf 'b\nc')" "a is deleted"
ok "the reserve was used" test ! -e disk/repo/reserve
run varve delete disk/repo::b
is "$status" 0 "delete with what is left of the reserve: $err"

fill "the reserve"
run varve delete disk/repo::c
is "$status" 14 "nothing is left at all: status"
like "$err" "*No space left*intact*" "nothing is left at all: message"
is "$(varve list --short disk/repo)" c "c is there still"
rm disk/fill

ok "with room again: create" varve create disk/repo::d src
is "$(stat -c %s disk/repo/reserve)" 1048576 "the reserve is made again"
is "$(ls -A disk/repo/tmp)" "" "nothing is left in tmp/"
VARVE_CACHE_DIR=$scratch/none VARVE_STATE_DIR=$scratch/no
export VARVE_CACHE_DIR VARVE_STATE_DIR
run varve check --verify-data disk/repo
is "$status$err" 0 "another client finds nothing wrong"
is "$(varve list --short disk/repo)" "$(printf 'c\nd')" "and both archives"
done_testing
