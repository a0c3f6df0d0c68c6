#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What create reads that is no tree: standard input, commands, lists of paths,
# FIFOs; and what it says of an archive.

. "$(dirname "$0")/lib.sh"

names()
{
	varve list --short "$1" | tr '\n' ' '
}

content()
{
	varve extract --stdout "$1"
}

varve init repo 2>/dev/null || exit 99
# Opened by a key file, a repository costs no derivation each time.
varve key add --key-file "$scratch/key" repo >/dev/null 2>&1 || exit 99
VARVE_KEY_FILE=$scratch/key
export VARVE_KEY_FILE

# --- standard input and commands ---

seq 100000 >numbers
ok "stdin" sh -c "'$VARVE' create repo::in - <numbers"
is "$(names repo::in)" "stdin " "stdin: name"
ok "stdin: content" sh -c "'$VARVE' extract --stdout repo::in | cmp - numbers"
echo hi | varve create --stdin-name dump/db.sql --stdin-mode 0600 repo::named - \
    numbers
is "$(names repo::named)" "dump/db.sql numbers " "stdin: a name with a folder"
is "$(varve list --format '{mode}{NL}' repo::named | head -n 1)" -rw------- \
    "stdin: mode"
is "$(varve extract --stdout repo::named dump)" hi "stdin: content"
ok "nothing on stdin" sh -c "'$VARVE' create repo::nothing - </dev/null"
is "$(varve list --format '{size}{NL}' repo::nothing)" 0 "nothing on stdin"
mkdir -p d && echo d >d/d
refuses 2 "'d/in' would lie within 'd'*" create --stdin-name d/in repo::no d -

ok "command" varve create --content-from-command repo::cmd -- \
    sh -c 'cat numbers; echo more'
is "$(content repo::cmd | tail -n 1)" more "command: content"
run varve create --content-from-command repo::fails -- sh -c 'cat numbers; exit 3'
is "$status" 4 "a command that fails: status"
like "$err" "*3*" "a command that fails: said"
refuses 31 "*" list repo::fails
run varve create --content-from-command repo::killed -- sh -c 'kill -9 $$'
is "$status" 4 "a command that is killed: status"
refuses 31 "*" list repo::killed
run varve create --content-from-command repo::unknown -- "$scratch/no-such"
is "$status" 4 "a command that is not there: status"
refuses 31 "*" list repo::unknown

# --- lists of paths ---

mkdir -p t/a t/b && echo 1 >t/a/f && echo 2 >t/b/g && echo 3 >t/b/h
printf 't/b/h\nt/a\n\nt/b/h\n' >list
ok "paths" sh -c "'$VARVE' create --paths-from-stdin repo::paths <list"
is "$(names repo::paths)" "t/a t/b/h " "paths: only these, nothing below"
ok "paths by NUL" sh -c \
    "printf 't/b/g\\0t/a/f' | '$VARVE' create --paths-from-stdin \
    --paths-delimiter '\\0' repo::nul"
is "$(names repo::nul)" "t/a/f t/b/g " "paths by NUL"
ok "paths of a command" varve create --paths-from-command repo::find -- \
    find t -name g
is "$(names repo::find)" "t/b/g " "paths of a command"
run varve create --paths-from-command repo::badfind -- sh -c 'echo t; exit 1'
is "$status" 4 "a command of paths fails: status"
refuses 31 "*" list repo::badfind
run sh -c "printf 't/a/f\nt/none\n' | '$VARVE' create --paths-from-stdin repo::some"
is "$status" 1 "a path that is not there: status"
is "$(names repo::some)" "t/a/f " "a path that is not there: the others"
refuses 2 "the list of paths is empty*" create --paths-from-stdin repo::none
seq -f 't/n%.0f' 20000 | (mkdir -p t && xargs touch)
seq -f 't/n%.0f' 20000 | varve create --paths-from-stdin repo::many
is "$(varve list --short repo::many | wc -l)" 20000 "many paths, unsorted"
python3 -c 'print("a/" * 1000000)' >list
run sh -c "'$VARVE' create --paths-from-stdin repo::long <list"
is "$status" 2 "a path without end: status"
is "$(wc -c <"$scratch/.err" | awk '{print $1 < 1000}')" 1 \
    "a path without end: said in short"

# --- special files ---

mkdir s && mkfifo s/fifo && echo x >s/x
ok "a FIFO" varve create repo::fifo s
(echo from the fifo >s/fifo) &
ok "a FIFO is read" varve create --read-special repo::special s
wait
is "$(varve extract --stdout repo::special s/fifo)" "from the fifo" \
    "a FIFO is read: content"

# --- what is said of an archive ---

run varve create --json --comment 'a comment' --timestamp 2001-02-03T04:05:06 \
    repo::json t/a
is "$(echo "$out" | python3 -c 'import json, sys
a = json.load(sys.stdin)["archive"]
print(a["name"], len(a["id"]), a["stats"]["nfiles"])')" "json 64 1" "json"
run varve info repo::json
like "$out" "*Comment: a comment*" "comment"
like "$out" "*2001-02-03 04:05:06*" "timestamp"
is "$(varve list --short --first 1 repo)" json "timestamp: sorts first"
run varve create --stats repo::stats t/a
like "$err" "*Archive name: stats*Number of files: 1*" "stats"
varve create repo::filter0 t/a t/b/g
run varve create --list --filter A repo::filter t/a t/b/g
is "$err" "" "filter: nothing is new"
echo new >t/a/new && echo changed >t/a/f
run varve create --list --filter AM repo::filter2 t/a
is "$(echo "$err" | sort | tr '\n' ' ')" "A t/a/new M t/a/f " "filter: AM"
run varve create --log-json --progress repo::progress t/a
ok "progress: each line is an object" python3 -c 'import json, sys
for line in open(sys.argv[1]): json.loads(line)' "$scratch/.err"

# --- compression ---

seq 200000 >text && head -c 1000000 /dev/urandom >noise
size()
{
	varve create --json "$@" | python3 -c 'import json, sys
print(json.load(sys.stdin)["archive"]["stats"]["compressed_size"])'
}
for spec in none zstd zstd,-5 zstd,1 zstd,19 auto,zstd auto,zstd,10; do
	rm -rf fresh && varve init fresh 2>/dev/null
	eval "n_$(echo "$spec" | tr ',-' '__')=$(size -C "$spec" fresh::a text noise)"
	ok "compression $spec" sh -c \
	    "'$VARVE' extract --stdout fresh::a text | cmp - text"
done
ok "none is largest" [ "$n_none" -gt 2000000 ]
ok "zstd is smaller" [ "$n_zstd" -lt "$n_none" ]
ok "level -5 is larger than 3" [ "$n_zstd__5" -gt "$n_zstd" ]
ok "level 19 is smaller than 1" [ "$n_zstd_19" -lt "$n_zstd_1" ]
ok "auto compresses text" [ "$n_auto_zstd" -lt "$n_none" ]
for spec in zstd,23 zstd,-6 zstd, none,1 auto,none; do
	run varve create -C "$spec" repo::bad t
	is "$status" 2 "compression $spec: refused"
done

is "$(varve check --verify-data repo 2>&1)" "" "all of it is whole"
done_testing
