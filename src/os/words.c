/* SPDX-License-Identifier: BSD-2-Clause */
#include "os/spawn.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* The longest single argument that Linux passes on. */
#define COMMAND_MAX ((size_t)128 << 10)
#define BLANK " \t\n"

/* Copy one word from *src to *to, both moved past it. False for a quote that
 * is left open. */
static bool
take_word(const char **src, char **to)
{
	const char *p = *src;
	char *out = *to, quote = '\0';

	for (; *p != '\0' && (quote != '\0' || strchr(BLANK, *p) == NULL);
	     p++) {
		if (quote == '\0' && (*p == '\'' || *p == '"')) {
			quote = *p;
		} else if (*p == quote) {
			quote = '\0';
		} else if (*p != '\\' || quote == '\'' || p[1] == '\0') {
			*out++ = *p;
		} else if (p[1] == '\n') {
			p++;
		} else if (quote == '\0' || strchr("\\\"$`", p[1]) != NULL) {
			*out++ = *++p;
		} else {
			*out++ = *p;
		}
	}
	*out++ = '\0';
	*src = p;
	*to = out;
	return quote == '\0';
}

int
vrv_os_split_words(const char *command, char ***ret, struct varve_err *err)
{
	size_t len = strnlen(command, COMMAND_MAX), n = 0;
	if (len == COMMAND_MAX)
		return vrv_fail(err, VARVE_LIMIT,
		    "command is longer than %zu bytes", COMMAND_MAX - 1);

	/* A word and its blank take two bytes at least; the strings, each
	 * with a NUL for its blank, fit into the length of the command. */
	size_t slots = len / 2 + 2;
	char **words = malloc(slots * sizeof(*words) + len + 1);
	if (words == NULL)
		return vrv_fail(err, VARVE_NOMEM, "no memory for a command");
	char *to = (char *)(words + slots);
	const char *src = command + strspn(command, BLANK);
	while (*src != '\0') {
		words[n++] = to;
		if (!take_word(&src, &to)) {
			free(words);
			return vrv_fail(err, VARVE_USAGE,
			    "command has an open quote");
		}
		src += strspn(src, BLANK);
	}
	if (n == 0) {
		free(words);
		return vrv_fail(err, VARVE_USAGE, "command is empty");
	}
	words[n] = NULL;
	*ret = words;
	return 0;
}
