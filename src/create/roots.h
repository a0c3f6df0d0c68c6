/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CREATE_ROOTS_H
#define CREATE_ROOTS_H

/*
 * The sources of a run as a tree of their paths in the archive: "/home/a" and
 * "/home/b" become "home" with "a" and "b" below it. Directories that are only
 * on the way to a source are recorded, but nothing else in them.
 */

#include <stdbool.h>
#include <stddef.h>

#include "util/arena.h"
#include "util/err.h"

struct vrv_root {
	const char *name; /* one component; "" for the top */
	const char *path; /* where it is in the file system; NULL: nowhere */
	bool source;	  /* to be backed up, not only on the way */
	bool recurse;	  /* with what is below it */
	bool stdin_;	  /* the file that is read from a descriptor */
	bool to_stdin;	  /* on the way to that file */
	bool settled;	  /* the walk's: stored, excluded or reported */
	bool as_dir;	  /* named with a slash at the end */
	struct vrv_root **below; /* sorted by name once vrv_roots_sort() ran */
	size_t n_below, cap_below;
};

struct vrv_roots {
	struct vrv_arena arena;
	struct vrv_root top;
	size_t n; /* sources */
};
#define VRV_ROOTS_INIT                                                         \
	{                                                                      \
		.top = {.name = "" }                                           \
	}
void vrv_roots_fini(struct vrv_roots *);

/* Add a source as the user gave it. "/./" cuts off what stands before it;
 * leading "/" and ".." are not part of the path in the archive. USAGE for a
 * path that is empty or longer than the system opens, and for two files that
 * would have one path in the archive; two names of one file are one source. */
int vrv_roots_add(struct vrv_roots *, const char *source, bool recurse,
    struct varve_err *err) VRV_MUST;
int vrv_roots_add_stdin(struct vrv_roots *, const char *name,
    struct varve_err *err) VRV_MUST;
/* After the last one. USAGE if a source would lie within another where the
 * file system has something else. */
int vrv_roots_sort(struct vrv_roots *, struct varve_err *err) VRV_MUST;

/* What stands under that name below a sorted `root`, or NULL. */
struct vrv_root *vrv_roots_find(const struct vrv_root *root, const char *name);

/* The paths of the sources in the archive, joined by blanks: the default
 * label of the series. In the arena; NULL when memory ran out. */
const char *vrv_roots_label(struct vrv_roots *);

#endif
