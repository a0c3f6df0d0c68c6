/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DU_DU_H
#define DU_DU_H

/*
 * What paths take, and what they alone hold.
 *
 * One tour through the paths notes every chunk below them; a second one through
 * everything else takes out what is referred to there as well. What is left is
 * theirs. A chunk belongs to the deepest folder that is shown and contains all
 * that refers to it, and counts for that and all above.
 *
 * Memory, whatever the size of the repository: 25 bytes for each of 2^21 slots
 * of the table of chunks (once more half of that while it grows), which is
 * gone through in several passes when the chunks do not fit, each for its part
 * of the ids; 17 bytes for each of 2^22 slots of folders met outside; 41 for
 * each of 2^20 slots of folders met inside; 32 MiB of opened frames; an
 * iterator for each level; and 150 bytes and its path for each line that is
 * told.
 */

#include <varve/du.h>

#include "archive/archive.h"
#include "archive/trees.h"

/* Chunks noted at a time: three quarters of 2^21 slots, less what one part of
 * the ids may have more than another. */
#define VRV_DU_CHUNKS_MAX (((size_t)3 << 19) - ((size_t)1 << 14))

/* The bytes that a chunk of `length` takes where it is stored. NOENT if it is
 * nowhere. */
typedef int vrv_du_stored_fn(void *arg, enum vrv_frame_kind kind,
    const uint8_t prefix[VRV_PREFIX_SIZE], uint64_t length, uint64_t *ret,
    struct varve_err *err);

struct vrv_du_from {
	struct vrv_repo *repo; /* for telling; may be NULL */
	struct vrv_meta_source source;
	vrv_du_stored_fn *stored;
	void *stored_arg;
	const struct vrv_archive *const *archives; /* all, oldest first */
	size_t n;
	const struct vrv_archive *only; /* one of them; NULL: all */
	size_t chunks_max;		/* 16 or more */
};

/* Contract: varve_du(). `options->archive` is not used. */
int vrv_du_from(const struct vrv_du_from *, const struct varve_du_options *,
    varve_du_fn *fn, void *arg, struct varve_du_result *ret,
    struct varve_err *err) VRV_MUST;

/* The same for a repository. */
int vrv_du(struct vrv_repo *, const struct vrv_archive *const *archives,
    size_t n, const struct vrv_archive *only, const struct varve_du_options *,
    varve_du_fn *fn, void *arg, struct varve_du_result *ret,
    struct varve_err *err) VRV_MUST;

#endif
