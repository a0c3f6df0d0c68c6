/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_TIMETEXT_H
#define CLI_TIMETEXT_H

/* Points in time and durations as text. */

#include <stdbool.h>

#include <varve/event.h>

#include "util/buf.h"

/* Append by a format of strftime, in local time or UTC; %f is six digits of
 * microseconds. */
void vrv_time_format(struct vrv_buf *, struct varve_time, const char *format,
    bool utc);
/* "Sun, 2026-11-22 00:11:28", local. */
void vrv_time_text(struct vrv_buf *, struct varve_time);
/* "2026-11-22T00:11:28.000000", local. */
void vrv_time_iso(struct vrv_buf *, struct varve_time);

/* Seconds from a to b. */
double vrv_time_between(struct varve_time a, struct varve_time b);
/* "3.21 seconds", "1 hours 3 minutes 7.02 seconds". */
void vrv_duration_text(struct vrv_buf *, double seconds);

#endif
