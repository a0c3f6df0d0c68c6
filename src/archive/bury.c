/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/archive_fetch.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/* Archives that one tombstone names: far within an object's limit. */
#define BURIED_MAX 16384

static int
by_tag(const void *a, const void *b)
{
	const struct vrv_archive *x = *(const struct vrv_archive *const *)a;
	const struct vrv_archive *y = *(const struct vrv_archive *const *)b;

	return memcmp(x->object.tag, y->object.tag, VRV_TAG_SIZE);
}

static int
store_tombstone(struct vrv_repo *repo, const uint8_t tag[VRV_TAG_SIZE],
    const struct vrv_buried *buried, uint32_t n, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf object = {0};
	struct vrv_name name = {.type = VRV_TOMBSTONE};

	memcpy(name.tag, tag, VRV_TAG_SIZE);
	int rc = vrv_draft_begin(repo, &name, false, &object, err);
	if (rc != 0)
		return rc;
	vrv_tombstone_put(&object, vrv_time_now().s, buried, n);
	return vrv_draft_store(repo, &name, &object, true, err);
}

/* One tombstone per series, or several if it has to name very many. */
static int
bury_sorted(struct vrv_repo *repo, const struct vrv_archive *const *archives,
    size_t n, struct vrv_buried *buried, struct varve_err *err)
{
	uint32_t gathered = 0;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		const struct vrv_archive *a = archives[i];
		struct vrv_buried *b = &buried[gathered++];
		memcpy(b->logical, a->clear.logical, VRV_LOGICAL_ID);
		b->revision = a->clear.revision;
		if (i + 1 == n || gathered == BURIED_MAX ||
		    by_tag(&archives[i], &archives[i + 1]) != 0) {
			rc = store_tombstone(repo, a->object.tag, buried,
			    gathered, err);
			gathered = 0;
		}
	}
	return rc;
}

/* A tombstone is final: what the cache said is compared with the store. */
static int
confirm_all(struct vrv_repo *repo, const struct vrv_archive *const *archives,
    size_t n, struct varve_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct vrv_arena arena = {0};
		struct vrv_archive stored;

		rc = vrv_archive_confirm(repo, archives[i], &arena, &stored,
		    err);
		vrv_arena_fini(&arena);
	}
	return rc;
}

int
vrv_archive_bury(struct vrv_repo *repo,
    const struct vrv_archive *const *archives, size_t n, struct varve_err *err)
{
	if (n == 0)
		return 0;
	vrv_auto_free const struct vrv_archive **sorted =
	    vrv_alloc_array(n, sizeof(*sorted));
	vrv_auto_free struct vrv_buried *buried =
	    vrv_alloc_array(vrv_min(n, BURIED_MAX), sizeof(*buried));
	if (sorted == NULL || buried == NULL)
		return VRV_NOMEM(err, "tombstones");
	memcpy(sorted, archives, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), by_tag);
	int rc = confirm_all(repo, archives, n, err);
	if (rc == 0)
		rc = bury_sorted(repo, sorted, n, buried, err);
	return rc == 0 ? 0 : vrv_ctx(err, "deleting archives");
}
