/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CREATE_CREATE_H
#define CREATE_CREATE_H

/* Making an archive from a source. */

#include <varve/backup.h>

#include "archive/archive.h"

/* Told once the archive is durable: `known` are the archives that there were
 * when the run began. */
struct vrv_create_watch {
	void (*made)(void *arg, const struct vrv_archives *known,
	    const struct vrv_archive *);
	void *arg;
};

/* Contract: varve_backup(). `repo` may be NULL for a dry run, `watch` always.
 */
int vrv_create(struct vrv_repo *repo, const struct varve_backup_options *,
    const struct vrv_create_watch *watch, struct varve_backup_result *ret,
    struct varve_err *err) VRV_MUST;

#endif
