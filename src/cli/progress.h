/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_PROGRESS_H
#define CLI_PROGRESS_H

/*
 * What --progress shows: on a terminal one line, which is erased before a
 * message and at the end; where standard error is no terminal a line at once
 * and every ten seconds; with --log-json objects of Borg's types. The library
 * decides how often it reports progress, a few times a second.
 */

#include <stdbool.h>
#include <stdint.h>

#include <varve/event.h>

#include "cli/log.h"

struct vrv_progress {
	struct vrv_log *log;
	const char *msgid; /* NULL: a run of create */
	bool shown, tty, iec;
	uint64_t start, last; /* ticks */
};

/* `wanted`: --progress was given. */
void vrv_progress_start(struct vrv_progress *, struct vrv_log *, bool wanted,
    bool iec, const char *msgid);
void vrv_progress_update(struct vrv_progress *, const struct varve_progress *,
    const char *path);
void vrv_progress_end(struct vrv_progress *);

/* Append the line in at most `columns`. `creating` shows what create counts;
 * percent and the time left come with progress->total. A narrow line lacks
 * parts, the bytes and the speed last, so that the path gets a third of it. */
void vrv_progress_text(struct vrv_buf *, const struct varve_progress *,
    const char *path, double seconds, bool creating, bool iec, size_t columns);

#endif
