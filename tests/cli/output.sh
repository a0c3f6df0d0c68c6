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
is "$(cat status)" 2 "closed output: status"
is "$(cat err)" "" "closed output: no message"

done_testing
