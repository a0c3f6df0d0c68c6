#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Restoring as another user than root: set-ID bits and the umask, and
# directories that their owner may not write to.
. "$(dirname "$0")/lib.sh"

if [ "$(id -u)" = 0 ]; then
	setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null ||
		skip_all "no other user to be"
	chown -R 65534:65534 "$scratch" && chmod 755 "$scratch" || exit 99
	cp "$VARVE" "$scratch/program" || exit 99
	VARVE=$scratch/program TMPDIR=$scratch \
		setpriv --reuid=65534 --regid=65534 --clear-groups \
		sh "$top/${0##*/}"
	exit
fi
umask 022

# restore DIRECTORY [OPTION...]: into a fresh directory
restore()
{
	[ ! -e "$1" ] || chmod -R u+w "$1"
	rm -rf "$1" && mkdir "$1" && cd "$1" || exit 99
	shift
	run varve extract "$@"
	cd ..
}
modes()
{
	(cd "$1" && shift && stat -c '%a' "$@" | tr '\n' ' ')
}

mkdir -p src/open src/closed src/shared/in && cd src || exit 99
echo a >program && chmod 6755 program
echo b >open/all && chmod 666 open/all
chmod 1777 open
echo c >closed/file
touch -d '2001-02-03 04:05:06' closed/file
chmod 2775 shared
chmod 555 closed && touch -d '2002-02-03' closed
cd .. || exit 99
varve init -e repokey repo >/dev/null 2>&1 || exit 99
varve create repo::one src/./program src/./open src/./closed src/./shared \
	>/dev/null 2>&1 || exit 99

restore to ../repo::one
is "$status$err" 0 "a user restores"
is "$(modes to program open open/all shared)" "755 1755 644 2755 " \
	"without set-ID bits, and the umask applies"
cd to && run varve extract ../repo::one
cd ..
is "$status$err" 0 "what is so restored counts as restored"
restore to --preserve-permissions ../repo::one
is "$status$err $(modes to program open open/all shared)" \
	"0 6755 1777 666 2775 " "all of the modes on request"

# A rehearsal restores and compares all that the archive says.
run varve verify --all --into rehearsal repo::one
is "$status$err" 0 "verify --into restores all of the modes"

# The umask says nothing of a file that has an ACL.
echo d >src/acl && chmod 664 src/acl
if setfacl -m u:1:rw src/acl 2>/dev/null; then
	varve create repo::acl src/./acl >/dev/null 2>&1 || exit 99
	restore to ../repo::acl
	is "$status$err $(modes to acl)" "0 664 " "a file with an ACL"
else
	pass "# SKIP no ACLs"
fi

# A directory that its owner may not write to.
restore to ../repo::one
chmod u+w to/closed && echo mine >to/closed/file
touch -d '2003-02-03' to/closed/file
chmod 555 to/closed && touch -d '2004-02-03' to/closed
cd to && run varve extract --overwrite ../repo::one
cd ..
is "$status$err $(cat to/closed/file)" "0 c" \
	"--overwrite works in one's own read-only directory"
is "$(stat -c '%a %y' to/closed | cut -c 1-14)" "555 2002-02-03" \
	"which gets its mode and time"
# It is only on the way to what is restored: as it was before.
chmod u+w to/closed && rm -f to/closed/file
chmod 511 to/closed && touch -d '2004-02-03' to/closed
cd to && run varve extract --overwrite ../repo::one closed/file
cd ..
is "$status$err $(cat to/closed/file)" "0 c" "also above what is selected"
is "$(stat -c '%a %y' to/closed | cut -c 1-14)" "511 2004-02-03" \
	"which keeps mode and time"
chmod 555 to && touch -d '2005-02-03' to
cd to && run varve extract --overwrite ../repo::one program
cd ..
is "$status$err" 0 "also if it is the current directory"
rm -f to/program 2>/dev/null
chmod 755 to && rm to/program && chmod 555 to && touch -d '2005-02-03' to
cd to && run varve extract --overwrite ../repo::one program
cd ..
is "$status$err $(stat -c '%a %y' to | cut -c 1-14)" "0 555 2005-02-03" \
	"which keeps mode and time"
chmod 755 to && rm to/program && chmod 555 to
cd to && run varve extract ../repo::one program
cd ..
is "$(test "$status" -ne 0 && stat -c %a to)" 555 \
	"without --overwrite it is left as it is"
done_testing
