/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EXTRACT_FDCACHE_H
#define EXTRACT_FDCACHE_H

/*
 * A bounded number of open descriptors, the least recently used closed first.
 * The owner locks: all functions on one cache run one at a time. A pinned
 * descriptor is never closed, so that the bound can be exceeded by as many as
 * are pinned at once.
 */

#include <stdbool.h>

#include "util/err.h"

/* Embedded in what owns the descriptor. Initialize with VRV_HELD_INIT. */
struct vrv_held {
	struct vrv_held *newer, *older;
	int fd; /* -1: not open */
	unsigned pins;
	int lost; /* errno of a close that failed, or 0 */
};
#define VRV_HELD_INIT                                                          \
	{                                                                      \
		.fd = -1                                                       \
	}

struct vrv_fdcache {
	struct vrv_held *newest, *oldest;
	unsigned n, max;
};

/* Close until there is room for one more, or all that is left is pinned. */
void vrv_fdcache_make_room(struct vrv_fdcache *);
/* `fd` is consumed: it belongs to `held`, which was not open. */
void vrv_fdcache_add(struct vrv_fdcache *, struct vrv_held *held, int fd);
/* `held` was just used. */
void vrv_fdcache_touch(struct vrv_fdcache *, struct vrv_held *held);
/* Take the descriptor out (-1 if it is not open); it is the caller's. */
int vrv_fdcache_take(struct vrv_fdcache *, struct vrv_held *held);

#endif
