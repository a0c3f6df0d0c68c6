/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/archive.h"

#include <varve/archive.h>

#include "archive/bounds.h"
#include "archive/tour.h"
#include "archive/trees.h"
#include "util/map.h"
#include "util/mem.h"
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
	struct vrv_visited *visited; /* or NULL */
};

static int
content_chunks(const struct vrv_meta_source *source, const uint8_t *content,
    size_t n, enum vrv_frame_kind kind, const struct to *to,
    uint64_t *ret_bytes, struct varve_err *err)
{
	struct vrv_visited own = {0};
	struct vrv_list_iter *it = NULL;

	int rc = vrv_list_iter_new(source, content, n, &it, err);
	if (rc != 0)
		return rc;
	vrv_list_iter_on_meta(it, to->meta, to->arg);
	vrv_list_iter_visit(it, to->visited != NULL ? to->visited : &own);
	rc = each_extent(it, kind, to->fn, to->arg, err);
	*ret_bytes = vrv_list_iter_bytes(it);
	vrv_list_iter_free(it);
	vrv_visited_fini(&own);
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
	uint64_t bytes;
	int rc = 0;

	if (entry->xattrs_n > 0)
		rc = xattr_chunks(entry, to, err);
	if (rc != 0 || entry->kind != VARVE_FILE)
		return rc;
	rc = content_chunks(source, entry->content, entry->content_n,
	    VRV_FRAME_DATA, to, &bytes, err);
	if (rc == 0 && bytes != entry->size)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "its pieces do not add up to its size");
	return rc;
}

static int
list_chunks(const struct vrv_meta_source *source, const struct vrv_ref *ref,
    const struct to *to, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf content = {0};
	uint64_t bytes;

	vrv_content_put_ref(&content, ref);
	int rc = vrv_buf_check(&content, err);
	return rc != 0 ? rc :
			 content_chunks(source, content.data, content.len,
			     VRV_FRAME_META, to, &bytes, err);
}

int
vrv_entry_chunks(const struct vrv_meta_source *source,
    const struct vrv_entry *entry, struct vrv_visited *visited,
    vrv_chunk_fn *fn, void *arg, struct varve_err *err)
{
	struct told told = {fn, arg};

	return entry_chunks(source, entry,
	    &(struct to){on_meta, without_length, &told, visited}, err);
}

int
vrv_list_chunks(const struct vrv_meta_source *source, const struct vrv_ref *ref,
    vrv_chunk_fn *fn, void *arg, struct varve_err *err)
{
	struct told told = {fn, arg};

	return list_chunks(source, ref,
	    &(struct to){on_meta, without_length, &told, NULL}, err);
}

int
vrv_entry_sized(const struct vrv_meta_source *source,
    const struct vrv_entry *entry, struct vrv_visited *visited,
    vrv_sized_fn *fn, void *arg, struct varve_err *err)
{
	return entry_chunks(source, entry, &(struct to){NULL, fn, arg, visited},
	    err);
}

int
vrv_list_sized(const struct vrv_meta_source *source, const struct vrv_ref *ref,
    vrv_sized_fn *fn, void *arg, struct varve_err *err)
{
	return list_chunks(source, ref, &(struct to){NULL, fn, arg, NULL}, err);
}

/* --- of a whole archive --- */

/* Directories and lists are gone through once, however often they are named. */
struct gather {
	const struct vrv_meta_source *source;
	struct told told;
	struct vrv_map *seen; /* directories, as in archive/tour.h */
	struct vrv_visited lists;
};

static bool
on_enter(void *arg, const struct vrv_ref *ref)
{
	const struct gather *g = arg;

	return !vrv_seen_has(g->seen, ref);
}

static int
on_entry(void *arg, const char *path, const struct vrv_entry *entry,
    bool *ret_bad, struct varve_err *err)
{
	struct gather *g = arg;

	(void)ret_bad;
	int rc = vrv_entry_chunks(g->source, entry, &g->lists, g->told.fn,
	    g->told.arg, err);
	return rc == 0 ? 0 : vrv_ctx(err, "%s", path);
}

static void
on_left(void *arg, const struct vrv_ref *ref, bool bad)
{
	struct gather *g = arg;

	(void)bad;
	vrv_seen_add(g->seen, ref);
}

static int
on_damaged(void *arg, const char *path, struct varve_err *err)
{
	(void)arg;
	return vrv_ctx(err, "%s", path);
}

static int
root_entry(struct gather *g, const struct vrv_text *bytes,
    struct varve_err *err)
{
	struct vrv_entry entry;

	if (bytes->n == 0)
		return 0;
	int rc = vrv_root_entry_get(bytes->p, bytes->n, &entry, err);
	return rc != 0 ? rc :
			 vrv_entry_chunks(g->source, &entry, NULL, g->told.fn,
			     g->told.arg, err);
}

int
vrv_archive_chunks(const struct vrv_meta_source *source,
    const struct vrv_archive *archive, vrv_chunk_fn *fn, void *arg,
    struct varve_err *err)
{
	const struct vrv_archive_sealed *a = &archive->sealed;
	struct gather g = {.source = source, .told = {fn, arg}};
	const struct vrv_tour tour = {
	    .source = *source,
	    .arg = &g,
	    .enter = on_enter,
	    .entry = on_entry,
	    .left = on_left,
	    .damaged = on_damaged,
	    .seen = on_meta,
	    .seen_arg = &g.told,
	};

	g.seen = vrv_map_new(VRV_PREFIX_SIZE, 0);
	int rc = g.seen == NULL ? VRV_NOMEM(err, "a tour") : 0;
	if (rc == 0)
		rc = root_entry(&g, &a->root_entry, err);
	if (rc == 0)
		rc = vrv_tour_run(&tour, archive, err);
	if (rc == 0 && a->has_skipped)
		rc = vrv_list_chunks(source, &a->skipped, fn, arg, err);
	if (rc == 0 && a->has_owners)
		rc = vrv_list_chunks(source, &a->owners, fn, arg, err);
	vrv_map_free(g.seen);
	vrv_visited_fini(&g.lists);
	return rc;
}
