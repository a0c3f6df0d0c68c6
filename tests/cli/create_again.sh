#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Backing up again: what is unchanged costs nothing, what changed is found, and
# what cannot be read is told.

. "$(dirname "$0")/lib.sh"

packs()
{
	find repo/packs -type f | wc -l
}

# The id of the root tree and every item, but for the archive's own name.
tree()
{
	varve list --json-lines "repo::$1" | sort
}

varve init repo 2>/dev/null || exit 99
# Opened by a key file, a repository costs no derivation each time.
varve key add --key-file "$scratch/key" repo >/dev/null 2>&1 || exit 99
VARVE_KEY_FILE=$scratch/key
export VARVE_KEY_FILE
mkdir -p src/sub src/links
python3 - <<'PY'
import os, random
r = random.Random(1)
for i in range(300):
    with open(f"src/sub/f{i:03}", "wb") as f:
        f.write(r.randbytes(r.choice((0, 0, 10, 1000, 100000))))
with open("src/big", "wb") as f:
    f.write(r.randbytes(6000000))
with open("src/sparse", "wb") as f:
    f.truncate(50000000)
    f.seek(20000000)
    f.write(b"here")
PY
echo linked >src/links/a
for i in b c d; do ln src/links/a src/links/$i; done
find src -exec touch -h -d '2020-01-01T00:00:00Z' {} +
# Files must be two seconds older than the archive that they are compared with,
# by the clock of the store, which counts whole seconds.
sleep 3.1

# --- unchanged ---

ok "first" varve create --threads 1 repo::one src
before=$(packs)
ok "again, with more threads" varve create --threads 8 repo::two src
is "$(packs)" "$before" "again: no pack"
is "$(tree two)" "$(tree one)" "again: the same tree"
ok "again, everything read" \
    varve create --threads 8 --files-cache disabled repo::three src
is "$(packs)" "$before" "everything read: no pack"
is "$(tree three)" "$(tree one)" "everything read: the same tree"
rm -rf "$HOME/.cache"
ok "again, without a cache" varve create repo::four src
is "$(packs)" "$before" "without a cache: no pack"
run varve create --list --filter U repo::five src
is "$(echo "$err" | grep -c '^U')" 306 "list: all are unchanged"

if strace -f -o "$scratch/trace" -e trace=openat,linkat,getdents64 \
    "$VARVE" create repo::traced src 2>/dev/null; then
	is "$(grep -v ENOENT trace | grep -c '/index/[0-9a-f]*-\|index/runs')" 0 \
	    "unchanged: no index object is opened"
	# The state file is linked to its older version.
	is "$(grep 'linkat(.* = 0' trace | grep -vc '\.old"')" 2 \
	    "unchanged: two puts"
fi

# --- changed ---

echo more >>src/sub/f001
touch -d '2021-01-01T00:00:00Z' src/sub/f001
rm src/sub/f002
echo new >src/sub/new
run varve create --list --filter AME repo::changed src
is "$(echo "$err" | sort | tr '\n' ' ')" "A src/sub/new M src/sub/f001 " \
    "changed: found"
is "$(packs)" $((before + 1)) "changed: one pack"
is "$(varve diff repo::five changed | grep -c 'src/sub/\(f001\|f002\|new\)')" 3 \
    "changed: differs"
ok "changed: little is stored" [ "$(find repo/packs -type f -newer \
    "$(find repo/archives -type f | head -n 1)" -size +1000k | wc -l)" -eq 0 ]

# Same size and time, but for ctime: each mode as it says.
printf 'aaaa' >src/c && touch -d '2020-01-01T00:00:00Z' src/c && sleep 3.1
varve create repo::c1 src
printf 'bbbb' >src/c && touch -d '2020-01-01T00:00:00Z' src/c
varve create --files-cache mtime,size,inode repo::c2 src
is "$(varve extract --stdout repo::c2 src/c)" aaaa "mtime,size,inode: inherited"
varve create repo::c3 src
is "$(varve extract --stdout repo::c3 src/c)" bbbb "ctime,size,inode: read"
printf 'cccc' >src/new && touch -d '2020-01-01T00:00:00Z' src/new
mv src/new src/c
varve create --files-cache mtime,size repo::c4 src
is "$(varve extract --stdout repo::c4 src/c)" bbbb "mtime,size: inherited"
varve create --files-cache mtime,size,inode repo::c5 src
is "$(varve extract --stdout repo::c5 src/c)" cccc "mtime,size,inode: read"
printf 'dddd' >src/c && touch -d '2020-01-01T00:00:00Z' src/c
varve create --files-cache rechunk,mtime repo::c6 src
is "$(varve extract --stdout repo::c6 src/c)" dddd "rechunk: read"

# Changed at once after it was backed up: the times may be the same.
for i in 1 2 3 4 5; do
	printf "$i$i" >src/quick
	varve create "repo::quick$i" src
	is "$(varve extract --stdout "repo::quick$i" src/quick)" "$i$i" \
	    "changed right after: $i"
done

# Metadata alone.
chmod 600 src/sub/f010
before=$(packs)
varve create repo::mode src
is "$(varve list --format '{mode}' repo::mode src/sub/f010)" -rw------- \
    "metadata: found"
# Another link to an unchanged file, and one less.
ln src/links/a src/links/e && rm src/links/b
varve create repo::links src
mkdir out && cd out || exit 99
varve extract ../repo::links src/links
is "$(stat -c '%h %n' src/links/* | tr '\n' ' ')" \
    "4 src/links/a 4 src/links/c 4 src/links/d 4 src/links/e " "links"
cd ..

# Options change what is taken: nothing is inherited past that.
varve create --atime repo::opt1 src && varve create --noxattrs repo::opt2 src
is "$(tree opt2 | grep -c atime)" "$(tree one | grep -c atime)" \
    "options: entries are made anew"

# --- series and names ---

refuses 30 "*'one'*" create repo::one src
varve create --series nightly repo::s1 src/links
varve create --series nightly repo::s2 src
is "$(varve check repo 2>&1)" "" "series: whole"
varve create --checkpoint-interval 1 --threads 2 repo::cp src
is "$?" 0 "checkpoint interval"

# --- what cannot be read ---

mkdir bad bad/dir && echo 1 >bad/secret && echo 2 >bad/dir/in && echo 3 >bad/open
chmod 0 bad/secret bad/dir
if [ "$(id -u)" = 0 ]; then
	as_other() { setpriv --reuid 12345 --regid 12345 --clear-groups "$@"; }
	chmod 755 "$scratch"
	chown -R 12345:12345 "$HOME" repo
	chmod -R u+rwX repo
else
	as_other() { "$@"; }
fi
if as_other true 2>/dev/null; then
	run as_other "$VARVE" create --list repo::bad bad
	is "$status" 1 "unreadable: status"
	like "$err" "*bad/secret: open: Permission denied*" "unreadable: told"
	is "$(echo "$err" | grep -c '^E bad/secret$')" 1 "unreadable: listed"
	like "$err" "*bad/dir: *Permission denied*" "unreadable folder: told"
	is "$(as_other "$VARVE" list --short repo::bad | tr '\n' ' ')" \
	    "bad bad/dir bad/open " "unreadable: the rest is there"
	run as_other "$VARVE" info --json repo::bad
	like "$out" "*" "unreadable: info"
	run as_other "$VARVE" create repo::bad2 bad
	is "$status" 1 "unreadable, again: status"
	chmod 711 bad
	run as_other "$VARVE" create repo::way bad/open
	is "$status" 0 "a folder on the way that cannot be listed"
fi
chmod 700 bad/dir

done_testing
