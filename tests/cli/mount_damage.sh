#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Damage in the repository: an error for that file, a line for a person, and
# all else as it was.
. "$(dirname "$0")/mountlib.sh"

m=$scratch/m
mkdir -p m src/sub || exit 99
printf 'inner\n' >src/sub/deep
head -c 3000000 /dev/urandom >src/random
varve init repo >/dev/null 2>&1 || exit 99
# Large content in a pack of its own, so that damage to it hits nothing else.
(cd src && varve create ../repo::large random) || exit 99
head -c 300000 /dev/urandom >src/sub/whole
(cd src && varve create ../repo::one .) || exit 99
pack=$(find repo/packs -type f -size +1000k | head -n 1)
chmod u+w "$pack"
printf 'XXXX' | dd of="$pack" bs=1 seek=1500000 conv=notrunc 2>/dev/null

"$VARVE" mount -f repo::one "$m" >f.out 2>f.err </dev/null &
pid=$!
ok "mounts" wait_for test -e m/sub/deep
run cat m/random
ok "a damaged file is an error" [ "$status" -ne 0 ]
like "$err" "*Input/output error*" "namely EIO"
is "$(stat -c %s m/random)" 3000000 "of which the rest is known"
is "$(head -c 60000 m/random | cmp - src/random 2>&1 | grep -v EOF)" "" \
	"what stands before is right"
is "$(cat m/sub/deep)" inner "others are whole"
ok "also large ones" cmp m/sub/whole src/sub/whole
is "$(ls m)" "$(printf 'random\nsub')" "folders are"
run dd if=m/random of=/dev/null bs=4096 skip=$((1500000 / 4096)) count=1
ok "it is still an error" [ "$status" -ne 0 ]
like "$(cat f.err)" "*random*${pack##*/}*" "path and object are told" ||
	like "$(cat f.err)" "*${pack##*/}*random*" "path and object are told"
ok "without end" [ "$(wc -l <f.err)" -lt 20 ]
unmounts "$m"
wait "$pid"
ok "ends" [ "$?" -le 1 ]

# A listing of a folder.
(cd src && varve create ../repo::two sub) || exit 99
cp -a repo broken || exit 99
mkdir src/more && echo new >src/more/new || exit 99
(cd src && varve create ../broken::three .) || exit 99
for new in $(cd broken && find packs -type f); do
	[ -e "repo/$new" ] && continue
	chmod u+w "broken/$new"
	python3 - "broken/$new" <<'PY' || exit 99
import sys
with open(sys.argv[1], "r+b") as f:
    n = f.seek(0, 2)
    for at in range(200, n - 200, 50):
        f.seek(at)
        f.write(b"\0\1\2\3")
PY
done
rm -rf "$HOME/.cache" "$HOME/cache"
mounts "a repository with a damaged folder" broken "$m"
run ls m/archives/three
ok "it is an error" [ "$status" -ne 0 ]
is "$(cat m/archives/two/sub/deep)" inner "other archives are whole"
is "$(ls m/archives | tr '\n' ' ')" "large one three two " "and listed"
unmounts "$m"

done_mounting
