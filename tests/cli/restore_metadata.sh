#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What the system says it did to a file's metadata, and did not do, is
# reported: once for each kind, with a count.
. "$(dirname "$0")/lib.sh"

strace -f -o /dev/null -e trace=none true 2>/dev/null || skip_all "no strace"
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS

# restore_but CALL RESULT [OPTION...]: into a fresh directory, while a system
# call does nothing and has that result.
restore_but()
{
	call=$1 result=$2
	shift 2
	rm -rf to && mkdir to && cd to || exit 99
	run strace -f -o /dev/null -e trace="$call" \
		-e inject="$call:$result" "$VARVE" extract "$@" ../repo::one
	cd ..
}

mkdir src && cd src || exit 99
for name in a b c; do
	echo $name >$name
	chmod 640 $name
done
touch -d '2001-02-03 04:05:06.789' a b c
cd .. || exit 99
varve init -e repokey repo >/dev/null 2>&1 || exit 99
(cd src && varve create ../repo::one a b c) >/dev/null 2>&1 || exit 99

restore_but utimensat retval=0
is "$status" 1 "times that are not as they were set"
like "$err" "varve: ?: modification time is not restored: the file system stored 20* instead of 2001-02-03 04:05:06.789000000
varve: 2 more warnings like '?': modification time is not restored" \
	"are reported once, with a count"
is "$(cat to/a to/b to/c)" "$(cat src/a src/b src/c)" "content is restored"

restore_but fchmod retval=0
is "$status" 1 "a mode that is not as it was set"
like "$err" "varve: ?: mode is not restored: the file system stored 0600 instead of 0640
varve: 2 more warnings like '?': mode is not restored" "is reported"

restore_but utimensat retval=0 -v
is "$(printf '%s\n' "$err" | grep -c 'instead of 2001')" 3 \
	"all of them with --info"
restore_but utimensat retval=0 --log-json
is "$(printf '%s\n' "$err" | grep -c '"levelname": *"WARNING"')" 2 \
	"once and a count in JSON, too"
like "$err" "*2 more warnings like*" "with the same text"

if [ "$(id -u)" = 0 ]; then
	chown 12:34 src/*
	varve create repo::two src/./a src/./b >/dev/null 2>&1 || exit 99
	rm -rf to && mkdir to && cd to || exit 99
	run strace -f -o /dev/null -e trace=fchownat \
		-e inject=fchownat:retval=0 "$VARVE" extract ../repo::two
	cd ..
	is "$status" 1 "an owner that is not as it was set"
	like "$err" "varve: ?: owner is not restored: the file system stored 0:0 instead of 12:34
varve: 1 more warning like '?': owner is not restored" "is reported"
else
	pass "# SKIP not root"
fi

cd src || exit 99
if setfattr -n user.n0 -v v a 2>/dev/null; then
	for i in $(seq 59); do setfattr -n user.n$i -v v a || exit 99; done
	varve delete ../repo::one >/dev/null 2>&1 || exit 99
	varve create ../repo::one a b c >/dev/null 2>&1 || exit 99
	cd ..
	restore_but fsetxattr error=EOPNOTSUPP
	is "$status" 1 "60 attributes on a file system without them"
	is "$err" "varve: a: attribute is not restored: set attribute user.n0: Operation not supported
varve: 59 more warnings like 'a': user.* attributes are not restored: Operation not supported" \
		"are two lines"
	restore_but fsetxattr retval=0
	is "$status" 1 "60 attributes that are not there after they were set"
	is "$err" "varve: a: attribute user.n0 is not restored: the file system did not store it
varve: 59 more warnings like 'a': user.* attributes are not restored" \
		"are two lines"
else
	cd ..
	pass "# SKIP no extended attributes"
fi

chmod u+w src/c
if chattr +d src/c 2>/dev/null; then
	varve create repo::flags src/./c >/dev/null 2>&1 || exit 99
	rm -rf to && mkdir to && cd to || exit 99
	run strace -f -o /dev/null -e trace=ioctl -e inject=ioctl:retval=0 \
		"$VARVE" extract ../repo::flags
	cd ..
	is "$status" 1 "inode flags that are not as they were set"
	like "$err" "*c: inode flags are not restored: *" "are reported"
else
	pass "# SKIP no inode flags"
fi
# A file system that clamps times: ext4 with small inodes ends in 2038.
mkdir wide narrow || exit 99
truncate -s 8M image
cat >clamp <<'END'
mount -t tmpfs tmpfs wide && mount -o loop image narrow || exit 77
echo a >wide/a && touch -d @20000000000 wide/a || exit 99
"$VARVE" create repo::clamp wide/./a >/dev/null 2>&1 || exit 99
mkdir narrow/to && cd narrow/to && exec "$VARVE" extract ../../repo::clamp
END
run mkfs.ext4 -q -F -I 128 image
[ "$status" = 0 ] && run unshare -m sh clamp
case "$status $err" in
0*|1*varve:*)
	is "$status" 1 "a time that the file system clamps"
	like "$err" "varve: a: modification time is not restored: the file system stored 2038-01-19 03:14:07.000000000 instead of 2603-10-11 11:33:20.000000000" \
		"is reported"
	;;
*)
	pass "# SKIP no file system to mount"
	;;
esac
done_testing
