#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A folder of very many entries: all are there, in bounded memory. With --big
# 10^6 of them, in minutes.
. "$(dirname "$0")/mountlib.sh"

n=50000
[ "${1:-}" = --big ] && n=1000000
m=$scratch/m
mkdir -p m src/wide src/narrow || exit 99
python3 - src/wide "$n" <<'PY' || exit 99
import os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
for i in range(int(sys.argv[2])):
    if i % 1000 == 0:
        with open(f"{sys.argv[1]}/{i:08d}", "w") as f:
            f.write(f"{i}\n")
    else:
        os.mknod(f"{i:08d}", 0o100644, dir_fd=fd)
PY
varve init repo >/dev/null 2>&1 || exit 99
(cd src && varve create ../repo::a .) || exit 99
mounts "mounts" repo::a "$m"
pid=$(daemon_of "$m")
is "$(find m -xdev | wc -l)" $((n + 3)) "find sees every entry"
is "$(find m -xdev -type f -size +0 | wc -l)" $((n / 1000)) "with its size"
is "$(find m -xdev -printf '%i\n' | sort -u | wc -l)" $((n + 3)) \
	"and a number of its own"
last=$(printf %08d $((n - 1000)))
is "$(cat "m/wide/$last")" $((n - 1000)) "one by its name"
run cat m/wide/nothing
ok "and one that is not there" [ "$status" -ne 0 ]
is "$(cd m/wide && ls | sha256sum)" "$(cd src/wide && ls | sha256sum)" \
	"names are right"
peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$pid/status")
echo "# peak $peak KiB"
if [ "$is_asan" = yes ]; then
	echo "# not judged: ASan takes memory of its own"
else
	ok "in 256 MiB" [ "$peak" -le $((256 * 1024)) ]
fi
unmounts "$m"
done_mounting
