/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/strings.h"

#include <string.h>

#include "util/mem.h"

int
vrv_strings_add(struct vrv_strings *list, struct vrv_arena *arena,
    const char *s, struct varve_err *err)
{
	if (list->n == list->cap) {
		size_t cap = list->cap == 0 ? 8 : list->cap * 2;
		const char **grown =
		    vrv_arena_alloc(arena, cap * sizeof(*grown));
		if (grown == NULL)
			return VRV_NOMEM(err, "a list of arguments");
		if (list->n > 0)
			memcpy(grown, list->items, list->n * sizeof(*grown));
		list->items = grown;
		list->cap = cap;
	}
	list->items[list->n++] = s;
	return 0;
}
