#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# One object that cannot be used, and names that are nobody's, stop nothing
# but what needs them. The modes of files count only for a user who is not root.

. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" = 0 ]; then
	command -v setpriv >/dev/null || skip_all "no setpriv"
	chmod 755 "$scratch"
	user="setpriv --reuid=65534 --regid=65534 --clear-groups"
	$user test -x "$VARVE" || skip_all "no other user may run $VARVE"
	chown 65534:65534 "$scratch" home
else
	user=
fi
varve()
{
	$user "$VARVE" "$@"
}

# A client that knows nothing.
fresh()
{
	rm -rf home/.cache home/.local
}

# object KIND: the oldest object of a kind
object()
{
	find "repo/$1" -type f -printf '%T@ %p\n' | sort -n | head -1 |
	    cut -d ' ' -f 2
}

$user mkdir src && $user sh -c 'head -c 100000 /dev/urandom >src/one'
touch -d '1 hour ago' src/one
varve init -e repokey repo 2>/dev/null
run varve create repo::a src
run varve create repo::gone src
run varve delete repo::gone
$user sh -c 'head -c 100000 /dev/urandom >src/two' && touch -d '1 hour ago' src/*
run varve create repo::b src
is "$status" 0 "a repository of two archives"
cp -a repo model

long=$(printf 'x%.0s' $(seq 255))
for kind in config keys packs packs/00 index intents archives tombstones \
    condemned; do
	touch "repo/$kind/$long" "repo/$kind/README" "repo/$kind/$(printf 'x\001')"
done
for client in known fresh; do
	[ "$client" = known ] || fresh
	like "$(varve list --short repo 2>&1)" "$(printf 'a\nb')*" \
	    "strange names, $client client: list"
	run varve create "repo::$client" src
	is "$status$err" 0 "strange names, $client client: create"
	run varve extract --dry-run repo::a
	is "$status$err" 0 "strange names, $client client: extract"
	run varve check repo
	is "$status" 0 "strange names, $client client: check"
	like "$err" "*27 files*" "strange names, $client client: counted"
done

# hide KIND: its oldest object cannot be read; the client is a fresh one
hide()
{
	rm -rf repo && cp -a model repo && fresh
	hidden=$(object "$1")
	chmod 000 "$hidden"
}

hide archives
run varve list --short repo
is "$status" 1 "an unreadable archive: list: status"
is "$out" b "an unreadable archive: list: the other one"
like "$err" "*${hidden#repo/}*Permission denied*" \
    "an unreadable archive: list: what it is"
run varve create repo::c src
is "$status" 1 "an unreadable archive: create goes on"
run varve extract --dry-run repo::b
is "$status" 1 "an unreadable archive: extract of another"
run varve extract --dry-run repo::a
is "$status" 21 "an unreadable archive: it is the one that is wanted"
like "$err" "*no archive 'a' among those that can be read*" "... which is said"
run varve delete repo::b
is "$status" 1 "an unreadable archive: delete of another"
run varve check repo
ok "an unreadable archive: check" test "$status" -ne 0
chmod 400 "$hidden"
is "$(varve list --short repo)" "$(printf 'a\nc')" "readable again"

hide tombstones
run varve list --short repo
is "$status" 1 "an unreadable tombstone: list"
run varve create repo::c src
is "$status" 1 "an unreadable tombstone: create goes on"

hide index
run varve extract --dry-run repo::a
is "$status" 1 "an unreadable index object: extract"
run varve create repo::c src
is "$status" 1 "an unreadable index object: create"

hide intents
run varve create repo::c src
is "$status$err" 0 "an unreadable intent: create"

# A condemn record that nobody can read: it may name what an archive needs.
record=condemned/$(printf '%032d' 7)
for what in unreadable damaged; do
	rm -rf repo && cp -a model repo && fresh
	$user sh -c "echo garbage >repo/$record"
	expected=90 todo="move it away"
	[ "$what" = damaged ] || {
		expected=21 todo="make it readable"
		chmod 000 "repo/$record"
	}
	before=$(ls repo/archives)
	run varve create repo::c src
	is "$status" "$expected" "condemn record, $what: create: status"
	like "$err" "*$record: *$todo*" "condemn record, $what: what to do"
	is "$(ls repo/archives)" "$before" "condemn record, $what: no archive"
	run varve rename repo::b d
	is "$status" "$expected" "condemn record, $what: rename: status"
	like "$err" "*$record: *$todo*" "condemn record, $what: rename: why"
	is "$(ls repo/archives)" "$before" "condemn record, $what: no archive"
	run varve extract --dry-run repo::a
	is "$status$err" 0 "condemn record, $what: extract"
	rm -f "repo/$record"
	run varve create repo::c src
	is "$status$err" 0 "without the condemn record: create"
done

hide packs
chmod 000 "$(dirname "$hidden")"
run varve create --files-cache disabled repo::c src
is "$status" 1 "an unreadable directory of packs: create goes on"
like "$err" "*${hidden#repo/}*" "an unreadable directory of packs: it says why"
fresh
run varve extract --dry-run repo::c
is "$status" 0 "an unreadable directory of packs: what was made is whole"
chmod -R u+rwX repo
run varve check --verify-data repo
is "$status" 0 "with all modes restored nothing is wrong"
done_testing
