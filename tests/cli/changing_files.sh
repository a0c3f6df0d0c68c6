#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Files whose size and times say nothing: they are stored without a warning.
# What changes while it is read is tested in tests/unit/create.
. "$(dirname "$0")/lib.sh"

run varve init repo

run varve create repo::proc /proc/version /proc/sys/kernel/ostype
is "$status" 0 "files of proc: status"
is "$err" "" "files of proc: no warning"
is "$(varve extract --stdout repo::proc)" \
    "$(cat /proc/sys/kernel/ostype /proc/version)" "files of proc: content"

# Of 4096 bytes each, as sysfs says. Some device has never been looked at, and
# gets its times when its attributes are read.
[ -d /sys/class/tty ] || done_testing
run varve create repo::sys /sys/class/tty/*/dev
is "$status" 0 "files of sysfs: status"
is "$err" "" "files of sysfs: no warning"

done_testing
