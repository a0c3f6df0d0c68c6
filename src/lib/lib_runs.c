/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/lib.h"

#include "check/check.h"
#include "create/create.h"
#include "diff/diff.h"
#include "extract/extract.h"
#include "util/mem.h"

int
varve_backup(struct varve_repo *handle,
    const struct varve_backup_options *options, struct varve_backup_result *ret,
    struct varve_err *err)
{
	const struct vrv_create_watch watch = {vrv_lib_catalog_made,
	    &(struct vrv_lib_made){handle, options}};
	bool wanted = handle != NULL && !options->no_catalog;

	return vrv_create(handle == NULL ? NULL : handle->repo, options,
	    wanted ? &watch : NULL, ret, LIB_ERR(err));
}

int
varve_restore(struct varve_repo *handle, const struct varve_archive *archive,
    const struct varve_restore_options *options,
    struct varve_restore_result *ret, struct varve_err *err)
{
	err = LIB_ERR(err);
	int rc =
	    vrv_archive_compare(handle->repo, vrv_lib_archive(archive), err);
	return rc != 0 ? rc :
			 vrv_extract(handle->repo, vrv_lib_archive(archive),
			     options, ret, err);
}

int
varve_check(struct varve_repo *handle,
    const struct varve_check_options *options, struct varve_check_result *ret,
    struct varve_err *err)
{
	vrv_auto_free const struct vrv_archive **only = NULL;

	err = LIB_ERR(err);
	if (options->only != NULL) {
		only = vrv_alloc_array(options->n_only, sizeof(*only));
		if (only == NULL)
			return VRV_NOMEM(err, "the list of archives");
		for (size_t i = 0; i < options->n_only; i++)
			only[i] = vrv_lib_archive(options->only[i]);
	}
	return vrv_check(handle->repo, options, only, options->n_only, ret,
	    err);
}

/* --- differences --- */

struct diff {
	struct vrv_items_of *items[2];
	varve_difference_fn *fn;
	void *arg;
};

static const char *
owner_name(void *arg, int side, bool group, uint32_t id)
{
	const struct diff *d = arg;

	return vrv_items_of_owner(d->items[side], group, id);
}

static int
tell_difference(void *arg, const struct vrv_difference *at,
    struct varve_err *err)
{
	struct diff *d = arg;
	struct varve_item old, new;
	int rc = 0;

	if (at->old != NULL)
		rc = vrv_items_of_fill(d->items[0], at->path, at->old, &old,
		    err);
	if (rc == 0 && at->new != NULL)
		rc = vrv_items_of_fill(d->items[1], at->path, at->new, &new,
		    err);
	if (rc != 0)
		return rc;
	const struct varve_difference difference = {.path = at->path,
	    .changes = at->changes,
	    .old = at->old != NULL ? &old : NULL,
	    .new = at->new != NULL ? &new : NULL,
	    .added = at->added,
	    .removed = at->removed};
	return d->fn(d->arg, &difference, err);
}

int
varve_archive_diff(struct varve_repo *handle, const struct varve_archive *a,
    const struct varve_archive *b, const struct varve_diff_options *options,
    varve_difference_fn *fn, void *arg, struct varve_err *err)
{
	const struct varve_walk_options plain = VARVE_WALK_OPTIONS_INIT;
	struct diff d = {.fn = fn, .arg = arg};

	err = LIB_ERR(err);
	int rc = vrv_items_of_new(handle->repo, vrv_lib_archive(a), &plain,
	    &d.items[0], err);
	if (rc == 0)
		rc = vrv_items_of_new(handle->repo, vrv_lib_archive(b), &plain,
		    &d.items[1], err);
	if (rc == 0)
		rc = vrv_diff(handle->repo, vrv_lib_archive(a),
		    vrv_lib_archive(b), options, owner_name, &d,
		    tell_difference, &d, err);
	vrv_items_of_free(d.items[0]);
	vrv_items_of_free(d.items[1]);
	return rc;
}
