#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# What the pages say of cron and systemd works as it stands there. Only the
# places of the program, the files and the repository are other ones.
. "$(dirname "$0")/lib.sh"

top=$top/../..
mkdir -p etc var/lib var/cache src/home root mnt || exit 99
printf 'data\n' >src/home/file
ln -s "$VARVE" bin-varve

# A page as text: the literal blocks of it, one after the other.
blocks() {
	awk '/^\.Bd -literal/ { on = 1; next } /^\.Ed/ { on = 0; print "" } on' \
		"$top/man/$1" | sed "s/\\\\(aq/'/g; s/\\\\e/\\\\/g; s/\\\\&//g"
}
here() {
	sed "s,/usr/local/bin/varve,$scratch/bin-varve,g
		s,/etc/varve,$scratch/etc/varve,g
		s,/mnt/backup,$scratch/mnt,g
		s,/var/lib/varve,$scratch/var/lib/varve,g
		s,/var/cache/varve,$scratch/var/cache/varve,g
		s, /etc /home, $scratch/src,g; s, /root\$,,"
}
# As cron does: % ends the command, \% is one, and this is all it gives.
cron() {
	line=$(printf '%s\n' "$1" | sed 's/^\([^ ]* \)\{5\}//' |
		sed 's/\([^\\]\)%.*/\1/; s/\\%/%/g')
	run env -i HOME="$scratch/root" LOGNAME=root SHELL=/bin/sh \
		PATH=/usr/bin:/bin /bin/sh -c "$line"
}

# --- the file that everything reads

blocks varve-create.1 | awk '/^mkdir -p -m 0700 \/etc\/varve$/ { on = 1 }
	/^$/ { on = 0 } on' | here >setup
ok "varve-create(1) has the file" grep -q '^VARVE_REPO=' setup
printf 'a passphrase of the page\n' >passphrase
unset VARVE_PASSPHRASE VARVE_BASE_DIR
sh setup <passphrase || exit 99
is "$(stat -c '%a %n' etc/varve etc/varve/*)" "700 etc/varve
600 etc/varve/env
600 etc/varve/passphrase" "for nobody else"
by_hand() {
	run sh -c 'set -a; . etc/varve/env; "$VARVE" "$@"' sh "$@"
}
export VARVE
by_hand init
is "$status" 0 "a repository"
is "$(sed '/^#/d; /^$/d' "$top/contrib/systemd/varve.env" | here)" \
	"$(cat etc/varve/env)" "contrib/systemd has the same file"

# --- cron

for page in varve-create.1 varve-verify.1; do
	blocks $page | grep '^[0-9*]* [0-9*]* \* \* \* ' | here >"lines.$page"
	ok "$page has a line" test -s "lines.$page"
done
sed -n '/^```crontab/,/^```$/p' "$top/README.md" | grep '^[0-9]' | here \
	>lines.README
is "$(sort lines.README)" "$(sort lines.*.1)" "README.md has the same lines"
while read -r line; do
	cron "$line"
	is "$status $err" "0 " "cron: $line"
done <lines.README
by_hand verify --status
like "$out" "*Series *: all files verified*
Runs are recorded in $scratch/var/lib/varve*" \
	"by hand, the runs of cron are there"

# --- systemd

# The next archive may have the name of the last one.
by_hand delete -a '*'
is "$status" 0 "delete"
mkdir units
for unit in "$top"/contrib/systemd/*.service "$top"/contrib/systemd/*.timer; do
	here <"$unit" >"units/${unit##*/}"
	case $unit in
	*.timer)
		ok "${unit##*/}: has its service" \
			test -e "${unit%timer}service"
		;;
	*failed*) ;;
	*)
		ok "${unit##*/}: a failure is reported" \
			grep -q '^OnFailure=varve-failed@%n.service$' "$unit"
		is "$(grep -c '^ExecStart=' "$unit")" 1 \
			"${unit##*/}: nothing keeps a second command from running"
		grep '^ExecStart=' "units/${unit##*/}" |
			sed 's/^ExecStart=//; s/%%/%/g' >command
		run env -i PATH=/usr/bin:/bin sh -c \
			'set -a; . etc/varve/env; . ./command'
		is "$status" 0 "${unit##*/}: its command"
		;;
	esac
done
is "$(cat units/* | sed '/^#/d' | grep -c '%d')" 0 "for systemd before 250"
if systemd-analyze --version >/dev/null 2>&1; then
	run systemd-analyze --man=no verify units/*.service units/*.timer
	is "$status $err" "0 " "systemd-analyze verify"
else
	ok "systemd-analyze verify # SKIP there is none" true
fi
done_testing
