#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# mount.varve, as mount(8) calls it: with a program that notes how it was
# called in the place of varve, and then for real.

. "$(dirname "$0")/lib.sh"
helper=$top/../../contrib/mount/mount.varve

mkdir fake && cat >fake/varve <<'EOF'
#!/bin/sh
printf '<%s>' "$@"
echo
echo "$VARVE_PASSCOMMAND|${VARVE_KEY_FILE-unset}"
exit "${FAKE_STATUS-0}"
EOF
chmod +x fake/varve
unset VARVE_PASSPHRASE
VARVE_PASSCOMMAND='from outside'
export VARVE_PASSCOMMAND
path=$PATH

# helper ARGUMENT...: what varve was called with, and the variables it saw
helper()
{
	run env PATH="$scratch/fake:$path" "$helper" "$@"
	called=${out%%
*}
	saw=${out#*
}
}

# --- arguments

helper '/a b/repo::x' '/m t' -o rw
is "$status" 0 "plain: status"
is "$called" '<mount><--></a b/repo::x></m t>' "rw is dropped, words stay whole"
is "$saw" 'from outside|unset' "the environment passes"
helper /repo /mnt -n -s -v -t varve -o ro,allow_other -o uid=7,umask=077
is "$called" '<mount><-v><-o><ro,allow_other,uid=7,umask=077><--></repo></mnt>' \
	"all options of all -o"
helper /repo /mnt -o \
	rw,noauto,nofail,_netdev,user=ann,x-systemd.automount,nosuid,X-a=b,comment=c
is "$called" '<mount><-o><nosuid><--></repo></mnt>' \
	"what is for mount(8) and systemd is dropped"
helper /repo /mnt -o 'fsname=*'
is "$called" '<mount><-o><fsname=*><--></repo></mnt>' "nothing is expanded"
helper /repo /mnt -f -o rw
is "$status$out" 0 "fake: nothing happens"
helper -o /mnt
is "$called" '<mount><--><-o></mnt>' "a spec is never an option"
FAKE_STATUS=52
export FAKE_STATUS
helper /repo /mnt
unset FAKE_STATUS
is "$status" 32 "a mount that fails has mount's status"
for words in '/repo' '/repo /mnt -x' '/repo /mnt more' '/repo /mnt -N 7'; do
	# shellcheck disable=SC2086 # several words
	helper $words
	is "$status$out" 1 "$words: refused, varve is not called"
done

# --- env=

# settings MODE LINE...: a file of them
settings()
{
	mode=$1
	shift
	rm -f set.env
	printf '%s\n' "$@" >set.env
	chmod "$mode" set.env
}

# refused NAME: with these settings varve is not called
refused()
{
	helper /repo /mnt -o env=set.env
	is "$status$out" 1 "$1: refused, varve is not called"
	like "$err" 'mount.varve: env=set.env: *' "$1: message"
}

settings 600 '# a comment' '' 'VARVE_PASSCOMMAND=cat "/a b" $(touch made)' \
	'VARVE_KEY_FILE=/k=1 '
helper /repo /mnt -o rw,env=set.env,ro
is "$called" '<mount><-o><ro><--></repo></mnt>' "env= itself is not passed on"
is "$saw" 'cat "/a b" $(touch made)|/k=1 ' "values are taken as they stand"
ok "nothing in them is run" test ! -e made
printf 'VARVE_KEY_FILE=/k' >set.env
helper /repo /mnt -o env=set.env
is "$saw" 'from outside|/k' "a last line without a newline counts"

for mode in 640 604 620 602 610; do
	settings $mode 'VARVE_KEY_FILE=/k'
	refused "mode $mode"
done
settings 600 'VARVE_KEY_FILE=/k' 'PATH=/evil'
refused "another variable"
for line in 'VARVE_KEY_FILE' 'VARVE_ x=y' 'VARVE_a=y' ' VARVE_KEY_FILE=/k' \
	'export VARVE_KEY_FILE=/k'; do
	settings 600 "$line"
	refused "'$line'"
done
rm -f set.env
refused "no file"
mkdir set.env
refused "a folder"
rmdir set.env
if [ "$(id -u)" -eq 0 ]; then
	settings 600 'VARVE_KEY_FILE=/k'
	chown 12345 set.env
	refused "somebody else's"
fi

# --- for real

# Fails while it is not mounted, which is all that is wanted then.
trap 'fusermount3 -u "$scratch/mnt" 2>/dev/null
	rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
if [ ! -e /dev/fuse ] || ! command -v fusermount3 >/dev/null ||
	! "$VARVE" mount --help >/dev/null 2>&1; then
	pass "mounting for real # SKIP needs /dev/fuse, fusermount3, varve mount"
	done_testing
fi
mkdir bin src mnt
ln -s "$VARVE" bin/varve
echo content >src/file
VARVE_PASSPHRASE='a passphrase' varve init repo
VARVE_PASSPHRASE='a passphrase' varve create repo::one src
settings 600 'VARVE_PASSCOMMAND=echo "a passphrase"'
run env PATH="$scratch/bin:$path" "$helper" "$scratch/repo::one" \
	"$scratch/mnt" -o "rw,nosuid,nodev,x-systemd.automount,env=set.env"
is "$status$err" 0 "mounts"
is "$(cat mnt/src/file)" content "what was backed up is there"
run varve umount mnt
is "$status" 0 "unmounts"
ok "nothing is there any more" test ! -e mnt/src
printf 'VARVE_PASSCOMMAND=echo wrong\n' >set.env
run env PATH="$scratch/bin:$path" "$helper" "$scratch/repo::one" \
	"$scratch/mnt" -o env=set.env
is "$status" 32 "a wrong passphrase does not mount"
ok "nothing is there" test ! -e mnt/src
done_testing
