#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# One tree of all versions, from the catalog.
. "$(dirname "$0")/mountlib.sh"

m=$scratch/m
mkdir -p m src/sub/deep || exit 99
varve init repo >/dev/null 2>&1 || exit 99

# version N TIME: sub/file has another content and time
version()
{
	printf 'version %s\n' "$1" >src/sub/file
	touch -d "$2" src/sub/file
}
# create NAME YEAR
create()
{
	(cd src && varve create --timestamp "$2-10-11T12:13:14" \
		"../repo::$1" .) || exit 99
}

printf 'always\n' >src/same
touch -d '2020-01-01 00:00:00' src/same
printf 'deep\n' >src/sub/deep/once
ln -s sub/file src/link
version 1 '2021-03-04 05:06:07'
create a 2021
create b 2022
version 2 '2022-03-04 05:06:07'
rm src/sub/deep/once
create c 2023
version 3 '2019-03-04 05:06:07'
create d 2024

mounts "mounts" -o versions repo "$m"
is "$(ls m | tr '\n' ' ')" "link same sub " "one tree"
ok "a file is a folder" test -d m/same
is "$(ls m/same | wc -l)" 1 "of one version where it never changed"
is "$(ls m/same)" "2021-10-11T12:13:14" "named by the first archive's time"
is "$(cat m/same/*)" always "with its content"
is "$(ls m/sub/file | cut -c 1-4 | tr '\n' ' ')" "2021 2023 2024 " \
	"several, in the order of archives"
for is in 1=2021=2021 2=2023=2022 3=2024=2019; do
	archive=${is#*=} archive=${archive%=*}
	is "$(cat m/sub/file/$archive*)" "version ${is%%=*}" \
		"content in $archive"
	is "$(stat -c %y m/sub/file/$archive* | cut -c 1-19)" \
		"${is##*=}-03-04 05:06:07" "time in $archive"
done
is "$(cat m/sub/deep/once/*)" deep "what is gone is there"
ok "a folder is a folder" test -d m/sub/deep
is "$(readlink m/link/*)" "sub/file" "a link has versions, too"
is "$(find m -type f | wc -l)" 5 "all of them"
run touch m/sub/file/new
like "$err" "*Read-only file system*" "read-only"

# Another archive while it is mounted.
version 4 '2023-03-04 05:06:07'
create e 2025
ok "another version appears" wait_for sh -c 'cat m/sub/file/2025* >/dev/null'
is "$(cat m/sub/file/2025*)" "version 4" "with its content"
unmounts "$m"

# Without a catalog there is one made.
varve catalog drop repo >/dev/null 2>&1
mounts "without a catalog" -o versions repo "$m"
is "$(ls m/sub/file | wc -l)" 4 "all versions"
unmounts "$m"
mounts "only some archives" -o versions --first 2 repo "$m"
is "$(cat m/sub/file/*)" "version 1" "the versions in them"
unmounts "$m"
mounts "and only one" -o versions --last 1 repo "$m"
is "$(cat m/sub/file/*)" "version 4" "the version in it"
is "$(cat m/same/*)" always "also what it has from an earlier one"
run ls m/sub/deep/once
ok "what it has not is not there" [ "$status" -ne 0 ]
unmounts "$m"
refuses 2 "*whole repositories*" mount -o versions repo::a "$m"

# No place for a catalog: a temporary one.
VARVE_CACHE_DIR=/dev/null/cache
export VARVE_CACHE_DIR
run varve mount -o versions repo "$m"
is "$status" 0 "without a cache: mounts"
is "$(printf '%s\n' "$err" | grep -c 'temporary one')" 1 "with one note"
is "$(ls m/sub/file | wc -l)" 4 "and all versions"
unmounts "$m"
unset VARVE_CACHE_DIR


# A directory gives no more than it gave at any time: old files of it were
# below its old mode.
rm -rf repo src && mkdir -p src/private src/owner src/acl || exit 99
varve init repo >/dev/null 2>&1 || exit 99
touch src/private/old src/owner/old src/acl/old
chmod 700 src/private
chmod 755 src/owner src/acl
# A list that keeps out everybody whom it does not name, with a wide mask.
acl()
{
	python3 - "$1" <<'PY'
import os, struct, sys
rights = [(1, 7, 0xffffffff), (2, 7, 4321), (4, 0, 0xffffffff),
          (0x10, 7, 0xffffffff), (0x20, 5, 0xffffffff)]
value = struct.pack("<I", 2)
for tag, mode, uid in rights:
    value += struct.pack("<HHI", tag, mode, uid)
os.setxattr(sys.argv[1], "system.posix_acl_access", value)
PY
}
has_acl=no
acl src/acl 2>/dev/null && has_acl=yes
[ "$is_root" = yes ] && chown 7:7 src/owner
create closed 2021
chmod 755 src/private
python3 -c 'import os
try: os.removexattr("src/acl", "system.posix_acl_access")
except OSError: pass'
chmod 775 src/acl
chmod 700 src/owner
[ "$is_root" = yes ] && chown 8:8 src/owner
touch src/private/new
create open 2022
chmod 711 src
create listed 2023
mounts "modes" -o versions repo "$m"
is "$(stat -c %a m/private)" 700 "the mode that all versions gave"
[ "$is_root" = no ] ||
	is "$(stat -c %a,%u m/owner)" 500,8 "another owner: what all had"
[ "$has_acl" = no ] ||
	is "$(stat -c %a m/acl)" 700 "an access list counts by its least"
is "$(stat -c %a m)" 711 "the root too"
unmounts "$m"
if [ "$is_root" = yes ] && setpriv --reuid 65534 true 2>/dev/null; then
	nobody="setpriv --reuid 65534 --regid 65534 --clear-groups --"
	chmod 755 "$scratch"
	mounts "for others" -o versions,allow_other repo "$m"
	ok "others do not see what was private" not $nobody ls m/private
	ok "nor read it" not $nobody sh -c 'cat m/private/old/*'
	unmounts "$m"
	if [ "$has_acl" = yes ]; then
		mounts "without access lists" -o uid=0,allow_other \
			repo::closed "$m"
		is "$(stat -c %a m/acl)" 700 "no mask as rights of the group"
		unmounts "$m"
	fi
fi

done_mounting
