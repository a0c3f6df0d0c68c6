/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DIFF_DIFF_H
#define DIFF_DIFF_H

/*
 * Two trees side by side: equal subtrees are recognized by their id and never
 * read.
 *
 * An item whose kind changed has no other change. Times and flags that one
 * side did not record do not differ. For a file that only one side has,
 * `added` or `removed` is its size.
 */

#include <stdbool.h>
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

/* The name of an id, or NULL; `side` is 0 for the old archive, 1 for the new
 * one. */
typedef const char *vrv_owner_fn(void *arg, int side, bool group, uint32_t id);

/* Contract: varve_archive_diff(); entries are told encoded as they are. With
 * numeric_ids false, owners are compared by name where `owner` knows both,
 * else by id; it may be NULL. */
int vrv_diff(struct vrv_repo *, const struct vrv_archive *a,
    const struct vrv_archive *b, const struct varve_diff_options *,
    vrv_owner_fn *owner, void *owner_arg, vrv_difference_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;

/* The same with meta chunks from elsewhere. */
int vrv_diff_from(const struct vrv_meta_source *, const struct vrv_archive *a,
    const struct vrv_archive *b, const struct varve_diff_options *,
    vrv_owner_fn *owner, void *owner_arg, vrv_difference_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;

#endif
