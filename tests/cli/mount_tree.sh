#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What a mount shows is what was backed up, by all that the kernel tells of it;
# and what options make of that.
. "$(dirname "$0")/mountlib.sh"

support=$top/../support
m=$scratch/m
mkdir m n disk || exit 99
# Long attributes need a file system that has them; without one they are left
# out of the tree.
mkfs.ext4 -q -b 4096 -I 256 -O ea_inode disk.img 400M >/dev/null 2>&1 &&
	mount -o loop disk.img disk 2>/dev/null ||
	echo "# no file system with long attributes here"
cd disk && mkdir out || exit 99
clean_trees()
{
	cd "$scratch" || return
	for tree in disk/tree disk/out/tree; do
		[ -d "$tree" ] &&
		    python3 "$support/torture.py" "$tree" --clean
	done
	clean_all
}
trap clean_trees EXIT

compare()
{
	python3 "$support/compare.py" "$@" >differences 2>&1 && return
	sed 's/^/# /' differences | head -n 20
	return 1
}

varve init "$scratch/repo" 2>/dev/null || exit 99
python3 "$support/torture.py" tree 2>left-out || exit 99
sed 's/^/# /' left-out
varve create "$scratch/repo::a" tree 2>/dev/null
[ "$?" -le 1 ] || exit 99
# The times that create had before it read cannot be set back.
mounts "mounts" "$scratch/repo::a" "$m"
# Inode flags cannot be asked through a mount.
ok "shows what was backed up" compare --no-flags tree "$m/tree"
ok "and again, from the caches" compare --no-flags tree "$m/tree"
is "$(cd "$m" && find . | wc -l)" "$(find tree | wc -l | awk '{ print $1 + 1 }')" \
	"find sees all of it"

# cp does not follow paths beyond PATH_MAX.
cp -a "$m/tree" out/tree 2>cp.err
is "$(grep -v ': File name too long$' cp.err)" "" "cp -a says nothing else"
for tree in tree out/tree; do
	python3 "$support/torture.py" $tree/deep --clean
	touch -d '2020-09-13T12:26:40.123456789Z' $tree
done
ok "and copies what was backed up" compare --no-flags tree out/tree

# Numbers.
mounts "a second time" "$scratch/repo::a" "$scratch/n"
list_inodes()
{
	(cd "$1" && find . -printf '%i %n %p\0' | sort -z | sha256sum)
}
is "$(list_inodes "$scratch/n")" "$(list_inodes "$m")" \
	"inode numbers and links are the same in every mount"
unmounts "$scratch/n"
unmounts "$m"

# --- options, on a small tree ---

cd "$scratch" || exit 99

mkdir -p small/sub/deep small/other || exit 99
printf 'one\n' >small/sub/deep/one
printf 'two\n' >small/sub/two
printf 'three\n' >small/other/three
printf '#!/bin/sh\n' >small/run
ln small/sub/two small/other/linked
chmod 750 small/run
chmod 664 small/sub/two
varve create repo::small small || exit 99
varve create repo::small2 small || exit 99

all_of()
{
	(cd "$1" && find . -type f | sort | tr '\n' ' ')
}

mounts "umask, uid and gid" -o umask=027,uid=1234,gid=4321 repo::small "$m"
is "$(stat -c '%a %u %g' m/small/sub/two)" "640 1234 4321" "of a file"
is "$(stat -c '%a %u %g' m/small/run)" "750 1234 4321" "of a program"
is "$(stat -c '%u %g' m/small/sub)" "1234 4321" "of a folder"
is "$(stat -c %h m/small/sub/two)" 2 "a link is one"
is "$(stat -c %i m/small/sub/two)" "$(stat -c %i m/small/other/linked)" \
	"with one number"
unmounts "$m"

mounts "PATH" repo::small "$m" small/sub
is "$(all_of m)" "./small/sub/deep/one ./small/sub/two " "is shown alone"
run ls m/small/other
ok "the rest is not there by its name either" [ "$status" -ne 0 ]
unmounts "$m"
mounts "two PATHs" repo::small "$m" small/sub/deep small/other
is "$(all_of m)" \
	"./small/other/linked ./small/other/three ./small/sub/deep/one " \
	"are shown"
unmounts "$m"
mounts "--strip-components" --strip-components 1 repo::small "$m"
is "$(all_of m)" \
	"./other/linked ./other/three ./run ./sub/deep/one ./sub/two " \
	"takes the first name away"
is "$(cat m/sub/deep/one)" one "and content is there"
unmounts "$m"
mounts "--strip-components of all" --strip-components 2 repo "$m" small/sub
is "$(all_of m/archives/small)" "./deep/one ./two " "in each archive"
unmounts "$m"

mounts "--glob-archives" -a 'small*' repo "$m"
is "$(ls m/archives | tr '\n' ' ')" "small small2 " "chooses archives"
unmounts "$m"
mounts "--last" --last 1 repo "$m"
is "$(ls m/archives | tr '\n' ' ')" "small2 " "is the newest"
unmounts "$m"
mounts "--first" --first 1 repo "$m"
is "$(ls m/archives | tr '\n' ' ')" "a " "is the oldest"
unmounts "$m"

# An archive that says that 4000 is "games", which is another number here.
games=$(id -u games 2>/dev/null)
if [ "$is_root" = yes ] && [ -n "$games" ] && unshare -m true 2>/dev/null; then
	mkdir owned && echo x >owned/file && chown 4000:4000 owned/file
	echo 'games:x:4000:4000::/:/bin/false' >passwd
	unshare -m sh -c 'mount --bind passwd /etc/passwd &&
		"$VARVE" create repo::owned owned' || exit 99
	mounts "owners by name" repo::owned "$m"
	is "$(stat -c %u m/owned/file)" "$games" "have the number of here"
	unmounts "$m"
	mounts "--numeric-ids" --numeric-ids repo::owned "$m"
	is "$(stat -c %u m/owned/file)" 4000 "keeps that of there"
	unmounts "$m"
else
	echo "# owners by name are left out: needs root and a user games"
fi

done_mounting
