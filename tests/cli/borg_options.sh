#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Options that carry a name of Borg: those that mean nothing here are taken
# without effect, the others do what Borg does.
. "$(dirname "$0")/lib.sh"

run varve init repo
mkdir src && echo text >src/file

# quiet WHAT ARGUMENT...: succeeds without a word on standard error.
quiet()
{
	what=$1
	shift
	run varve "$@"
	is "$status $err" "0 " "$what"
}

# --- without effect ---

n=0
for option in '--lock-wait 5' --bypass-lock '--remote-path borg' \
    '--remote-ratelimit 9' '--upload-ratelimit 9' '--remote-buffer 1' \
    '--upload-buffer 1' --consider-part-files '--debug-topic x' \
    '--debug-profile x' '--rsh ssh' --noatime --noctime --nobirthtime \
    --sparse --no-cache-sync '--chunker-params buzhash,10,23,16,4095' \
    '--chunker-params fixed,4194304'; do
	n=$((n + 1))
	# shellcheck disable=SC2086 # an option and its argument
	quiet "create $option" create $option "repo::ignored-$n" src
done
is "$(varve list --short --consider-checkpoints repo | wc -l)" "$n" \
    "list --consider-checkpoints"
quiet "check --save-space" check --save-space repo
quiet "diff --same-chunker-params" diff --same-chunker-params \
    repo::ignored-1 ignored-2
quiet "delete --force --save-space -c" delete --force --force --save-space \
    -c 1800 repo::ignored-1
ok "an ignored --debug-profile writes no file" [ ! -e x ]

run varve create --help
like "$(printf '%s' "$out" | tr '\n' ' ')" \
    "*compatibility with Borg, without effect: --noatime, --noctime, *--rsh." \
    "--help lists them"
is "$(varve help --words create | grep -c noctime)" 0 \
    "they are not completed"
refuses 2 "option --lock-wait needs its argument SECONDS*" list repo --lock-wait

# --- older names ---

quiet "create --numeric-owner --nobsdflags" create --numeric-owner \
    --nobsdflags repo::old src
is "$(varve list --format '{user}' repo::old src/file)" "$(id -u)" \
    "create --numeric-owner stores no names"
mkdir to
quiet "extract --numeric-owner --nobsdflags" extract --dry-run \
    --numeric-owner --nobsdflags repo::old

# --- compression ---

for spec in lz4 zlib zlib,0 lzma,0 auto,lz4 zstd,22; do
	run varve create -C "$spec" "repo::c-$spec" src
	is "$status" 0 "create -C $spec: status"
	like "$err" "varve: compression '$spec': using *" \
	    "create -C $spec: the replacement is named"
	is "$(echo "$err" | wc -l)" 1 "create -C $spec: in one line"
done
run varve create -C zlib,9 repo::c-zlib-9 src
is "$err" "varve: compression 'zlib,9': using zstd,5" "the nearest level"
run varve create -C obfuscate,3,lz4 repo::c-obfuscate src
is "$status" 0 "create -C obfuscate: status"
like "$err" \
    "varve: compression 'obfuscate,3,lz4': using zstd,1; sizes are not obf*" \
    "create -C obfuscate: it is said that there is none"
refuses 2 "unknown compression 'bzip2'*" create -C bzip2 repo::no src

# --- tags that exclude directories ---

mkdir -p tags/both tags/cache
echo 'Signature: 8a477f597d28d172789f06886806bc55' >tags/both/CACHEDIR.TAG
cp tags/both/CACHEDIR.TAG tags/cache
touch tags/both/.nobackup tags/both/.a tags/both/data tags/cache/data
run varve create --exclude-caches --exclude-if-present .nobackup \
    --exclude-if-present .a --exclude-if-present .nobackup \
    --keep-exclude-tags repo::tags tags
is "$status $(varve list --short repo::tags | tr '\n' ' ')" \
    "0 tags tags/both tags/both/.a tags/both/.nobackup tags/both/CACHEDIR.TAG\
 tags/cache tags/cache/CACHEDIR.TAG " "--keep-exclude-tags keeps all tags"
run varve create --exclude-caches --exclude-if-present .a repo::untagged tags
is "$(varve list --short repo::untagged)" tags \
    "without it the directories go, too"
refuses 2 "--exclude-if-present needs a name, not the path 'a/b'*" \
    create --exclude-if-present a/b repo::no tags

# --- --prefix ---

is "$(varve list --short --prefix c-zl repo | tr '\n' ' ')" \
    "c-zlib c-zlib,0 c-zlib-9 " "list --prefix"
is "$(varve list --short -P 'c-*' repo)" "" "a prefix is no pattern"
is "$(varve list --short -P 'old' --last 1 repo)" "old" "-P with --last"
refuses 2 "--glob-archives and --prefix exclude each other*" \
    list -P a -a b repo
run varve delete --dry-run --list -P c-lz repo
is "$(echo "$err" | grep -c 'c-lz')" 2 "delete --prefix"

done_testing
