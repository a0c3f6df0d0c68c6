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

/* Ask the mounted file system something, and wait for the answer. */
int vrv_target_answers(const char *target, struct varve_err *err) VRV_MUST;

#endif
