# shellcheck shell=bash
# SPDX-License-Identifier: BSD-2-Clause
# Sourced by contrib/try and contrib/test: packages and builds.

# shellcheck disable=SC2034 # used by those who source this
BUILD_PACKAGES=(gcc libc6-dev meson ninja-build pkg-config libsodium-dev
	libssl-dev libzstd-dev libxxhash-dev libjansson-dev libpcre2-dev
	libsqlite3-dev libfuse3-dev)
MISSING=()

say() {
	printf '%s\n' "$*" >&2
}

die() {
	say "${0##*/}: $*"
	exit 2
}

# As root, or through sudo.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "packages are missing and there is neither root nor sudo:" \
			"apt-get install ${MISSING[*]}"
	fi
}

is_installed() {
	dpkg-query -W -f '${db:Status-Status}\n' "$1" 2>/dev/null |
		grep -qx installed
}

# need_packages NAME...: install those that are missing.
need_packages() {
	local name
	command -v dpkg-query >/dev/null ||
		die "this installs Debian packages; elsewhere, install what" \
			"README.md names and build with meson"
	MISSING=()
	for name in "$@"; do
		is_installed "$name" || MISSING+=("$name")
	done
	[ ${#MISSING[@]} -gt 0 ] || return 0
	say "installing ${MISSING[*]}"
	as_root apt-get -qq update || die "apt-get update failed"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
		--no-install-recommends "${MISSING[@]}" >/dev/null ||
		die "apt-get could not install ${MISSING[*]}"
}

# build FOLDER OPTION...: configure if needed, and compile.
build() {
	local folder=$1
	shift
	if [ -f "$folder/build.ninja" ]; then
		meson configure "$folder" "$@" || return
	else
		meson setup "$folder" "$@" || return
	fi
	meson compile -C "$folder"
}
