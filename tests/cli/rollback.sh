#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A repository that is older than a client knows, or another one: noticed by
# every client that used it, wherever it is, and whatever runs at once.

. "$(dirname "$0")/lib.sh"

# What varve lists is not part of the TAP.
lists()
{
	varve list "$@" >/dev/null
}

mkdir src && echo one >src/file
varve init --chunker-params gear,32K,128K,1M repo

# create NAME [OPTION...]: an archive, whose object is then $object.
create()
{
	name=$1
	shift
	find repo/archives -type f | sort >before
	varve create "$@" "repo::$name" src
	object=$(find repo/archives -type f | sort | comm -13 before -)
}

# --- two runs at once ---

# What series one commits must not undo what series two pinned meanwhile.
create one --series one
mkfifo pipe
varve create --series one --stdin-name dump repo::slow - <pipe &
slow=$!
exec 3>pipe
# More than a pipe holds: when this ends, the run has opened the repository.
head -c 400000 /dev/zero >&3
create two-a --series two
create two-b --series two
exec 3>&-
wait "$slow"
is "$?" 0 "the slow run ends"
mv "$object" lost
refuses 61 "*1 archive that was never deleted is missing: aid:*" list repo
like "$err" "*repository ????????????????)*--allow-rollback*" \
    "the message names the repository and the way out"
mv lost "$object"
ok "it is there again" lists repo

# --- copies ---

cp -a repo copy
create later --series one
run varve list repo
id=$(varve list --last 1 --format '{id}' repo | cut -c1-16)
refuses 61 "*/copy'*(also at '*/repo'): 1 archive * missing: aid:$id;*" list copy
refuses 61 "*" create copy::x src
refuses 2 "*exclude*" list --allow-rollback --accept-replaced copy
run varve list --short --allow-rollback copy
is "$status" 0 "an older copy may be listed"
is "$(echo "$out" | sort | tr '\n' ' ')" "one slow two-a two-b " "what is in it"
like "$err" "*older*aid:$id*" "that it is older is told"
files_of_client()
{
	find "$HOME/.cache" "$HOME/.local" -type f ! -path '*-rollback/*' \
	    ! -name 'ledger-*' | sort | xargs cksum
}
files=$(files_of_client)
for command in "info" "check" "verify ::one" "list ::one" "diff ::one two-a" \
    "find" "extract --dry-run ::one"; do
	run env VARVE_REPO=copy "$VARVE" --allow-rollback $command
	is "$status" 0 "$command of an older copy"
done
is "$(files_of_client)" "$files" "nothing is remembered of it"
before=$(find copy -type f | sort | xargs cksum)
for command in "create ::x src" "delete ::one" "rename ::one x" "key add" \
    "key change-passphrase" "key remove :: x"; do
	run env VARVE_REPO=copy VARVE_NEW_PASSPHRASE=new "$VARVE" \
	    --allow-rollback $command # words
	is "$status" 2 "$command is refused"
	like "$err" "*nothing is written*" "$command: message"
done
is "$(find copy -type f | sort | xargs cksum)" "$before" "nothing was written"
refuses 61 "*" list copy
is "$(varve list --short repo | wc -l)" 5 "the original goes on"
VARVE_BASE_DIR=$scratch/fresh run varve list copy
is "$status" 0 "a client that knows nothing cannot tell"
run varve list --accept-replaced copy
is "$status" 0 "who knows why may go on with it"
ok "which is remembered" lists copy
ok "and the original is newer" lists repo

# --- another repository at the place ---

mv repo aside
VARVE_BASE_DIR=$scratch/other varve init --chunker-params gear,32K,128K,1M repo
refuses 60 "*another repository*--accept-replaced*" list repo
refuses 60 "*another repository*" list --allow-rollback repo
ok "the old one is known where it is now" lists aside
ok "the new one is accepted" lists --accept-replaced repo
ok "and remembered" lists repo

# --- a broken archive is no excuse for others ---

VARVE_BASE_DIR=$scratch/another varve init --chunker-params gear,32K,128K,1M m
for i in 1 2 3 4; do
	varve create --series m "m::$i" src
	find m/archives -type f | sort >after
	[ "$i" = 1 ] || comm -13 before after >"object$i"
	mv after before
done
printf X | dd of="$(cat object4)" bs=1 seek=200 conv=notrunc 2>/dev/null
rm -rf "$HOME/.cache/varve"
run varve list --short m
is "$status" 1 "a damaged archive does not stop the others"
is "$(echo "$out" | tr '\n' ' ')" "1 2 3 " "which are shown"
like "$err" "*archive cannot be read*" "that it is damaged is told"
run varve create --series m m::5 src
is "$status" 1 "nor does it stop a backup"
rm "$(cat object2)" "$(cat object3)"
run varve list m
is "$status" 61 "but two that are missing are told"
like "$err" "*2 archives that were never deleted are missing: *" "by number"

# --- what was deleted stays so, what was renamed, too ---

VARVE_BASE_DIR=$scratch/deleter varve init --chunker-params gear,32K,128K,1M d
varve create d::one src
varve create d::two src
cp -a d d-old
varve delete d::two
is "$(varve list --short d)" one "one is left"
mv d d-new
mv d-old d
refuses 61 "*1 archive that was deleted is back: aid:*" list d
refuses 61 "*" create d::three src
run varve list --short --allow-rollback d
is "$status:$(echo "$out" | sort | tr '\n' ' ')" "0:one two " "it may be looked at"
rm -rf d
mv d-new d
ok "the copy that knows the deletion is back" lists d
varve delete d::one
rm "$(find d/tombstones -type f | head -n 1)"
refuses 61 "*that was deleted is back*" list d
find d/tombstones -type f -delete
refuses 61 "*2 archives that were deleted are back*" list d

VARVE_BASE_DIR=$scratch/renamer varve init --chunker-params gear,32K,128K,1M r
varve create r::one src
varve create r::two src
varve list r >/dev/null
find r/archives -type f | sort >before
varve rename r::two deux
object=$(find r/archives -type f | sort | comm -13 before -)
chmod u+w "$object"
head -c 500 /dev/zero >"$object"
rm -rf "$HOME/.cache/varve"
run varve list r
is "$status" 61 "a broken new revision does not bring the old name back"
like "$err" "*1 archive is shown as it was before a change that cannot be read: aid:*" \
    "which is told"
run varve create r::three src
is "$status" 61 "nor does a backup go on with it"
run varve list --short --allow-rollback r
is "$status" 1 "the old name may be looked at"

# --- each archive is named by one, whatever its time ---

VARVE_BASE_DIR=$scratch/clock varve init --chunker-params gear,32K,128K,1M n
for i in 1 2 3 4 5 6 7 8; do
	varve create --series n --timestamp "2099-01-0$i" "n::future$i" src
done
find n/archives -type f | sort >before
varve create --series n n::now src
object=$(find n/archives -type f | sort | comm -13 before -)
varve create --series n n::later src
rm "$object"
VARVE_BASE_DIR=$scratch/fresh run varve list n
is "$status" 1 "an archive of a right time among others of the future is missed"
like "$err" "*without*deleted*" "which is told"

# --- damage, and no place to remember ---

state=$HOME/.local/state/varve
cp -a aside old
run varve create aside::newest src
run varve create aside::newest2 src
find "$state" -name '*-*' ! -name '*.old' -type f | grep -v ledger |
    while read -r file; do : >"$file"; done
run varve list aside
is "$status" 1 "a damaged state file is a warning"
like "$err" "*damaged*the version before it is used*" "which is told"
refuses 61 "*" list old
run varve list aside
is "$status:$err" "0:" "once"
find "$state" -name '*-*' -type f | grep -v ledger |
    while read -r file; do echo x >"$file"; done
run varve create aside::newest3 src
is "$status" 1 "both versions are damaged: the backup is made"
like "$err" "*knows nothing*" "which is told, too"
ok "the bad files are kept" [ "$(find "$state" -name '*.damaged-*' | wc -l)" -gt 1 ]
ok "and all is well again" lists aside

echo x >not-a-directory
for home in /proc/none "$scratch/not-a-directory"; do
	run env HOME="$home" VARVE_BASE_DIR="$home" \
	    "$VARVE" create "aside::home-$(basename "$home")" src
	is "$status" 1 "home is $home: a warning"
	like "$err" "*cannot remember*" "home is $home: told"
done
run env -u HOME -u VARVE_BASE_DIR VARVE_STATE_DIR=/dev/null/state \
    "$VARVE" create aside::no-home src
is "$status" 1 "no HOME: a warning"

done_testing
