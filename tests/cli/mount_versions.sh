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
create()
{
	(cd src && varve create "../repo::$1" .) || exit 99
}

printf 'always\n' >src/same
touch -d '2020-01-01 00:00:00' src/same
printf 'deep\n' >src/sub/deep/once
ln -s sub/file src/link
version 1 '2021-03-04 05:06:07'
create a
create b
version 2 '2022-03-04 05:06:07'
rm src/sub/deep/once
create c
version 3 '2019-03-04 05:06:07'
create d

mounts "mounts" -o versions repo "$m"
is "$(ls m | tr '\n' ' ')" "link same sub " "one tree"
ok "a file is a folder" test -d m/same
is "$(ls m/same | wc -l)" 1 "of one version where it never changed"
like "$(ls m/same)" "2020-01-01*" "named by its time"
is "$(cat m/same/*)" always "with its content"
is "$(ls m/sub/file | cut -c 1-4 | tr '\n' ' ')" "2019 2021 2022 " \
	"several, in the order of their times"
for year in 2019 2021 2022; do
	case $year in
	2019) want=3 ;;
	2021) want=1 ;;
	2022) want=2 ;;
	esac
	is "$(cat m/sub/file/$year*)" "version $want" "content of $year"
	is "$(stat -c %y m/sub/file/$year* | cut -c 1-19)" \
		"$year-03-04 05:06:07" "time of $year"
done
is "$(cat m/sub/deep/once/*)" deep "what is gone is there"
ok "a folder is a folder" test -d m/sub/deep
is "$(readlink m/link/*)" "sub/file" "a link has versions, too"
is "$(find m -type f | wc -l)" 5 "all of them"
run touch m/sub/file/new
like "$err" "*Read-only file system*" "read-only"

# Another archive while it is mounted.
version 4 '2023-03-04 05:06:07'
create e
ok "another version appears" wait_for sh -c 'cat m/sub/file/2023*'
is "$(cat m/sub/file/2023*)" "version 4" "with its content"
unmounts "$m"

# Without a catalog there is one made.
varve catalog drop repo >/dev/null 2>&1
mounts "without a catalog" -o versions repo "$m"
is "$(ls m/sub/file | wc -l)" 4 "all versions"
unmounts "$m"
mounts "only some archives" -o versions --first 2 repo "$m"
is "$(cat m/sub/file/*)" "version 1" "the versions in them"
unmounts "$m"
run varve mount -o versions repo::a "$m"
echo "# of one archive: $status $err"
is_mounted "$m" && unmounts "$m"

done_mounting
