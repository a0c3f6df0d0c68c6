#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Mounting and unmounting: what is refused, how it goes to the background and
# ends, what is shown, and to whom.
. "$(dirname "$0")/mountlib.sh"

m=$scratch/m
mkdir m n src || exit 99
printf 'hello\n' >src/file
printf 'secret\n' >src/private
chmod 644 src/file
chmod 600 src/private
varve init repo >/dev/null 2>&1 || exit 99
(cd src && varve create ../repo::one .) || exit 99
(cd src && varve create --series nightly ../repo::two .) || exit 99
host=$(varve info --json repo::one | python3 -c '
import json, sys
print(json.load(sys.stdin)["archives"][0]["hostname"])')

# --- what is refused, with nothing left behind ---

refuses 2 "*missing*" mount repo "$scratch/missing"
refuses 2 "*file*" mount repo "$scratch/src/file"
refuses 31 "*nope*" mount repo::nope "$m"
refuses 13 "*" mount nowhere "$m"
refuses 2 "*" mount repo
refuses 2 "*nonsense*" mount -o nonsense repo "$m"
refuses 2 "*uid*" mount -o uid=x repo "$m"
refuses 2 "*" mount -o umask=9 repo "$m"
refuses 2 "*" mount -o cache=much repo "$m"
refuses 2 "*8M*" mount -o cache=1M repo "$m"
VARVE_PASSPHRASE=wrong refuses 52 "*passphrase*" mount repo "$m"
refuses 2 "*" mount repo "$scratch/repo"
refuses 2 "*" mount repo "$scratch/repo/packs"
ln -s repo/packs link
refuses 2 "*" mount repo "$scratch/link"
mkdir outer && varve init outer/repo >/dev/null 2>&1 || exit 99
refuses 2 "*" mount outer/repo "$scratch/outer"
ln -s outer/repo there
refuses 2 "*" mount there "$scratch/outer"
ok "no process is left" has_no_daemon "$m"
is "$(mounts_below "$scratch")" "" "and nothing is mounted"

# --- to the background ---

mounts "mounts" repo "$m"
is "$(ls m)" "$(printf 'archives\nby-host\nby-series\nlatest')" \
	"and answers at once"
is "$(cat m/archives/one/file)" hello "with content"
is "$(cat m/latest/file)" hello "also of the latest"
is "$(readlink m/latest)" archives/two "which is a link"
is "$(ls m/archives)" "$(printf 'one\ntwo')" "a folder for each archive"
is "$(readlink "m/by-host/$host/one")" ../../archives/one "by host"
is "$(cat "m/by-host/$host/two/file")" hello "and through it"
is "$(ls m/by-series/nightly | tr '\n' ' ')" "latest two " "by series"
is "$(cat m/by-series/nightly/latest/file)" hello "and its latest"
pid=$(daemon_of "$m")
is "$(readlink "/proc/$pid/cwd")" / "it keeps no folder busy"
for fd in 0 1 2; do
	like "$(readlink "/proc/$pid/fd/$fd")" "/dev/null" \
		"nor descriptor $fd of its caller"
done
is "$(cut -d ' ' -f 6 "/proc/$pid/stat")" "$pid" \
	"and is in a session of its own"
options=$(awk -v at="$m" '$5 == at { print "," $6 "," }' /proc/self/mountinfo)
for option in ro nosuid nodev; do
	like "$options" "*,$option,*" "mounted with $option"
done
ok "statfs answers" stat -f -c '# %T, %b blocks' m/archives/one

# --- read-only ---

is "$(python3 - m/archives/one <<'PY'
import errno, os, sys
top = sys.argv[1]
file, new = top + "/file", top + "/new"
bad = []
def refused(what, fn, *args, **kwargs):
    try:
        fn(*args, **kwargs)
        bad.append(what)
    except OSError as e:
        if e.errno != errno.EROFS:
            bad.append(f"{what}: {e.strerror}")
refused("open to write", os.open, file, os.O_WRONLY)
refused("open to read and write", os.open, file, os.O_RDWR)
refused("open to append", os.open, file, os.O_WRONLY | os.O_APPEND)
refused("truncate", os.truncate, file, 0)
refused("open and truncate", os.open, file, os.O_RDWR | os.O_TRUNC)
refused("create", os.open, new, os.O_WRONLY | os.O_CREAT)
refused("mkdir", os.mkdir, new)
refused("mknod", os.mkfifo, new)
refused("symlink", os.symlink, "file", new)
refused("link", os.link, file, new)
refused("unlink", os.unlink, file)
refused("rmdir", os.rmdir, top)
refused("rename", os.rename, file, new)
refused("chmod", os.chmod, file, 0o600)
refused("chown", os.chown, file, 0, 0)
refused("utime", os.utime, file)
refused("setxattr", os.setxattr, file, "user.a", b"b")
refused("removexattr", os.removexattr, file, "user.a")
refused("mkdir beside archives", os.mkdir, top + "/../../new")
print(", ".join(bad))
PY
)" "" "every kind of change gets EROFS"
is "$(cat m/archives/one/file)" hello "and changes nothing"

# --- who may look ---

as_nobody()
{
	setpriv --reuid 65534 --regid 65534 --clear-groups -- "$@"
}
chmod 755 "$scratch"
if [ "$is_root" = yes ]; then
	run as_nobody ls "$m"
	ok "another user may not look" [ "$status" -ne 0 ]
	mkdir others
	mounts "allow_other" -o allow_other repo::one "$scratch/others"
	is "$(as_nobody cat others/file)" hello "another user may"
	run as_nobody cat others/private
	ok "but not what the mode forbids" [ "$status" -ne 0 ]
	like "$err" "*Permission denied*" "for which it is told"
	unmounts "$scratch/others"
	mounts "ignore_permissions" -o allow_other,ignore_permissions \
		repo::one "$scratch/others"
	is "$(as_nobody cat others/private)" secret "unless told to ignore it"
	unmounts "$scratch/others"
fi

# --- ends ---

unmounts "$m"
ok "the process ends" wait_for is_gone "$pid"
is "$(ls m)" "" "the folder is as it was"
run varve umount "$m"
ok "what is not mounted: status" [ "$status" -ne 0 ]
like "$err" "varve: *m*" "what is not mounted: says so"
run varve umount "$scratch/missing"
ok "what is not there: status" [ "$status" -ne 0 ]

mounts "again" repo::one "$m"
is "$(cat m/file)" hello "one archive"
(cd m && exec sleep 60) &
holder=$!
wait_for sh -c "[ \"\$(readlink /proc/$holder/cwd)\" = '$m' ]"
run varve umount "$m"
ok "busy: status" [ "$status" -ne 0 ]
like "$err" "varve: *in use*" "busy: says so"
is "$(cat m/file)" hello "busy: still there"
kill "$holder"
wait "$holder" 2>/dev/null
unmounts "$m"

mounts "to be killed" repo::one "$m"
pid=$(daemon_of "$m")
kill -9 "$pid"
ok "killed" wait_for is_gone "$pid"
run ls "$m"
ok "nobody answers" [ "$status" -ne 0 ]
unmounts "$m"
is "$(ls m)" "" "the folder can be used again"

mounts "to be terminated" repo::one "$m"
pid=$(daemon_of "$m")
kill -TERM "$pid"
ok "ends" wait_for is_gone "$pid"
ok "and is unmounted" wait_for not is_mounted "$m"

mounts "to be terminated in use" repo::one "$m"
pid=$(daemon_of "$m")
exec 9<m/file
kill -TERM "$pid"
ok "ends" wait_for is_gone "$pid"
ok "and is unmounted" wait_for not is_mounted "$m"
exec 9<&-

mounts "to be unmounted by another" repo::one "$m"
pid=$(daemon_of "$m")
fusermount3 -u "$m"
ok "ends as well" wait_for is_gone "$pid"

# In the foreground; what it says goes to standard error.
"$VARVE" mount -f repo::one "$m" >f.out 2>f.err </dev/null &
pid=$!
ok "in the foreground" wait_for test -e m/file
is "$(daemon_of "$m")" "$pid" "it is the process itself"
kill -INT "$pid"
wait "$pid"
is "$?" 0 "and ends with success"
ok "unmounted" not is_mounted "$m"
"$VARVE" mount -f repo::one "$m" >f.out 2>f.err </dev/null &
pid=$!
wait_for test -e m/file
varve umount "$m"
wait "$pid"
is "$?" 0 "also when it is unmounted"

# Nobody waits for an end of file that never comes.
ok "does not hold a pipe" timeout 60 sh -c \
	'said=$("$VARVE" mount repo::one "$1" 2>&1); [ -z "$said" ]' sh "$m"
is "$(cat m/file)" hello "and mounted"
unmounts "$m"
ok "with standard input closed" "$VARVE" mount repo::one "$m" <&-
is "$(cat m/file)" hello "and mounted"
unmounts "$m"
ok "with all closed" sh -c '"$VARVE" mount repo::one "$1" <&- >&- 2>&-' sh "$m"
is "$(cat m/file)" hello "and mounted"
unmounts "$m"
(cd m && varve mount ../repo::one .)
is "$(cat m/file)" hello "with a relative mount point"
run varve umount m
is "$status $err" "0 " "and unmounted by it"

# --- equal names ---

# Two clients made archives of one name at the same time.
cp -a repo other || exit 99
(cd src && varve create ../repo::same .) || exit 99
printf 'different\n' >src/file
(cd src && VARVE_BASE_DIR=$scratch/elsewhere varve create ../other::same .) ||
	exit 99
cp -an other/. repo/
mounts "equal names" repo "$m"
is "$(ls m/archives | sed 's/~[0-9a-f]\{8\}$/~/' | sort -u | tr '\n' ' ')" \
	"one same~ two " "get a part of the id"
is "$(cat m/archives/same~*/file | sort | tr '\n' ' ')" "different hello " \
	"each is its own"
unmounts "$m"

done_mounting
