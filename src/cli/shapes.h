/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_SHAPES_H
#define CLI_SHAPES_H

/* Parts that the output of several commands has in common: Borg's shapes. */

#include <varve/varve.h>

#include "cli/json.h"
#include "cli/select.h"
#include "util/buf.h"

#define VRV_DASHES                                                             \
	"-----------------------------------------------------------"          \
	"-------------------"

/* The objects "repository", "encryption" and "cache" of a JSON root. The time
 * of the last change is the newest end of `list`. */
void vrv_shape_repository(struct vrv_json *, const struct varve_repo *,
    const struct varve_archive_list *list);
/* "repository" without that time, for what reads no archives. */
void vrv_shape_place(struct vrv_json *, const struct varve_repo *);
void vrv_shape_encryption(struct vrv_json *, const struct varve_repo *);
/* Reads the index of the repository. */
int vrv_shape_cache(struct vrv_json *, struct varve_repo *,
    const struct varve_archive_list *list, struct varve_err *err) VRV_MUST;

/* A row of sizes with its label, and the header above such rows. */
void vrv_shape_sizes_header(struct vrv_buf *);
void vrv_shape_sizes(struct vrv_buf *, const char *label, uint64_t original,
    uint64_t deduplicated, uint64_t compressed, bool iec);

const char *vrv_shape_mode(enum varve_key_mode);

/* A root, written to standard output; frees it. */
int vrv_shape_print(struct vrv_cli *, struct vrv_json *, struct varve_err *err)
    VRV_MUST;

#endif
