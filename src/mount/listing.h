/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MOUNT_LISTING_H
#define MOUNT_LISTING_H

/* Internal: which archives there are, and when others may be there. Confined to
 * one thread at a time. */

#include "mount/mount_internal.h"

struct vrv_listing {
	vrv_mount_select_fn *select; /* NULL: all */
	void *select_arg;
	uint64_t looked; /* ticks; 0: never */
	uint64_t sum;	 /* over the names of objects of the archives taken */
	uint64_t next;	 /* the same of those given last */
};

/* Is it time to look? Once a second at most, and always the first time. */
bool vrv_listing_due(const struct vrv_listing *);
/* Look. If archives came, went or were renamed, *ret are all that there are,
 * owned by the caller: vrv_archives_free(), and (*ret_keep)[i] tells if the
 * i-th is shown: free(). Else both are NULL. The same is given again
 * until vrv_listing_taken(). */
int vrv_listing_look(struct vrv_mount *, struct vrv_listing *,
    struct vrv_archives **ret, bool **ret_keep, struct varve_err *err) VRV_MUST;
/* What was given was taken. */
void vrv_listing_taken(struct vrv_listing *);

/* A name that can be one of a file, as near as possible to the text, in the
 * arena; *ret_changed if it is another. NULL when memory ran out. */
char *vrv_safe_name(struct vrv_arena *, struct vrv_text, bool *ret_changed);

#endif
