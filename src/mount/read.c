/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "mount/mount_internal.h"
#include "os/meta.h"
#include "util/mem.h"

static const uint8_t zeros[64 << 10];

/* --- pieces --- */

void
vrv_pieces_release(struct vrv_mount *m, struct vrv_pieces *p)
{
	for (size_t i = 0; i < p->n_pins; i++)
		vrv_framecache_release(m->cache, &p->pins[i]);
	free(p->flat);
	*p = (struct vrv_pieces){0};
}

/* From now on copy: `room` bytes in all. */
static int
flatten(struct vrv_mount *m, struct vrv_pieces *p, size_t room,
    struct varve_err *err)
{
	uint8_t *flat = malloc(room);
	size_t at = 0;

	if (flat == NULL)
		return VRV_NOMEM(err, "what is read");
	for (size_t i = 0; i < p->n_parts; i++) {
		memcpy(flat + at, p->parts[i].bytes, p->parts[i].n);
		at += p->parts[i].n;
	}
	size_t size = p->size;
	vrv_pieces_release(m, p);
	p->flat = flat;
	p->size = size;
	p->parts[0].bytes = flat;
	p->parts[0].n = size;
	p->n_parts = 1;
	return 0;
}

/* Append bytes that `pin` (consumed; NULL: none) holds. */
static int
add_part(struct vrv_mount *m, struct vrv_pieces *p, struct vrv_chunk_pin *pin,
    const uint8_t *bytes, size_t n, size_t room, struct varve_err *err)
{
	int rc = 0;

	if (p->flat == NULL && p->n_parts == VRV_READ_PIECES)
		rc = flatten(m, p, room, err);
	if (rc == 0 && p->flat != NULL) {
		memcpy(p->flat + p->size, bytes, n);
		p->parts[0].n += n;
		p->size += n;
	} else if (rc == 0) {
		p->parts[p->n_parts].bytes = bytes;
		p->parts[p->n_parts++].n = n;
		p->size += n;
		if (pin != NULL) {
			p->pins[p->n_pins++] = *pin;
			*pin = (struct vrv_chunk_pin){0};
		}
	}
	if (pin != NULL)
		vrv_framecache_release(m->cache, pin);
	return rc;
}

/* The part of an extent from `skip` on, at most `n` bytes. */
static int
add_extent(struct vrv_mount *m, struct vrv_pieces *p,
    const struct vrv_extent *extent, uint64_t skip, size_t n, size_t room,
    struct varve_err *err)
{
	struct vrv_chunk_pin pin = {0};
	int rc = 0;

	if (!extent->hole) {
		rc = vrv_framecache_get(m->cache, VRV_FRAME_DATA, extent->id,
		    &pin, err);
		if (rc == 0 && pin.n != extent->length) {
			vrv_framecache_release(m->cache, &pin);
			rc = vrv_fail(err, VARVE_CORRUPT,
			    "a chunk is longer or shorter than its file says");
		}
		return rc != 0 ?
		    rc :
		    add_part(m, p, &pin, pin.bytes + skip, n, room, err);
	}
	while (rc == 0 && n > 0) {
		size_t some = vrv_min(n, sizeof(zeros));
		rc = add_part(m, p, NULL, zeros, some, room, err);
		n -= some;
	}
	return rc;
}

/* --- reading --- */

/* What a read is about. */
struct reading {
	uint64_t node, offset, end;
	uint64_t size;			/* of the file */
	struct vrv_run_extent *extents; /* VRV_STREAM_EXTENTS */
	size_t n;
};

static int
short_list(struct varve_err *err)
{
	return vrv_fail(err, VARVE_CORRUPT,
	    "its pieces do not add up to its size");
}

/* The extents of the list from the one on that holds `offset`. */
static int
load_extents(struct vrv_mount *m, const struct vrv_entry *entry,
    uint64_t offset, struct reading *r, struct varve_err *err)
{
	struct vrv_list_iter *list;

	int rc = vrv_list_iter_new(&m->source, entry->content, entry->content_n,
	    &list, err);
	if (rc != 0)
		return rc;
	rc = vrv_list_iter_seek(list, offset, err);
	r->n = 0;
	while (rc == 0 && r->n < VRV_STREAM_EXTENTS) {
		struct vrv_run_extent *e = &r->extents[r->n];
		rc = vrv_list_iter_next(list, &e->extent, &e->offset, err);
		if (rc == 0 &&
		    (e->extent.length > r->size ||
			e->offset > r->size - e->extent.length))
			rc = short_list(err);
		if (rc == 0)
			r->n++;
	}
	vrv_list_iter_free(list);
	return rc == VARVE_NOENT ? 0 : rc;
}

/* Fetch the entry and its extents from `offset` on. */
static int
look(struct vrv_mount *m, uint64_t offset, struct reading *r,
    struct varve_err *err)
{
	struct vrv_seen seen = {0};

	int rc = vrv_seen_get(m, r->node, &seen, err);
	if (rc != 0)
		return rc;
	r->n = 0;
	r->size = seen.entry.size;
	if (seen.entry.kind != VRV_FILE)
		rc = vrv_fail(err, VARVE_USAGE, "not a file");
	else if (offset < r->size)
		rc = load_extents(m, &seen.entry, offset, r, err);
	vrv_seen_release(m, &seen);
	/* Whatever is in one piece has no sequence to be told. */
	if (rc == 0 && r->n > 0 && r->extents[0].extent.length != r->size)
		vrv_streams_put(m->streams, r->node, r->size, r->extents, r->n);
	return rc;
}

/* Add what the extents at hand hold from `at` on; *at moves. */
static int
add_extents(struct vrv_mount *m, const struct reading *r, uint64_t *at,
    struct vrv_pieces *p, struct varve_err *err)
{
	size_t room = (size_t)(r->end - r->offset);
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < r->n && *at < r->end; i++) {
		const struct vrv_run_extent *e = &r->extents[i];
		uint64_t end = e->offset + e->extent.length;
		if (end <= *at)
			continue;
		if (e->offset > *at)
			return short_list(err);
		size_t n = (size_t)((end < r->end ? end : r->end) - *at);
		rc =
		    add_extent(m, p, &e->extent, *at - e->offset, n, room, err);
		*at += n;
	}
	return rc;
}

static int
read_all(struct vrv_mount *m, struct reading *r, size_t n,
    struct vrv_pieces *ret, struct varve_err *err)
{
	uint64_t at = r->offset;
	bool first = true;
	int rc = 0;

	do {
		uint64_t before = at;
		r->n = vrv_streams_get(m->streams, r->node, at,
		    (size_t)(r->offset + n - at), r->extents,
		    VRV_STREAM_EXTENTS, &r->size);
		if (r->n == 0)
			rc = look(m, at, r, err);
		if (first) {
			r->end = r->offset >= r->size ? r->offset :
			    r->size - r->offset < n   ? r->size :
							r->offset + n;
			first = false;
		}
		if (rc == 0)
			rc = add_extents(m, r, &at, ret, err);
		if (rc == 0 && at < r->end && at == before)
			rc = short_list(err);
	} while (rc == 0 && at < r->end);
	return rc;
}

int
vrv_read(struct vrv_mount *m, uint64_t node, uint64_t offset, size_t n,
    struct vrv_pieces *ret, struct varve_err *err)
{
	struct vrv_run_extent extents[VRV_STREAM_EXTENTS];
	struct reading r = {
	    .node = node,
	    .offset = offset,
	    .extents = extents,
	};

	int rc = read_all(m, &r, n, ret, err);
	if (rc != 0)
		vrv_pieces_release(m, ret);
	return rc;
}

/* --- holes --- */

static int
seek_in(struct vrv_list_iter *list, uint64_t size, uint64_t offset, bool hole,
    uint64_t *ret, struct varve_err *err)
{
	struct vrv_extent extent;
	uint64_t at;

	int rc = vrv_list_iter_seek(list, offset, err);
	while (rc == 0) {
		rc = vrv_list_iter_next(list, &extent, &at, err);
		if (rc == 0 && extent.hole == hole) {
			*ret = at > offset ? at : offset;
			return 0;
		}
	}
	/* The end of a file counts as a hole. */
	if (rc != VARVE_NOENT || !hole)
		return rc;
	*ret = size;
	return 0;
}

int
vrv_seek(struct vrv_mount *m, uint64_t node, uint64_t offset, bool hole,
    uint64_t *ret, struct varve_err *err)
{
	struct vrv_seen seen = {0};
	struct vrv_list_iter *list;

	int rc = vrv_seen_get(m, node, &seen, err);
	if (rc != 0)
		return rc;
	if (seen.entry.kind != VRV_FILE)
		rc = vrv_fail(err, VARVE_USAGE, "not a file");
	else if (offset >= seen.entry.size)
		rc = vrv_fail(err, VARVE_NOENT, "behind the end");
	else
		rc = vrv_list_iter_new(&m->source, seen.entry.content,
		    seen.entry.content_n, &list, err);
	if (rc == 0) {
		rc = seek_in(list, seen.entry.size, offset, hole, ret, err);
		vrv_list_iter_free(list);
	}
	vrv_seen_release(m, &seen);
	return rc;
}
