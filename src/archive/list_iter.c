/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/trees.h"

#include <stdlib.h>

#include "archive/descent.h"
#include "util/mem.h"
#include "util/rd.h"

/* An inline list is a leaf that is open from the start. */
struct vrv_list_iter {
	struct vrv_descent descent;
	bool is_inline;
	struct vrv_rd extents; /* inline */
	uint32_t n;
};

static void
open_inline(struct vrv_list_iter *it)
{
	struct vrv_stage *leaf = &it->descent.stage[0];

	leaf->rd = it->extents;
	leaf->left = it->n;
	leaf->at = 0;
	it->descent.started = true;
	it->descent.low = 0;
}

static int
init(struct vrv_list_iter *it, const struct vrv_meta_source *source,
    const uint8_t *content, size_t content_n, struct varve_err *err)
{
	struct vrv_ref ref = {.depth = 0};
	bool is_ref;
	uint64_t sum;

	int rc = vrv_content_get(content, content_n, &is_ref, &ref, &it->n,
	    &it->extents, err);
	if (rc == 0)
		rc = vrv_descent_init(&it->descent, source, &ref,
		    VRV_META_LIST_LEAF, VRV_META_LIST_NODE, err);
	if (rc != 0 || is_ref)
		return rc;
	rc = vrv_extents_sum(it->extents, it->n, &sum, err);
	if (rc != 0)
		return rc;
	it->descent.weight = sum;
	it->is_inline = true;
	open_inline(it);
	return 0;
}

void
vrv_list_iter_free(struct vrv_list_iter *it)
{
	if (it == NULL)
		return;
	vrv_descent_fini(&it->descent);
	free(it);
}

int
vrv_list_iter_new(const struct vrv_meta_source *source, const uint8_t *content,
    size_t content_n, struct vrv_list_iter **ret, struct varve_err *err)
{
	struct vrv_list_iter *it = calloc(1, sizeof(*it));

	if (it == NULL)
		return VRV_NOMEM(err, "an extent list");
	int rc = init(it, source, content, content_n, err);
	if (rc != 0) {
		vrv_list_iter_free(it);
		return rc;
	}
	*ret = it;
	return 0;
}

void
vrv_list_iter_on_meta(struct vrv_list_iter *it, vrv_meta_seen_fn *fn, void *arg)
{
	it->descent.seen = fn;
	it->descent.seen_arg = arg;
}

void
vrv_list_iter_visit(struct vrv_list_iter *it, struct vrv_visited *visited)
{
	it->descent.visited = visited;
}

uint64_t
vrv_list_iter_bytes(const struct vrv_list_iter *it)
{
	return it->descent.weight;
}

/* The next extent of a leaf that has one. Leaves were checked whole. */
static int
take(struct vrv_stage *leaf, struct vrv_extent *ret, struct varve_err *err)
{
	int rc = vrv_extent_get(&leaf->rd, ret, err);

	if (rc != 0) {
		leaf->left = 0;
		return rc;
	}
	leaf->left--;
	leaf->at += ret->length;
	return 0;
}

int
vrv_list_iter_next(struct vrv_list_iter *it, struct vrv_extent *ret,
    uint64_t *ret_offset, struct varve_err *err)
{
	struct vrv_extent extent;

	for (;;) {
		struct vrv_stage *leaf = vrv_descent_leaf(&it->descent);
		if (leaf != NULL && leaf->left > 0) {
			int rc = take(leaf, &extent, err);
			if (rc != 0)
				return rc;
			*ret_offset = leaf->at - extent.length;
			*ret = extent;
			return 0;
		}
		int rc = vrv_descent_next(&it->descent, err);
		if (rc != 0)
			return rc;
	}
}

static bool
begins_after(const void *key, const struct vrv_child *child, uint64_t at)
{
	const uint64_t *offset = key;

	(void)child;
	return at > *offset;
}

int
vrv_list_iter_seek(struct vrv_list_iter *it, uint64_t offset,
    struct varve_err *err)
{
	struct vrv_extent extent;
	int rc = 0;

	if (it->is_inline)
		open_inline(it);
	else
		rc = vrv_descent_seek(&it->descent, begins_after, &offset, err);
	struct vrv_stage *leaf = &it->descent.stage[0];
	while (rc == 0 && leaf->left > 0) {
		struct vrv_stage before = *leaf;
		rc = take(leaf, &extent, err);
		if (rc == 0 && leaf->at > offset) {
			*leaf = before;
			break;
		}
	}
	return rc;
}
