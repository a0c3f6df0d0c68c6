/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_LOG_H
#define CLI_LOG_H

/*
 * Everything that varve says while it works: one line for each message on
 * standard error, "varve: ..." or, with --log-json, an object of Borg's
 * types. Each line is one write(2). May be used from any thread, but by one at
 * a time, as events are.
 */

#include <stdatomic.h>
#include <stdbool.h>

#include <varve/event.h>

#include "util/buf.h"

enum vrv_level {
	VRV_LOG_DEBUG,
	VRV_LOG_INFO,
	VRV_LOG_WARNING, /* the default */
	VRV_LOG_ERROR,
	VRV_LOG_CRITICAL
};

struct vrv_log {
	int fd; /* standard error */
	int level;
	bool json;
	/* NULL, or once it is set: to the system log, as nobody reads standard
	 * error any more. Threads may be logging when that happens. */
	const atomic_bool *to_syslog;
	bool on_line; /* a progress line stands on the terminal */
};

/* Write a message if its level is high enough. */
void vrv_log(struct vrv_log *, enum vrv_level, const char *fmt, ...)
    VRV_PRINTF(3, 4);
/* The same with Borg's name of the error, where it has one. */
void vrv_log_error(struct vrv_log *, const struct varve_err *);

/* A line of output that was asked for, whatever the level: "list" or "stats"
 * says by which option. Text as it is shown. */
void vrv_log_output(struct vrv_log *, const char *kind, const char *text);
/* A line of create --list. */
void vrv_log_file(struct vrv_log *, char status, const char *path);

/* Take the progress line off the terminal, and show another. `text` is fitted
 * to the width already. */
void vrv_log_clear(struct vrv_log *);
void vrv_log_line(struct vrv_log *, const char *text);

/* Write bytes in one call, as far as the system lets it. */
void vrv_log_write(struct vrv_log *, const struct vrv_buf *);

#endif
