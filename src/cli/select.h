/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_SELECT_H
#define CLI_SELECT_H

/* Which archives of a repository a command is about, and in which order. */

#include <stdbool.h>

#include "cli/cli.h"

struct vrv_selection {
	const char *glob;     /* style sh, the whole name; placeholders */
	const char *prefix;   /* of the name; placeholders */
	const char *sort_by;  /* NULL: timestamp */
	unsigned first, last; /* 0: all */
};

#define VRV_SELECTION_OPTIONS(type)                                            \
	{'a', "glob-archives", "GLOB", vrv_set_string,                         \
	    offsetof(type, select.glob), "only archives whose name matches"},  \
	    {'P', "prefix", "PREFIX", vrv_set_string,                          \
		offsetof(type, select.prefix), NULL},                          \
	    {0, "first", "N", vrv_set_positive, offsetof(type, select.first),  \
		"only the first N of them"},                                   \
	    {0, "last", "N", vrv_set_positive, offsetof(type, select.last),    \
		"only the last N of them"},                                    \
	{                                                                      \
		0, "sort-by", "KEYS", vrv_set_string,                          \
		    offsetof(type, select.sort_by),                            \
		    "timestamp, archive, name or id (default: timestamp)"      \
	}

struct vrv_selected {
	const struct varve_archive **items; /* in the arena of the program */
	size_t n;
};

/* Was any of the options given? */
bool vrv_selection_given(const struct vrv_selection *);
/* Warn if there are archives, but --glob-archives matches none. */
int vrv_select(struct vrv_cli *, const struct varve_archive_list *,
    const struct vrv_selection *, struct vrv_selected *ret,
    struct varve_err *err) VRV_MUST;

/* Reads the list; cleanup frees it. */
int vrv_archives(struct vrv_cli *, struct varve_repo *,
    struct varve_archive_list **ret, struct varve_err *err) VRV_MUST;
/* varve_archive_find() for an archive behind the first, which is named without
 * a repository: says so where it is not found because it has one. */
int vrv_archives_next(const struct varve_archive_list *, const char *name,
    const struct varve_archive **ret, struct varve_err *err) VRV_MUST;
void vrv_archives_cleanup(struct varve_archive_list **);
#define vrv_auto_archives                                                      \
	__attribute__((                                                        \
	    cleanup(vrv_archives_cleanup))) struct varve_archive_list *

#endif
