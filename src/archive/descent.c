/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/descent.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/rd.h"

#define VISITED_MAX ((size_t)1 << 19) /* about 40 bytes each */

int
vrv_descent_init(struct vrv_descent *d, const struct vrv_meta_source *source,
    const struct vrv_ref *ref, enum vrv_meta_kind leaf, enum vrv_meta_kind node,
    struct varve_err *err)
{
	if (ref->depth > VRV_TREE_DEPTH_MAX)
		return vrv_fail(err, VARVE_CORRUPT, "tree of depth %u",
		    ref->depth);
	*d = (struct vrv_descent){
	    .source = *source,
	    .leaf = leaf,
	    .node = node,
	    .ref = *ref,
	    .low = ref->depth + 1u,
	    .stage = calloc(ref->depth + 1u, sizeof(*d->stage)),
	};
	return d->stage == NULL ? VRV_NOMEM(err, "a tree") : 0;
}

void
vrv_descent_fini(struct vrv_descent *d)
{
	/* What was not gone through to its end was not visited. */
	if (d->started && d->visited != NULL && d->visited->map != NULL)
		for (unsigned i = d->low; i <= d->ref.depth; i++)
			(void)vrv_map_remove(d->visited->map, d->stage[i].id);
	for (size_t i = 0; d->stage != NULL && i <= d->ref.depth; i++)
		vrv_buf_fini(&d->stage[i].chunk);
	free(d->stage);
}

struct vrv_stage *
vrv_descent_leaf(struct vrv_descent *d)
{
	return d->low == 0 ? &d->stage[0] : NULL;
}

/* --- opening a chunk --- */

static int
child_get(const struct vrv_descent *d, struct vrv_rd *rd, struct vrv_child *ret,
    struct varve_err *err)
{
	struct vrv_tree_child tree;
	struct vrv_list_child list;
	int rc;

	*ret = (struct vrv_child){0};
	if (d->node == VRV_META_TREE_NODE) {
		rc = vrv_tree_child_get(rd, &tree, err);
		if (rc != 0)
			return rc;
		ret->first = tree.first;
		ret->first_n = tree.first_n;
		ret->weight = tree.entries;
		memcpy(ret->id, tree.id, VRV_CHUNK_ID);
	} else {
		rc = vrv_list_child_get(rd, &list, err);
		if (rc != 0)
			return rc;
		ret->weight = list.bytes;
		memcpy(ret->id, list.id, VRV_CHUNK_ID);
	}
	return 0;
}

static int
broken(struct varve_err *err, const char *what)
{
	return vrv_fail(err, VARVE_CORRUPT, "%s", what);
}

/* All children of a node: in order, and adding up. */
static int
check_node(const struct vrv_descent *d, const struct vrv_stage *s,
    struct vrv_child *ret_seen, struct varve_err *err)
{
	struct vrv_rd rd = s->rd;
	struct vrv_child child, last = {0};

	for (uint64_t i = 0; i < s->left; i++) {
		int rc = child_get(d, &rd, &child, err);
		if (rc != 0)
			return rc;
		if (i == 0)
			*ret_seen = (struct vrv_child){
			    .first = child.first,
			    .first_n = child.first_n,
			};
		else if (d->node == VRV_META_TREE_NODE &&
		    vrv_name_cmp(last.first, last.first_n, child.first,
			child.first_n) >= 0)
			return broken(err, "children of a node out of order");
		if (child.weight > VRV_ENTRY_SIZE_MAX - ret_seen->weight)
			return broken(err, "children of a node overflow");
		ret_seen->weight += child.weight;
		last = child;
	}
	return vrv_rd_done(&rd) ? 0 : broken(err, "more in a node than stated");
}

int
vrv_extents_sum(struct vrv_rd rd, uint64_t n, uint64_t *ret,
    struct varve_err *err)
{
	struct vrv_extent extent;
	uint64_t sum = 0;

	for (; n > 0; n--) {
		int rc = vrv_extent_get(&rd, &extent, err);
		if (rc != 0)
			return rc;
		if (extent.length > VRV_ENTRY_SIZE_MAX - sum)
			return broken(err, "extents of a list overflow");
		sum += extent.length;
	}
	if (!vrv_rd_done(&rd))
		return broken(err, "more in an extent list than stated");
	*ret = sum;
	return 0;
}

static int
check_leaf(const struct vrv_descent *d, const struct vrv_stage *s,
    struct vrv_child *ret_seen, struct varve_err *err)
{
	struct vrv_rd rd = s->rd;
	struct vrv_entry entry;
	struct varve_err unused;

	*ret_seen = (struct vrv_child){0};
	if (d->leaf == VRV_META_LIST_LEAF)
		return vrv_extents_sum(rd, s->left, &ret_seen->weight, err);
	ret_seen->weight = s->left;
	/* An entry that does not decode is told when it is its turn. */
	if (s->left > 0 && vrv_entry_get(&rd, &entry, &unused) == 0) {
		ret_seen->first = entry.name;
		ret_seen->first_n = entry.name_n;
	}
	return 0;
}

static int
get_chunk(const struct vrv_descent *d, struct vrv_stage *s,
    const uint8_t id[VRV_CHUNK_ID], struct varve_err *err)
{
	int rc = d->source.get(d->source.arg, id, &s->chunk, err);

	if (rc == VARVE_NOENT) {
		/* To the caller that would be the end of the directory. */
		err->code = VARVE_CORRUPT;
		(void)vrv_exit(err, VARVE_EXIT_INTEGRITY);
		return vrv_ctx(err, "meta chunk");
	}
	if (rc != 0)
		return rc;
	s->loaded = true;
	if (id != s->id)
		memcpy(s->id, id, VRV_CHUNK_ID);
	return 0;
}

static int
load(struct vrv_descent *d, unsigned level, const uint8_t id[VRV_CHUNK_ID],
    struct varve_err *err)
{
	struct vrv_stage *s = &d->stage[level];

	if (s->loaded && memcmp(s->id, id, VRV_CHUNK_ID) == 0)
		return 0;
	s->loaded = false;
	int rc = d->seen == NULL ? 0 : d->seen(d->seen_arg, id, err);
	return rc == 0 ? get_chunk(d, s, id, err) : rc;
}

/* --- what was visited before --- */

struct visit {
	uint64_t weight;
	uint64_t level;
};

static const struct visit *
visit_of(const struct vrv_descent *d, unsigned level, const uint8_t *id)
{
	const struct visit *visit;

	if (d->visited == NULL || d->visited->map == NULL)
		return NULL;
	visit = vrv_map_get(d->visited->map, id);
	return visit != NULL && visit->level == level ? visit : NULL;
}

static int
visited_add(const struct vrv_descent *d, unsigned level, const uint8_t *id,
    uint64_t weight, struct varve_err *err)
{
	struct vrv_visited *v = d->visited;

	if (v == NULL)
		return 0;
	if (v->map == NULL)
		v->map = vrv_map_new(VRV_PREFIX_SIZE, sizeof(struct visit));
	if (v->map == NULL)
		return VRV_NOMEM(err, "an extent list");
	/* When it is full, what is new is read again. */
	if (vrv_map_count(v->map) >= VISITED_MAX)
		return 0;
	struct visit *visit = vrv_map_put(v->map, id, NULL);
	if (visit == NULL)
		return VRV_NOMEM(err, "an extent list");
	*visit = (struct visit){weight, level};
	return 0;
}

/* --- resting --- */

void
vrv_descent_rest(struct vrv_descent *d)
{
	for (unsigned i = 0; i <= d->ref.depth; i++) {
		struct vrv_stage *s = &d->stage[i];
		/* A cursor that was cut off stands nowhere in the chunk. */
		s->used = s->rd.p == NULL || s->chunk.data == NULL ?
		    SIZE_MAX :
		    (size_t)(s->rd.p - s->chunk.data);
		s->loaded = false;
		vrv_buf_fini(&s->chunk);
		s->rd.p = s->rd.end = NULL;
	}
	d->resting = true;
}

int
vrv_descent_wake(struct vrv_descent *d, struct varve_err *err)
{
	int rc = 0;

	d->resting = false;
	for (unsigned i = d->low; rc == 0 && i <= d->ref.depth; i++) {
		struct vrv_stage *s = &d->stage[i];
		rc = get_chunk(d, s, s->id, err);
		if (rc == 0 && s->used <= s->chunk.len) {
			s->rd.p = s->chunk.data + s->used;
			s->rd.end = s->chunk.data + s->chunk.len;
		}
	}
	if (rc != 0)
		d->low = d->ref.depth + 1u;
	return rc;
}

/* Open the chunk of `child` at `level`; the root is whatever it is. */
static int
open_chunk(struct vrv_descent *d, unsigned level, const struct vrv_child *child,
    uint64_t at, struct varve_err *err)
{
	struct vrv_stage *s = &d->stage[level];
	struct vrv_child seen;

	int rc = load(d, level, child->id, err);
	if (rc != 0)
		return rc;
	s->at = s->first = at;
	if (level == 0) {
		rc = vrv_leaf_open(s->chunk.data, s->chunk.len, d->leaf, &s->rd,
		    &s->left, err);
		if (rc == 0)
			rc = check_leaf(d, s, &seen, err);
	} else {
		rc = vrv_node_open(s->chunk.data, s->chunk.len, d->node,
		    (uint8_t)level, &s->rd, &s->left, err);
		if (rc == 0)
			rc = check_node(d, s, &seen, err);
	}
	if (rc != 0)
		return rc;
	if (level == d->ref.depth) {
		d->weight = seen.weight;
		return visited_add(d, level, child->id, seen.weight, err);
	}
	if (seen.weight != child->weight)
		return broken(err, "a child is larger or smaller than stated");
	if (seen.first != NULL &&
	    vrv_name_cmp(seen.first, seen.first_n, child->first,
		child->first_n) != 0)
		return broken(err, "a child begins with another name");
	return visited_add(d, level, child->id, seen.weight, err);
}

static int
open_root(struct vrv_descent *d, struct varve_err *err)
{
	struct vrv_child root = {0};

	d->started = true;
	d->low = d->ref.depth + 1u;
	memcpy(root.id, d->ref.id, VRV_CHUNK_ID);
	const struct visit *visit = visit_of(d, d->ref.depth, root.id);
	if (visit != NULL) {
		d->weight = visit->weight;
		return 0;
	}
	int rc = open_chunk(d, d->ref.depth, &root, 0, err);
	if (rc == 0)
		d->low = d->ref.depth;
	return rc;
}

/* --- moving --- */

/* Take the next child of the lowest opened node. */
static int
take(const struct vrv_descent *d, struct vrv_stage *s, struct vrv_child *ret,
    struct varve_err *err)
{
	int rc = child_get(d, &s->rd, ret, err);

	if (rc != 0) {
		s->left = 0;
		return rc;
	}
	s->left--;
	s->at += ret->weight;
	return 0;
}

/* Open the next child of the lowest opened node, unless it was visited. */
static int
open_next(struct vrv_descent *d, struct varve_err *err)
{
	struct vrv_stage *s = &d->stage[d->low];
	struct vrv_child child;

	int rc = take(d, s, &child, err);
	if (rc != 0)
		return rc;
	const struct visit *visit = visit_of(d, d->low - 1, child.id);
	if (visit != NULL)
		return visit->weight == child.weight ?
		    0 :
		    broken(err, "a child is larger or smaller than stated");
	rc = open_chunk(d, d->low - 1, &child, s->at - child.weight, err);
	if (rc == 0)
		d->low--;
	return rc;
}

int
vrv_descent_next(struct vrv_descent *d, struct varve_err *err)
{
	int rc;

	if (!d->started) {
		rc = open_root(d, err);
		if (rc != 0 || d->low == 0)
			return rc;
	} else if (d->low == 0) {
		d->low = 1;
	}
	for (;;) {
		while (d->low <= d->ref.depth && d->stage[d->low].left == 0)
			d->low++;
		if (d->low > d->ref.depth)
			return vrv_fail(err, VARVE_NOENT, "no more");
		rc = open_next(d, err);
		if (rc != 0)
			return rc;
		if (d->low == 0)
			return 0;
	}
}

int
vrv_descent_seek(struct vrv_descent *d, vrv_beyond_fn *beyond, const void *key,
    struct varve_err *err)
{
	struct vrv_child child, next;

	int rc = open_root(d, err);
	if (rc != 0)
		return rc;
	for (; d->low > 0; d->low--) {
		struct vrv_stage *s = &d->stage[d->low];
		rc = take(d, s, &child, err);
		while (rc == 0 && s->left > 0) {
			struct vrv_rd rd = s->rd;
			rc = child_get(d, &rd, &next, err);
			if (rc != 0 || beyond(key, &next, s->at))
				break;
			rc = take(d, s, &child, err);
		}
		if (rc == 0)
			rc = open_chunk(d, d->low - 1, &child,
			    s->at - child.weight, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}
