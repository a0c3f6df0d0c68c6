#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Finding paths in all archives: conditions, spans, another client's archives,
# output that nobody reads.
. "$(dirname "$0")/lib.sh"

# names OPTION...: the paths that find tells, sorted, on one line.
names()
{
	varve find --json-lines "$@" repo |
	    python3 -c 'import json, sys
print(" ".join(sorted(json.loads(line)["path"] for line in sys.stdin)))'
}

# spans OPTION...: path, first and last archive and how many, a line each.
spans()
{
	varve find --json-lines "$@" repo | python3 -c 'import json, sys
for line in sys.stdin:
    v = json.loads(line)
    print(v["path"], v["first"]["name"], v["last"]["name"], v["archives"])'
}

varve init repo 2>/dev/null || exit 99
varve key add --key-file "$scratch/key" repo >/dev/null 2>&1 || exit 99
VARVE_KEY_FILE=$scratch/key
export VARVE_KEY_FILE

mkdir -p src/sub
cd src || exit 99
printf 'one\n' >notes.txt
printf 'int main(void) { return 0; }\n' >sub/main.c
head -c 3000 /dev/zero >sub/Makefile
ln -s sub/main.c link
mkfifo pipe
python3 -c 'open(b"sub/odd\xff\n.c", "w").close()'
find . -exec touch -h -d '2020-05-05T00:00:00Z' {} +
sleep 3.1
create()
{
	name=$1
	shift
	varve create "$@" --timestamp "2026-01-0${name#d}T00:00:00Z" \
	    "../repo::$name" .
}
ok "one" create d1
ok "the same again" create d2
printf 'two more\n' >>notes.txt
touch -d '2025-05-05T00:00:00Z' notes.txt
ok "a changed file" create d3
rm notes.txt
ok "a file is gone" create d4
printf 'one\n' >notes.txt
touch -d '2020-05-05T00:00:00Z' notes.txt
ok "it is there again" create d5
cd ..

# --- conditions ---

is "$(names)" \
    ". . . link notes.txt notes.txt notes.txt pipe sub sub/Makefile sub/main.c sub/odd?
.c" "everything"
is "$(names --name '*.c')" "sub/main.c sub/odd?
.c" "name"
is "$(names --name 'MAKE*')" "" "name: letters count"
is "$(names --regex '^sub/[mM]')" "sub/Makefile sub/main.c" "regex"
is "$(names --path 'sub/*.c' --type f --name 'main*')" "sub/main.c" "path"
is "$(names --path 're:notes')" "notes.txt notes.txt notes.txt" "path: a style"
is "$(names --type lp)" "link pipe" "type"
is "$(names --type d --name sub)" "sub" "type: folder"
is "$(names --size +2k)" "sub/Makefile" "size: more than"
is "$(names --size 3000)" "sub/Makefile" "size: exactly"
is "$(names --size -1)" "sub/odd?
.c" "size: less than"
is "$(names --newer 2024-01-01 --name 'n*')" "notes.txt" "newer"
is "$(names --older 2024-01-01 --name 'n*')" "notes.txt notes.txt" "older"
is "$(names --newer 1d --name 'n*')" "" "newer: a span"
touch -d '2021-01-01' mark
is "$(names --newer mark --name 'n*')" "notes.txt" "newer than a file"
is "$(names --name nothing)" "" "nothing is found"
run varve find --name nothing repo
is "$status" 1 "which is a warning"

# --- spans ---

is "$(spans --name notes.txt | sort)" "notes.txt d1 d2 2
notes.txt d3 d3 1
notes.txt d5 d5 1" "which archives hold a version"
is "$(spans --name main.c)" "sub/main.c d1 d5 5" "one line for all archives"
is "$(spans --archive 'd[34]' --name notes.txt)" "notes.txt d3 d3 1" \
    "some archives"
is "$(spans --archive 'd[2345]' --name main.c)" "sub/main.c d2 d5 4" \
    "others do not count"
run varve find --name main.c repo
is "$out" "-rw-r--r--      29 B 2020-05-05 00:00:00 sub/main.c [d1 .. d5: 5]" \
    "a line"
run varve find --name 'odd*' repo
like "$out" '* sub/odd\\xff\\x0a.c [[]d1 .. d5: 5]' "odd bytes are shown"
is "$(echo "$out" | wc -l)" 1 "and break no line"
is "$(varve find --json-lines --name 'odd*' repo | python3 -c 'import base64
import json
print(base64.b64decode(json.loads(input())["path_b64"]))')" \
    "b'sub/odd\\xff\\n.c'" "and are whole in JSON"
varve delete repo::d1 d5 >/dev/null 2>&1 || exit 99
is "$(spans --name main.c)" "sub/main.c d2 d4 3" "deleted archives are gone"
is "$(spans --name notes.txt | sort)" "notes.txt d2 d2 1
notes.txt d3 d3 1" "and what only they held"
varve rename repo::d2 first >/dev/null || exit 99
is "$(spans --name main.c)" "sub/main.c first d4 3" "a new name"

# --- what is not catalogued ---

(cd src && create d6 --no-catalog) || exit 99
is "$(varve catalog status --json repo | python3 -c 'import json, sys
s = json.load(sys.stdin)["catalog"]["series"][0]
print(s["catalogued"], s["archives"])')" "3 4" "--no-catalog"
is "$(spans --no-update --name main.c)" "sub/main.c first d4 3" \
    "without an update it is not seen"
is "$(spans --name main.c)" "sub/main.c first d6 4" "with one it is"

# A second client of the same host, and one of another.
(cd src && VARVE_BASE_DIR=$scratch/other create d7) || exit 99
is "$(spans --name main.c)" "sub/main.c first d7 5" "another client's archive"
is "$(VARVE_BASE_DIR=$scratch/other spans --name main.c)" \
    "sub/main.c first d7 5" "which sees the same"
mkdir other-source && echo x >other-source/main.c
ok "another series" varve create --series music repo::m1 other-source
is "$(spans --name main.c | wc -l)" 2 "both are found"
is "$(spans --series music --name main.c)" "other-source/main.c m1 m1 1" \
    "one series"
is "$(spans --series '*:m?sic' --name main.c | wc -l)" 1 "by host and label"
is "$(spans --series nothing --name main.c)" "" "a series that is not there"

# --- options ---

refuses 2 "option --size*" find --size 3x repo
refuses 2 "option --size*" find --size +99999999999T repo
refuses 2 "option --type*" find --type x repo
refuses 2 "bad regular expression*" find --regex '(' repo
refuses 2 "'never'*" find --newer never repo
refuses 2 "unexpected argument 'more'*" find repo x more

# --- nobody reads ---

python3 - <<'PY'
import os
for i in range(20000):
    os.makedirs(f"many/{i // 500}", exist_ok=True)
    open(f"many/{i // 500}/file-{i}", "w").close()
PY
varve create repo::many many || exit 99
{
	varve find repo 2>err
	echo $? >status
} | head -n 1 >/dev/null
is "$(cat err)" "" "closed output: no message"
is "$(varve find --name 'file-*' repo | wc -l)" 20000 "all are found"

# --- beside a backup ---

i=0
while [ $i -lt 5 ]; do
	(cd src && echo $i >>notes.txt && varve create "../repo::x$i" .) &
	varve find --name notes.txt repo >"found$i" 2>"err$i" || echo bad >bad
	wait
	i=$((i + 1))
done
is "$(cat err? bad 2>/dev/null)" "" "find beside create"
for i in 1 2 3; do
	varve create --series "s$i" "repo::s$i" src 2>"err$i" &
done
wait
is "$(cat err1 err2 err3)" "" "three backups at once"
is "$(spans --name main.c --series 's[123]' | sort)" "src/sub/main.c s1 s1 1
src/sub/main.c s2 s2 1
src/sub/main.c s3 s3 1" "are all catalogued"

# --- the order is that of the archives, not of how the catalog came about ---

varve init order >/dev/null 2>&1 || exit 99
varve key add --key-file "$scratch/order.key" order >/dev/null 2>&1 || exit 99
VARVE_KEY_FILE=$scratch/order.key
rm -rf grow && mkdir -p grow/z/deep grow/m && cd grow || exit 99
touch z/deep/f z/f m/f
at()
{
	varve create --timestamp "$1" "$scratch/order::$2" . || exit 99
}
at 2020-01-01T00:00:00 gone
mkdir -p a/deep z/alpha && touch a/deep/f a/f z/alpha/f z/deep/e
at 2021-01-01T00:00:00 two
echo 2 >a/f
at 2021-01-01T00:00:00 same-time
rm -r m && echo 3 >z/f
at 2019-01-01T00:00:00 early
cd .. || exit 99
varve delete order::gone || exit 99
everything()
{
	varve find order && varve find --json-lines order &&
		varve history order a/f && varve history --json order z/f
}
everything >grown || exit 99
is "$(varve find --name f --type f --json-lines order | python3 -c '
import json, sys
seen = []
for line in sys.stdin:
    path = json.loads(line)["path"]
    if path not in seen:
        seen.append(path)
print(*seen)')" "a/f a/deep/f m/f z/f z/alpha/f z/deep/f" "top down, by name"
varve catalog rebuild order || exit 99
ok "a catalog made anew: the same" sh -c 'cmp - grown' <<EOT
$(everything)
EOT
VARVE_CACHE_DIR=$scratch/other-cache
export VARVE_CACHE_DIR
everything >fresh
ok "another client: the same" cmp fresh grown
unset VARVE_CACHE_DIR

done_testing
