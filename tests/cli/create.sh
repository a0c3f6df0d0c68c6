#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What create takes from the file system: sources, kinds of files, metadata,
# and what it leaves out.

. "$(dirname "$0")/lib.sh"

names()
{
	varve list --short "$1" | tr '\n' ' '
}

# format NAME ARCHIVE: one line for each item
format()
{
	varve list --format "$1{NL}" "$2" | tr '\n' ' '
}

varve init repo 2>/dev/null || exit 99
# Opened by a key file, a repository costs no derivation each time.
varve key add --key-file "$scratch/key" repo >/dev/null 2>&1 || exit 99
VARVE_KEY_FILE=$scratch/key
export VARVE_KEY_FILE

# --- paths ---

mkdir -p top/a/b other && echo 1 >top/a/b/f && echo 2 >top/g && echo 3 >other/h
ok "a path" varve create repo::plain top
is "$(names repo::plain)" "top top/a top/a/b top/a/b/f top/g " "a path: names"
ok "a part left off" varve create repo::dot top/./a/b
is "$(names repo::dot)" "a/b a/b/f " "a part left off: names"
ok "an absolute path" varve create repo::abs "$scratch/top/./g" "$scratch/other"
is "$(names repo::abs)" "g ${scratch#/}/other ${scratch#/}/other/h " \
    "an absolute path: names"
ok "paths that lead out" sh -c \
    "cd top && '$VARVE' create ../repo::out a/../../other ../other/./h"
is "$(names repo::out)" "h other other/h " "paths that lead out: names"
ok "the current folder" sh -c "cd top && '$VARVE' create ../repo::here ."
is "$(names repo::here)" ". a a/b a/b/f g " "the current folder: names"
refuses 2 "'top/a' and*'other/./top/a'*same path*" \
    create repo::twice top/a other/./top/a
refuses 2 "'other/./top/h' would lie within 'top'*" \
    create repo::in top other/./top/h
ok "nested sources" varve create repo::nested top/a top ./top//a/b
is "$(names repo::nested)" "top top/a top/a/b top/a/b/f top/g " \
    "nested sources: names"
run varve create repo::missing top top/none none other
is "$status" 1 "missing sources: status"
is "$(echo "$err" | grep -c 'none: No such file')" 2 \
    "missing sources: told"
is "$(names repo::missing)" "other other/h top top/a top/a/b top/a/b/f top/g " \
    "missing sources: the others"
run varve create repo::nothing none other/none
is "$status" 2 "no source at all: status"
like "$err" "*no archive was created: none of the sources could be read" \
    "no source at all: message"
run varve create repo::nothing -- bash -c true
is "$status" 2 "a command without --content-from-command: status"
run varve create --dry-run repo::nothing none
is "$status" 2 "no source at all, dry run: status"
refuses 2 "no archive was created: everything is excluded" \
    create -e top repo::nothing top
is "$(varve list --short repo | grep -c nothing)" 0 "no source at all: no archive"
ln -s top link
run varve create repo::way link/a/b link/g
is "$(names repo::way)" "link/a/b link/a/b/f link/g " "a link on the way: names"

# --- what to leave out ---

printf 'Signature: 8a477f597d28d172789f06886806bc55\n' >tag
mkdir -p tree/cache tree/marked/deep tree/kept
cp tag tree/cache/CACHEDIR.TAG
echo x >tree/cache/x && echo x >tree/marked/.nobackup && echo x >tree/kept/k
echo x >tree/marked/deep/x && echo no >tree/kept/CACHEDIR.TAG
ok "caches" varve create --exclude-caches repo::caches tree
is "$(names repo::caches)" "tree tree/kept tree/kept/CACHEDIR.TAG tree/kept/k \
tree/marked tree/marked/.nobackup tree/marked/deep tree/marked/deep/x " \
    "caches: a file of that name alone does not mark one"
ok "marked" varve create --exclude-if-present .nobackup --exclude-if-present nope \
    -e tree/cache -e tree/kept/CACHE* repo::marked tree
is "$(names repo::marked)" "tree tree/kept tree/kept/k " "marked: names"
ok "tags" varve create --exclude-caches --exclude-if-present .nobackup \
    --keep-exclude-tags -e '*/kept' repo::tags tree
is "$(names repo::tags)" "tree tree/cache tree/cache/CACHEDIR.TAG tree/marked \
tree/marked/.nobackup " "tags: kept with their folders"
printf '# comment\n*/deep\n' >excludes
printf 'P sh\n- **/x\nR tree\n' >patterns
ok "files" varve create --exclude-from excludes repo::ef tree/marked
is "$(names repo::ef)" "tree/marked tree/marked/.nobackup " "files: exclude-from"
ok "patterns" varve create --patterns-from patterns --pattern '!tree/kept' repo::pf
is "$(names repo::pf)" "tree tree/cache tree/cache/CACHEDIR.TAG tree/marked \
tree/marked/.nobackup tree/marked/deep " "files: patterns-from"

run varve create -n --list -e '*/deep' repo::never tree/marked
is "$status" 0 "dry run: status"
is "$(echo "$err" | tr '\n' ' ')" "- tree/marked - tree/marked/.nobackup \
x tree/marked/deep " "dry run: list"
refuses 31 "*" list repo::never

# The repository lies in what is backed up, whatever it is called.
run varve create repo::self .
is "$status" 0 "the repository inside: status"
like "$err" "*repo: the repository itself is skipped*" \
    "the repository inside: said"
is "$(varve list --short repo::self | grep -c '^repo')" 0 \
    "the repository inside: left out"
run varve create repo::self2 repo
like "$err" "*the repository itself is skipped*" "the repository alone: said"

# --- kinds and metadata ---

mkdir kinds && mkfifo kinds/fifo && ln -s 'no
where' kinds/symlink && echo x >kinds/one && ln kinds/one kinds/two
touch -h -d '1969-12-31T23:59:59.25Z' kinds/symlink
python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("kinds/socket")'
chmod 4751 kinds/one
touch -d '2200-01-02T03:04:05.123456789Z' kinds/one
ok "kinds" varve create repo::kinds kinds
is "$(format '{mode} {path}' repo::kinds | sed 's/drwx[^ ]*/drwx/')" \
    "drwx kinds prw-r--r-- kinds/fifo -rwsr-x--x kinds/one \
srwxr-xr-x kinds/socket lrwxrwxrwx kinds/symlink hrwsr-x--x kinds/two " \
    "kinds: modes"
mkdir back && cd back || exit 99
run varve extract ../repo::kinds
is "$(stat -c '%Y.%y' kinds/one | cut -c1-40)" \
    "$(stat -c '%Y.%y' ../kinds/one | cut -c1-40)" "kinds: a late time"
is "$(stat -c '%.9Y' kinds/symlink)" "-0.750000000" "kinds: a time before 1970"
is "$(stat -c %i kinds/one)" "$(stat -c %i kinds/two)" "kinds: one inode"
cd ..

odd_name=$(printf 'line\nend \377\376')
mkdir names && echo odd >"names/$odd_name" && mkdir "names/$(printf '%0255d' 0)"
ok "names" varve create repo::names names
mkdir back2 && cd back2 || exit 99
varve extract ../repo::names
is "$(cat "names/$odd_name")" "odd" "names: any bytes"
ok "names: 255 bytes" [ -d "names/$(printf '%0255d' 0)" ]
cd ..

# Which metadata are taken.
mkdir meta && echo x >meta/f && chmod 640 meta/f
if setfattr -n user.a -v b meta/f 2>/dev/null; then
	varve create repo::x meta && varve create --noxattrs repo::nox meta
	is "$(varve list --json-lines repo::x | grep -c xattr)" \
	    "$(varve list --json-lines repo::nox | grep -c xattr)" \
	    "xattrs: the listing is alike"
	mkdir with without
	(cd with && varve extract ../repo::x)
	(cd without && varve extract ../repo::nox)
	is "$(getfattr --only-values -n user.a with/meta/f)" b "xattrs: stored"
	is "$(getfattr --only-values -n user.a without/meta/f 2>/dev/null)" "" \
	    "xattrs: not with --noxattrs"
fi
if setfacl -m u:1234:r meta/f 2>/dev/null; then
	varve create repo::acl meta && varve create --noacls repo::noacl meta
	mkdir acl noacl
	(cd acl && varve extract ../repo::acl)
	(cd noacl && varve extract ../repo::noacl)
	like "$(getfacl -cn acl/meta/f)" "*user:1234:r--*" "ACLs: stored"
	is "$(getfacl -cn noacl/meta/f | grep -c 1234)" 0 \
	    "ACLs: not with --noacls"
fi
if chattr +d meta/f 2>/dev/null; then
	echo y >meta/y
	varve create repo::flags meta && varve create --noflags repo::noflags meta
	mkdir flags noflags
	(cd flags && varve extract ../repo::flags)
	(cd noflags && varve extract ../repo::noflags)
	like "$(lsattr flags/meta/f)" "*d*" "flags: stored"
	is "$(lsattr noflags/meta/f | cut -d' ' -f1 | grep -c d)" 0 \
	    "flags: not with --noflags"
	ok "nodump" varve create --exclude-nodump repo::nodump meta
	is "$(names repo::nodump)" "meta meta/y " "nodump: left out, though \
unchanged since an archive that has it"
	chattr -d meta/f
fi
touch -a -d '2001-01-01T00:00:00Z' meta/f
varve create --atime repo::atime meta && varve create repo::noatime meta
like "$(varve list --format '{atime} {path}{NL}' repo::atime | grep meta/f)" \
    "*2001-01-01*" "atime: stored"
varve create --numeric-ids repo::ids meta
is "$(format '{user}' repo::ids | tr -d '0-9 ')" "" "numeric ids: no names"

mkdir fs fs/mnt && echo x >fs/x
if mount -t tmpfs none fs/mnt 2>/dev/null; then
	mkdir fs/mnt/d && echo in >fs/mnt/d/in
	varve create -x repo::fs1 fs
	varve create -x repo::fs2 fs fs/mnt/d
	varve create repo::fs3 fs
	varve create -x repo::fs4 fs fs/mnt
	umount fs/mnt
	is "$(names repo::fs1)" "fs fs/mnt fs/x " "one file system"
	is "$(names repo::fs2)" "fs fs/mnt fs/mnt/d fs/mnt/d/in fs/x " \
	    "one file system: but what is named is taken"
	is "$(names repo::fs3)" "fs fs/mnt fs/mnt/d fs/mnt/d/in fs/x " \
	    "all file systems"
	is "$(names repo::fs4)" "fs fs/mnt fs/mnt/d fs/mnt/d/in fs/x " \
	    "one file system: a mount point that is named"
fi

is "$(varve check --verify-data repo 2>&1)" "" "all of it is whole"
done_testing
