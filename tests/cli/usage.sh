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
refuses 2 "*'lz4'*" create -C lz4 r::a x
refuses 2 "*neither a time*" create --timestamp never r::a x
refuses 2 "*'ssh:' is not supported*" list ssh://host/r
refuses 5 "unknown placeholder '{nope}'*" create 'r::{nope}' x
refuses 2 "mode 'none' is refused*" init -e none r
refuses 2 "no archive given*" delete r
ok "nothing was made" [ ! -e r ]

done_testing
