#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What selects nothing is reported, with exit status 1; numbers that make no
# sense are refused.

. "$(dirname "$0")/lib.sh"

mkdir -p src/same src/other
printf 'text\n' >src/same/file
printf 'one\n' >src/other/file
varve init repo 2>/dev/null
VARVE_REPO=$scratch/repo
export VARVE_REPO

# --- an empty repository ---

for words in 'list --last 1 --short' 'list -a x' 'check -a x'; do
	run varve $words
	is "$status $out$err" "0 " "empty repository: $words"
done

varve create ::one src
printf 'two\n' >src/other/file
varve create ::two src

# --- paths, patterns and globs ---

# selects_nothing PATTERN ARGUMENT...: one warning, nothing else.
selects_nothing()
{
	pattern=$1
	shift
	run varve "$@"
	is "$status $out" "1 " "varve $*: status 1, no output"
	is "$err" "varve: $pattern" "varve $*: warns"
}

never="Include pattern 'nope' never matched."
selects_nothing "$never" list ::one nope
selects_nothing "$never" list --json-lines ::one nope
selects_nothing "the patterns select nothing" list ::one --pattern '- **'
selects_nothing "$never" diff ::one two nope
selects_nothing "$never" diff ::one one nope
selects_nothing "the patterns select nothing" diff ::one two -e '*'
selects_nothing "$never" extract -n ::one nope
selects_nothing "nothing in the archives matches" find nope
selects_nothing "nothing in the archives matches" find --json-lines --size +1G
selects_nothing "nothing in the archives matches" find -a nope
selects_nothing "no archive matches 'nope*'" list -a 'nope*'
selects_nothing "no archive matches 'nope*'" check --archives-only -a 'nope*'
selects_nothing "no archive matches 'nope*'" delete -a 'nope*'
refuses 2 "*nope*" du nope
refuses 2 "'nope' is in no archive*" history nope
run varve verify -a 'nope*'
is "$status" 31 "verify of no archive"
like "$err" "*no archive matches 'nope[*]'*" "says why"

# Some of several.
run varve list --short ::one nope src/same/file
is "$status $out" "1 src/same/file" "list: one of two paths"
is "$err" "varve: $never" "names the other"

# What diff does not look at, because it is equal, is there all the same.
run varve diff ::one two src/same
is "$status $out$err" "0 " "diff of what is equal"
run varve diff ::one two -e '*/file'
is "$status $out$err" "0 " "diff of what is left by patterns"
run varve list ::one -e nope
is "$status" 0 "to exclude nothing is fine"

# --- numbers ---

for words in 'verify --files 0' 'verify --sample 0' 'verify --sample nan' \
    'verify --threads 0' 'list --first 0' 'list --last 0' 'info --last 0' \
    'check --last 0' 'check --threads 0' 'check --max-duration 0' \
    'check --max-age 0' 'delete --first 0' 'mount --last 0 mnt' \
    'extract --threads 0 ::one' 'create --threads 0 ::x src' \
    'create -c 0 ::x src' 'create --verify-reused 0 ::x src' \
    'verify --files -1' 'verify --files 4294967296' 'list --last -1' \
    'list --last 18446744073709551617' 'du --depth -1' \
    'extract --strip-components -1 ::one' 'verify --files 1x' \
    'verify --files +1'; do
	refuses 2 "*--*" $words
done

done_testing
