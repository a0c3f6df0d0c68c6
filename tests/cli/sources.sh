#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Every source that is named ends as stored, as excluded by the user, or as
# reported with exit status 1.

. "$(dirname "$0")/lib.sh"

varve init repo 2>/dev/null || exit 99
# Opened by a key file, a repository costs no derivation each time.
varve key add --key-file "$scratch/key" repo >/dev/null 2>&1 || exit 99
VARVE_KEY_FILE=$scratch/key
export VARVE_KEY_FILE

n=0
# stores STATUS NAMES WHAT ARGUMENT...: create ends with STATUS, and the archive
# holds exactly NAMES; "" if there is none. What it says is in $err.
as()
{
	"$@"
}
stores()
{
	n=$((n + 1))
	want=$1 names=$2 what=$3
	shift 3
	run as "$VARVE" create "repo::a$n" "$@"
	is "$status" "$want" "$what: status"
	is "$(varve list --short "repo::a$n" 2>/dev/null | tr '\n' ' ')" \
	    "$names" "$what: stored"
}

says()
{
	is "$err" "varve: $1" "$what: message"
}

mkdir -p out/d s/sub && echo 1 >out/d/f && echo 2 >s/y && echo 3 >s/sub/z
ln -s "$PWD/out" s/link
all="s s/link s/sub s/sub/z s/y "

# --- below another source, but not where its walk comes to ---

stores 1 "$all" "through a link of another source" s s/link/d
says "s/link/d: not stored: 's/link' is stored as a symbolic link; name '$PWD/out/d' instead"
like "$(varve info "repo::a$n")" "*s/link/d*" "$what: recorded"
stores 1 "s/link " "through a link that is a source" s/link/d s/link
stores 0 "s s/sub s/sub/z s/y " "through a link, excluded with it" \
    -e s/link s s/link/d
stores 1 "s s/sub s/sub/z s/y " "through a link, excluded but for a part" \
    --pattern '+ s/link/d/f' --pattern '- s/link/**' s s/link/d
for slash in / /. //; do
	stores 1 "s/link " "a link with '$slash'" "s/link$slash"
	says "s/link: its content is not stored: 's/link' is stored as a symbolic link; name '$PWD/out' instead"
	stores 1 "$all" "a link with '$slash' of another source" s "s/link$slash"
	stores 0 "s/y " "a link with '$slash', excluded" -e s/link s/y \
	    "s/link$slash"
done
ln -s y s/file && stores 0 "s/file s/y " "a link to a file with a slash" s/y s/file/
rm s/file
stores 0 "s/link/d s/link/d/f s/y " "through a link of no source" s/link/d s/y
stores 1 "s/y " "below a file" s/y s/y/x
says "s/y/x: stat: Not a directory"
stores 1 "$all" "below a file of another source" s/y/x s
stores 1 "$all" "missing below another source" s s/nope s/sub/nope/x
stores 1 "$all" "missing below a link" s s/link/nope
says "s/link/nope: No such file or directory"
printf 's/link\ns/link/d/f\ns/y\n' >list
run sh -c "'$VARVE' create --paths-from-stdin repo::list <list"
is "$status" 1 "a list with a path through a link: status"
is "$(varve list --short repo::list | tr '\n' ' ')" "s/link s/y " \
    "a list with a path through a link: stored"
printf 'R s\nR s/link/d\n' >roots
stores 1 "$all" "roots of a file of patterns" --patterns-from roots

# --- in what is excluded ---

stores 0 "s s/link s/y " "in an excluded directory" -e s/sub s s/sub
stores 0 "s s/link s/sub/z s/y " "not matched itself" -e 're:s/sub$' s s/sub/z
mkdir -p c/in && echo 4 >c/in/f && echo 5 >c/g
echo 'Signature: 8a477f597d28d172789f06886806bc55' >c/CACHEDIR.TAG
stores 0 "c/in c/in/f " "in a cache" --exclude-caches c c/in
stores 0 "c/in/f " "a file in a cache" --exclude-caches c c/in/f
stores 0 "c c/CACHEDIR.TAG c/in/f " "in a cache, tags kept" \
    --exclude-caches --keep-exclude-tags c c/in/f
stores 1 "s/y " "in a cache, missing" --exclude-caches c c/none s/y
says "c/none: No such file or directory"
mkdir -p tree/mnt && echo 6 >tree/h
if mount -t tmpfs none tree/mnt 2>/dev/null; then
	mkdir tree/mnt/x && echo 7 >tree/mnt/x/f && echo 8 >tree/mnt/g
	stores 0 "tree tree/h tree/mnt tree/mnt/x/f " "below a mount point" \
	    -x tree tree/mnt/x/f
	stores 0 "tree tree/h tree/mnt tree/mnt/g tree/mnt/x tree/mnt/x/f " \
	    "a mount point" -x tree tree/mnt
	umount tree/mnt
else
	echo "# no mount points without the right to mount"
fi

# --- two names of one source ---

stores 0 "$all" "with a dot" s ./s
stores 0 "$all" "absolute, cut" s "$PWD/./s"
stores 0 "$all" "with a slash" s s/
stores 0 "$all" "twice" s s
stores 0 "$all" "cut, below" s "$PWD/./s/sub/z"
ln -s . here
stores 0 "$all" "through a link" s here/./s
stores 0 "s/y " "one file, three names" s/y "$PWD/./s/y" ./s/y
stores 1 "$all" "missing, two names" s none "$PWD/./none"
says "none: No such file or directory"
ln s/y hard
stores 0 "hard s/y " "two names of one inode" hard s/y
rm hard
mkdir -p x/a y/a && echo 1 >x/a/f && echo 2 >y/a/f
stores 2 "" "two directories of one path" x/./a y/./a
says "'x/./a' and 'y/./a' would have the same path in the archive"
stores 2 "" "two files of one path" x/./a/f y/./a/f

# --- the repository ---

stores 1 "$all" "the repository" repo s
says "repo: the repository itself is skipped"
stores 1 "$all" "in the repository" repo/packs s
says "repo/packs: skipped: it lies in the repository"
mkdir in && ln -s "$PWD/repo/packs" in/link
stores 1 "$all" "in the repository through a link" in/link/00 s
stores 0 "in in/link " "a directory with such a link" in
mkdir over && mv repo over/repo
cd over/repo || exit 99
run varve create "$scratch/over/repo::inside" packs "$scratch/s"
is "$status" 1 "from within the repository: status"
is "$err" "varve: packs: skipped: it lies in the repository" \
    "from within the repository: message"
run varve create "$scratch/over/repo::inside2" .
is "$status" 2 "the repository as '.': status"
run varve create "$scratch/over/repo::inside3" "$scratch/over/./"
is "$status" 0 "the directory above as '.': status"
is "$(varve list --short "$scratch/over/repo::inside3")" "." \
    "the directory above as '.': stored"
cd ../.. && mv over/repo . || exit 99

# --- paths on disk, as they were given ---

stores 1 "$all" "cut, missing" /nope/x/./y s
says "/nope/x/./y: No such file or directory"
like "$(varve info "repo::a$n")" "*: y (no such file or directory)*" \
    "cut, missing: recorded by its path in the archive"
stores 1 "$all" "missing" "$PWD/nope" s
says "$PWD/nope: No such file or directory"
run varve create --list repo::disk "$PWD/x/./a" "$PWD/s/sub" y
is "$(echo "$err" | sort | tr '\n' ' ')" \
    "A $PWD/s/sub/z A $PWD/x/./a/f A y/a/f d $PWD/s/sub d $PWD/x/./a d y d y/a " \
    "listed by paths on disk"
run varve create --dry-run --list repo::dry "$PWD/x/./a" y
is "$(echo "$err" | sort | tr '\n' ' ')" \
    "- $PWD/x/./a - $PWD/x/./a/f - y - y/a - y/a/f " \
    "listed by paths on disk: a dry run"
if [ "$(id -u)" -eq 0 ]; then
	echo "# root reads everything"
else
	chmod 0 x/a
	stores 1 "y y/a y/a/f " "cut, unreadable" x/./a y
	says "x/./a: open: Permission denied"
	chmod 755 x/a
fi

# --- directories that only lead to sources ---

mode()
{
	rm -rf restored && mkdir restored && (cd restored && "$VARVE" extract "$1") &&
	    stat -c "$3" "restored/$2"
}
chmod 711 out && touch -d 2001-02-03T04:05:06Z out
varve create repo::way s/link/d/f || exit 99
is "$(mode "$scratch/repo::way" s/link '%F %a %Y')" "directory 711 981173106" \
    "a link on the way: what it leads to"
varve create repo::cut "$PWD/./s/link/d/f" || exit 99
is "$(mode "$scratch/repo::cut" s/link '%a %Y')" "711 981173106" \
    "a link on the way, cut"
echo s/link/d/f | varve create --paths-from-stdin repo::waylist || exit 99
is "$(mode "$scratch/repo::waylist" s/link '%a %Y')" "711 981173106" \
    "a link on the way, in a list"
for mode in 640:750 600:700 664:775; do
	echo 1 | varve create --stdin-name "dump/db/x" --stdin-mode "${mode%:*}" \
	    "repo::in$mode" - || exit 99
	is "$(mode "$scratch/repo::in$mode" dump/db %a)" "${mode#*:}" \
	    "above standard input of mode ${mode%:*}"
	[ "$(stat -c %Y restored/dump)" -gt 1000000000 ] && pass "and not of 1970" ||
	    fail "and not of 1970"
done
echo 1 | varve create --stdin-name out/x repo::inout - out/d/f || exit 99
is "$(mode "$scratch/repo::inout" out '%a %Y')" "711 981173106" \
    "standard input beside a source"
stores 1 "s/y " "a missing source" none/x/y s/y
is "$(mode "$scratch/repo::a$n" . %a >/dev/null; ls restored)" s \
    "nothing leads to a missing source"

is "$(varve check --verify-data repo 2>&1)" "" "all of it is whole"

# --- a directory of which nothing is wanted is not opened ---

mkdir -p closed/dir closed/tagged closed/nodump && echo 9 >closed/f
echo 10 >closed/dir/f && echo 11 >closed/nodump/f
chmod 0 closed/dir
if [ "$(id -u)" -eq 0 ]; then
	as()
	{
		setpriv --reuid 12345 --regid 12345 --clear-groups "$@"
	}
	chmod 755 "$scratch"
	chown -R 12345:12345 "$HOME" repo key
fi
if as true 2>/dev/null && as "$VARVE" --version >/dev/null 2>&1; then
	all="closed closed/dir closed/f closed/nodump closed/nodump/f closed/tagged "
	for rule in '! closed/dir/*' '! fm:*/dir/*' '! sh:closed/dir/*' \
	    '! closed/dir/'; do
		stores 0 "$all" "content excluded by $rule" \
		    --pattern "$rule" closed
	done
	stores 1 "$all" "content excluded one by one" \
	    --pattern '- closed/dir/*' closed
	says "closed/dir: open: Permission denied"
	mkdir closed/list && echo 12 >closed/list/f && chmod 444 closed/list
	run as "$VARVE" create -e closed/dir repo::nostat closed
	is "$status" 1 "a name that stat refuses: status"
	is "$err" "varve: closed/list/f: stat: Permission denied" \
	    "a name that stat refuses: message"
	run as "$VARVE" create -e closed/dir -e closed/list/f repo::excl closed
	is "$status $err" "0 " "a name that stat refuses, excluded"
	chmod 755 closed/list && rm -r closed/list
	if [ "$(id -u)" -eq 0 ] && chattr +d closed/nodump 2>/dev/null; then
		chmod 0 closed/nodump
		stores 0 "closed closed/dir closed/f closed/tagged " \
		    "nodump is seen before it is opened" \
		    --exclude-nodump -e 'closed/dir/*' closed
	fi
else
	echo "# no other user to run as"
fi
chmod 755 closed/dir closed/nodump

done_testing
