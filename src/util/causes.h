/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_CAUSES_H
#define UTIL_CAUSES_H

/*
 * Errors grouped by their cause (varve_err.cause): one damaged frame hits many
 * paths of many archives, and is reported once, with their number. Confined to
 * one thread at a time. Memory: at most VRV_CAUSES_MAX causes with a path and
 * a message each.
 */

#include <stdbool.h>
#include <stdint.h>

#include "util/err.h"

#define VRV_CAUSES_MAX 1024

struct vrv_cause {
	const struct varve_err *err; /* the first */
	const char *path;	     /* the first */
	uint64_t paths, groups;
};

struct vrv_causes;
struct vrv_causes *vrv_causes_new(void); /* NULL without memory */
void vrv_causes_free(struct vrv_causes *);

/* An error that concerns a path of the group (an archive, say); groups come one
 * after the other. False if the error has no cause that it can be grouped by:
 * report it. What is beyond VRV_CAUSES_MAX is only counted. */
bool vrv_causes_add(struct vrv_causes *, uint64_t group, const char *path,
    const struct varve_err *err);

/* Each cause in the order in which they were met; returns how many paths were
 * only counted. */
typedef void vrv_cause_fn(void *arg, const struct vrv_cause *);
uint64_t vrv_causes_each(const struct vrv_causes *, vrv_cause_fn *fn,
    void *arg);

#endif
