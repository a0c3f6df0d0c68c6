#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A tree with everything that a backup must hold goes in and comes out equal.
# With --big also 10^6 entries in one directory and 10^5 links, in minutes.

. "$(dirname "$0")/lib.sh"

support=$top/../support
big=${1:-}
# Inode flags keep an ordinary rm from removing the tree.
clean()
{
	for tree in tree out/tree again/tree verified/tree; do
		[ -d "$scratch/$tree" ] &&
		    python3 "$support/torture.py" "$scratch/$tree" --clean
	done
	chmod -R u+rwX "$scratch" 2>/dev/null
	rm -rf "$scratch"
}
trap clean EXIT

# Peak memory and time are for the eye: nothing depends on them.
measured()
{
	if [ -n "$big" ] && [ -x /usr/bin/time ]; then
		/usr/bin/time -f "# %C: %e s, %M KiB" "$@"
	else
		"$@"
	fi
}

silently()
{
	"$@" >/dev/null
}

compare()
{
	python3 "$support/compare.py" "$@" >differences 2>&1 && return
	sed 's/^/# /' differences | head -n 20
	return 1
}

varve init repo 2>/dev/null || exit 99
python3 "$support/torture.py" tree $big 2>left-out || exit 99
sed 's/^/# /' left-out

measured "$VARVE" create repo::a tree 2>err
is "$?" 0 "create"
is "$(grep -v '^#' err)" "" "create: says nothing"
sed -n '/^#/p' err
ok "check" measured "$VARVE" check --verify-data repo
ok "verify: into a folder" \
    silently measured "$VARVE" verify --all --into verified repo::a
ok "verify: against the sources" \
    silently measured "$VARVE" verify --all --against . repo::a
mkdir out && cd out || exit 99
measured "$VARVE" extract ../repo::a 2>../err
status=$?
cd ..
# Sockets are recorded, but not made.
is "$(grep -v '^#' err | grep -vc 'kinds/socket')" 0 "extract: says nothing"
sed -n '/^#/p' err
ok "extract: status" [ "$status" -le 1 ]
rm -f tree/kinds/socket
touch -d '2020-09-13T12:26:40.123456789Z' tree/kinds out/tree/kinds
ok "what came out is what went in" compare tree out/tree

# What came out goes in again: content is known, links and holes are kept.
stored=$(du -s repo/packs | cut -f 1)
ok "create of what came out" sh -c "cd out && '$VARVE' create ../repo::b tree"
now=$(du -s repo/packs | cut -f 1)
ok "it takes trees only" [ $((now - stored)) -lt $((stored / 4 + 1000)) ]
rm -rf "$HOME/.cache"
measured "$VARVE" create --threads 3 repo::c tree 2>err
is "$(varve diff --content-only repo::a c | grep -v kinds/socket)" "" \
    "again, without a cache: no difference"
mkdir again && cd again || exit 99
varve extract ../repo::c 2>/dev/null
cd ..
ok "the second archive comes out equal, too" compare tree again/tree

done_testing
