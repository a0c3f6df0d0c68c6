/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/trees.h"

#include <assert.h>
#include <stdlib.h>

#include "archive/levels.h"
#include "util/mem.h"

/* What a leaf needs beside its entries. */
#define LEAF_HEAD 16

struct vrv_tree_builder {
	struct vrv_levels levels;
	struct vrv_buf last; /* the last name of the directory so far */
};

int
vrv_tree_builder_new(const struct vrv_meta_sink *sink,
    struct vrv_tree_builder **ret, struct varve_err *err)
{
	assert(sink->cut_key != NULL);
	struct vrv_tree_builder *b = calloc(1, sizeof(*b));
	if (b == NULL)
		return VRV_NOMEM(err, "a tree builder");
	vrv_levels_init(&b->levels, sink, VRV_META_TREE_LEAF,
	    VRV_META_TREE_NODE);
	*ret = b;
	return 0;
}

void
vrv_tree_builder_free(struct vrv_tree_builder *b)
{
	if (b == NULL)
		return;
	vrv_levels_fini(&b->levels);
	vrv_buf_fini(&b->last);
	free(b);
}

static int
check(const struct vrv_tree_builder *b, const uint8_t *name, size_t name_n,
    size_t entry_n, struct varve_err *err)
{
	if (!vrv_name_ok(name, name_n))
		return vrv_fail(err, VARVE_INTERNAL, "bad name of an entry");
	/* No name is empty, so the first comes after an empty `last`. */
	if (vrv_name_cmp(b->last.data, b->last.len, name, name_n) >= 0)
		return vrv_fail(err, VARVE_INTERNAL,
		    "entries of a directory out of order");
	if (entry_n > VRV_META_MAX - LEAF_HEAD)
		return vrv_fail(err, VARVE_LIMIT,
		    "directory entry of %zu bytes", entry_n);
	return 0;
}

int
vrv_tree_builder_add(struct vrv_tree_builder *b, const uint8_t *name,
    size_t name_n, const uint8_t *entry, size_t entry_n, struct varve_err *err)
{
	struct vrv_level *leaf = &b->levels.bottom;

	int rc = check(b, name, name_n, entry_n, err);
	if (rc == 0 && leaf->count > 0 &&
	    leaf->body.len + entry_n > VRV_LEAF_BYTES)
		rc = vrv_levels_cut(&b->levels, 0, err);
	if (rc != 0)
		return rc;

	vrv_buf_bytes(&leaf->body, entry, entry_n);
	if (leaf->count == 0)
		vrv_buf_bytes(&leaf->first, name, name_n);
	leaf->count++;
	leaf->weight++;
	vrv_buf_clear(&b->last);
	vrv_buf_bytes(&b->last, name, name_n);
	rc = vrv_buf_check(&b->last, err);
	if (rc != 0)
		return rc;

	uint64_t hash = vrv_siphash(b->levels.sink.cut_key, name, name_n);
	if ((hash & VRV_TREE_LEAF_MASK) == 0 ||
	    leaf->count >= VRV_TREE_LEAF_MAX)
		return vrv_levels_cut(&b->levels, 0, err);
	return 0;
}

int
vrv_tree_builder_finish(struct vrv_tree_builder *b, struct vrv_ref *ret,
    struct varve_err *err)
{
	vrv_buf_clear(&b->last);
	return vrv_levels_finish(&b->levels, ret, err);
}
