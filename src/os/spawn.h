/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OS_SPAWN_H
#define OS_SPAWN_H

/* Running other programs, and hardening our own process. */

#include <stddef.h>
#include <sys/types.h>

#include "util/buf.h"
#include "util/err.h"

/* Start argv (NULL-terminated, argv[0] searched in PATH) with its standard
 * output on a pipe whose reading end is *ret_fd; stdin and stderr are ours. */
int vrv_os_spawn(char *const argv[], pid_t *ret_pid, int *ret_fd,
    struct varve_err *err) VRV_MUST;

/* Wait for it. 0 only if it exited with 0; the error says how it ended. */
int vrv_os_wait(pid_t pid, const char *name, struct varve_err *err) VRV_MUST;

/* No core dumps, and no ptrace by processes of the same user: keys live in
 * this process. Once, at start. */
void vrv_os_harden(void);

#endif
