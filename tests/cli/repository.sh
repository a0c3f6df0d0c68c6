#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Repositories and archives that are not there, or not what they should be.

. "$(dirname "$0")/lib.sh"

refuses 13 "*nowhere*'varve init'*" list nowhere
mkdir other && echo x >other/file
refuses 15 "*other*" list other
refuses 13 "*" create nowhere::a other
refuses 10 "*" init other

refuses 2 "*size*" init --chunker-params gear,1M,64K,2M repo
refuses 2 "*size*" init --chunker-params gear,64K,256K,4000M repo
run varve init --chunker-params gear,32K,128K,1M repo
is "$status" 0 "init"
refuses 10 "*" init repo
refuses 31 "*a*'varve list'*" list repo::a
refuses 31 "*a*" extract repo::a
refuses 31 "*a*" delete repo::a
VARVE_PASSPHRASE=wrong refuses 52 "*passphrase*" list repo
run setsid "$VARVE" key add repo
is "$status" 50 "the passphrase in use is no new one"
like "$err" "*: set VARVE_NEW_PASSPHRASE*" "what a new one is read from"

run varve create repo::a other
is "$status" 0 "create"
refuses 30 "*a*another name*" create repo::a other
run varve create repo::b other
refuses 30 "*b*" rename repo::a b
is "$(varve list --short repo)" "$(printf 'a\nb')" "both archives are there"

# The other chunker: its cuts find content again behind an insertion.
run varve init --chunker prf prf
is "$status" 0 "init, prf"
mkdir cut && head -c 4000000 /dev/urandom >cut/file
run varve create prf::a cut
is "$status" 0 "create, prf"
like "$(varve info --json prf::a)" '*"prf"*65536*262144*2097152*' \
    "the archive names its chunker"
{ echo inserted && cat cut/file; } >cut/more
run varve create --json prf::b cut
new=$(echo "$out" | sed -n 's/.*"deduplicated_size": \([0-9]*\).*/\1/p' | head -n 1)
is "$((${new:-4000000} < 2000000))" 1 "most of the content is found again"
mkdir back && cd back && varve extract ../prf::b && cd .. &&
    cmp back/cut/more cut/more
is "$?" 0 "extract, prf"

# A listing of the key files that fails is not one without any.
run varve init --encryption keyfile keyed
is "$status" 0 "init, keyfile"
keys=$(dirname "$(find "$HOME" -path '*keys*' -type f | head -n 1)")
if strace -o /dev/null -e inject=getdents64:error=EIO -P "$keys" \
    true 2>/dev/null; then
	run env ASAN_OPTIONS=detect_leaks=0 strace -f -o /dev/null \
	    -e inject=getdents64:error=EIO -P "$keys" "$VARVE" list keyed
	is "$status" 2 "key files that cannot be listed: status"
	like "$err" "*Input/output error*" "key files that cannot be listed"
fi

done_testing
