/* SPDX-License-Identifier: BSD-2-Clause */
#include "util/clock.h"

#include <time.h>

#define TICK_NS UINT64_C(200000000)

struct vrv_time
vrv_time_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (struct vrv_time){ts.tv_sec, (uint32_t)ts.tv_nsec};
}

uint64_t
vrv_ticks(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

bool
vrv_tick_due(uint64_t *next)
{
	uint64_t now = vrv_ticks();

	if (now < *next)
		return false;
	*next = now + TICK_NS;
	return true;
}

int
vrv_time_cmp(struct vrv_time a, struct vrv_time b)
{
	if (a.s != b.s)
		return a.s < b.s ? -1 : 1;
	return a.ns < b.ns ? -1 : a.ns > b.ns;
}
