# SPDX-License-Identifier: BSD-2-Clause
# For tests of the program itself, in POSIX sh and TAP:
#
#	. "$(dirname "$0")/lib.sh"
#	is "$(varve --version)" "varve 0.1.0" "says its version"
#	done_testing
#
# The program is $VARVE. Each script has a scratch folder of its own, where it
# starts; HOME and all that varve keeps of its own lie in it, and nothing of
# the caller's VARVE_* is left.

set -u
VARVE=${VARVE:?names the program to test}
top=$(cd "$(dirname "$0")" && pwd)
for name in $(env | sed -n 's/^\(VARVE_[A-Z_]*\)=.*/\1/p'); do
	unset "$name"
done
scratch=$(mktemp -d "${TMPDIR:-/tmp}/varve-cli.XXXXXX") || exit 99
trap 'chmod -R u+rwX "$scratch" 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 1' HUP INT TERM
cd "$scratch" || exit 99
HOME=$scratch/home
mkdir "$HOME" || exit 99
VARVE_BASE_DIR=$HOME VARVE_PASSPHRASE='a passphrase' TZ=UTC LC_ALL=C.UTF-8
export HOME VARVE_BASE_DIR VARVE_PASSPHRASE TZ LC_ALL
unset XDG_STATE_HOME XDG_CACHE_HOME XDG_CONFIG_HOME

tests=0
failures=0

varve()
{
	"$VARVE" "$@"
}

# What the last command of `run` printed, and its status.
out= err= status=0

# run COMMAND...: with its output in $out and $err, its status in $status.
run()
{
	"$@" >"$scratch/.out" 2>"$scratch/.err" </dev/null
	status=$?
	out=$(cat "$scratch/.out")
	err=$(cat "$scratch/.err")
}

pass()
{
	tests=$((tests + 1))
	printf 'ok %d - %s\n' "$tests" "$1"
}

fail()
{
	tests=$((tests + 1))
	failures=$((failures + 1))
	printf 'not ok %d - %s\n' "$tests" "$1"
}

# ok NAME COMMAND...: it succeeds.
ok()
{
	name=$1
	shift
	if "$@"; then pass "$name"; else fail "$name"; fi
}

# is GOT WANTED NAME
is()
{
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		fail "$3"
		printf '%s\n' "got: $1" "wanted: $2" | sed 's/^/# /'
	fi
}

# like TEXT PATTERN NAME: a pattern of the shell
like()
{
	case $1 in
	$2)
		pass "$3"
		;;
	*)
		fail "$3"
		printf '%s\n' "got: $1" "wanted: $2" | sed 's/^/# /'
		;;
	esac
}

# refuses STATUS PATTERN ARGUMENT...: varve says one line and prints nothing.
refuses()
{
	want=$1
	pattern=$2
	shift 2
	run varve "$@"
	what="varve $*"
	is "$status" "$want" "$what: status"
	like "$err" "varve: $pattern" "$what: message"
	is "$(wc -l <"$scratch/.err")" 1 "$what: one line"
	is "$out" "" "$what: no output"
}

skip_all()
{
	printf '1..0 # SKIP %s\n' "$1"
	exit 0
}

done_testing()
{
	printf '1..%d\n' "$tests"
	[ "$failures" -eq 0 ]
	exit
}
