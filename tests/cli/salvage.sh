#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A repository without a valid configuration is read with --salvage, and only
# read.

. "$(dirname "$0")/lib.sh"

mkdir src && echo one >src/file
varve init --chunker-params gear,32K,128K,1M repo
varve create repo::a src
varve create repo::b src
cp -a repo whole

# unlike TEXT PATTERN NAME
unlike()
{
	case $1 in
	$2) like "$1" "not $2" "$3" ;;
	*) pass "$3" ;;
	esac
}

# A client that has never seen the repository.
stranger()
{
	rm -rf "$scratch/new"
	VARVE_BASE_DIR=$scratch/new varve "$@"
}

gone()
{
	rm -rf repo && cp -a whole repo && rm -f repo/config/*
}

garbage()
{
	rm -rf repo && cp -a whole repo
	for config in repo/config/*; do
		chmod u+w "$config"
		head -c 400 /dev/urandom >"$config"
	done
}

# Properly headed and summed, but changed: signatures do not fit.
flipped()
{
	rm -rf repo && cp -a whole repo
	for config in repo/config/*; do
		chmod u+w "$config"
		printf '\377' | dd of="$config" bs=1 seek=120 conv=notrunc \
		    2>/dev/null
	done
}

for how in gone garbage flipped; do
	$how
	find repo -type f | sort | xargs sha256sum >before
	run stranger list repo
	like "$err" "*--salvage*" "$how: a new client is told of --salvage"
	run varve list repo
	unlike "$err" "*--salvage*" "$how: one that knows it is not"
	refuses 61 "*no valid config*" list --salvage repo

	run stranger list --short --salvage repo
	is "$status" 1 "$how: list, with a warning"
	is "$(echo "$out" | sort | tr '\n' ' ')" "a b " "$how: what is listed"
	unlike "$out" "*unvouched*" "$how: the writer's archives are proven"
	like "$err" "*without a configuration*" "$how: it is said"
	run varve list --short --salvage --allow-rollback repo
	is "$(echo "$out" | sort | tr '\n' ' ')" "a b " \
	    "$how: with --allow-rollback also where it is known"

	rm -rf to && mkdir to
	(cd to && stranger extract --salvage ../repo::a 2>/dev/null)
	is "$(cat to/src/file)" one "$how: extract"
	run stranger check --salvage repo
	is "$status" 90 "$how: check calls it damage"
	run stranger check --salvage --verify-data repo
	unlike "$err" "*chunk*missing*" "$how: check finds the contents"
	run stranger key export --salvage repo
	like "$out" "*VARVE*" "$how: key export"

	for command in "create repo::c src" "delete repo::a" "info repo" \
	    "key add repo" "rename repo::a z"; do
		# shellcheck disable=SC2086 # words
		run stranger $command --salvage
		is "$status" 2 "$how: $command is refused"
	done
	find repo -type f | sort | xargs sha256sum >after
	ok "$how: nothing was written" cmp before after
done

# --- nothing is kept on this machine ---

gone
stranger list --salvage repo >/dev/null 2>&1
stranger check --salvage repo >/dev/null 2>&1
is "$(find new -type f 2>/dev/null)" "" "no state, cache or record"

# --- what else is pinned counts ---

rm -rf repo && cp -a whole repo
run varve list --short --salvage repo
is "$status" 0 "a valid configuration is used"
unlike "$err" "*without a configuration*" "and nothing said"
rm -f "$(find repo/archives -type f | head -n 1)"
run varve list --salvage repo
is "$status" 61 "an archive that is missing is noticed"
like "$err" "*missing*" "and said"
run varve list --salvage --accept-replaced repo
is "$status" 2 "nothing is accepted while salvaging"

# --- nothing at all ---

rm -rf repo && cp -a whole repo
find repo -type f -path '*-*' -exec rm -f {} +
run stranger list --salvage repo
unlike "$status" 0 "nothing can be salvaged from nothing"

done_testing
