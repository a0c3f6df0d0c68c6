#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Limits of the process: an archive is complete or is not made, and the message
# says what ran out.

. "$(dirname "$0")/lib.sh"

# limited OPTION VALUE COMMAND...: under a limit that cannot be raised again
limited()
{
	(
		ulimit "$1" "$2" || exit 99
		shift 2
		exec "$@"
	)
}

paths()
{
	varve list --short "$1" | wc -l
}

varve init repo 2>/dev/null || exit 99
varve key add --key-file "$scratch/key" repo >/dev/null 2>&1 || exit 99
VARVE_KEY_FILE=$scratch/key
export VARVE_KEY_FILE

# --- descriptors ---

# Each directory holds a file before and one behind the next directory.
cat >deep.py <<'EOF'
import os, sys
os.mkdir(sys.argv[1])
os.chdir(sys.argv[1])
for _ in range(int(sys.argv[2])):
    for name in "a", "z":
        open(name, "w").write(name)
    os.mkdir("d")
    os.chdir("d")
EOF
python3 deep.py deep 100 && python3 deep.py deeper 3000 || exit 99
run limited -n 60 "$VARVE" create repo::deep deep
is "$status" 0 "60 descriptors, 100 levels: status"
is "$err" "" "60 descriptors, 100 levels: nothing is told"
is "$(paths repo::deep)" 301 "60 descriptors, 100 levels: everything is there"
run limited -n 256 "$VARVE" create repo::deeper deeper
is "$status" 0 "256 descriptors, 3000 levels: status"
is "$err" "" "256 descriptors, 3000 levels: nothing is told"
is "$(paths repo::deeper)" 9001 \
    "256 descriptors, 3000 levels: everything is there"
# Whatever is too few, the run fails or its archive is complete.
made=0 wrong=0 n=6
while [ $n -lt 40 ]; do
	run limited -n $n "$VARVE" create "repo::few$n" deep
	case $status in
	# With 1 the archive is made, but the state could not be written.
	[01])
		made=$((made + 1))
		[ "$(paths "repo::few$n")" = 301 ] || wrong=$n
		case $status$err in
		0 | 1*"cannot remember"*) ;;
		*) wrong="$n: $status: $err" ;;
		esac
		;;
	2) ;;
	*) wrong="$n: $status: $err" ;;
	esac
	n=$((n + 3))
done
is "$wrong" 0 "few descriptors: complete, or none"
run limited -n 6 "$VARVE" create repo::six deep
is "$status" 2 "six descriptors: status"
python3 -c "
import os, shutil
for top in 'deep', 'deeper':
    os.chdir(top)
    depth = 0
    while os.path.isdir('d'):
        os.chdir('d')
        depth += 1
    for _ in range(depth):
        os.chdir('..')
        os.remove('a'), os.remove('z'), os.rmdir('d') if not os.listdir('d') \
            else shutil.rmtree('d')
    os.chdir('..')
"

# --- depth ---

# A path that nothing could restore is not in the archive.
python3 -c "
import os
os.mkdir('long'), os.chdir('long')
for _ in range(4200):
    os.mkdir('d' * 250), os.chdir('d' * 250)
"
run varve create repo::long long
is "$status" 1 "a path of more than 1 MiB: status"
is "$(echo "$err" | wc -l)" 1 "a path of more than 1 MiB: is told once"
run varve extract --dry-run repo::long
is "$status" 0 "a path of more than 1 MiB: the rest can be restored"
run varve check repo
is "$status" 0 "a path of more than 1 MiB: check"
rm -rf long 2>/dev/null || mv long "$HOME"

# What a run takes for each directory that it is in, the first and the second
# time. The sanitizer takes more.
if ldd "$VARVE" | grep -q 'lib[at]san'; then
	pass "memory for each level # SKIP built with a sanitizer"
else
	python3 -c "
import os
os.mkdir('levels'), os.chdir('levels')
for _ in range(10000):
    os.mkdir('d'), os.chdir('d')
"
	mkdir flat
	cat >peak.py <<'EOF'
import os, subprocess, sys
peaks = []
for name, source in ("flat", "flat"), ("once", "levels"), ("twice", "levels"):
    process = subprocess.Popen([sys.argv[1], "create", "repo::" + name, source])
    peaks.append(os.wait4(process.pid, 0)[2].ru_maxrss)
print(*((peak - peaks[0]) // 10000 for peak in peaks[1:]))
EOF
	is "$(python3 peak.py "$VARVE" | tr '0123' '....')" ". ." \
	    "memory for each level: less than 4 KiB"
	rm -rf levels 2>/dev/null || mv levels "$HOME"
fi

# --- sizes of files ---

mkdir data && head -c 3000000 /dev/urandom >data/f
run limited -f 1000 "$VARVE" create repo::large data
is "$status" 2 "a limit of the size of files: status"
like "$err" "varve: *packs/*File too large; raise the limit*ulimit -f*" \
    "a limit of the size of files: message"
run varve create repo::large data
is "$status" 0 "a limit of the size of files: the next run"

# --- stacks ---

for command in "create repo::stack data" "extract --dry-run repo::large" \
    "check repo" "list repo::large"; do
	run limited -s 64 "$VARVE" $command
	is "$status" 0 "a stack of 64 KiB: varve $command"
done

done_testing
