/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

/*
 * What --progress shows: one line on a terminal, taken off at the end, or with
 * --log-json objects of Borg's types. Without a terminal there is no line.
 */

#include <stdbool.h>
#include <stdint.h>

#include <varve/event.h>

#include "cli/log.h"

struct vrv_progress {
	struct vrv_log *log;
	const char *msgid; /* NULL: a run of create */
	bool shown, iec;
	uint64_t start, last; /* ticks */
	size_t columns;
};

/* `wanted`: --progress was given. */
void vrv_progress_start(struct vrv_progress *, struct vrv_log *, bool wanted,
    bool iec, const char *msgid);
void vrv_progress_update(struct vrv_progress *, const struct varve_progress *,
    const char *path);
void vrv_progress_end(struct vrv_progress *);

/* Append the line in at most `columns`. `creating` shows what create counts;
 * percent and the time left come with progress->total. */
void vrv_progress_text(struct vrv_buf *, const struct varve_progress *,
    const char *path, double seconds, bool creating, bool iec, size_t columns);

#endif
