#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A closed or unreadable standard input is an error, and no archive is made.

. "$(dirname "$0")/lib.sh"

varve init repo 2>/dev/null || exit 99
varve key add --key-file "$scratch/key" repo >/dev/null 2>&1 || exit 99
VARVE_KEY_FILE=$scratch/key
export VARVE_KEY_FILE
echo 1 >f
echo '! f' >rules

# fails WHAT PATTERN ARGUMENT...: with a closed input, and with a directory.
fails()
{
	what=$1 pattern=$2
	shift 2
	for input in closed directory; do
		if [ "$input" = closed ]; then
			run sh -c '"$@" <&-' sh "$VARVE" "$@"
		else
			run sh -c '"$@" </' sh "$VARVE" "$@"
		fi
		is "$status" 2 "$what, $input: status"
		like "$err" "varve: $pattern: *" "$what, $input: message"
		is "$(wc -l <.err)" 1 "$what, $input: one line"
	done
}

content="no archive was created: cannot read the content of"
fails "content" "$content 'stdin'" create repo::a -
fails "content beside a source" "$content 'x/in'" \
    create --stdin-name x/in repo::a f -
fails "a list" "cannot read the list of paths from standard input" \
    create --paths-from-stdin repo::a
fails "patterns" "cannot read patterns from '/dev/stdin'" \
    create --patterns-from /dev/stdin repo::a f
fails "exclusions" "cannot read patterns from '/dev/fd/0'" \
    create --exclude-from /dev/fd/0 repo::a f
fails "patterns of list" "cannot read patterns from '/dev/stdin'" \
    list --patterns-from /dev/stdin repo::a
fails "a key" "cannot read '-'" key import repo -
unset VARVE_KEY_FILE VARVE_PASSPHRASE
VARVE_PASSPHRASE_FD=0
export VARVE_PASSPHRASE_FD
fails "a passphrase" "VARVE_PASSPHRASE_FD: cannot read the passphrase" list repo
unset VARVE_PASSPHRASE_FD
VARVE_KEY_FILE=$scratch/key
export VARVE_KEY_FILE
is "$(varve list repo)" "" "no archive was made"
done_testing
