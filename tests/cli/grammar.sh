#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# With VARVE_REPO set, what exists decides whether a first argument is a
# repository or already a path, a pattern or a name.

. "$(dirname "$0")/lib.sh"

mkdir -p src/dir other empty
printf 'letter\n' >src/dir/letter.odt
printf 'other\n' >other/note.txt
varve init repo 2>/dev/null
varve init repo2 2>/dev/null
varve create repo::one src
varve create repo2::two other

VARVE_REPO=$scratch/repo
export VARVE_REPO

# --- an argument that is no repository ---

run varve find letter.odt
like "$out" "*src/dir/letter.odt*" "find takes a name"
run varve find src/dir/letter.odt
like "$out" "*src/dir/letter.odt*" "find takes a path"
run varve find 'sh:**/*.odt'
like "$out" "*src/dir/letter.odt*" "find takes a pattern with a style"
run varve find '*.odt'
like "$out" "*src/dir/letter.odt*" "find takes a glob"
run varve du src/dir
like "$out" "*src/dir" "du takes a path"
run varve history src/dir/letter.odt
like "$out" "*one*" "history takes a path"
run varve history --restore latest --stdout src/dir/letter.odt
is "$out" letter "history restores a path"
run varve key export key.txt
is "$status" 0 "key export takes a file"
ok "and writes it" [ -s key.txt ]
refuses 44 "no key slot 'nope'*" key remove nope
refuses 2 "this key slot is in *already*" key import key.txt
refuses 31 "no archive 'nope'*" delete nope
refuses 2 "'nowhere' does not exist*" mount nowhere
refuses 2 "unexpected argument 'src'*" find name src
refuses 2 "'b' and option --name exclude each other*" find --name a b

# --- a first argument that is a repository ---

run varve find repo2 '*'
like "$out" "*other/note.txt*" "find: another repository"
run varve find file://"$scratch"/repo2 note.txt
like "$out" "*other/note.txt*" "find: a file:// location"
run varve du repo2 other
like "$out" "*other" "du: another repository"
run varve history repo2 other/note.txt
like "$out" "*two*" "history: another repository"
run varve list --short repo2
is "$out" two "list: another repository"
refuses 2 "history needs a PATH*" history repo2

# --- commands that take nothing else ---

refuses 15 "*not a repository*" list src
refuses 13 "nope: *; 'varve init' makes a repository" list nope
refuses 13 "nope: *; 'varve init' makes a repository" check nope
refuses 2 "unexpected argument 'more'*" info repo more

# --- without VARVE_REPO ---

unset VARVE_REPO
refuses 13 "letter.odt: *" find letter.odt
refuses 2 "history needs a PATH*" history repo

# --- when to make a repository ---

refuses 15 "*; 'varve init' makes a repository" list empty
refuses 13 "*; is the disk mounted[?]" list missing/disk/repo
run varve list src
like "$err" "*not a repository: no directory config" \
    "no hint at a directory that holds something else"
ok "nothing was made" [ ! -e nope ]

refuses 2 "missing/disk/repo: *; is the disk mounted[?] If so,\
 --make-parent-dirs makes the directories above" init missing/disk/repo
varve init --make-parent-dirs made/above/repo 2>/dev/null
is "$?" 0 "which it does"

# --- the new name of an archive ---

refuses 2 "'::b': the new name is given without a repository: write 'b'*" \
    rename repo::one ::b
refuses 2 "'repo2::b': the new name*write 'b'*" rename repo::one repo2::b
refuses 2 "rename needs*" rename repo::one
is "$(varve list --short repo)" one "the name stays"

# --- archives behind the first ---

refuses 2 "'repo::two': an archive behind the first is named without a\
 repository: write 'two'*" diff repo::one repo::two
refuses 2 "'::two': an archive behind the first*write 'two'*" \
    delete repo::one ::two
refuses 31 "no archive 'two'*" diff repo::one two
is "$(varve list --short repo)" one "nothing was deleted"

done_testing
