/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_SERIES_H
#define CLI_SERIES_H

/* A series: the archives of one host with one label, which continue one
 * another. */

#include "cli/cli.h"
#include "cli/json.h"
#include "cli/select.h"

struct vrv_series {
	const struct varve_archive *newest;
	size_t archives;
	/* The last finished verification of one of them that this client
	 * knows of; NULL: none. */
	const struct varve_archive *verified;
	struct varve_time verified_at;
	enum varve_run_result result;
};

struct vrv_series_list {
	struct vrv_series *items; /* by host and label; in the arena */
	size_t n;
};

/* Group the archives of a list by series. */
int vrv_series_group(struct vrv_cli *, const struct varve_archive_list *,
    struct vrv_series_list *ret, struct varve_err *err) VRV_MUST;
/* The same, with the verifications that are in the ledger. A ledger that
 * cannot be read is a warning; nothing counts as verified then. */
int vrv_series_status(struct vrv_cli *, struct varve_repo *,
    const struct varve_archive_list *, struct vrv_series_list *ret,
    struct varve_err *err) VRV_MUST;
/* Choose the newest archive of each series, oldest first. */
int vrv_series_newest(struct vrv_cli *, const struct varve_archive_list *,
    struct vrv_selected *ret, struct varve_err *err) VRV_MUST;

/* Three lines for each series; the array "series" of the object at hand. */
void vrv_series_text(struct vrv_buf *, const struct vrv_series_list *);
void vrv_series_json(struct vrv_json *, const struct vrv_series_list *);

#endif
