#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Verifying through the program: the three ways, what they find, the ledger.
. "$(dirname "$0")/lib.sh"

mkdir -p src/sub && cd src || exit 99
printf 'hello\n' >small
printf 'inner\n' >sub/deep
ln small sub/link
ln -s ../small sub/symlink
mkfifo fifo
head -c 3000000 /dev/urandom >random
truncate -s 2M hole && printf x | dd of=hole bs=1 seek=1000000 conv=notrunc \
	2>/dev/null
i=0
while [ $i -lt 100 ]; do
	printf '%s\n' "$i" >"sub/$i"
	i=$((i + 1))
done
chmod 4751 small
touch -d '1960-01-02 03:04:05.678' sub/deep
cd .. || exit 99
# Sources must be older than the backup to be known as unchanged.
sleep 3.1
varve init -e repokey repo >/dev/null 2>&1 || exit 99
run varve info repo
like "$out" "*Last verified: never*" "never verified"
run varve verify --status repo
is "$status $(printf '%s\n' "$out" | grep -c '^20')" "0 0" "an empty ledger"
refuses 31 "there is no archive to verify*" verify repo
# Large content in a pack of its own, so that damage to it hits nothing else.
(cd src && varve create --series large ../repo::large random) || exit 99
(cd src && varve create --series all ../repo::one .) || exit 99

# --- to nowhere

run varve verify repo
is "$status" 0 "to nowhere"
is "$err" "" "says nothing but the result"
like "$out" "large: 1 of 1 file, 3.00 MB of 3.00 MB (100.0 %), seed *: sound
one: 20 of 105 files, *: sound" "the newest of each series"
(cd src && varve create --series all ../repo::two .) || exit 99
run varve verify repo
like "$out" "large: *
two: *" "the newest only"
run varve verify -a 'o*' repo
like "$out" "one: *" "archives may be chosen"
run varve verify --files 7 --seed 5 repo::one
like "$out" "one: 7 of 105 files, *, seed 5: sound" "so many files"
again=$(varve verify --files 7 --seed 5 repo::one)
is "$again" "$out" "and the same again"
run varve verify --sample 50% repo::one
is "$status" 0 "half of them"
run varve verify --all repo::one
like "$out" "one: 105 of 105 files, 5.10 MB of 5.10 MB (100.0 %)*sound" "all"
mkdir empty && (cd empty && varve create --series none ../repo::empty .)
run varve verify repo::empty
is "$status" 1 "an empty archive proves nothing"
like "$out" "empty: 0 of 0 files*: nothing was verified, it has no files" \
	"and is not called sound"
run varve verify repo
is "$status" 1 "nor among others"
like "$out" "*two: *: sound*" "which are"
like "$(varve verify --status repo)" "*verify * unfinished empty*" \
	"nor is it good on record"
varve delete repo::empty

# --- into a folder

run varve verify --all --into out/new repo::one
is "$status" 0 "into a folder, which is made"
like "$out" "one: 105 of 105 files, *: 109 equal" "all is equal, also folders"
is "$(cat out/new/small out/new/sub/deep)" "hello
inner" "and there"
is "$(stat -c %i out/new/small)" "$(stat -c %i out/new/sub/link)" "links too"
run varve verify --files 30 --into out/part repo::one
is "$status $(find out/part -type f | wc -l)" "0 30" "a sample"
refuses 2 "folder 'out/new' is not empty*" verify --into out/new repo::one
is "$(cat out/new/small)" hello "which is left as it is"
refuses 2 "--into takes one archive and 2 are chosen*" verify --into new repo
ok "and nothing is made" test ! -e new

# --- against the sources

run varve verify --all --against src repo::one
is "$status" 0 "against the sources"
like "$out" "one: *: 109 equal" "all are equal"
refuses 2 "directory 'nowhere': *" verify --against nowhere repo::one
refuses 2 "directory 'src/small': *" verify --against src/small repo::one

printf 'world\n' >src/small
rm src/sub/7
chmod 600 src/sub/8
truncate -s 10 src/sub/9
# The same size and time of modification: its time of change tells.
touch -r src/sub/13 time && printf '12\n' >src/sub/13 &&
	touch -r time src/sub/13
run varve verify --all --against src repo::one
is "$status" 1 "sources that changed: status"
is "$err" "" "no problem"
like "$out" "*: 6 changed, 1 gone, 102 equal" "they are counted"
run varve verify -v --all --against src repo::one
like "$err" "*small: time of modification*" "and named with -v: a file"
like "$err" "*sub: time of modification*" "a folder"
like "$err" "*sub/7: is gone*" "what is gone"
like "$err" "*sub/8: mode 0600 instead of 0*" "a mode"
like "$err" "*sub/9: size*" "a size"
like "$err" "*sub/13: *content differs between bytes 0 and 3*" "content"

# Nothing is looked at behind a link.
mv src/sub elsewhere && ln -s ../elsewhere src/sub
run varve verify --all --against src repo::one
is "$status" 1 "a folder that became a link"
like "$out" "* 103 gone,*" "what was in it is gone"
rm src/sub && mv elsewhere src/sub

# --- damage

pack=$(find repo/packs -type f -size +1000k | head -n 1)
chmod u+w "$pack"
printf 'XXXX' | dd of="$pack" bs=1 seek=1000000 conv=notrunc 2>/dev/null
run varve verify --all repo::one
is "$status" 2 "a damaged pack: status"
like "$out" "one: *: 1 problem" "counted"
like "$err" "*random*packs/*" "path and object are named"
run varve verify --all --into out/damaged repo::one
is "$status" 2 "into a folder"
like "$out" "one: *: 1 problem, 108 equal" "told once, the rest is equal"
ok "the damaged file is not there" test ! -e out/damaged/random
run varve verify --all --against src repo::one
is "$status" 2 "against the sources: damage outweighs changes"
chmod u+w "$pack" && rm -f "$pack"
run varve verify --all repo::large
is "$status" 2 "a pack that is gone"

# --- the ledger

run varve info repo
like "$out" "*Last verified: *large (0 of 1 file, 0.0 % of their size):\
 problems*" "info shows the last"
rm -rf "$HOME/.cache/varve"
run varve verify --status repo
is "$status" 0 "no cache is needed for it"
like "$(printf '%s\n' "$out" | sed -n 2p)" \
	"????-??-?? ??:?? verify * 0/1  * 0.0% problems   large" "newest first"
is "$(printf '%s\n' "$out" | awk 'length > 80' | wc -l)" 0 \
	"80 columns at most where names are short"
is "$(printf '%s\n' "$out" | grep '^20\|^Start' |
	grep -ow 'Result\|changed\|good\|problems\|unfinished' | sort -u |
	tr '\n' ' ')" \
	"Result changed good problems unfinished " "all results"
run varve verify --status --json repo
printf '%s\n' "$out" >status.json
is "$(python3 - <<'PY'
import json
runs = json.load(open("status.json"))["runs"]
last = runs[0]
print(len({r["number"] for r in runs}) == len(runs), last["kind"],
      last["archive"], last["result"], last["problems"], last["items"],
      last["of_items"], last["of_bytes"], "--all" in last["options"])
PY
)" "True verify large problems 1 0 1 3000000 True" "as JSON"
is "$(varve info --json repo | python3 -c '
import json, sys
print(json.load(sys.stdin)["verified"]["archive"])')" large "info --json"
state=$(echo "$HOME"/.local/state/varve/ledger-*.db)
is "$(stat -c %a "$state")" 600 "for nobody else"

# A ledger that is damaged is begun anew.
printf 'XXXXXXXX' | dd of="$state" bs=1 seek=5000 conv=notrunc 2>/dev/null
run varve verify --files 1 --seed 1 repo::two
like "$err" "*the ledger of checks was damaged and is begun anew*" "it is told"
is "$(printf '%s\n' "$err" | grep -c ledger)" 1 "once"
run varve verify --status repo
is "$(printf '%s\n' "$out" | grep -c '^20')" 1 "it has the run"
ok "the old one is kept" test -e "$state".damaged-*
# Under a lock: another process may be at it, too.
rm -f "$state".damaged-* && printf 'damaged' >"$state" || exit 99
exec 9>"$state.lock" && flock 9 || exit 99
"$VARVE" verify --files 1 --seed 1 repo::two >/dev/null 2>&1 9>&- &
pid=$!
while kill -0 "$pid" 2>/dev/null &&
	! ls -l "/proc/$pid/fd" 2>/dev/null | grep -q 'ledger.*lock'; do
	sleep 0.02
done
ok "it waits for the lock" [ -z "$(ls "$state".damaged-* 2>/dev/null)" ]
exec 9>&-
wait "$pid"
ok "and then begins another" test -e "$state".damaged-*
mv "$state" "$state.away" && mkdir "$state"
rm -rf out/*
run varve verify --files 1 --sample 1 repo
is "$status" 2 "usage"
run varve verify --files 1 --seed 3 repo::two
like "$err" "*this run is not recorded in the ledger*" "where there is none"
like "$out" "two: 1 of 105 files*" "it runs all the same"
for what in "ln -s $scratch/elsewhere" mkfifo; do
	rm -rf "$state" && $what "$state" || exit 99
	run varve verify --files 1 --seed 3 repo::two
	like "$err" "*this run is not recorded in the ledger*" \
		"${what%% *} in its place"
	like "$out" "two: 1 of 105 files*" "${what%% *} in its place: it runs"
	is "$status" 0 "${what%% *} in its place: status"
done
ok "a link is not followed" [ ! -e elsewhere ]

refuses 2 "--sample, --files and --all exclude*" verify --all --files 2 repo
refuses 2 "--into and --against exclude*" verify --into a --against b repo
refuses 2 "--sample needs a number above 0*" verify --sample 101% repo
refuses 2 "--sample needs a number above 0*" verify --sample 0 repo
refuses 2 "--sample needs a number above 0*" verify --sample nan repo
refuses 2 "--seed needs a seed*" verify --seed -1 repo
refuses 2 "--status verifies nothing*" verify --status --all repo
done_testing
