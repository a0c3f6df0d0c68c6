#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The catalog itself: what covers it, damage, and that nothing but it suffers.
. "$(dirname "$0")/lib.sh"

field()
{
	varve catalog status --json repo |
	    python3 -c "import json, sys
print(json.load(sys.stdin)['catalog']['$1'])"
}

varve init repo 2>/dev/null || exit 99
varve key add --key-file "$scratch/key" repo >/dev/null 2>&1 || exit 99
VARVE_KEY_FILE=$scratch/key
export VARVE_KEY_FILE
mkdir -p src/sub && echo one >src/a && echo two >src/sub/b

is "$(field exists)" False "there is none"
run varve catalog status repo
like "$out" "*there is none*" "and status says so"
db=$(field path)
ok "status makes none" [ ! -e "$db" ]

varve create repo::one src && varve create repo::two src || exit 99
ok "create makes it" [ -f "$db" ]
is "$(stat -c %a "$db")" 600 "readable for its owner only"
is "$(field whole) $(field archives)" "True 2" "with both archives"
run varve catalog status repo
like "$out" "Catalog: *State: whole*2 of 2 *" "status"
found=$(varve find repo)

# --- made anew ---

run varve catalog rebuild --stats repo
is "$status" 0 "rebuild: status"
like "$err" "catalogued 2 archives, * entries in * seconds*" "rebuild: says it"
run varve catalog rebuild repo
is "$err$out" "" "rebuild: or nothing"
is "$(varve find repo)" "$found" "and says the same"
ok "drop" varve catalog drop repo
ok "it is gone" [ ! -e "$db" ]
is "$(find "$HOME/.cache" -name 'catalog.db-*')" "" "with all that is its"
ok "drop what is not there" varve catalog drop repo
is "$(varve find repo)" "$found" "it comes back by itself"

# --- damage ---

check_damage()
{
	run varve find repo
	is "$status $out" "0 $found" "$1: find"
	is "$err" "" "$1: says nothing"
	is "$(field whole)" True "$1: whole again"
}
truncate -s 5000 "$db"
like "$(varve catalog status repo)" "*State: damaged*" "status finds damage"
check_damage "cut off"
: >"$db"
check_damage "empty"
head -c 40000 /dev/urandom >"$db"
check_damage "garbage"
python3 - "$db" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    data = bytearray(f.read())
    at = data.rfind(b"one")
    data[at] ^= 1
    f.seek(0)
    f.write(data)
PY
check_damage "one bit"
for cut in 3000 9000 17000; do
	truncate -s $cut "$db"
	ok "create with a damaged catalog" varve create "repo::cut$cut" src
	varve delete "repo::cut$cut" >/dev/null 2>&1
done
is "$(varve find repo)" "$found" "is as it was"
varve init repo2 2>/dev/null && varve key add --key-file "$scratch/key2" \
    repo2 >/dev/null 2>&1
VARVE_KEY_FILE=$scratch/key2 varve create repo2::x src/sub
other=$(find "$HOME/.cache" -name catalog.db ! -path "$db")
cp "$other" "$db"
check_damage "of another repository"

# --- what must not happen ---

rm -f "$db"*
mkdir "$db"
run varve create repo::three src
is "$status $err" "0 " "create without a catalog: no error, no word"
run varve create -v repo::four src
like "$err" "*catalog was not brought up to date*" "with -v it says so"
rmdir "$db"
run varve create --no-catalog repo::five src
ok "--no-catalog makes none" [ ! -e "$db" ]
run varve find --name a repo
like "$out" "*: 5]" "find catches up"
chmod 500 "$(dirname "$db")"
if [ "$(id -u)" -ne 0 ]; then
	ok "create with a folder that cannot be written" \
	    varve create repo::six src
fi
chmod 700 "$(dirname "$db")"

# Killed in the middle: what was committed counts, the rest is done again.
python3 - <<'PY'
import os
for i in range(30000):
    os.makedirs(f"many/{i // 500}", exist_ok=True)
    open(f"many/{i // 500}/file-{i}", "w").close()
PY
varve create --no-catalog repo::many many || exit 99
for wait in 0.02 0.05 0.1 0.2; do
	timeout -s KILL "$wait" "$VARVE" find --name 'file-1*' repo \
	    >/dev/null 2>&1
done
is "$(varve find --name 'file-*' repo | wc -l)" 30000 "after being killed"
is "$(field whole)" True "whole"

# Damage that is met when much has been told already: nothing is told twice.
varve find --name 'file-*' repo | sort >all
python3 - "$db" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    data = f.read()
    f.seek(data.index(b"file-29990"))
    f.write(b"F")
PY
is "$(varve catalog status repo | grep -c damaged)" 1 "damaged near its end"
varve find -v --name 'file-*' repo 2>err | sort >again
ok "told once" cmp all again
like "$(cat err)" "*the catalog is damaged and is made anew*" "with -v it says so"

# A tree that cannot be read: the others are catalogued, and it is told.
mkdir new && echo new >new/file
before=$(find repo/packs -type f | sort)
varve create --no-catalog repo::bad new || exit 99
rm -rf "$HOME/.cache"
for pack in $(find repo/packs -type f | sort); do
	case $before in
	*"$pack"*) ;;
	*) python3 - "$pack" <<'PY'
import sys
with open(sys.argv[1], "r+b") as f:
    data = bytearray(f.read())
    for i in range(64, len(data) - 64, 16):
        data[i] ^= 255
    f.seek(0)
    f.write(data)
PY
		;;
	esac
done
run varve find --name a repo
is "$status" 0 "damaged archive: find works"
like "$err" "*the archive 'bad' cannot be catalogued*" "damaged archive: told"
like "$out" "*src/a [[]one .. five: 5]*" "damaged archive: others are found"

# --- no place for it: a temporary one ---

found=$(varve find repo 2>/dev/null)
past=$(varve history repo src/a 2>/dev/null)
told()
{
	run varve find repo
	is "$status $out" "0 $found" "$1: find"
	is "$(printf '%s\n' "$err" | grep -c 'temporary one')" 1 "$1: one note"
	run varve history repo src/a
	is "$status $out" "0 $past" "$1: history"
	run varve catalog rebuild repo
	ok "$1: but it cannot be rebuilt" [ "$status" -ne 0 ]
}
rm -f "$db"* && mkdir "$db" || exit 99
told "a directory"
rmdir "$db" && ln -s "$scratch/elsewhere" "$db" || exit 99
told "a link"
ok "a link: not followed" [ ! -e elsewhere ]
rm "$db" && mkfifo "$db" || exit 99
told "a FIFO"
rm "$db" || exit 99
VARVE_CACHE_DIR=/dev/null/cache
export VARVE_CACHE_DIR
told "no cache"
unset VARVE_CACHE_DIR
# The disk fills up while the catalog is made.
if unshare -m true 2>/dev/null; then
	unshare -m sh -c 'mount -t tmpfs -o size=600k varve "$1" || exit 98
		shift && VARVE_CACHE_DIR=$1 && export VARVE_CACHE_DIR && shift &&
		"$@"' sh "$HOME/.cache" "$HOME/.cache/varve" \
		"$VARVE" find repo >full 2>full.err
	full=$?
	if [ "$full" -ne 98 ]; then
		is "$full $(cat full)" "0 $found" "a full disk: find"
		like "$(cat full.err)" "*temporary one*" "a full disk: the note"
	fi
fi

# --- words ---

refuses 2 "'catalog' needs one of rebuild, status, drop*" catalog
refuses 2 "unknown command 'catalog x': there are rebuild, status, drop*" \
    catalog x
refuses 2 "'key' needs one of add, list, remove, change-passphrase, export, import*" \
    key
refuses 2 "'repo::one' names an archive*" catalog status repo::one

done_testing
