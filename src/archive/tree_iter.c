/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/trees.h"

#include <stdlib.h>
#include <string.h>

#include "archive/descent.h"
#include "util/mem.h"
#include "util/rd.h"

struct vrv_tree_iter {
	struct vrv_descent descent;
	struct vrv_buf last; /* the last name told since the start or a seek */
	size_t told;	     /* where its entry stands in the leaf */
};

int
vrv_tree_iter_new(const struct vrv_meta_source *source,
    const struct vrv_ref *ref, struct vrv_tree_iter **ret,
    struct varve_err *err)
{
	struct vrv_tree_iter *it = calloc(1, sizeof(*it));

	if (it == NULL)
		return VRV_NOMEM(err, "a directory");
	int rc = vrv_descent_init(&it->descent, source, ref, VRV_META_TREE_LEAF,
	    VRV_META_TREE_NODE, err);
	if (rc != 0) {
		free(it);
		return rc;
	}
	*ret = it;
	return 0;
}

void
vrv_tree_iter_free(struct vrv_tree_iter *it)
{
	if (it == NULL)
		return;
	vrv_descent_fini(&it->descent);
	vrv_buf_fini(&it->last);
	free(it);
}

void
vrv_tree_iter_on_meta(struct vrv_tree_iter *it, vrv_meta_seen_fn *fn, void *arg)
{
	it->descent.seen = fn;
	it->descent.seen_arg = arg;
}

/* Go to a leaf that has entries left, past the end of the one at hand. */
static int
reach_entry(struct vrv_tree_iter *it, struct varve_err *err)
{
	for (;;) {
		struct vrv_stage *leaf = vrv_descent_leaf(&it->descent);
		if (leaf != NULL && leaf->left > 0)
			return 0;
		bool done = leaf == NULL || vrv_rd_done(&leaf->rd);
		int rc = vrv_descent_next(&it->descent, err);
		if (!done)
			return vrv_fail(err, VARVE_CORRUPT,
			    "more in a directory than stated");
		if (rc != 0)
			return rc;
	}
}

static int
check_order(struct vrv_tree_iter *it, const struct vrv_entry *entry,
    struct varve_err *err)
{
	if (vrv_name_cmp(it->last.data, it->last.len, entry->name,
		entry->name_n) >= 0)
		return vrv_fail(err, VARVE_CORRUPT,
		    "names of a directory out of order");
	vrv_buf_clear(&it->last);
	vrv_buf_bytes(&it->last, entry->name, entry->name_n);
	return vrv_buf_check(&it->last, err);
}

/* What is wrong with an entry that does not decode is said of its name. */
static int
name_entry(struct vrv_rd rd, struct varve_err *err)
{
	const uint8_t *name;
	size_t n;

	if (!vrv_entry_name(&rd, &name, &n))
		return err->code;
	return vrv_ctx(err, "'%.*s'", (int)vrv_min(n, 255), (const char *)name);
}

int
vrv_tree_iter_next(struct vrv_tree_iter *it, struct vrv_entry *ret,
    struct vrv_text *ret_raw, struct varve_err *err)
{
	struct vrv_entry entry;

	int rc = it->descent.resting ? vrv_descent_wake(&it->descent, err) : 0;
	if (rc == 0)
		rc = reach_entry(it, err);
	if (rc != 0)
		return rc;
	struct vrv_stage *leaf = vrv_descent_leaf(&it->descent);
	const uint8_t *start = leaf->rd.p;
	it->told = (size_t)(start - leaf->chunk.data);
	struct vrv_rd before = leaf->rd;
	leaf->left--;
	leaf->at++;
	rc = vrv_entry_get(&leaf->rd, &entry, err);
	if (rc != 0) {
		if (!vrv_rd_ok(&leaf->rd)) {
			leaf->left = 0;
			leaf->rd = vrv_rd_over(NULL, 0);
		}
		return name_entry(before, err);
	}
	rc = check_order(it, &entry, err);
	if (rc != 0)
		return rc;
	*ret = entry;
	if (ret_raw != NULL)
		*ret_raw = (struct vrv_text){
		    .p = start,
		    .n = (size_t)(leaf->rd.p - start),
		};
	return 0;
}

void
vrv_tree_iter_rest(struct vrv_tree_iter *it)
{
	if (it->descent.started && !it->descent.resting)
		vrv_descent_rest(&it->descent);
}

int
vrv_tree_iter_again(struct vrv_tree_iter *it, struct vrv_entry *ret,
    struct varve_err *err)
{
	int rc = it->descent.resting ? vrv_descent_wake(&it->descent, err) : 0;

	if (rc != 0)
		return rc;
	const struct vrv_stage *leaf = vrv_descent_leaf(&it->descent);
	if (leaf == NULL || it->told > leaf->chunk.len)
		return vrv_fail(err, VARVE_INTERNAL, "no entry was told");
	struct vrv_rd rd = vrv_rd_over(leaf->chunk.data + it->told,
	    leaf->chunk.len - it->told);
	return vrv_entry_get(&rd, ret, err);
}

static bool
begins_after(const void *key, const struct vrv_child *child, uint64_t at)
{
	const struct vrv_text *name = key;

	(void)at;
	return vrv_name_cmp(child->first, child->first_n, name->p, name->n) > 0;
}

int
vrv_tree_iter_seek(struct vrv_tree_iter *it, const uint8_t *name, size_t name_n,
    struct varve_err *err)
{
	struct vrv_text key = {.p = name, .n = name_n};
	const uint8_t *at;
	size_t at_n;

	vrv_buf_clear(&it->last);
	it->descent.resting = false;
	int rc = vrv_descent_seek(&it->descent, begins_after, &key, err);
	if (rc != 0)
		return rc;
	/* What has no name is told by the next call. */
	struct vrv_stage *leaf = vrv_descent_leaf(&it->descent);
	while (leaf->left > 0) {
		struct vrv_rd rd = leaf->rd;
		if (!vrv_entry_name(&rd, &at, &at_n) ||
		    vrv_name_cmp(at, at_n, name, name_n) >= 0)
			break;
		leaf->rd = rd;
		leaf->left--;
		leaf->at++;
	}
	return 0;
}

static bool
number_after(const void *key, const struct vrv_child *child, uint64_t at)
{
	const uint64_t *number = key;

	(void)child;
	return at > *number;
}

int
vrv_tree_iter_seek_number(struct vrv_tree_iter *it, uint64_t number,
    struct varve_err *err)
{
	size_t n;

	vrv_buf_clear(&it->last);
	it->descent.resting = false;
	int rc = vrv_descent_seek(&it->descent, number_after, &number, err);
	if (rc != 0)
		return rc;
	struct vrv_stage *leaf = vrv_descent_leaf(&it->descent);
	for (; leaf->left > 0 && leaf->at < number; leaf->left--, leaf->at++)
		(void)vrv_rd_vbytes(&leaf->rd, &n);
	return 0;
}

void
vrv_tree_iter_place(const struct vrv_tree_iter *it, struct vrv_tree_place *ret)
{
	const struct vrv_stage *leaf = &it->descent.stage[0];

	memcpy(ret->leaf, leaf->id, VRV_CHUNK_ID);
	ret->number = leaf->at - 1;
	ret->ordinal = (uint32_t)(ret->number - leaf->first);
}

int
vrv_tree_leaf_entry(const uint8_t *chunk, size_t n, uint32_t ordinal,
    struct vrv_entry *ret, struct varve_err *err)
{
	struct vrv_rd rd;
	uint64_t count;
	size_t entry_n;

	int rc = vrv_leaf_open(chunk, n, VRV_META_TREE_LEAF, &rd, &count, err);
	if (rc != 0)
		return rc;
	if (ordinal >= count)
		return vrv_fail(err, VARVE_CORRUPT,
		    "fewer entries in a directory than stated");
	for (; ordinal > 0; ordinal--)
		(void)vrv_rd_vbytes(&rd, &entry_n);
	return vrv_entry_get(&rd, ret, err);
}

int
vrv_tree_iter_find(struct vrv_tree_iter *it, const uint8_t *name, size_t name_n,
    struct vrv_entry *ret, struct varve_err *err)
{
	struct vrv_entry entry;

	int rc = vrv_tree_iter_seek(it, name, name_n, err);
	if (rc != 0)
		return rc;
	/* Never into the next leaf: the name would have to be in this one. */
	if (vrv_descent_leaf(&it->descent)->left > 0) {
		rc = vrv_tree_iter_next(it, &entry, NULL, err);
		if (rc != 0)
			return rc;
		if (vrv_name_cmp(entry.name, entry.name_n, name, name_n) == 0) {
			*ret = entry;
			return 0;
		}
	}
	return vrv_fail(err, VARVE_NOENT, "no such entry");
}

int
vrv_tree_find(const struct vrv_meta_source *source, const struct vrv_ref *ref,
    const uint8_t *name, size_t name_n, struct vrv_buf *ret_leaf,
    struct vrv_entry *ret, struct varve_err *err)
{
	struct vrv_tree_iter *it = NULL;

	int rc = vrv_tree_iter_new(source, ref, &it, err);
	if (rc != 0)
		return rc;
	rc = vrv_tree_iter_find(it, name, name_n, ret, err);
	if (rc == 0) {
		vrv_buf_fini(ret_leaf);
		*ret_leaf = it->descent.stage[0].chunk;
		it->descent.stage[0].chunk = (struct vrv_buf){0};
	}
	vrv_tree_iter_free(it);
	return rc;
}
