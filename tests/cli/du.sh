#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What paths take: files are one chunk each, of random bytes, so that it is
# known what belongs to whom, but for a few bytes of listings.
. "$(dirname "$0")/lib.sh"

# random NAME BYTES
random()
{
	head -c "$2" /dev/urandom >"$1"
}

# size KEY [ARGUMENT...]: of the first path
size()
{
	key=$1
	shift
	varve du --json "$@" | python3 -c '
import json, sys
print(json.load(sys.stdin)["paths"][0][sys.argv[1]])' "$key"
}

# holds BYTES NAME ARGUMENT...: so much of content, and less than 3,000 more
holds()
{
	want=$1
	what=$2
	shift 2
	got=$(size deduplicated_size "$@")
	if [ "${got:-0}" -ge "$want" ] && [ "$got" -lt $((want + 3000)) ]; then
		pass "$what"
	else
		fail "$what"
		echo "# got: $got, wanted: $want"
	fi
}

mkdir -p src/docs/old src/pics src/empty || exit 99
random src/docs/letter 10000
random src/docs/old/memo 20000
random src/docs/old/shared 40000
cp src/docs/old/shared src/pics/shared
random src/pics/photo 80000
random src/only 160000
ln src/only src/docs/link
varve init repo >/dev/null 2>&1 || exit 99
(cd src && varve create ../repo::one .) || exit 99

is "$(size original_size repo::one)" \
	"$(varve info --json repo::one | python3 -c '
import json, sys
print(json.load(sys.stdin)["archives"][0]["stats"]["original_size"])')" \
	"the original size is what info says"
is "$(size original_size repo::one docs)" 230000 "of a folder, links counted"
is "$(size nfiles repo::one docs)" 4 "and its files"
holds 310000 "all of the only archive" repo::one
is "$(size deduplicated_size repo)" "$(size deduplicated_size repo::one)" \
	"is all of the repository"
holds 30000 "a folder without what is elsewhere too" repo::one docs
holds 80000 "neither has what both have" repo::one pics
holds 0 "nor a file that has another link" repo::one docs/link
holds 10000 "a file" repo::one /docs/letter
holds 0 "an empty folder" repo::one empty/
is "$(size nfiles repo::one empty)" 0 "has no files"

# A second archive: a folder moved away, a file changed, one gone.
mv src/docs/old src/moved
random src/docs/letter 5000
rm src/only
(cd src && varve create ../repo::two .) || exit 99
holds 10000 "what only the older archive has" repo::one
holds 5000 "and the newer" repo::two
holds 0 "a folder that another archive has elsewhere" repo::one docs/old
holds 0 "and in the other" repo::two moved
holds 15000 "a path in all archives" repo docs
is "$(size archives repo docs) $(size archives repo moved)" "2 1" \
	"in how many it is"
is "$(size original_size repo docs) $(size all_original_size repo docs)" \
	"165000 395000" "its newest version, and all"
holds 0 "a path whose content went elsewhere" repo docs/old
run varve du repo docs/old moved
is "$status" 0 "two paths"
like "$err$out" "*docs/old*moved*(together)*" "have a line together"
is "$(varve du --json repo docs/old moved | python3 -c '
import json, sys
o = json.load(sys.stdin)
print(len(o["paths"]), o["together"]["deduplicated_size"] >= 20000,
      o["together"]["deduplicated_size"] < 23000, o["complete"])')" \
	"2 True True True" "which is more than each alone"

# Folders below, in front of their own.
run varve du -d 1 repo::two
is "$(echo "$out" | awk '{ print $NF }' | tr '\n' ' ')" \
	"Path docs empty moved pics . " "lines for folders"
is "$(echo "$out" | awk 'length > 80')" "" "in 80 columns"
run varve du -d 1 --iec repo
like "$out" "*KiB*" "in units of 1024"
is "$(varve du -d 9 repo::one | wc -l)" 6 "one line for each folder"
is "$(varve du -d 1 --json repo::two pics | python3 -c '
import json, sys
o = json.load(sys.stdin)
print(o["archive"], [p["path"] for p in o["paths"]], "together" in o)')" \
	"two ['pics'] False" "JSON"

# Stored: the whole repository holds what its packs hold.
packs=$(varve info --json repo | python3 -c '
import json, sys
print(json.load(sys.stdin)["cache"]["stats"]["unique_csize"])')
stored=$(size compressed_size repo)
# Padding may take an eighth of a pack.
ok "what is stored is what packs hold, but for directories and padding" \
	[ "$stored" -le "$packs" -a "$stored" -gt $((packs * 84 / 100)) ]

# When all others are deleted, an archive holds all that is left.
varve delete repo::one || exit 99
is "$(size deduplicated_size repo::two)" "$(size deduplicated_size repo)" \
	"the last archive holds all"
holds 305000 "that it refers to" repo::two
holds 20000 "and a folder what is only there" repo::two moved

refuses 31 "*one*" du repo::one
refuses 31 "*one*" du repo::one docs
refuses 2 "*'nothing'*not in the archive*" du repo::two nothing
refuses 2 "*'docs/old'*in no archive*" du repo docs/old
refuses 2 "*'docs' and 'docs/link' overlap*" du repo docs docs/link
refuses 2 "*'..'*" du repo ../docs
refuses 2 "*--depth*" du -s -d 2 repo
run varve du -s repo::two
is "$status" 0 "a summary is what it is anyway"
varve delete repo::two || exit 99
is "$(size deduplicated_size repo)" 0 "no archive, nothing held"

# A listing that cannot be read: said, and no sizes taken for right.
(cd src && varve create ../repo::three .) || exit 99
pack=$(find repo/packs -type f -printf '%T@ %p\n' | sort -n |
	sed -n '$s/.* //p')
python3 - "$pack" <<'PY' || exit 99
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(0, 2)
    n = f.tell()
    for at in range(200, n - 200, 50):
        f.seek(at)
        f.write(b"\0\1\2\3")
PY
run varve du repo::three
is "$status" 90 "damage: status"
like "$err" "*archive 'three'*1 problem found*" "damage: says so"
run varve du --json repo::three
like "$out" '*"complete": false*' "damage: in JSON"

done_testing
