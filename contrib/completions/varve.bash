# SPDX-License-Identifier: BSD-2-Clause
# bash completion for varve: asks the program itself what may come next.

_varve()
{
	local cur=${COMP_WORDS[COMP_CWORD]} cmd=() word i

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		[[ $word == -* ]] && continue
		cmd+=("$word")
		[[ ${cmd[0]} == key && ${#cmd[@]} -lt 2 ]] || break
	done
	if ((${#cmd[@]} == 0)) || [[ "${cmd[*]}" == key || $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W \
		    "$("${COMP_WORDS[0]}" help --words -- "${cmd[@]}" \
		    2>/dev/null)" -- "$cur")
	fi
}
complete -o default -F _varve varve
