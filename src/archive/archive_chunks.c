/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/archive.h"

#include <varve/archive.h>

#include "archive/trees.h"
#include "util/rd.h"

struct gather {
	const struct vrv_meta_source *source;
	vrv_chunk_fn *fn;
	void *arg;
};

static int
on_meta(void *arg, const uint8_t id[VRV_CHUNK_ID], struct varve_err *err)
{
	const struct gather *g = arg;

	return g->fn(g->arg, VRV_FRAME_META, id, err);
}

static int
each_extent(const struct gather *g, struct vrv_list_iter *it,
    enum vrv_frame_kind kind, struct varve_err *err)
{
	struct vrv_extent extent;
	uint64_t at;

	for (;;) {
		int rc = vrv_list_iter_next(it, &extent, &at, err);
		if (rc == VARVE_NOENT)
			return 0;
		if (rc == 0 && !extent.hole)
			rc = g->fn(g->arg, kind, extent.id, err);
		if (rc != 0)
			return rc;
	}
}

static int
list_chunks(struct gather *g, const uint8_t *content, size_t n,
    enum vrv_frame_kind kind, struct varve_err *err)
{
	struct vrv_list_iter *it = NULL;

	int rc = vrv_list_iter_new(g->source, content, n, &it, err);
	if (rc != 0)
		return rc;
	vrv_list_iter_on_meta(it, on_meta, g);
	rc = each_extent(g, it, kind, err);
	vrv_list_iter_free(it);
	return rc;
}

static int
xattr_chunks(const struct gather *g, const struct vrv_entry *entry,
    struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(entry->xattrs, entry->xattrs_n);
	struct vrv_entry_xattr xattr;

	for (uint64_t n = vrv_rd_v(&rd); n > 0; n--) {
		int rc = vrv_xattr_get(&rd, &xattr, err);
		if (rc == 0 && xattr.value == NULL && xattr.size > 0)
			rc = g->fn(g->arg, VRV_FRAME_META, xattr.id, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
on_item(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	struct gather *g = arg;
	const struct vrv_entry *e = item->entry;
	int rc = 0;

	if (e->kind == VARVE_FILE)
		rc = list_chunks(g, e->content, e->content_n, VRV_FRAME_DATA,
		    err);
	if (rc == 0 && e->xattrs_n > 0)
		rc = xattr_chunks(g, e, err);
	return rc == 0 ? 0 : vrv_ctx(err, "%s", item->path);
}

static int
own_list(struct gather *g, bool has, const struct vrv_ref *ref,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf content = {0};

	if (!has)
		return 0;
	vrv_content_put_ref(&content, ref);
	int rc = vrv_buf_check(&content, err);
	if (rc != 0)
		return rc;
	return list_chunks(g, content.data, content.len, VRV_FRAME_META, err);
}

int
vrv_archive_chunks(const struct vrv_meta_source *source,
    const struct vrv_archive *archive, vrv_chunk_fn *fn, void *arg,
    struct varve_err *err)
{
	const struct vrv_archive_sealed *a = &archive->sealed;
	struct gather g = {.source = source, .fn = fn, .arg = arg};
	const struct vrv_walk walk = {
	    .source = *source,
	    .fn = on_item,
	    .arg = &g,
	    .seen = on_meta,
	    .seen_arg = &g,
	};

	int rc = vrv_walk_archive(&walk, archive, err);
	if (rc == 0)
		rc = own_list(&g, a->has_skipped, &a->skipped, err);
	if (rc == 0)
		rc = own_list(&g, a->has_owners, &a->owners, err);
	return rc;
}
