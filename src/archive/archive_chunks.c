/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/archive.h"

#include <varve/archive.h>

#include "archive/trees.h"
#include "util/rd.h"

/* Who is told of each chunk. */
struct told {
	vrv_chunk_fn *fn;
	void *arg;
};

static int
on_meta(void *arg, const uint8_t id[VRV_CHUNK_ID], struct varve_err *err)
{
	const struct told *told = arg;

	return told->fn(told->arg, VRV_FRAME_META, id, err);
}

static int
without_length(void *arg, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], uint64_t length, struct varve_err *err)
{
	const struct told *told = arg;

	(void)length;
	return told->fn(told->arg, kind, id, err);
}

static int
each_extent(struct vrv_list_iter *it, enum vrv_frame_kind kind,
    vrv_sized_fn *fn, void *arg, struct varve_err *err)
{
	struct vrv_extent extent;
	uint64_t at;

	for (;;) {
		int rc = vrv_list_iter_next(it, &extent, &at, err);
		if (rc == VARVE_NOENT)
			return 0;
		if (rc == 0 && !extent.hole)
			rc = fn(arg, kind, extent.id, extent.length, err);
		if (rc != 0)
			return rc;
	}
}

/* What an entry or list is told to. */
struct to {
	vrv_meta_seen_fn *meta; /* of the list itself; or NULL */
	vrv_sized_fn *fn;
	void *arg;
};

static int
content_chunks(const struct vrv_meta_source *source, const uint8_t *content,
    size_t n, enum vrv_frame_kind kind, const struct to *to,
    struct varve_err *err)
{
	struct vrv_list_iter *it = NULL;

	int rc = vrv_list_iter_new(source, content, n, &it, err);
	if (rc != 0)
		return rc;
	vrv_list_iter_on_meta(it, to->meta, to->arg);
	rc = each_extent(it, kind, to->fn, to->arg, err);
	vrv_list_iter_free(it);
	return rc;
}

static int
xattr_chunks(const struct vrv_entry *entry, const struct to *to,
    struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(entry->xattrs, entry->xattrs_n);
	struct vrv_entry_xattr xattr;

	for (uint64_t n = vrv_rd_v(&rd); n > 0; n--) {
		int rc = vrv_xattr_get(&rd, &xattr, err);
		/* The chunk has its kind before the value. */
		if (rc == 0 && xattr.value == NULL && xattr.size > 0)
			rc = to->fn(to->arg, VRV_FRAME_META, xattr.id,
			    xattr.size + 1, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
entry_chunks(const struct vrv_meta_source *source,
    const struct vrv_entry *entry, const struct to *to, struct varve_err *err)
{
	int rc = 0;

	if (entry->xattrs_n > 0)
		rc = xattr_chunks(entry, to, err);
	if (rc == 0 && entry->kind == VARVE_FILE)
		rc = content_chunks(source, entry->content, entry->content_n,
		    VRV_FRAME_DATA, to, err);
	return rc;
}

static int
list_chunks(const struct vrv_meta_source *source, const struct vrv_ref *ref,
    const struct to *to, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf content = {0};

	vrv_content_put_ref(&content, ref);
	int rc = vrv_buf_check(&content, err);
	return rc != 0 ? rc :
			 content_chunks(source, content.data, content.len,
			     VRV_FRAME_META, to, err);
}

int
vrv_entry_chunks(const struct vrv_meta_source *source,
    const struct vrv_entry *entry, vrv_chunk_fn *fn, void *arg,
    struct varve_err *err)
{
	struct told told = {fn, arg};

	return entry_chunks(source, entry,
	    &(struct to){on_meta, without_length, &told}, err);
}

int
vrv_list_chunks(const struct vrv_meta_source *source, const struct vrv_ref *ref,
    vrv_chunk_fn *fn, void *arg, struct varve_err *err)
{
	struct told told = {fn, arg};

	return list_chunks(source, ref,
	    &(struct to){on_meta, without_length, &told}, err);
}

int
vrv_entry_sized(const struct vrv_meta_source *source,
    const struct vrv_entry *entry, vrv_sized_fn *fn, void *arg,
    struct varve_err *err)
{
	return entry_chunks(source, entry, &(struct to){NULL, fn, arg}, err);
}

int
vrv_list_sized(const struct vrv_meta_source *source, const struct vrv_ref *ref,
    vrv_sized_fn *fn, void *arg, struct varve_err *err)
{
	return list_chunks(source, ref, &(struct to){NULL, fn, arg}, err);
}

/* --- of a whole archive --- */

struct gather {
	const struct vrv_meta_source *source;
	struct told told;
};

static int
on_item(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	const struct gather *g = arg;

	int rc = vrv_entry_chunks(g->source, item->entry, g->told.fn,
	    g->told.arg, err);
	return rc == 0 ? 0 : vrv_ctx(err, "%s", item->path);
}

int
vrv_archive_chunks(const struct vrv_meta_source *source,
    const struct vrv_archive *archive, vrv_chunk_fn *fn, void *arg,
    struct varve_err *err)
{
	const struct vrv_archive_sealed *a = &archive->sealed;
	struct gather g = {.source = source, .told = {fn, arg}};
	const struct vrv_walk walk = {
	    .source = *source,
	    .fn = on_item,
	    .arg = &g,
	    .seen = on_meta,
	    .seen_arg = &g.told,
	};

	int rc = vrv_walk_archive(&walk, archive, err);
	if (rc == 0 && a->has_skipped)
		rc = vrv_list_chunks(source, &a->skipped, fn, arg, err);
	if (rc == 0 && a->has_owners)
		rc = vrv_list_chunks(source, &a->owners, fn, arg, err);
	return rc;
}
