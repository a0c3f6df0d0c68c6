/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

/* Time as varve stores it: seconds since 1970 (may be negative) and ns. */

#include <stdbool.h>
#include <stdint.h>

struct vrv_time {
	int64_t s;
	uint32_t ns; /* 0 to 999,999,999 */
};

/* The wall clock. */
struct vrv_time vrv_time_now(void);

/* Nanoseconds of a clock that never goes back, for durations. */
uint64_t vrv_ticks(void);

/* True the first time, then every 200 ms at most: whether an operation reports
 * its progress again. *next, which starts as 0, is when that is. */
bool vrv_tick_due(uint64_t *next);

/* Less than, equal to or greater than 0, as a is before, at or after b. */
int vrv_time_cmp(struct vrv_time a, struct vrv_time b);

#endif
