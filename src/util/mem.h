/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_MEM_H
#define UTIL_MEM_H

/*
 * Allocation with overflow checks, cleanup attributes, checked arithmetic.
 * No function here sets an error: a NULL means that memory ran out.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "util/err.h"

#define VRV_NOMEM(err, what) vrv_fail((err), VARVE_NOMEM, "no memory for " what)

/* `n` zeroed elements of `size` bytes, or NULL. Owned by the caller: free(). */
void *vrv_alloc_array(size_t n, size_t size) VRV_MUST;

/* Grow `old` (may be NULL) to `n` elements of `size` bytes; the new part is
 * not cleared. On NULL the old block is untouched and still owned. */
void *vrv_grow_array(void *old, size_t n, size_t size) VRV_MUST;

/* Make room for one more element in the array *pp of *cap elements that holds
 * `n`. Returns 0, or -1 when memory ran out (nothing changed). */
int vrv_room_for_one(void *pp, size_t n, size_t *cap, size_t size) VRV_MUST;

/* A copy of `len` bytes with a NUL behind them, or NULL. Owned: free(). */
void *vrv_dup(const void *bytes, size_t len) VRV_MUST;

/* printf into a fresh string, or NULL. Owned: free(). */
char *vrv_strf(const char *fmt, ...) VRV_PRINTF(1, 2) VRV_MUST;

/* Free what a local pointer holds when it goes out of scope. */
#define vrv_auto_free __attribute__((cleanup(vrv_cleanup_free)))
void vrv_cleanup_free(void *pp);

/* Close a local descriptor when it goes out of scope; -1 is none. errno is
 * kept. Only for descriptors whose close cannot lose data. */
#define vrv_auto_fd __attribute__((cleanup(vrv_cleanup_fd))) int
void vrv_cleanup_fd(const int *fd);

/* Take a value out of a cleanup variable, leaving NULL there. */
#define vrv_steal(pp)                                                          \
	({                                                                     \
		__typeof__(*(pp)) vrv_stolen_ = *(pp);                         \
		*(pp) = NULL;                                                  \
		vrv_stolen_;                                                   \
	})

/* The same for a descriptor, leaving -1. */
static inline int
vrv_steal_fd(int *fd)
{
	int taken = *fd;
	*fd = -1;
	return taken;
}

static inline size_t
vrv_min(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t
vrv_max(size_t a, size_t b)
{
	return a > b ? a : b;
}

#endif
