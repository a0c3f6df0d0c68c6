# SPDX-License-Identifier: BSD-2-Clause
# bash completion for varve: asks the program itself what may come next.

_varve()
{
	local cur=${COMP_WORDS[COMP_CWORD]} cmd=() words word i

	words=$("${COMP_WORDS[0]}" help --words -- 2>/dev/null)
	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ $word == -* ]] && continue
		cmd+=("$word")
		words=$("${COMP_WORDS[0]}" help --words -- "${cmd[@]}" \
		    2>/dev/null)
		# Words that are no options come next only in a command of two.
		[[ $'\n'$words == *$'\n'[!-]* ]] || break
	done
	if [[ $'\n'$words == *$'\n'[!-]* || $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
	fi
}
complete -o default -F _varve varve
