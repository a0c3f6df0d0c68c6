#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Names that cannot be told apart, typed or shown are refused before a backup
# starts, also when placeholders make them.

. "$(dirname "$0")/lib.sh"

mkdir src
printf 'text\n' >src/file
varve init repo 2>/dev/null
varve create repo::good src

# refused NAME REASON: by create and by rename, in one line with the reason.
refused()
{
	refuses 2 "*cannot name an archive: $2*" create "repo::$1" src
	refuses 2 "*cannot name an archive: $2*" rename repo::good "$1"
}

refused aid:12345678 "'aid:' begins the id of an archive"
refused . "it stands for a directory"
refused .. "it stands for a directory"
refused ' a' "it begins or ends with a blank"
refused 'a ' "it begins or ends with a blank"
refused a/b "it holds a slash"
refused "$(printf 'a\tb')" "it holds a control character"
refused "$(printf 'a\342\200\256b')" "it holds a control character"
refused "$(printf 'a\377')" "it is not valid UTF-8"
refused '{now:%Y }' "it begins or ends with a blank"
refused '{now:%Y/%m}' "it holds a slash"
refuses 2 "'' cannot name an archive: it is empty*" rename repo::good ''
refuses 2 "*cannot name an archive: it holds a slash*" create -n repo::a/b src
run varve create repo::'a b-ä:{{1}}' src
is "$status" 0 "other names are fine"
is "$(varve list --short repo)" "$(printf 'good\na b-ä:{1}')" "and are listed"

# Without a passphrase: the name is looked at first.
unset VARVE_PASSPHRASE
refuses 2 "*cannot name an archive*" create repo::a/b src

done_testing
