#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What is wrong on a command line is one line that says so, and status 2.

. "$(dirname "$0")/lib.sh"

refuses 2 "no command given; see 'varve help'"
refuses 2 "unknown command 'frobnicate'*" frobnicate
refuses 2 "unknown option '--nope'; see 'varve help create'" \
    create --nope r::a x
refuses 2 "unknown option '-Z'*" list -Z r
refuses 2 "*--last*" list --last x r
refuses 2 "no repository given*VARVE_REPO*" list
refuses 2 "'r' names no archive*" create r x
refuses 2 "nothing to back up*" create r::a
refuses 2 "--dry-run stores nothing*" create -n -s r::a x
refuses 2 "bad regular expression 'a('*" create -e 're:a(' r::a x
refuses 2 "unknown pattern style 'xx:'*" create -e xx:a r::a x
refuses 2 "*'nowhere'*No such file*" create --exclude-from nowhere r::a x
refuses 2 "*'lz5'*" create -C lz5 r::a x
refuses 2 "*neither a time*" create --timestamp never r::a x
refuses 2 "*'ssh:' is not supported*" list ssh://host/r
refuses 5 "unknown placeholder '{nope}'*" create 'r::{nope}' x
refuses 2 "mode 'none' is refused*" init -e none r
refuses 2 "no archive given*" delete r

# --- help of a group of commands ---

for words in 'key --help' 'key -h' 'help key' '--help key' 'key -v --help'; do
	run varve $words
	is "$status" 0 "varve $words: status"
	like "$out" "usage: varve key COMMAND*key export*key import*" \
	    "varve $words: lists the commands"
done
run varve help key export
like "$out" "usage: varve key export*" "varve help key export"
run varve key export --help
like "$out" "usage: varve key export*" "varve key export --help"
run varve --help
like "$out" "usage: varve *Commands:*  init *" "varve --help"
refuses 2 "'key' needs one of*" key
refuses 2 "unknown command 'key nope'*" key nope --help
refuses 2 "*unknown command 'key nope'*" help key nope
ok "nothing was made" [ ! -e r ]

done_testing
