/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EXTRACT_EXTRACT_H
#define EXTRACT_EXTRACT_H

/* Restoring from an archive: planned by pack, each frame opened once, files
 * written beneath the target through directory descriptors. */

#include <varve/restore.h>

#include "archive/archive.h"

/* Contract: varve_restore(). */
int vrv_extract(struct vrv_repo *, const struct vrv_archive *,
    const struct varve_restore_options *, struct varve_restore_result *ret,
    struct varve_err *err) VRV_MUST;

#endif
