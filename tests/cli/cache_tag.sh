#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The cache directory carries CACHEDIR.TAG, so that backups leave it out.

. "$(dirname "$0")/lib.sh"

signature='Signature: 8a477f597d28d172789f06886806bc55'
tag=$HOME/.cache/varve/CACHEDIR.TAG

mkdir src
printf 'text\n' >src/file
varve init repo 2>/dev/null
varve create repo::one src
is "$(head -n 1 "$tag")" "$signature" "it is made with the directory"
before=$(stat -c '%i %Y' "$tag")
varve list repo >/dev/null
is "$(stat -c '%i %Y' "$tag")" "$before" "it is made once"
rm "$tag"
varve list repo >/dev/null
is "$(head -n 1 "$tag")" "$signature" "it is restored"
varve create --exclude-caches repo::two "$HOME" 2>/dev/null
is "$(varve list --short repo::two | grep -c 'cache/varve/[0-9a-f]')" 0 \
    "--exclude-caches leaves it out"

VARVE_CACHE_DIR=$scratch/own
export VARVE_CACHE_DIR
varve list repo >/dev/null
is "$(head -n 1 own/CACHEDIR.TAG)" "$signature" "also in VARVE_CACHE_DIR"
chmod 0777 own && rm own/CACHEDIR.TAG
run varve list repo
is "$status" 0 "a directory that others can write to is no error"
ok "and gets none" [ ! -e own/CACHEDIR.TAG ]

done_testing
