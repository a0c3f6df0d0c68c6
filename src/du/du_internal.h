/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DU_DU_INTERNAL_H
#define DU_DU_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "archive/tour.h"
#include "du/du.h"
#include "util/arena.h"
#include "util/map.h"

/*
 * Lines to be told: node 0 is all paths together, the next are the paths, then
 * folders below them. A parent stands before its children, which are linked
 * by name; 0 is none.
 */
struct vrv_du_node {
	const char *path; /* in the arena; "" for all */
	uint32_t parent, first, next;
	uint32_t last; /* the child that was looked for last */
	unsigned depth;
	size_t newest, at; /* the first archive it was met in, and the last:
			      numbers from 1, newest first */
	uint64_t archives, files, original, all_original;
	uint64_t deduplicated, stored;
};

/* A chunk that was met below the paths. Keys are prefixes of ids, the last
 * byte changed by the kind, so that kinds do not mix. */
struct vrv_du_chunk {
	uint32_t length;
	uint32_t node : 31;
	uint32_t meta : 1;
};
#define VRV_DU_NODES_MAX ((uint32_t)1 << 30)

struct vrv_du {
	const struct vrv_du_from *from;
	const struct varve_du_options *options;
	struct vrv_arena arena;
	const char **paths; /* as they stand in archives; "" is all */
	size_t n_paths;
	struct vrv_du_node *nodes;
	size_t n_nodes, cap_nodes;
	struct vrv_map *chunks;
	uint32_t part, parts; /* of the ids; `parts` is a power of two */
	/* While the first part is gone through sizes are summed as well. */
	const struct vrv_archive *archive; /* at hand, or NULL */
	size_t at;			   /* its number as in nodes */
	struct varve_du_result result;
	struct varve_progress progress;
	uint64_t next_progress; /* when it is due */
};

/* --- telling (du.c) --- */

/* Something cannot be read; a path may be NULL. Returns 0, or the code of what
 * ends the run. Clears `err`. */
int vrv_du_problem(struct vrv_du *, const char *path, struct varve_err *err);
/* One more entry, at `path`: report progress if it is due. */
void vrv_du_count(struct vrv_du *, const char *path);

/* --- nodes (du_nodes.c) --- */

/* The first nodes: for all paths, and for each. */
int vrv_du_nodes_new(struct vrv_du *, struct varve_err *err) VRV_MUST;
/* The child of that path, made if there is none. */
int vrv_du_node_child(struct vrv_du *, uint32_t parent, const char *path,
    uint32_t *ret, struct varve_err *err) VRV_MUST;
/* The archive at hand has it, with all that it holds but for folders that have
 * nodes of their own. */
void vrv_du_node_met(struct vrv_du *, uint32_t node);
void vrv_du_node_add(struct vrv_du *, uint32_t node, uint64_t files,
    uint64_t original);
/* The deepest that contains both. */
uint32_t vrv_du_node_common(const struct vrv_du *, uint32_t a, uint32_t b);
/* Add what children hold to their parents; tell all. */
int vrv_du_nodes_tell(struct vrv_du *, varve_du_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;

/* --- passes --- */

void vrv_du_key(uint8_t ret[VRV_PREFIX_SIZE], enum vrv_frame_kind kind,
    const uint8_t *id);
/* Note the chunks of this part that the paths refer to (du_inside.c). */
int vrv_du_inside(struct vrv_du *, struct varve_err *err) VRV_MUST;
/* Take out those that anything else refers to (du_outside.c). */
int vrv_du_outside(struct vrv_du *, struct varve_err *err) VRV_MUST;

#endif
