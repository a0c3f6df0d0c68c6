/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_RUNS_H
#define CLI_RUNS_H

/* How runs of the ledger are shown. */

#include <varve/varve.h>

#include "cli/cli.h"
#include "cli/json.h"
#include "util/buf.h"

/* "good", "changed", "problems" or "unfinished". */
const char *vrv_past_result(enum varve_run_result);

/* A row of a table of at most 80 columns, and the header of such. */
void vrv_past_header(struct vrv_buf *);
void vrv_past_row(struct vrv_buf *, const struct varve_run *, bool iec);
/* Its fields, into the object at hand. */
void vrv_past_json(struct vrv_json *, const struct varve_run *);

/* verify --status: the runs on record, and in which state directory. */
int vrv_verify_status(struct vrv_cli *, struct varve_repo *, bool json,
    struct varve_err *err) VRV_MUST;

/* "Last verified: ..." of a repository; the same as "verified" of an object,
 * null if it never was. What is wrong with the ledger is shown in its place. */
void vrv_verified_text(struct vrv_buf *, struct varve_repo *);
void vrv_verified_json(struct vrv_json *, struct varve_repo *);

#endif
