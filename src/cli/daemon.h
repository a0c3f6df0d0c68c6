/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_DAEMON_H
#define CLI_DAEMON_H

/*
 * Going on in the background. The process that was started waits until its
 * child works or failed, and ends with its exit status; the child does all the
 * work, from asking for the passphrase on, as neither threads nor locked
 * memory outlive a fork.
 */

#include "util/err.h"

struct vrv_daemon {
	int fd; /* where the parent waits, or -1 */
};
#define VRV_DAEMON_INIT                                                        \
	{                                                                      \
		-1                                                             \
	}

/* Fork. Returns in the child only; the parent ends the process. */
int vrv_daemon_start(struct vrv_daemon *, struct varve_err *err) VRV_MUST;
/* It works: leave the terminal, the folder and standard input, output and
 * error to others, and let the parent end with `status`. */
int vrv_daemon_ready(struct vrv_daemon *, int status, struct varve_err *err)
    VRV_MUST;

#endif
