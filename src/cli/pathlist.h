/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_PATHLIST_H
#define CLI_PATHLIST_H

/* Paths read one by one from a descriptor. Zero-initialise. */

#include <stdio.h>

#include "cli/child.h"
#include "util/buf.h"

struct vrv_pathlist {
	FILE *file;
	struct vrv_buf delimiter;
	char *line;
	size_t cap;
	struct vrv_child *child; /* writes them, or NULL */
};

/* Read from `fd`, which stays the caller's. `delimiter` ends each path (NULL:
 * a newline) and may hold \n \t \r \0 \\ and \xNN. */
int vrv_pathlist_open(struct vrv_pathlist *, int fd, const char *delimiter,
    struct vrv_child *child, struct varve_err *err) VRV_MUST;
/* The next one, as next_path of varve_backup(); the end of them is an error
 * of its own if the child failed. */
int vrv_pathlist_next(void *pathlist, const char **ret, struct varve_err *err)
    VRV_MUST;
void vrv_pathlist_close(struct vrv_pathlist *);

#endif
