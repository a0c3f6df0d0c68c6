/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CLI_CHILD_H
#define CLI_CHILD_H

/*
 * A command whose output varve reads. It is run without a shell, with default
 * signal handling and without the variables that hold passphrases.
 */

#include <sys/types.h>

#include "cli/strings.h"
#include "util/err.h"

struct vrv_child {
	pid_t pid; /* 0: none runs */
	int fd;	   /* its standard output, or -1 */
	const char *name;
};
#define VRV_CHILD_INIT                                                         \
	{                                                                      \
		0, -1, NULL                                                    \
	}

/* Start `argv` (ends with NULL). An error has exit status 4. */
int vrv_child_start(const char *const *argv, struct vrv_child *ret,
    struct varve_err *err) VRV_MUST;
/* Wait for its end; anything but exit status 0 is an error (exit status 4). */
int vrv_child_wait(struct vrv_child *, struct varve_err *err) VRV_MUST;
/* Close the pipe; end and reap a child that still runs. */
void vrv_child_fini(struct vrv_child *);
#define vrv_auto_child __attribute__((cleanup(vrv_child_fini)))

/* Split a command into words as a shell does: blanks, quotes, backslashes; no
 * expansion of any kind. USAGE for a quote that is not closed, or no word. */
int vrv_split_command(const char *command, struct vrv_arena *,
    struct vrv_strings *ret, struct varve_err *err) VRV_MUST;

#endif
