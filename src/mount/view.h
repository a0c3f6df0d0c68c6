/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MOUNT_VIEW_H
#define MOUNT_VIEW_H

/*
 * Internal: the list of archives as folders show it. Made anew when the
 * repository's archives have changed; what has a number keeps it.
 */

#include "mount/listing.h"

/* An archive, by its number. */
struct vrv_view_archive {
	const char *name;      /* it is shown by; NULL: it is not shown */
	uint32_t host, series; /* numbers of groups */
	size_t rank;	       /* by time; the newest has the highest */
};

/* A folder in by-host/ or by-series/; never goes, but may be empty. */
struct vrv_view_group {
	bool series;
	char *label, *name;
};

struct vrv_view {
	pthread_mutex_t lock; /* everything below */
	struct vrv_listing listing;
	struct vrv_arena names;
	struct vrv_view_archive *archives; /* by number */
	size_t n_archives, cap_archives;
	struct vrv_arena labels;
	struct vrv_view_group *groups;
	size_t n_groups, cap_groups;
	struct vrv_time time; /* of the newest; ns counts changes, too */
	uint32_t changes;
	uint64_t bytes, files;
};

/* Look for new archives, once a second at most; under the lock. What goes wrong
 * is told, and the list stays as it was. */
void vrv_view_refresh(struct vrv_mount *, struct vrv_view *);
int vrv_view_load(struct vrv_mount *, struct vrv_view *, struct varve_err *err)
    VRV_MUST;

#endif
