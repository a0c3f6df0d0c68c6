/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/trees.h"

#include <stdlib.h>

#include "archive/levels.h"
#include "format/frame.h"
#include "util/mem.h"
#include "util/rd.h"

/* Short lists are never cut, so that they are whole when they end. */
_Static_assert(VRV_INLINE_EXTENTS < VRV_LIST_LEAF_MIN,
    "the shortest leaf is longer than an inline list");

struct vrv_list_builder {
	struct vrv_levels levels;
	uint64_t hole;	/* at the end so far, not yet in the leaf */
	uint64_t total; /* bytes */
};

int
vrv_list_builder_new(const struct vrv_meta_sink *sink,
    struct vrv_list_builder **ret, struct varve_err *err)
{
	struct vrv_list_builder *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return VRV_NOMEM(err, "a list builder");
	vrv_levels_init(&b->levels, sink, VRV_META_LIST_LEAF,
	    VRV_META_LIST_NODE);
	*ret = b;
	return 0;
}

void
vrv_list_builder_free(struct vrv_list_builder *b)
{
	if (b == NULL)
		return;
	vrv_levels_fini(&b->levels);
	free(b);
}

static int
append(struct vrv_list_builder *b, const struct vrv_extent *extent,
    struct varve_err *err)
{
	struct vrv_level *leaf = &b->levels.bottom;

	vrv_extent_put(&leaf->body, extent);
	leaf->count++;
	leaf->weight += extent->length;
	if (leaf->count >= VRV_LIST_LEAF_MAX ||
	    (leaf->count >= VRV_LIST_LEAF_MIN && !extent->hole &&
		vrv_cut_at(vrv_get_u32(extent->id), VRV_LIST_LEAF_SPREAD)))
		return vrv_levels_cut(&b->levels, 0, err);
	return 0;
}

static int
flush_hole(struct vrv_list_builder *b, struct varve_err *err)
{
	struct vrv_extent hole = {.length = b->hole, .hole = true};

	if (b->hole == 0)
		return 0;
	b->hole = 0;
	return append(b, &hole, err);
}

int
vrv_list_builder_add(struct vrv_list_builder *b,
    const struct vrv_extent *extent, struct varve_err *err)
{
	if (extent->length == 0 ||
	    (!extent->hole && extent->length > VRV_FRAME_PLAIN_MAX))
		return vrv_fail(err, VARVE_INTERNAL, "extent of %llu bytes",
		    (unsigned long long)extent->length);
	if (extent->length > VRV_ENTRY_SIZE_MAX - b->total)
		return vrv_fail(err, VARVE_LIMIT, "file beyond %llu bytes",
		    (unsigned long long)VRV_ENTRY_SIZE_MAX);
	b->total += extent->length;
	if (extent->hole) {
		b->hole += extent->length;
		return 0;
	}
	int rc = flush_hole(b, err);
	return rc != 0 ? rc : append(b, extent, err);
}

int
vrv_list_builder_finish_ref(struct vrv_list_builder *b, struct vrv_ref *ret,
    struct varve_err *err)
{
	int rc = flush_hole(b, err);

	if (rc != 0)
		return rc;
	b->total = 0;
	return vrv_levels_finish(&b->levels, ret, err);
}

int
vrv_list_builder_finish(struct vrv_list_builder *b, struct vrv_buf *content,
    struct varve_err *err)
{
	struct vrv_level *leaf = &b->levels.bottom;
	struct vrv_ref ref;

	int rc = flush_hole(b, err);
	if (rc == 0)
		rc = vrv_buf_check(&leaf->body, err);
	if (rc != 0)
		return rc;
	if (b->levels.top > 0 || leaf->count > VRV_INLINE_EXTENTS) {
		rc = vrv_list_builder_finish_ref(b, &ref, err);
		if (rc != 0)
			return rc;
		vrv_content_put_ref(content, &ref);
	} else {
		vrv_content_put_inline(content, (uint32_t)leaf->count,
		    leaf->body.data, leaf->body.len);
		vrv_level_empty(leaf);
		b->total = 0;
	}
	return vrv_buf_check(content, err);
}
