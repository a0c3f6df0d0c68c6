/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CREATE_CREATE_H
#define CREATE_CREATE_H

/* Making an archive from a source. */

#include <varve/backup.h>

#include "archive/archive.h"

/* Contract: varve_backup(). `repo` may be NULL for a dry run. */
int vrv_create(struct vrv_repo *repo, const struct varve_backup_options *,
    struct varve_backup_result *ret, struct varve_err *err) VRV_MUST;

#endif
