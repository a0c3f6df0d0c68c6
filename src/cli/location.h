/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_LOCATION_H
#define CLI_LOCATION_H

/*
 * REPO, REPO::ARCHIVE and ::ARCHIVE. REPO is a path or file:///path; where it
 * is left out, the environment variable VARVE_REPO names it.
 */

#include <stdbool.h>

#include <varve/event.h>

#include "util/err.h"

struct vrv_location {
	char *repo;    /* a path */
	char *archive; /* or NULL */
};

/* Parse `text` (may be NULL or empty), placeholders in it expanded. USAGE if
 * it is malformed or no repository is named at all; NOTSUP for a kind of
 * repository that is elsewhere than in a local folder. Free the result with
 * vrv_location_fini(). */
int vrv_location_parse(const char *text, struct varve_time now,
    struct vrv_location *ret, struct varve_err *err) VRV_MUST;
void vrv_location_fini(struct vrv_location *);
#define vrv_auto_location __attribute__((cleanup(vrv_location_fini)))

/* Does VARVE_REPO name a repository? */
bool vrv_location_has_default(void);

#endif
