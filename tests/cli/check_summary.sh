#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# One damaged frame is one line with a count, and a summary says which archives
# it hits.
. "$(dirname "$0")/lib.sh"

mkdir -p src/sub other || exit 99
i=0
while [ $i -lt 30 ]; do
	printf '%s\n' "$i" >"src/sub/$i"
	i=$((i + 1))
done
printf 'other\n' >other/file
varve init -e repokey repo >/dev/null 2>&1 || exit 99
varve create repo::whole other || exit 99
find repo/packs -type f | sort >before
varve create repo::one src || exit 99
find repo/packs -type f | sort >after
data=$(comm -13 before after | xargs ls -S | head -n 1)
varve create repo::two src && varve create repo::three src || exit 99
damage() {
	python3 - "$1" "$2" <<'PY'
import os, sys
path, at = sys.argv[1], int(sys.argv[2])
os.chmod(path, 0o600)
with open(path, "r+b") as f:
    f.seek(at)
    byte = f.read(1)
    f.seek(at)
    f.write(bytes([byte[0] ^ 1]))
PY
}
lines() {
	printf '%s\n' "$err" | grep -c "$1"
}

# --- contents: the first frame

cp -a repo repo.sound
damage "$data" 100
for how in "" --verify-data; do
	run varve check $how repo
	is "$status" 90 "check $how: status"
	is "$(lines 'cannot be restored')" 1 "check $how: one line"
	like "$err" "*90 paths cannot be restored from 3 archives, first\
 'src/sub/0': data chunk *packs/*frame at *" "check $how: with counts"
	like "$err" "*3 of 4 archives are damaged: 'one', 'two', 'three'; no damage\
 was found in the other*" "check $how: a summary"
done
run varve check -v repo
is "$(lines 'src/sub/.*cannot be restored from archive')" 90 "-v names each"
run varve verify --all repo::one
is "$status" 2 "verify: status"
is "$(lines 'frame at')" 1 "verify: one line"
like "$err" "*30 paths cannot be restored, first 'src/sub/*': data chunk *" \
	"verify: with a count"
like "$err" "*30 problems found*" "verify: each file counts"
run varve verify -v --all repo::one
is "$(lines '^varve: src/sub/.*data chunk')" 30 "verify -v names each"
run varve verify --all -a '*' repo
like "$err" "*90 problems found in 3 of 4 archives" "verify: a summary"
like "$out" "*whole: 1 of 1 file*: sound*" "verify: the whole one"

# --- directories: each frame of metadata is one problem, too

rm -rf repo && cp -a repo.sound repo
python3 - "$data" <<'PY'
import os, sys
path = sys.argv[1]
os.chmod(path, 0o600)
with open(path, "r+b") as f:
    f.seek(64)
    size = os.path.getsize(path)
    f.write(b"X" * (size // 2))
PY
run varve check repo
is "$status" 90 "metadata: status"
ok "metadata: few lines" [ "$(lines .)" -le 8 ]
like "$err" "*3 of 4 archives are damaged: 'one', 'two', 'three'; no damage\
 was found in the other*" "metadata: a summary"
run varve verify --all repo::one
like "$out" "one: 0 of 30 files, *; nothing was verified" \
	"verify does not say that it has no files"

# --- many archives: the first few are named

rm -rf repo && cp -a repo.sound repo
# Another client: this one remembers what is damaged, and stores it again.
rm -rf "$HOME/.cache" "$HOME/.local"
i=0
while [ $i -lt 12 ]; do
	varve create "repo::more$i" src other || exit 99
	i=$((i + 1))
done
damage "$data" 100
run varve check repo
like "$err" "*15 of 16 archives are damaged: 'one', 'two', 'three', 'more0',*\
 'more6' and more; no damage was found in the other*" "ten names"
is "$(lines 'cannot be restored')" 1 "one line"
# What no archive needs hits none.
varve delete -a '[!w]*' repo
run varve check repo
like "$err" "*varve: no damage was found in 1 archive
*" "none is damaged"

# --- the object of an archive: damaged, even where a cache still has it

rm -rf repo && cp -a repo.sound repo
rm -rf "$HOME/.cache" "$HOME/.local"
varve list repo >/dev/null || exit 99
object=$(grep -l . repo/archives/* | sort | sed -n 2p)
damage "$object" 60
run varve check repo
is "$status" 90 "an archive object: status"
like "$err" "*1 of 4 archives is damaged: '*'; no damage was found in the\
 other 3*" "it counts, though it is in the cache"
run varve check --json repo
is "$(printf '%s\n' "$out" | python3 -c '
import json, sys
r = json.load(sys.stdin)
print(r["archives_damaged"], len(r["damaged_archives"]),
      *sorted(r["damaged_archives"][0]))')" "1 1 id name" "as JSON"
rm -rf "$HOME/.cache" "$HOME/.local"
run varve check repo
like "$err" "*no damage was found in 3 archives; 1 more archive object is\
 damaged*" "where no cache has it"
rm -rf repo && cp -a repo.sound repo
damage "$data" 100
run varve check --json repo
is "$(printf '%s\n' "$out" | python3 -c '
import json, sys
r = json.load(sys.stdin)
print(r["archives_damaged"], *[a["name"] for a in r["damaged_archives"]],
      {len(a["id"]) for a in r["damaged_archives"]})')" \
	"3 one two three {64}" "the names of archives as JSON"
done_testing
