#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Checking a part at a time through the program.
. "$(dirname "$0")/lib.sh"

varve init -e repokey repo >/dev/null 2>&1 || exit 99
i=0
while [ $i -lt 6 ]; do
	head -c 3000 /dev/urandom >"file$i"
	varve create "repo::$i" "file$i" || exit 99
	i=$((i + 1))
done
packs=$(find repo/packs -type f | wc -l)

# Packs on record, by what was looked at: a field of the last run.
last()
{
	varve verify --status --json repo | python3 -c "
import json, sys
run = json.load(sys.stdin)['runs'][0]
print(*[run[k] for k in '$1'.split()])"
}

run varve check -v repo
is "$status" 0 "a whole check"
like "$err" "*no problems found" "is called one"
is "$(last 'kind items of_items result options unit')" \
	"check $packs $packs good  packs" "and is on record"
run varve check -v --max-age 1 repo
is "$status" 0 "nothing is due"
like "$err" "*no problems found in what was looked at; $packs of $packs packs \
left out for their age" "which is no whole check"
is "$(last 'items options')" "0 --max-age 1" "on record"
run varve check -v --max-age 1 --verify-data repo
like "$err" "*no problems found" "frames were never looked at: all are"
run varve check -v --max-age 1 --verify-data repo
like "$err" "*$packs of $packs packs left out*" "and then none"

# An hour is enough, without keys too, and on the same record.
unset VARVE_PASSPHRASE
run varve check -v --repository-only --max-duration 3600 repo
is "$status" 0 "without a key"
like "$err" "*no problems found" "all were looked at in time"
run varve check -v --repository-only --max-age 1 repo
like "$err" "*$packs of $packs packs left out*" "and it counts"
VARVE_PASSPHRASE='a passphrase'
export VARVE_PASSPHRASE
is "$(last 'items options')" "0 --repository-only --max-age 1" "on record too"

# What is damaged is found though others were looked at, and found again.
rm "$HOME"/.local/state/varve/ledger-*
run varve check --repository-only repo
pack=$(find repo/packs -type f | head -n 1)
chmod u+w "$pack"
printf 'XXXX' | dd of="$pack" bs=1 seek=100 conv=notrunc 2>/dev/null
run varve check --max-duration 3600 repo
is "$status" 90 "damage: status"
like "$err" "*1 problem found" "found"
run varve check --max-age 1 --repository-only repo
is "$status" 90 "it stays due"
like "$err" "*1 problem found; $((packs - 1)) of $packs packs left out for \
their age" "alone"
is "$(last 'result problems items')" "problems 1 1" "on record"

# A run that is killed is there, as not finished; it keeps nothing locked.
rm -rf "$HOME/.cache/varve"
run varve verify --status repo
is "$status" 0 "no cache is needed for the record"
is "$(printf '%s\n' "$out" | awk 'length > 80' | wc -l)" 0 "80 columns at most"

refuses 2 "--archives-only looks at no packs*" check --archives-only \
	--max-age 2 repo
done_testing
