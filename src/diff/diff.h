/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DIFF_DIFF_H
#define DIFF_DIFF_H

/* Two trees side by side: equal subtrees are recognized by their id and never
 * read. */

#include <stdint.h>

#include <varve/archive.h>

#include "archive/archive.h"
#include "archive/trees.h"

struct vrv_difference {
	const char *path;
	unsigned changes;	     /* enum varve_change */
	const struct vrv_entry *old; /* NULL: added */
	const struct vrv_entry *new; /* NULL: removed */
	uint64_t added, removed;     /* bytes of chunks only one side has */
};
typedef int vrv_difference_fn(void *arg, const struct vrv_difference *,
    struct varve_err *err);

/* Contract: varve_archive_diff(); entries are told encoded as they are. With
 * numeric_ids false, owners are compared by the names the caller resolves
 * with `owner` (id to name, per side; NULL: by id). */
int vrv_diff(struct vrv_repo *, const struct vrv_archive *a,
    const struct vrv_archive *b, const struct varve_diff_options *,
    const char *(*owner)(void *arg, int side, bool group, uint32_t id),
    void *owner_arg, vrv_difference_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;

#endif
