#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Restoring and checking through the program: options, what is in the way,
# damage.
. "$(dirname "$0")/lib.sh"

mkdir -p src/sub && cd src || exit 99
printf 'hello\n' >small
printf 'inner\n' >sub/deep
ln small sub/link
ln -s ../small sub/symlink
head -c 3000000 /dev/urandom >random
truncate -s 1M hole
chmod 4751 small
touch -d '1960-01-02 03:04:05.678' sub/deep
touch -d '2200-01-02 03:04:05' sub
cd .. || exit 99
varve init -e repokey repo >/dev/null 2>&1 || exit 99
# Large content in a pack of its own, so that damage to it hits nothing else.
(cd src && varve create ../repo::large random) >/dev/null 2>&1 || exit 99
(cd src && varve create ../repo::one .) >/dev/null 2>&1 || exit 99

# restore FOLDER [OPTION...]: into a fresh folder
restore()
{
	folder=$1
	shift
	mkdir "$folder"
	cd "$folder" || exit 99
	run varve extract "$@"
	cd ..
}

restore all ../repo::one
is "$status" 0 "restores everything"
is "$err" "" "and says nothing"
ok "content is the same" diff -r --no-dereference src all
is "$(stat -c '%a %Y' all/small)" "$(stat -c '%a %Y' src/small)" \
	"mode with set-id and time"
is "$(stat -c %y all/sub/deep)" "$(stat -c %y src/sub/deep)" "before 1970"
is "$(stat -c %Y all/sub)" "$(stat -c %Y src/sub)" "folder's time, after 2106"
is "$(stat -c %i all/small)" "$(stat -c %i all/sub/link)" "hard link"
is "$(stat -c %b all/hole)" 0 "a hole stays one"

restore some ../repo::one sub/deep
is "$(cd some && find . -type f)" "./sub/deep" "only what was asked for"
restore strip --strip-components 1 ../repo::one sub/deep
is "$(cat strip/deep)" inner "components are stripped"
restore dry -n --list ../repo::one
is "$status $(ls -A dry)" "0 " "a dry run writes nothing"
like "$err" "*sub/deep*" "but lists"
is "$(varve extract --stdout repo::one small sub/deep)" "hello
inner" "to standard output, in order"
varve extract --stdout repo::one random 2>/dev/null | head -c 10 >/dev/null
is "$?" 0 "a reader may leave early"

# What exists is kept, unless it may be overwritten, and then nothing is
# written through a link.
restore kept -n ../repo::one
printf 'mine\n' >kept/small
printf 'precious\n' >outside
ln -s ../outside kept/random
mkdir elsewhere && ln -s ../elsewhere kept/sub
cd kept || exit 99
run varve extract ../repo::one
cd ..
is "$status $(cat kept/small)" "2 mine" "what exists is kept"
is "$(cat outside) $(ls elsewhere)" "precious " "no link is followed"
cd kept || exit 99
run varve extract --overwrite ../repo::one
cd ..
is "$status" 0 "overwrites when told to"
ok "then all is the same" diff -r --no-dereference src kept
is "$(cat outside) $(ls elsewhere)" "precious " "and still follows no link"
inode=$(stat -c %i kept/random)
(cd kept && varve extract --overwrite ../repo::one)
is "$(stat -c %i kept/random)" "$inode" "what is equal is left alone"

run varve check --verify-data repo
is "$status" 0 "the repository is sound"
pack=$(find repo/packs -type f -size +1000k | head -n 1)
chmod u+w "$pack"
printf 'XXXX' | dd of="$pack" bs=1 seek=1000000 conv=notrunc 2>/dev/null
run varve check --repository-only repo
is "$(test "$status" -ne 0 && echo found)" found "a damaged pack is found"
like "$err" "*packs/*" "and named"
run varve check --verify-data repo
like "$err" "*first 'random'*archives*'one'*" "with path and archives"
restore damaged ../repo::one
is "$status" 90 "restoring tells of damage"
like "$err" "*random*packs/*" "path and object"
ok "the damaged file is not there" test ! -e damaged/random
is "$(cat damaged/sub/symlink)" hello "the others are"

# The file system has no room for another name of an inode.
mkdir full && cd full || exit 99
if strace -f -o /dev/null -e trace=none true 2>/dev/null; then
	ASAN_OPTIONS=detect_leaks=0
	export ASAN_OPTIONS
	run strace -f -o /dev/null -e trace=linkat \
		-e inject=linkat:error=EMLINK "$VARVE" extract ../repo::one \
		small sub/link
	unset ASAN_OPTIONS
	is "$status" 1 "a hard link that cannot be made is a warning"
	like "$err" "*sub/link*'small'*" "of both names"
	is "$(cat sub/link)" hello "which is restored as a copy"
	run varve extract ../repo::one small sub/link
	is "$status$err" 0 "and is left alone when restored again"
	# Neither links nor renaming without overwriting, as with rclone.
	ASAN_OPTIONS=detect_leaks=0
	export ASAN_OPTIONS
	poor="strace -f -o /dev/null -e trace=linkat,renameat2
		-e inject=linkat:error=EPERM -e inject=renameat2:error=EINVAL"
	mkdir ../poor && cd ../poor || exit 99
	run $poor "$VARVE" extract ../repo::one small
	is "$status$err" 0 "a file system without links and safe renaming"
	is "$(cat small)" hello "what is restored there"
	is "$(find . -name '.varve-*')" "" "and nothing is left over"
	run $poor "$VARVE" init -e repokey store
	is "$status" 0 "a repository on one: init"
	run $poor "$VARVE" create store::one small
	is "$status$err" 0 "create"
	run $poor "$VARVE" check --verify-data store
	is "$status" 0 "check"
	unset ASAN_OPTIONS
	# A pack that may not be read is not a damaged one.
	pack=$(cd ../repo && find packs -type f -size -900k | head -n 1)
	ASAN_OPTIONS=detect_leaks=0
	export ASAN_OPTIONS
	mkdir ../refused && cd ../refused || exit 99
	run strace -f -o /dev/null -P "$pack" -e trace=openat,openat2 \
		-e inject=openat,openat2:error=EACCES "$VARVE" extract \
		../repo::one small
	unset ASAN_OPTIONS
	is "$status" 21 "no permission to read a pack"
	like "$err" "*Permission denied*" "is said"
else
	pass "# SKIP no strace"
fi
cd ..

# Fewer descriptors than directories and files at once.
mkdir few && cd few || exit 99
run sh -c "ulimit -n 40 && exec '$VARVE' extract ../repo::one sub small"
is "$status$err" 0 "few descriptors suffice"
cd ..
done_testing
