/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef VARVE_DU_H
#define VARVE_DU_H

/* What paths take in a repository. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <varve/archive.h>
#include <varve/error.h>
#include <varve/event.h>
#include <varve/repo.h>

struct varve_du_options {
	size_t size;
	/* Paths in this one of the list; NULL: in all of them. */
	const struct varve_archive *archive;
	/* NULL: all that is in the archive or in the repository. */
	const char *const *paths;
	size_t n_paths;
	unsigned depth;	       /* also folders so many levels below each path */
	varve_event_fn *event; /* PROGRESS, and a PROBLEM for what is damaged */
	void *event_arg;
};
#define VARVE_DU_OPTIONS_INIT                                                  \
	{                                                                      \
		.size = sizeof(struct varve_du_options)                        \
	}

/*
 * A path, or with `together` all of those that were asked for. What it alone
 * holds are the chunks of contents, listings of folders, lists of extents and
 * long attributes that nothing else in any archive refers to: what would be
 * free if the path were taken out of the one archive, or out of all. For a
 * whole archive that is what deleting it would free.
 */
struct varve_du_line {
	const char *path; /* "." for all */
	bool together;
	unsigned depth;	   /* below the path that was asked for */
	uint64_t archives; /* that have it */
	/* Of the newest of them: regular files and their bytes, a hard link
	 * counted each time. */
	uint64_t files, original;
	uint64_t all_original; /* bytes summed over them all */
	uint64_t deduplicated; /* plain bytes of what it alone holds */
	uint64_t stored;       /* and their share of the frames they are in */
};
/* Returns 0 to go on. */
typedef int varve_du_fn(void *arg, const struct varve_du_line *,
    struct varve_err *err);

struct varve_du_result {
	/* What could not be read, the damaged archives of the list among it:
	 * unless this is 0, any of the sizes may be too small, and what a path
	 * alone holds also too large. */
	uint64_t problems;
	/* Of the problems, what the system refused to read, which may be whole;
	 * of that, for want of permission. The others are damage. */
	uint64_t unread, denied;
};

/* Tells a line for each path, behind those of the folders below it, and one
 * for all paths together if there are several. NOENT if a path is in no
 * archive; USAGE for a path with "..", or that lies below another. */
VARVE_API int varve_du(struct varve_repo *, const struct varve_archive_list *,
    const struct varve_du_options *, varve_du_fn *fn, void *arg,
    struct varve_du_result *ret, struct varve_err *err) VARVE_MUST;

#endif
