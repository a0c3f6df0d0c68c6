/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_UNMATCHED_H
#define CLI_UNMATCHED_H

/* What selects nothing is reported, with exit status 1. */

#include "cli/cli.h"
#include "cli/patterns.h"

/* Warn of PATH arguments that matched nothing. If all did, but patterns are
 * given and nothing was `found`, warn of that. */
void vrv_warn_unmatched(struct vrv_cli *, const struct vrv_matcher *,
    bool found);

/* The same for a command that does not look at all of `archive` (it may be
 * NULL: none): walk what may match, until each PATH has matched something, and
 * set *ret_found if anything is included. */
int vrv_find_unmatched(struct varve_repo *, const struct varve_archive *archive,
    struct vrv_matcher *, bool *ret_found, struct varve_err *err) VRV_MUST;

#endif
