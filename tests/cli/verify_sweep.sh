#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Successive samples: each run goes on where the last one stopped.
. "$(dirname "$0")/lib.sh"

mkdir src && cd src || exit 99
i=0
while [ $i -lt 40 ]; do
	printf '%s\n' "$i" >"$i"
	i=$((i + 1))
done
cd .. || exit 99
varve init -e repokey repo >/dev/null 2>&1 || exit 99
archive() {
	(cd src && varve create --series src "../repo::$1" .) || exit 99
}
status() {
	varve verify --status repo | grep "^$1"
}
today=$(date +%F)

# Each run restores its sample into a directory of its own.
sample() {
	run varve verify --files 8 --into "out/$1" ${2:+-a "$2"} repo
}
taken() {
	find "$@" ! -type d -printf '%f\n' | sort -n
}

# --- the newest archive of a series

archive one
sample 1
like "$out" "one: 8 of 40 files, *, seed *: * equal" "a first part"
seed=${out#*seed } seed=${seed%%:*}
like "$(status Series)" "Series src of *: about *% of the files verified since $today" \
	"what is covered is shown"
# New archives are taken in.
archive two
sample 2
archive three
sample 3
like "$out" "three: 8 of 40 files, *, seed $seed+*" "the sweep of the series"
sample 4
sample 5
is "$(taken out | uniq | wc -l) $(taken out | wc -l)" "40 40" \
	"five runs of a fifth: every file, none twice"
like "$(status Series)" "Series src of *: all files verified, between $today and\
 $today" "all is covered"
sample 6
is "$(taken out/6)" "$(taken out/1)" "and it begins again"

# --- what does not count

before=$(status Series)
run varve verify --files 8 --seed 5 repo
run varve verify --files 8 --into out/7 --seed "$seed" repo
is "$(taken out/7)" "$(taken out/1)" "--seed gives the first sample again"
again=$(varve verify --status --json repo | python3 -c '
import json, sys
runs = json.load(sys.stdin)["runs"]
print(runs[2]["options"].split("--seed ")[1].split()[0])')
run varve verify --files 8 --into out/8 --seed "$again" repo
is "$(taken out/8)" "$(taken out/6)" "with its place, any sample"
is "$(status Series)" "$before" "which does not move the sweep"
head -c 200000 /dev/urandom >src/large
archive large
cut='mkdir out/cut && mount -t tmpfs -o size=64k none out/cut &&
	! "$VARVE" verify --all --into out/cut repo'
if unshare -m true 2>/dev/null; then
	ok "a run that does not end" unshare -m sh -c "$cut" 2>/dev/null
	is "$(status Series)" "$before" "does not move it either"
fi

# --- an archive

run varve verify --sample 50% repo::one
like "$(status Archive)" "Archive one: about 50% of the files verified since $today" \
	"an archive that is named has a sweep of its own"
is "$(status Series)" "$before" "that of the series stays"
run varve verify --sample 50% -a one repo
like "$(status Archive)" "Archive one: all files verified, between *" \
	"also if it is selected"
run varve verify --all repo::two
is "$(status Archive | sed -n 's/^Archive \([a-z]*\): all.*/\1/p' | sort)" "one
two" "--all covers everything"
is "$(varve verify --status --json repo | python3 -c '
import json, sys
for c in json.load(sys.stdin)["coverage"]:
    print(c["kind"], c["name"], c["part"] < 1, c["complete_to"] is None,
          "archive_id" in c)' | sort)" "archive one True False True
archive two True False True
series src True False False" "as JSON"

# --- packs

varve check repo
varve check --verify-data repo
is "$(status '[CD].* packs* verified' | sed 's/ since .*//')" \
	"Checksums of $(find repo/packs -type f | wc -l) packs verified
Data of $(find repo/packs -type f | wc -l) packs verified" "of a check"

# --- a damaged directory: its files are in no sample

find repo/packs -type f -size +0 | sort >before
(cd src && mkdir deep && cp 1 2 3 deep) || exit 99
(cd src && varve create --series deep ../repo::deep .) || exit 99
find repo/packs -type f -size +0 | sort | comm -13 before - | while read -r p; do
	chmod u+w "$p" && python3 - "$p" <<'PY'
import os, sys
with open(sys.argv[1], "r+b") as f:
    f.seek(64)
    f.write(b"X" * (os.path.getsize(sys.argv[1]) - 64))
PY
done
rm -rf "$HOME/.cache"
run varve verify --all repo::deep
is "$status" 2 "a damaged directory: status"
is "$(status 'Archive deep')$(status 'Series deep')" "" \
	"no pass covers what nobody could look at"
done_testing
