#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What extract selects, what it leaves alone and what it passes over.
. "$(dirname "$0")/lib.sh"
umask 027

mkdir -p src/sub/deep && cd src || exit 99
echo a >top
echo b >sub/deep/file
ln -s sub link
chmod 700 sub
chmod 711 . && touch -d '2001-02-03' .
cd .. || exit 99
varve init -e repokey repo >/dev/null 2>&1 || exit 99
(cd src && varve create ../repo::all .) >/dev/null 2>&1 || exit 99

# restore [OPTION...]: into a fresh directory
restore()
{
	rm -rf to && mkdir to && cd to || exit 99
	touch -d '2009-02-03' .
	run varve extract "$@"
	cd ..
}

# --- nothing selected ---

restore ../repo::all nothing top
is "$status" 1 "a PATH that matches nothing"
is "$err" "varve: Include pattern 'nothing' never matched." "is named"
is "$(cat to/top)" a "the others are restored"
restore ../repo::all nothing none
is "$status" 1 "none of the PATHs matches"
is "$err" "varve: Include pattern 'nothing' never matched.
varve: Include pattern 'none' never matched." "each is named"
restore --pattern '- **' ../repo::all
is "$status" 1 "patterns that select nothing"
is "$err" "varve: nothing was restored: the patterns select nothing that can be restored" \
	"say so"
restore --strip-components 3 ../repo::all
is "$status" 1 "--strip-components that removes everything"
is "$err" "varve: nothing was restored: no selected path is left by --strip-components" \
	"says so"
restore -n --strip-components 3 ../repo::all
is "$status" 1 "also in a dry run"
run varve extract --stdout repo::all sub/deep/none
is "$status" 1 "also to standard output"
run varve extract --stdout repo::all link
is "$status $err" "1 varve: nothing was restored: no regular file is selected" \
	"and if no regular file is selected"
restore --strip-components 2 ../repo::all
is "$status$err $(cat to/file)" "0 b" "what is left is restored"

# --- the target ---

restore ../repo::all
is "$(stat -c '%a %y' to | cut -c 1-14)" "750 $(date +%Y-%m-%d)" \
	"the current directory keeps its mode"
restore --root-metadata ../repo::all
is "$(stat -c '%a %y' to | cut -c 1-14)" "711 2001-02-03" \
	"and gets that of the archive's root on request"
restore ../repo::all sub/deep/file
is "$(stat -c %a to/sub to/sub/deep | tr '\n' ' ')" "750 750 " \
	"directories that were not selected get what the umask leaves"
cd to && run varve --umask 022 extract ../repo::all top
cd ..
is "$status$err" 0 "--umask"
rm -rf to && mkdir to && cd to || exit 99
run varve extract --umask 022 ../repo::all sub/deep/file
cd ..
is "$(stat -c %a to/sub)" 755 "--umask says which that is"

# --- something in the way ---

restore ../repo::all
echo other >to/top && chmod u+w to/sub/deep && rm to/sub/deep/file
rmdir to/sub/deep && echo x >to/sub/deep
cd to && run varve extract ../repo::all
cd ..
is "$status" 2 "something else is there"
like "$err" "*varve: top: not restored, --overwrite replaces what is there: File exists*" \
	"--overwrite is named for a file"
like "$err" "*varve: sub/deep: not restored, --overwrite replaces what is there: Not a directory*" \
	"and for a directory"
cd to && run varve extract --overwrite ../repo::all
cd ..
is "$status$err $(cat to/top to/sub/deep/file | tr '\n' ' ')" "0 a b " \
	"and replaces both"

# --- root's options ---

if [ "$(id -u)" = 0 ] && mknod src/null c 1 3 2>/dev/null; then
	echo p >src/program && chmod 6755 src/program
	mkdir src/shared && chmod 2775 src/shared
	(cd src && varve create ../repo::root null program shared) \
		>/dev/null 2>&1 || exit 99
	restore ../repo::root
	is "$status$err $(stat -c %a to/program) $(stat -c %F to/null)" \
		"0 6755 character special file" "root restores all"
	restore --no-devices --no-set-id ../repo::root
	is "$status$err" 0 "--no-devices --no-set-id"
	is "$(ls to) $(stat -c %a to/program to/shared)" "program
shared 755
2775" "no device, no set-ID bit of a file"
	if setcap cap_net_raw+ep src/program 2>/dev/null ||
	    setfattr -n security.capability \
		-v 0x0100000200200000000000000000000000000000 \
		src/program 2>/dev/null; then
		(cd src && varve create ../repo::caps program) \
			>/dev/null 2>&1 || exit 99
		restore ../repo::caps
		like "$(getfattr -m security.capability to/program)" \
			"*security.capability*" "root restores capabilities"
		restore --no-caps ../repo::caps
		is "$status$err$(getfattr -m security.capability to/program)" \
			0 "--no-caps"
	else
		pass "# SKIP no capabilities"
	fi
else
	pass "# SKIP not root"
fi
done_testing
