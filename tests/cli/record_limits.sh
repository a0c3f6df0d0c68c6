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
ok "with the reason" grep -q 'take [0-9]* bytes.*shorten' err
varve create "r::$long" s 2>err
ok "a long name is refused" [ $? = 2 ]
ok "no intent was stored" [ -z "$(find r -path '*intents/*' -type f)" ]

done_testing
