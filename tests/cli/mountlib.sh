# SPDX-License-Identifier: BSD-2-Clause
# For tests of the mount, on top of lib.sh. Whatever is mounted below the
# scratch folder is unmounted at the end, also after a failure.

. "$(dirname "$0")/lib.sh"

mounts_below()
{
	awk -v top="$1/" 'index($5, top) == 1 { print $5 }' \
	    /proc/self/mountinfo | sort -r
}

clean_mounts()
{
	mounts_below "$scratch" | while read -r at; do
		fusermount3 -u -z "$at" 2>/dev/null || umount -l "$at"
	done
}
clean_all()
{
	clean_mounts
	chmod -R u+rwX "$scratch" 2>/dev/null
	rm -rf "$scratch"
}
trap clean_all EXIT

(: <>/dev/fuse) 2>/dev/null || skip_all "/dev/fuse cannot be opened"
command -v fusermount3 >/dev/null || skip_all "there is no fusermount3"
grep -q "subtype=varve" "$VARVE" || skip_all "varve was built without libfuse"

is_root=no
[ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && is_root=yes
is_asan=no
grep -q __asan_init "$VARVE" && is_asan=yes

# Nobody sees what a process in the background says: sanitizers write here.
mkdir "$scratch/reports" && chmod 1777 "$scratch/reports" || exit 99
for kind in ASAN LSAN TSAN UBSAN; do
	eval "${kind}_OPTIONS=\"\${${kind}_OPTIONS:+\$${kind}_OPTIONS:}\""
	eval "${kind}_OPTIONS=\"\${${kind}_OPTIONS}log_path=$scratch/reports/$kind\""
	export "${kind}_OPTIONS"
done

is_mounted()
{
	awk -v at="$(realpath -m -s "$1")" '$5 == at { n++ } END { exit !n }' \
	    /proc/self/mountinfo
}

# daemon_of MOUNTPOINT: the process that answers there, if there is one. The
# mount must have been given with its absolute path.
daemon_of()
{
	python3 - "$1" "$(realpath "$VARVE")" <<'PY'
import os, sys
at, program = map(os.fsencode, sys.argv[1:])
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            words = f.read().split(b"\0")
        if at in words and b"mount" in words and \
                os.readlink(os.fsencode(f"/proc/{pid}/exe")) == program:
            print(pid)
    except OSError:
        pass
PY
}

# wait_for COMMAND...: until it succeeds, at most a while
wait_for()
{
	tries=300
	until "$@" 2>/dev/null; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || return 1
		sleep 0.1
	done
}

is_gone()
{
	! kill -0 "$1"
}

has_no_daemon()
{
	[ -z "$(daemon_of "$1")" ]
}

# Processes of the test that still run.
has_no_process()
{
	python3 - "$scratch" "$(realpath "$VARVE")" <<'PY'
import os, sys
top, program = map(os.fsencode, sys.argv[1:])
for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f:
            if top in f.read() and \
                    os.readlink(os.fsencode(f"/proc/{pid}/exe")) == program:
                sys.exit(1)
    except OSError:
        pass
PY
}

done_mounting()
{
	ok "every process has ended" wait_for has_no_process
	cat "$scratch"/reports/* 2>/dev/null | sed 's/^/# /' | head -n 60
	is "$(ls "$scratch/reports")" "" "with nothing to report"
	done_testing
}

# mounts NAME ARGUMENT...: `varve mount ARGUMENT...` succeeds and says nothing
mounts()
{
	what=$1
	shift
	run varve mount "$@"
	is "$status $err$out" "0 " "$what"
	[ "$status" -eq 0 ]
}

# unmounts MOUNTPOINT
unmounts()
{
	run varve umount "$1"
	is "$status $err" "0 " "umount ${1##*/}"
	ok "nothing is mounted there" not is_mounted "$1"
}

not()
{
	! "$@"
}
