/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "repo/repo_internal.h"
#include "util/hex.h"

#define COPIES_MAX 8 /* locations of one chunk that are tried */

/* Locations of a chunk; a second look at the store before giving up: the
 * local index may be older than what refers to the chunk, or damaged. */
static int
locate(struct vrv_repo *repo, const uint8_t *id, struct vrv_location *at,
    uint32_t *ret_n, struct varve_err *err)
{
	struct vrv_index *index;

	int rc = vrv_repo_index(repo, &index, err);
	if (rc == 0)
		rc = vrv_index_find(index, id, at, COPIES_MAX, ret_n, err);
	if (rc != VARVE_NOENT && rc != VARVE_CORRUPT)
		return rc;
	rc = vrv_repo_index_reload(repo, rc == VARVE_CORRUPT, err);
	if (rc == 0)
		rc = vrv_index_find(index, id, at, COPIES_MAX, ret_n, err);
	return rc;
}

int
vrv_copies_try(struct vrv_repo *repo, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], vrv_copy_fn *fn, void *arg, bool *ret_gone,
    struct varve_err *err)
{
	struct vrv_location at[COPIES_MAX];
	char hex[2 * VRV_PREFIX_SIZE + 1];
	uint32_t n = 0;

	*ret_gone = false;
	int rc = locate(repo, id, at, &n, err);
	if (rc == VARVE_NOENT)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "no pack of the index holds it");
	for (uint32_t i = 0; i < n; i++) {
		if (at[i].kind != kind) {
			rc = vrv_fail(err, VARVE_CORRUPT,
			    "stored as another kind of chunk");
			continue;
		}
		rc = fn(arg, &at[i], err);
		if (rc == 0)
			return 0;
		*ret_gone = *ret_gone || rc == VARVE_NOENT;
	}
	vrv_hex(hex, id, VRV_PREFIX_SIZE);
	vrv_ctx(err, "%s chunk %s", kind == VRV_FRAME_META ? "meta" : "data",
	    hex);
	/* What is gone from the store, or does not open with the right key, is
	 * damage here. */
	if (rc == VARVE_NOENT || rc == VARVE_AUTH) {
		err->code = rc = VARVE_CORRUPT;
		err->sys = 0;
		(void)vrv_exit(err, VARVE_EXIT_INTEGRITY);
	}
	return rc;
}

int
vrv_copy_context(const struct vrv_location *at, struct varve_err *err)
{
	struct vrv_name name = {.type = VRV_PACK};
	char text[VRV_NAME_SIZE];

	memcpy(name.id, at->pack, VRV_OBJECT_ID);
	vrv_name_print(&name, text);
	return vrv_ctx(err, "%s, frame at %llu", text,
	    (unsigned long long)at->offset);
}

int
vrv_chunk_verify(const struct vrv_repo *repo, enum vrv_frame_kind kind,
    const uint8_t *bytes, size_t n, const uint8_t *want, size_t want_n,
    struct varve_err *err)
{
	uint8_t id[VRV_ID_SIZE];

	vrv_chunk_id(&repo->secrets->pack, kind, bytes, n, id);
	if (vrv_same(id, want, want_n))
		return 0;
	return vrv_fail(err, VARVE_CORRUPT, "a chunk is not what its id says");
}
