/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/lost.h"
#include "check/check_internal.h"

/* Collect the packs that are lost or damaged; *ret_all: every other pack is
 * sound. */
static int
gather_packs(struct vrv_check *check, struct vrv_lost *found, bool *ret_all,
    struct varve_err *err)
{
	const void *pack;
	void *value;
	size_t at = 0;
	int rc = 0;

	*ret_all = check->options->objects && check->options->archives &&
	    !vrv_check_is_limited(check);
	while (rc == 0 && vrv_map_next(check->suspects, &at, &pack, &value)) {
		const uint8_t *fault = value;

		if (*fault == VRV_PACK_UNREAD)
			*ret_all = false;
		else
			rc = vrv_lost_add(found, pack,
			    *fault == VRV_PACK_DAMAGED, err);
	}
	return rc;
}

void
vrv_check_leave(struct vrv_check *check)
{
	struct vrv_lost found = {.compared = 1};
	struct varve_err err;
	bool all;

	if (vrv_repo_cache(check->repo) == NULL)
		return;
	/* Whatever it is, the next run looks at everything that it inherits. */
	if (check->result.problems > 0)
		found.compared = 0;
	for (size_t i = 0; i < check->n_items; i++) {
		const struct vrv_listed *item = &check->items[i];

		if (item->name.type == VRV_INDEX && item->bad)
			found.reread = true;
	}
	if (gather_packs(check, &found, &all, &err) == 0)
		vrv_lost_leave(check->repo, &found, all);
	vrv_lost_fini(&found);
}
