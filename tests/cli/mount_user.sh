#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A user without rights of the administrator mounts by way of fusermount3.
. "$(dirname "$0")/mountlib.sh"

# Where /dev/fuse is for root alone, as in containers, open it to all, but for
# this test only.
if [ "$is_root" = yes ] && [ "${1:-}" != inside ] &&
	! setpriv --reuid 65534 sh -c ': <>/dev/fuse' 2>/dev/null; then
	if unshare -m sh -c 'mknod "$1" c 10 229 && chmod 666 "$1" &&
		mount --bind "$1" /dev/fuse && : <>/dev/fuse' sh \
		"$scratch/device" 2>/dev/null; then
		rm -f "$scratch/device"
		unshare -m sh -c 'mknod "$1" c 10 229 && chmod 666 "$1" &&
			mount --bind "$1" /dev/fuse && rm "$1" &&
			exec sh "$2" inside' sh "$scratch/device" "$top/mount_user.sh"
		exit
	fi
	skip_all "another user cannot open /dev/fuse"
fi

if [ "$is_root" = yes ]; then
	chmod 755 "$scratch"
	mkdir "$scratch/user" && chown 65534:65534 "$scratch/user" || exit 99
	HOME=$scratch/user/home VARVE_BASE_DIR=$scratch/user/home
	as="setpriv --reuid 65534 --regid 65534 --clear-groups --"
else
	mkdir "$scratch/user" || exit 99
	as=
fi
user()
{
	$as "$@"
}
cd user || exit 99
m=$scratch/user/m
user mkdir home m src || exit 99
user "$VARVE" version >/dev/null 2>&1 ||
	skip_all "another user cannot start $VARVE"
user sh -c 'echo hello >src/file && umask 077 && echo mine >src/private'
user "$VARVE" init repo >/dev/null 2>&1 || exit 99
(cd src && user "$VARVE" create ../repo::one .) || exit 99

run user "$VARVE" mount repo::one "$m"
[ "$status" -eq 0 ] || {
	echo "# $err"
	[ -u "$(command -v fusermount3)" ] ||
		skip_all "fusermount3 may not mount for others"
}
is "$status $err$out" "0 " "mounts"
is "$(user cat m/file m/private)" "$(printf 'hello\nmine')" "shows files"
[ "$is_root" = no ] || ok "root may not look" not ls m
pid=$(daemon_of "$m")
$as sh -c 'cd m && exec sleep 60' &
holder=$!
wait_for sh -c "[ \"\$(readlink /proc/$holder/cwd)\" = '$m' ]"
run user "$VARVE" umount "$m"
ok "in use: status" [ "$status" -ne 0 ]
like "$err" "*varve: *in use*" "in use: says so"
kill "$holder"
wait "$holder" 2>/dev/null
run user "$VARVE" umount "$m"
is "$status $err" "0 " "unmounts"
ok "nothing is mounted" not is_mounted "$m"
ok "the process ends" wait_for is_gone "$pid"
run user "$VARVE" umount "$m"
ok "not mounted: status" [ "$status" -ne 0 ]

user "$VARVE" mount repo "$m"
kill -9 "$(daemon_of "$m")"
wait_for has_no_daemon "$m"
run user "$VARVE" umount "$m"
is "$status $err" "0 " "unmounts what was killed"
ok "nothing is left" not is_mounted "$m"

if [ "$is_root" = yes ]; then
	mkdir "$scratch/root" || exit 99
	run user "$VARVE" mount repo "$scratch/root"
	is "$status" 21 "a folder of another: status"
	like "$err" "*varve: *root*" "a folder of another: says so"
	if ! grep -q '^user_allow_other' /etc/fuse.conf; then
		run user "$VARVE" mount -o allow_other repo "$m"
		is "$status" 21 "allow_other without permission: status"
		like "$err" "*user_allow_other*" "and what it needs"
	fi
	is "$(mounts_below "$scratch")" "" "nothing is mounted"
	ok "no process is left" has_no_daemon "$scratch/root"
fi

done_mounting
