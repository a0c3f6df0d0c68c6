/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/levels.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/rd.h"

void
vrv_levels_init(struct vrv_levels *l, const struct vrv_meta_sink *sink,
    enum vrv_meta_kind leaf, enum vrv_meta_kind node)
{
	*l = (struct vrv_levels){.sink = *sink, .leaf = leaf, .node = node};
}

static struct vrv_level *
level_at(struct vrv_levels *l, unsigned depth)
{
	return depth == 0 ? &l->bottom : &l->nodes[depth - 1];
}

void
vrv_levels_fini(struct vrv_levels *l)
{
	for (unsigned depth = 0;
	     depth <= (l->nodes == NULL ? 0 : VRV_TREE_DEPTH_MAX); depth++) {
		vrv_buf_fini(&level_at(l, depth)->body);
		vrv_buf_fini(&level_at(l, depth)->first);
	}
	free(vrv_steal(&l->nodes));
	vrv_buf_fini(&l->scratch);
}

bool
vrv_cut_at(uint32_t hash, uint32_t spread)
{
	return hash < UINT32_MAX / spread;
}

void
vrv_level_empty(struct vrv_level *level)
{
	vrv_buf_clear(&level->body);
	vrv_buf_clear(&level->first);
	level->count = 0;
	level->weight = 0;
}

static int
store(struct vrv_levels *l, unsigned depth, uint8_t ret_id[VRV_CHUNK_ID],
    struct varve_err *err)
{
	struct vrv_level *level = level_at(l, depth);

	vrv_buf_clear(&l->scratch);
	if (depth == 0)
		vrv_leaf_put(&l->scratch, l->leaf, level->count);
	else
		vrv_node_put(&l->scratch, l->node, (uint8_t)depth,
		    level->count);
	vrv_buf_bytes(&l->scratch, level->body.data, level->body.len);
	int rc = vrv_buf_check(&level->body, err);
	if (rc == 0)
		rc = vrv_buf_check(&level->first, err);
	if (rc == 0)
		rc = vrv_buf_check(&l->scratch, err);
	if (rc != 0)
		return rc;
	return l->sink.put(l->sink.arg, l->scratch.data, l->scratch.len, ret_id,
	    err);
}

/* The hash that decides whether a node of `depth` ends behind this child. */
static uint32_t
child_hash(const struct vrv_levels *l, unsigned depth,
    const struct vrv_level *below, const uint8_t id[VRV_CHUNK_ID])
{
	uint8_t named[VRV_ENTRY_NAME_MAX + 1];
	size_t n = below->first.len;

	if (l->node == VRV_META_LIST_NODE)
		return vrv_get_u32(id);
	memcpy(named, below->first.data, n);
	named[n] = (uint8_t)depth;
	return (uint32_t)vrv_siphash(l->sink.cut_key, named, n + 1);
}

/* Append to `level` the child that `below` became. */
static void
append_child(const struct vrv_levels *l, struct vrv_level *level,
    const struct vrv_level *below, const uint8_t id[VRV_CHUNK_ID])
{
	if (l->node == VRV_META_TREE_NODE) {
		struct vrv_tree_child child = {
		    .first = below->first.data,
		    .first_n = below->first.len,
		    .entries = below->weight,
		};
		memcpy(child.id, id, VRV_CHUNK_ID);
		vrv_tree_child_put(&level->body, &child);
	} else {
		struct vrv_list_child child = {.bytes = below->weight};
		memcpy(child.id, id, VRV_CHUNK_ID);
		vrv_list_child_put(&level->body, &child);
	}
	if (level->count == 0)
		vrv_buf_bytes(&level->first, below->first.data,
		    below->first.len);
	level->count++;
	level->weight += below->weight;
	memcpy(level->last_id, id, VRV_CHUNK_ID);
}

/* Bytes of a child in its node, or a few more. */
static size_t
child_size(const struct vrv_level *below)
{
	return vrv_v_size(below->first.len) + below->first.len + VRV_CHUNK_ID +
	    vrv_v_size(below->weight);
}

int
vrv_levels_cut(struct vrv_levels *l, unsigned depth, struct varve_err *err)
{
	struct vrv_level *below = level_at(l, depth), *level;
	uint8_t id[VRV_CHUNK_ID];

	if (depth == VRV_TREE_DEPTH_MAX)
		return vrv_fail(err, VARVE_LIMIT,
		    "more than %d levels of nodes", VRV_TREE_DEPTH_MAX);
	if (l->nodes == NULL) {
		l->nodes =
		    vrv_alloc_array(VRV_TREE_DEPTH_MAX, sizeof(*l->nodes));
		if (l->nodes == NULL)
			return VRV_NOMEM(err, "nodes of a tree");
	}
	int rc = store(l, depth, id, err);
	if (rc != 0)
		return rc;
	level = level_at(l, ++depth);
	if (level->body.len + child_size(below) > VRV_LEAF_BYTES) {
		rc = vrv_levels_cut(l, depth, err);
		if (rc != 0)
			return rc;
	}
	append_child(l, level, below, id);
	if (l->top < depth)
		l->top = depth;
	bool cut = level->count >= VRV_NODE_MAX ||
	    (level->count >= VRV_NODE_MIN &&
		vrv_cut_at(child_hash(l, depth, below, id), VRV_NODE_SPREAD));
	vrv_level_empty(below);
	return cut ? vrv_levels_cut(l, depth, err) : 0;
}

int
vrv_levels_finish(struct vrv_levels *l, struct vrv_ref *ret,
    struct varve_err *err)
{
	struct vrv_ref ref;
	int rc;

	/* Cutting may raise the top. */
	for (unsigned depth = 0; depth < l->top; depth++) {
		if (level_at(l, depth)->count == 0)
			continue;
		rc = vrv_levels_cut(l, depth, err);
		if (rc != 0)
			return rc;
	}
	struct vrv_level *top = level_at(l, l->top);
	if (l->top > 0 && top->count == 1) {
		memcpy(ref.id, top->last_id, VRV_CHUNK_ID);
		ref.depth = (uint8_t)(l->top - 1);
	} else {
		rc = store(l, l->top, ref.id, err);
		if (rc != 0)
			return rc;
		ref.depth = (uint8_t)l->top;
	}
	vrv_level_empty(top);
	l->top = 0;
	*ret = ref;
	return 0;
}
