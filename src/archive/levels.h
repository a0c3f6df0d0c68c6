/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_LEVELS_H
#define ARCHIVE_LEVELS_H

/*
 * Internal: what building directory trees and extent lists share. Level 0
 * gathers the leaf at hand, level n the node of depth n. The owner fills level
 * 0 and says when it is cut; nodes are cut here. The rule is in trees.h.
 */

#include "archive/trees.h"

#define VRV_LEAF_BYTES ((size_t)192 << 10) /* of trees; of nodes too */
#define VRV_TREE_LEAF_MASK 0xffu
#define VRV_TREE_LEAF_MAX 2048
#define VRV_LIST_LEAF_MIN 400
#define VRV_LIST_LEAF_SPREAD 1200
#define VRV_LIST_LEAF_MAX 6400
#define VRV_NODE_MIN 16
#define VRV_NODE_SPREAD 48
#define VRV_NODE_MAX 1024

struct vrv_level {
	struct vrv_buf body;  /* entries, extents or children, encoded */
	struct vrv_buf first; /* trees: the first name below it */
	uint64_t count;	      /* elements of body */
	uint64_t weight;      /* entries or bytes below it */
	uint8_t last_id[VRV_CHUNK_ID]; /* nodes: of the last child */
};

struct vrv_levels {
	struct vrv_meta_sink sink;
	enum vrv_meta_kind leaf, node;
	unsigned top; /* the highest level that was reached */
	/* Most directories are one leaf: nodes are there once one is needed,
	 * VRV_TREE_DEPTH_MAX of them, of depth 1 first. */
	struct vrv_level bottom, *nodes;
	struct vrv_buf scratch;
};

void vrv_levels_init(struct vrv_levels *, const struct vrv_meta_sink *,
    enum vrv_meta_kind leaf, enum vrv_meta_kind node);
void vrv_levels_fini(struct vrv_levels *);
void vrv_level_empty(struct vrv_level *);

/* True once in `spread` for evenly distributed bytes. */
bool vrv_cut_at(uint32_t hash, uint32_t spread);

/* Store what level `depth` holds and note it one level above. LIMIT if there
 * is none. */
int vrv_levels_cut(struct vrv_levels *, unsigned depth, struct varve_err *err)
    VRV_MUST;
/* Store the rest; the levels are empty again. */
int vrv_levels_finish(struct vrv_levels *, struct vrv_ref *ret,
    struct varve_err *err) VRV_MUST;

#endif
