/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/lib.h"

#include "mount/mount.h"

struct select {
	varve_mount_select_fn *fn;
	void *arg;
};

static int
choose(void *arg, struct vrv_archives *archives, bool *keep,
    struct varve_err *err)
{
	const struct select *select = arg;
	struct varve_archive_list *list;

	int rc = vrv_lib_list(archives, &list, err);
	if (rc != 0)
		return rc;
	rc = select->fn(select->arg, list, keep, err);
	vrv_lib_list_free(list);
	return rc;
}

int
varve_mount(struct varve_repo *handle,
    const struct varve_mount_options *options, struct varve_err *err)
{
	struct select select = {options->select, options->select_arg};
	const struct vrv_archive *one =
	    options->archive != NULL ? vrv_lib_archive(options->archive) : NULL;

	err = LIB_ERR(err);
	int rc = one != NULL ? vrv_archive_compare(handle->repo, one, err) : 0;
	return rc != 0 ?
	    rc :
	    vrv_mount_run(handle->repo, one, select.fn != NULL ? choose : NULL,
		&select, options, err);
}

int
varve_unmount(const char *target, struct varve_err *err)
{
	return vrv_mount_end(target, LIB_ERR(err));
}
