/* SPDX-License-Identifier: BSD-2-Clause */
#include "mount/mount.h"

/* Stands for all of this module where libfuse is not there. */

int
vrv_mount_run(struct vrv_repo *repo, const struct vrv_archive *archive,
    vrv_mount_select_fn *select, void *select_arg,
    const struct varve_mount_options *options, struct varve_err *err)
{
	(void)repo, (void)archive, (void)select, (void)select_arg,
	    (void)options;
	return vrv_fail(err, VARVE_NOTSUP,
	    "this varve was built without libfuse and cannot mount");
}
