/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_TIMEPARSE_H
#define CLI_TIMEPARSE_H

/* A point in time given on the command line. */

#include <varve/event.h>

#include "util/err.h"

/* The mtime of the file `text`, where there is such a file; else
 * YYYY-MM-DD[(T or blank)HH:MM[:SS[.ffffff]]][Z|+HH:MM|-HH:MM] or YYYY-DDD.
 * Without Z or an offset it is local time. USAGE for anything else. */
int vrv_time_parse(const char *text, struct varve_time *ret,
    struct varve_err *err) VRV_MUST;

/* The same, or a span before `now`: a number and S, M, H, d, w, m (31 days) or
 * y (365 days). */
int vrv_time_or_span(const char *text, struct varve_time now,
    struct varve_time *ret, struct varve_err *err) VRV_MUST;

#endif
