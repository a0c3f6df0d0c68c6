/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MOUNT_MOUNT_H
#define MOUNT_MOUNT_H

/* Archives as a file system, by the low-level interface of libfuse. How is
 * told in varve-internals(7), "Mounting". */

#include <varve/mount.h>

#include "archive/archive.h"

/* Contract: varve_mount_select_fn. `keep` has room for archives->n. */
typedef int vrv_mount_select_fn(void *arg, struct vrv_archives *, bool *keep,
    struct varve_err *err);

/* Contract: varve_mount(), but `archive` and `select` stand in the place of
 * those of the options. `archive` may go when `ready` was called. */
int vrv_mount_run(struct vrv_repo *, const struct vrv_archive *archive,
    vrv_mount_select_fn *select, void *select_arg,
    const struct varve_mount_options *, struct varve_err *err) VRV_MUST;

/* Contract: varve_unmount(). */
int vrv_mount_end(const char *target, struct varve_err *err) VRV_MUST;

#endif
