#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Help, version, and an output that cannot be written.

. "$(dirname "$0")/lib.sh"

run varve --version
like "$out" "varve [0-9]*" "says its version"
is "$status" 0 "version: status"

run varve --help
like "$out" "usage: varve*Commands:*" "says what it does"
# help_of COMMAND...
help_of()
{
	run varve "$@" --help
	like "$out" "usage: varve $* *" "help of $*"
	is "$(printf '%s\n' "$out" | awk 'length > 80')" "" \
	    "help of $* fits 80 columns"
}
for command in $(varve help --words | grep -v '^-' | sort -u); do
	# Words that are no options: those of a group of commands.
	words=$(varve help --words "$command" | grep -v '^-')
	if [ -z "$words" ]; then
		help_of "$command"
	fi
	for word in $words; do
		help_of "$command" "$word"
	done
done

if [ -c /dev/full ]; then
	varve --help >/dev/full 2>err
	is "$?" 2 "full output: status"
	like "$(cat err)" "*No space left*" "full output: message"
fi

# Nothing reads it at all. A command that prints nothing is fine with that.
mkdir src
echo text >src/file
varve init repo 2>/dev/null || exit 99
varve create repo::one src || exit 99
for command in --help version "list repo" "list --json-lines repo::one" \
    "info repo" "du repo::one" "key list repo" "key export repo" \
    "verify --status repo"; do
	# shellcheck disable=SC2086 # words
	varve $command >&- 2>err
	is "$?" 2 "no output, $command: status"
	like "$(cat err)" "*standard output*" "no output, $command: message"
done
varve create repo::two src >&-
is "$?" 0 "no output, create: status"

# The reader is gone before anything is written.
{
	sleep 0.2
	varve --help 2>err
	echo $? >status
} | :
while [ ! -s status ]; do sleep 0.1; done
is "$(cat status)" 141 "closed output: status"
is "$(cat err)" "" "closed output: no message"

# --- what belongs to no archive ---

space()
{
	varve info --json "$@" space | python3 -c 'import json, sys
s = json.load(sys.stdin)["space"]
print(*(f"{k}={s[k] // 1000000}" for k in sorted(s) if k != "problems"))'
}
varve init space >/dev/null 2>&1 || exit 99
mkdir more && head -c 3100000 /dev/urandom >more/a || exit 99
varve create space::one more || exit 99
is "$(space --unreferenced)" \
	"added_without_archive=0 held=3 stored=3 unreferenced=0" \
	"nothing belongs to no archive"
head -c 8100000 /dev/urandom >more/b
varve create space::two more && varve delete space::two || exit 99
is "$(space)" "added_without_archive=8 stored=11" "what a run left"
is "$(space --unreferenced)" \
	"added_without_archive=8 held=3 stored=11 unreferenced=8" "and nothing uses"
like "$(varve info --unreferenced space)" \
	"*without an archive: 8*Held by archives: 3*to no archive: 8*" "as text"
varve create space::three more || exit 99
is "$(space --unreferenced)" \
	"added_without_archive=8 held=11 stored=11 unreferenced=0" \
	"until another archive uses it"
refuses 2 "--unreferenced is about all archives*" \
	info --unreferenced space::one

done_testing
