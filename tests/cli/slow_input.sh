#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A source that says nothing for long: what it gave is durable by the next
# checkpoint, survives a kill, and the killed run leaves nothing for long.

. "$(dirname "$0")/lib.sh"

# count DIRECTORY
count()
{
	find "$1" -type f | wc -l
}

# wait_for PID TEST...: until the test is true or the process is gone
wait_for()
{
	pid=$1
	shift
	until "$@" || ! kill -0 "$pid" 2>/dev/null; do
		sleep 0.05
	done
	"$@"
}

has_intent()
{
	[ "$(count repo/intents)" -gt 0 ]
}

has_temporary()
{
	[ "$(count repo/tmp)" -gt 0 ]
}

# begin INTERVAL FILE: a run in the background that was given a file
begin()
{
	"$VARVE" create -c "$1" repo::slow - <in &
	slow=$!
	exec 3>in
	cat "$2" >&3
}

stop()
{
	kill -9 $slow
	wait $slow 2>/dev/null
	exec 3>&-
}

varve init -e repokey repo 2>/dev/null
head -c 9000000 /dev/urandom >data
head -c 9000000 /dev/urandom >more
echo x >file
mkfifo in

begin 1 data
ok "a checkpoint while nothing comes" wait_for $slow has_intent
stop
is "$(varve list --short repo)" "" "the killed run made no archive"
before=$(du -s --apparent-size -k repo/packs | cut -f 1)
VARVE_CACHE_DIR=$scratch/cache VARVE_STATE_DIR=$scratch/state
export VARVE_CACHE_DIR VARVE_STATE_DIR
ok "another client makes it" sh -c "'$VARVE' create repo::again - <data"
after=$(du -s --apparent-size -k repo/packs | cut -f 1)
ok "and stores little again: $before KB, then $after KB" \
    test $((after - before)) -lt 6000

begin 3600 more
ok "a pack is begun" wait_for $slow has_temporary
ok "another run beside it" varve create repo::other file
ok "the file of the idle run stays" has_temporary
stop
ok "it is there after a kill" has_temporary
ok "the next run" varve create repo::next file
is "$(count repo/tmp)" 0 "takes the file away at once"
ok "what was made is whole" sh -c \
    "'$VARVE' extract --stdout repo::again | cmp - data"
is "$(varve check --verify-data repo 2>&1)" "" "all of it is whole"
done_testing
