#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# create --read-special: devices and FIFOs, by name and through symlinks.
. "$(dirname "$0")/lib.sh"

run varve init repo

# write FIFO TEXT: nobody may be reading.
write()
{
	timeout 20 sh -c 'echo "$2" >"$1"' sh "$1" "$2"
}

listed()
{
	varve list --format '{mode} {size} {path}{extra}{NL}' "$@"
}

# --- symlinks to a FIFO ---

mkdir src dir && mkfifo -m 640 dir/fifo && ln -s ../dir/fifo src/link
ln -s ../dir src/to-dir && ln -s nowhere src/broken && ln -s plain src/to-file
echo plain >src/plain

ok "without --read-special" varve create repo::plain src
like "$(listed repo::plain src/link)" "l* src/link -> ../dir/fifo" \
    "without --read-special a symlink to a FIFO is a symlink"

write dir/fifo 'from the fifo' &
run varve create --read-special --list repo::fifo src
wait
is "$status" 0 "symlink to a FIFO: status"
is "$(listed repo::fifo src/link)" "-rw-r----- 14 src/link" \
    "symlink to a FIFO: stored as a file of the target's mode"
is "$(varve extract --stdout repo::fifo src/link)" "from the fifo" \
    "symlink to a FIFO: content"
is "$(listed repo::fifo | grep -c '^l')" 3 \
    "symlinks to a directory, to a file and to nothing stay symlinks"

write dir/fifo 'as a source' &
run varve create --read-special repo::source src/link
wait
is "$(varve extract --stdout repo::source)" "as a source" \
    "symlink to a FIFO: itself a source"

write dir/fifo 'as a path' &
echo src/link | varve create --read-special --paths-from-stdin repo::paths
wait
is "$(varve extract --stdout repo::paths)" "as a path" \
    "symlink to a FIFO: in a list of paths"

run varve create --read-special --dry-run --list repo::dry src
is "$status" 0 "a dry run opens no FIFO"

# --- two names of one FIFO ---

# A writer that opens the FIFO before the reader of the name before has closed
# it would write to that reader, or lose what it wrote: each waits until the
# name before is listed as stored, and a moment longer.

# in_turn DIR COMMAND: run COMMAND 1 >DIR/a, later COMMAND 2 >DIR/b.
in_turn()
{
	timeout 20 sh -c "$2 1 >$1/a"
	for _ in $(seq 200); do
		grep -q " $1/a\$" "$1.log" && break
		sleep 0.1
	done
	sleep 0.5
	timeout 20 sh -c "$2 2 >$1/b"
}

mkdir two && mkfifo two/a && ln two/a two/b && : >two.log
in_turn two 'echo' &
varve create --read-special --threads 1 --list repo::two two 2>two.log
wait
is "$(varve extract --stdout repo::two two/a two/b)" "1
2" "two names of a FIFO share no content"

# One name is read after the other: each gets all that one process writes.
mkdir shared && mkfifo shared/a && ln -s a shared/b && : >shared.log
in_turn shared 'head -c 300000 /dev/zero | tr "\0"' &
varve create --read-special --list repo::shared shared 2>shared.log
is "$?" 0 "two names of a FIFO at once: status"
wait
for name in a b; do
	is "$(varve extract --stdout repo::shared "shared/$name" | wc -c)" \
	    300000 "two names of a FIFO at once: shared/$name is whole"
done

# --- a FIFO without a writer ---

mkdir alone && mkfifo alone/fifo && echo after >alone/zzz
mkfifo messages
varve create --read-special repo::alone alone 2>messages &
varve_pid=$!
{
	read -r line
	like "$line" "varve: alone/fifo: waiting until a process writes*" \
	    "a FIFO without a writer is reported"
	write alone/fifo late
	is "$(cat)" "" "a FIFO without a writer is reported once"
} <messages
wait "$varve_pid"
is "$?" 0 "a FIFO whose writer comes late: status"
is "$(varve extract --stdout repo::alone)" "late
after" "a FIFO whose writer comes late: content"

# As a child that a shell starts in the background it would ignore SIGINT.
python3 - "$VARVE" <<'EOF'
import signal, subprocess, sys
process = subprocess.Popen(
    [sys.argv[1], "create", "--read-special", "repo::stopped", "alone"],
    stderr=subprocess.PIPE, text=True)
for line in process.stderr:
    if "waiting until" in line:
        process.send_signal(signal.SIGINT)
sys.exit(process.wait() != -signal.SIGINT)
EOF
is "$?" 0 "a FIFO without a writer: SIGINT ends the run"

# --- devices ---

loop=
trap '[ -z "$loop" ] || losetup -d "$loop"
	chmod -R u+rwX "$scratch"; rm -rf "$scratch"' EXIT
dd if=/dev/urandom of=image bs=1024 count=1536 2>/dev/null
if ! loop=$(losetup -f --show image 2>/dev/null); then
	loop=
	done_testing
fi
mkdir dev && ln -s "$loop" dev/disk

run varve create --read-special repo::disk dev
is "$status" 0 "symlink to a block device: status"
like "$(listed repo::disk dev/disk)" "-rw* 1572864 dev/disk" \
    "symlink to a block device: stored as a file of its size"
ok "symlink to a block device: content" \
    sh -c '"$VARVE" extract --stdout repo::disk dev/disk | cmp - image'

# Its times, size and inode stay the same.
printf changed | dd of="$loop" bs=1 conv=notrunc,fsync 2>/dev/null
run varve create --read-special --list repo::disk2 dev
like "$err" "*M dev/disk*" "a block device is never unchanged"
ok "a block device that changed: content" \
    sh -c '"$VARVE" extract --stdout repo::disk2 dev/disk | cmp - image'

# Without the file behind it, the end of the device cannot be read.
truncate -s 512K image && blockdev --flushbufs "$loop" && echo x >dev/zzz
run varve create --read-special --list repo::short dev
is "$status" 1 "a device that ends with an error: status"
like "$err" "*dev/disk: read: Input/output error*" \
    "a device that ends with an error is reported"
like "$err" "*E dev/disk*" "a device that ends with an error: E"
is "$(varve extract --stdout repo::short)" "x" \
    "a device that ends with an error: the rest is stored"

done_testing
