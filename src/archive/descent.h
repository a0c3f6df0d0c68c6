/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_DESCENT_H
#define ARCHIVE_DESCENT_H

/*
 * Internal: what reading directory trees and extent lists share: the way from
 * the topmost chunk down to a leaf, and from leaf to leaf.
 *
 * A chunk's weight is what its parent counts: the entries or bytes below it.
 * Whatever a parent states of a child is compared when the child is opened.
 */

#include "archive/bounds.h"
#include "archive/trees.h"

/* A child of a node, of either kind. */
struct vrv_child {
	const uint8_t *first; /* trees: in the node's chunk */
	size_t first_n;
	uint8_t id[VRV_CHUNK_ID];
	uint64_t weight;
};

/* One opened chunk. */
struct vrv_stage {
	struct vrv_buf chunk;
	struct vrv_rd rd;
	uint64_t left;	/* elements not yet read */
	uint64_t at;	/* weight of all that stands before the next one */
	uint64_t first; /* weight of all that stands before the chunk */
	size_t used;	/* resting: bytes of the chunk before the cursor */
	bool loaded;
	uint8_t id[VRV_CHUNK_ID];
};

struct vrv_descent {
	struct vrv_meta_source source;
	vrv_meta_seen_fn *seen;
	void *seen_arg;
	struct vrv_visited *visited; /* or NULL; descent_next() only */
	enum vrv_meta_kind leaf, node;
	struct vrv_ref ref;
	bool started;
	uint64_t weight; /* of everything, once started */
	unsigned low;	 /* the lowest opened level; ref.depth + 1: none */
	bool resting;	 /* without the chunks of its stages */
	struct vrv_stage *stage; /* ref.depth + 1 */
};

/* CORRUPT if the Ref is too deep. */
int vrv_descent_init(struct vrv_descent *, const struct vrv_meta_source *,
    const struct vrv_ref *, enum vrv_meta_kind leaf, enum vrv_meta_kind node,
    struct varve_err *err) VRV_MUST;
void vrv_descent_fini(struct vrv_descent *);

/* Free the chunks, and read them again to be where it was. Whatever pointed
 * into them is gone. When they cannot be read again, the descent is at its end:
 * CORRUPT, once. */
void vrv_descent_rest(struct vrv_descent *);
int vrv_descent_wake(struct vrv_descent *, struct varve_err *err) VRV_MUST;

/* The opened leaf, or NULL. */
struct vrv_stage *vrv_descent_leaf(struct vrv_descent *);

/* Open the next leaf; what `visited` holds is passed over, and what is gone
 * through to its end is added to it. NOENT when there is none; after any other
 * error the next call goes on behind what could not be opened. */
int vrv_descent_next(struct vrv_descent *, struct varve_err *err) VRV_MUST;

/* Does the child, with `at` before it, begin behind what is looked for? */
typedef bool vrv_beyond_fn(const void *key, const struct vrv_child *,
    uint64_t at);
/* Open the last leaf that does not begin beyond the key, or the first. */
int vrv_descent_seek(struct vrv_descent *, vrv_beyond_fn *beyond,
    const void *key, struct varve_err *err) VRV_MUST;

/* Read `n` extents to the cursor's end and add up their lengths. */
int vrv_extents_sum(struct vrv_rd rd, uint64_t n, uint64_t *ret,
    struct varve_err *err) VRV_MUST;

#endif
