#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# umount through symbolic links to the mount point.

. "$(dirname "$0")/mountlib.sh"

mkdir src mnt dir
printf 'text\n' >src/file
varve init repo 2>/dev/null
varve create repo::one src
ln -s mnt link
ln -s ../link dir/second
ln -s "$scratch/mnt/" absolute
ln -s loop loop
ln -s nowhere dangling

for name in link dir/second absolute "$scratch/link/"; do
	varve mount repo::one mnt
	is "$(mounts_below "$scratch")" "$scratch/mnt" "mounted"
	run varve umount "$name"
	is "$status" 0 "umount $name"
	is "$(mounts_below "$scratch")" "" "it is not mounted any more"
done
refuses 2 "nothing is mounted by varve at '$scratch/mnt'*" umount link
refuses 2 "nothing is mounted by varve at '$scratch/loop'*" umount loop
refuses 2 "nothing is mounted by varve at '$scratch/nowhere'*" umount dangling

done_testing
