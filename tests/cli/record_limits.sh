#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What no reader would take is refused before anything is read or stored.

. "$(dirname "$0")/lib.sh"

varve init r 2>/dev/null || exit 99
mkdir s
echo x >s/a
# Short as an argument: placeholders make it long.
long=$(printf '{now}%.0s' $(seq 20000))

varve create --comment "$long" r::a s 2>err
ok "a long comment is refused" [ $? = 2 ]
ok "with the reason" grep -q 'comment of an archive is too long.*65536 bytes' err
varve create "r::$long" s 2>err
ok "a long name is refused" [ $? = 2 ]
ok "no intent was stored" [ -z "$(find r -path '*intents/*' -type f)" ]

run varve create --host "$(printf 'a\377')" r::a s
ok "a host that is not UTF-8 is refused" [ $status = 2 ]

# Paths are any bytes; what is made from them is not.
mkdir "$(printf 'p\377')"
run varve create r::bytes "$(printf 'p\377')"
ok "a path that is not UTF-8 can be a source" [ $status = 0 ]
seq -f 'no such file %g' 5000 | tr '\n' '\0' |
    xargs -0 -n 5000 "$VARVE" create r::many s >/dev/null 2>err
ok "a long command line is no error of its own" \
    sh -c "\"$VARVE\" info r::many >info"
varve info r::many | grep 'Command line' >line
ok "what was left out of it is told" grep -q 'and [0-9]* more' line

done_testing
