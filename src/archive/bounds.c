/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/bounds.h"

#include "util/mem.h"

void
vrv_bounds_init(struct vrv_bounds *bounds, const struct vrv_archive *archive)
{
	const uint64_t max = UINT64_MAX / 4;
	uint64_t n = archive->sealed.entries;

	if (n == 0)
		n = vrv_min(archive->sealed.files, max / VRV_BOUNDS_PER_FILE) *
			VRV_BOUNDS_PER_FILE +
		    VRV_BOUNDS_BESIDES;
	/* Each entry can fail, and the chunk that it stands in; the root has
	 * no entry. */
	*bounds = (struct vrv_bounds){
	    .stated = n,
	    .entries = n,
	    .failures = 2 * vrv_min(n, max) + 1,
	};
}

static int
take(struct vrv_bounds *bounds, uint64_t *left, struct varve_err *err)
{
	if (*left == 0) {
		bounds->ended = true;
		return vrv_fail(err, VARVE_CORRUPT,
		    "the archive states %llu entries, its directories have "
		    "more",
		    (unsigned long long)bounds->stated);
	}
	(*left)--;
	return 0;
}

int
vrv_bounds_entry(struct vrv_bounds *bounds, struct varve_err *err)
{
	return take(bounds, &bounds->entries, err);
}

int
vrv_bounds_failure(struct vrv_bounds *bounds, struct varve_err *err)
{
	return bounds->ended ? 0 : take(bounds, &bounds->failures, err);
}

void
vrv_visited_fini(struct vrv_visited *visited)
{
	vrv_map_free(visited->map);
	visited->map = NULL;
}
