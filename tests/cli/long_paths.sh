#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The path of a message may be as long as it likes: the cause stands behind it.

. "$(dirname "$0")/lib.sh"

part=$(printf 'p%.0s' $(seq 250))
long=
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
	long=$long$part/
done
too_long=$long$part/$part/$part
mkdir src
printf 'text\n' >src/file
varve init repo 2>/dev/null
varve create repo::one src

# says CAUSE ARGUMENT...: in one line, at its end.
says()
{
	cause=$1
	shift
	run varve "$@"
	what=$(printf '%.60s' "varve $*")
	like "$err" "varve: *$cause" "$what: the cause"
	is "$(wc -l <"$scratch/.err")" 1 "$what: one line"
}

says "No such file or directory; is the disk mounted[?]" list "${long}repo"
says "File name too long" list "$too_long"
says "No such file or directory" create --exclude-from "${long}x" repo::x src
says "No such file or directory" key export repo "${long}key"
says "No such file or directory" key import repo "${long}key"
says "File name too long" key export repo "$too_long"
says "does not exist: make the folder first" mount repo::one "${long}mnt"
says "no archive '*'; 'varve list' shows what there is" list "repo::$part$part$part$part$part"
says "' never matched." extract -n repo::one "$long"

run varve create repo::missing src "${long}missing"
like "$err" "*missing: No such file or directory" "a source: the cause"
is "$(printf '%s' "$err" | wc -c | tr -d ' ')" \
    "$(printf '%s' "varve: ${long}missing: No such file or directory" |
	wc -c | tr -d ' ')" "a warning is shown as a whole"

done_testing
