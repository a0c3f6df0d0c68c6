/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_STRINGS_H
#define CLI_STRINGS_H

/* A growing list of strings whose memory, and whose own array, lie in an
 * arena. Zero-initialise before use. */

#include <stddef.h>

#include "util/arena.h"

struct vrv_strings {
	const char **items;
	size_t n, cap;
};

/* Append the pointer `s` itself. */
int vrv_strings_add(struct vrv_strings *, struct vrv_arena *, const char *s,
    struct varve_err *err) VRV_MUST;

#endif
