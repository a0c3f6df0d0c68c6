/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_ARENA_H
#define UTIL_ARENA_H

/*
 * Memory that is freed all at once: one arena per directory or per parsed
 * object. Zero-initialise before use. Confined to one thread at a time. Built
 * with VRV_ARENA_DEBUG every allocation is a malloc of its own, so that the
 * sanitizers see its bounds.
 */

#include <stddef.h>

#include "util/err.h"

struct vrv_arena_block;

struct vrv_arena {
	struct vrv_arena_block *blocks;
	size_t used; /* bytes handed out, to account for memory */
};

/* `n` bytes aligned for any type, not cleared; NULL when memory ran out. */
void *vrv_arena_alloc(struct vrv_arena *, size_t n) VRV_MUST;
/* A copy of `n` bytes with a NUL behind them, or NULL. */
void *vrv_arena_dup(struct vrv_arena *, const void *bytes, size_t n) VRV_MUST;
/* Free everything; the arena can be used again. */
void vrv_arena_fini(struct vrv_arena *);

#endif
