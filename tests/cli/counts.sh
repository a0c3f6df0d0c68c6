#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Items and files of an archive are counted alike by all commands, and -v ends
# each command that writes with one line.

. "$(dirname "$0")/lib.sh"

varve init repo 2>/dev/null || exit 99
mkdir -p up/src/dir/empty
echo 1 >up/src/a
echo 2 >up/src/dir/b
ln up/src/a up/src/hard
ln -s a up/src/link
mkfifo up/src/fifo
cd up || exit 99

# last TEXT...: the last line that -v shows.
last()
{
	varve -v "$@" 2>&1 | tail -n 1
}

# 8 items: src, 3 files, one a second name, a symlink, a FIFO, 2 directories.
# What is above the source in the archive is none of them.
is "$(last create ../repo::one "$PWD/src")" \
    "varve: created archive 'one': 8 items (3 files), 6 B, 0 warnings" "create"
is "$(varve list ../repo::one | wc -l)" 8 "list"
is "$(varve create --stats ../repo::two src 2>&1 | grep files)" \
    "Number of files: 3" "create --stats"
is "$(varve info ../repo::one | grep files)" "Number of files: 3" "info"
# nfiles ARGS...
nfiles()
{
	varve "$@" | sed -n 's/.*"nfiles": \([0-9]*\).*/\1/p' | sort -u
}
is "$(nfiles info --json ../repo::one)" 3 "info --json"
is "$(nfiles list --json ../repo)" 3 "list --json"
is "$(nfiles du --json ../repo::one)" 3 "du --json"
is "$(nfiles create --json ../repo::three src)" 3 "create --json"
like "$(varve verify --all ../repo::one)" "one: 3 of 3 files, *" "verify"
is "$(varve find ../repo -a one | wc -l)" 8 "find"
mkdir ../out
cd ../out || exit 99
# The second name of a file is linked, not written.
is "$(last extract ../repo::two)" \
    "varve: extracted archive 'two': 8 items, 4 B, 0 warnings" "extract"
is "$(varve extract --list --dry-run ../repo::two 2>&1 | wc -l)" 8 \
    "extract --list"
is "$(last extract --dry-run ../repo::two src/dir/b)" \
    "varve: read archive 'two': 1 item, 2 B, 0 warnings" "a dry run, one item"

# --- one line at the end ---

cd .. || exit 99
like "$(last create repo::four up/src none)" \
    "varve: created archive 'four': 8 items (3 files), 6 B, 1 warning" \
    "a warning"
is "$(last rename repo::one first)" \
    "varve: renamed archive 'one' to 'first'" "rename"
is "$(last delete repo::first)" \
    "varve: deleted archive 'first': 3 files, 6 B, 0 warnings" "delete"
is "$(last delete repo::two three)" \
    "varve: deleted 2 archives: 6 files, 12 B, 0 warnings" "delete several"
is "$(VARVE_NEW_PASSPHRASE=new last key change-passphrase repo)" \
    "varve: changed the passphrase" "key change-passphrase"
VARVE_PASSPHRASE=new
is "$(last key export repo key.txt)" "varve: exported the key to 'key.txt'" \
    "key export"
like "$(VARVE_NEW_PASSPHRASE=x last key add --label spare repo)" \
    "varve: added key slot ????????*" "key add"
is "$(last key remove repo spare)" "varve: removed key slot spare" "key remove"
(cd out && rm -rf src)
like "$(cd out && last history --restore latest ../repo up/src/a)" \
    "varve: restored version 1 of 'up/src/a' from archive 'four': 1 item, 2 B*" \
    "history --restore"

done_testing
