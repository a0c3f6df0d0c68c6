/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "repo/repo_internal.h"
#include "util/hash.h"
#include "util/hex.h"

/* The first error is the one to report, unless a later one says that a copy
 * may be whole where the first found damage, or that the run cannot go on. */
static bool
tells_more(const struct varve_err *later, const struct varve_err *first)
{
	if (first == NULL || vrv_err_is_fatal(later))
		return true;
	bool damage = vrv_err_is_damage(first) || first->code == VARVE_NOENT;
	return damage && !vrv_err_is_damage(later) &&
	    later->code != VARVE_NOENT;
}

int
vrv_copies_try(struct vrv_repo *repo, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], vrv_copy_fn *fn, void *arg, bool *ret_gone,
    struct varve_err *err)
{
	struct vrv_location at[VRV_COPIES_MAX];
	char hex[2 * VRV_PREFIX_SIZE + 1];
	struct varve_err one;
	uint32_t n = 0;

	*ret_gone = false;
	int rc = vrv_repo_locate(repo, id, at, VRV_COPIES_MAX, &n, err);
	if (rc == VARVE_NOENT)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "no pack of the index holds it");
	for (uint32_t i = 0; i < n; i++) {
		int failed = at[i].kind != kind ?
		    vrv_fail(&one, VARVE_CORRUPT,
			"stored as another kind of chunk") :
		    fn(arg, &at[i], &one);

		if (failed == 0)
			return 0;
		*ret_gone = *ret_gone || failed == VARVE_NOENT;
		if (tells_more(&one, rc == 0 ? NULL : err)) {
			*err = one;
			rc = failed;
		}
		if (vrv_err_is_fatal(&one))
			break;
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
	/* A pack that is gone is one cause, not one for each frame. */
	uint64_t part = err->code == VARVE_NOENT ? UINT64_MAX : at->offset;
	char text[VRV_NAME_SIZE];

	err->cause = (vrv_hash64(at->pack, sizeof(at->pack)) ^
			 vrv_hash64(&part, sizeof(part))) |
	    1;
	vrv_pack_name(at->pack, text);
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
