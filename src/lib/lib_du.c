/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/lib.h"

#include "du/du.h"
#include "util/mem.h"

int
varve_du(struct varve_repo *handle, const struct varve_archive_list *list,
    const struct varve_du_options *options, varve_du_fn *fn, void *arg,
    struct varve_du_result *ret, struct varve_err *err)
{
	vrv_auto_free const struct vrv_archive **archives =
	    vrv_alloc_array(list->n + 1, sizeof(*archives));

	err = LIB_ERR(err);
	if (archives == NULL)
		return VRV_NOMEM(err, "the list of archives");
	for (size_t i = 0; i < list->n; i++)
		archives[i] = vrv_lib_archive(&list->items[i]);
	int rc = vrv_du(handle->repo, archives, list->n,
	    options->archive == NULL ? NULL : vrv_lib_archive(options->archive),
	    options, fn, arg, ret, err);
	/* What a damaged archive refers to is unknown. */
	if (rc == 0) {
		ret->problems += list->damaged;
		ret->unread += list->unread;
		ret->denied += list->denied;
	}
	return rc;
}
