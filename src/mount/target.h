/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MOUNT_TARGET_H
#define MOUNT_TARGET_H

/* Internal: the folder that is mounted on. */

#include "mount/mount_internal.h"

/* USAGE if it is no folder, lies inside the repository or holds it. */
int vrv_target_check(const char *target, const struct vrv_store *,
    struct varve_err *err) VRV_MUST;

/* Options for libfuse: free() them. NULL when memory ran out. */
char *vrv_target_options(const struct vrv_mount *);

/* Why could it not be mounted? Returns the error. */
int vrv_target_refused(const char *target, int sys, struct varve_err *err);

/* Ask the mounted file system something, in a process that does not hold
 * `device`, the open /dev/fuse: who asks hangs if nobody answers, beyond
 * SIGKILL, and while that process held the device the kernel would not give up
 * waiting for itself. *ret_fd is readable when there is an answer: an int, the
 * errno value or 0. */
int vrv_target_ask(const char *target, int device, pid_t *ret_pid, int *ret_fd,
    struct varve_err *err) VRV_MUST;

#endif
