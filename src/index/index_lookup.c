/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/index.h"

#include <stdlib.h>
#include <string.h>

#include "index/index_internal.h"
#include "util/mem.h"

/* What is looked for and what was found. */
struct lookup {
	struct vrv_index *index;
	const uint8_t *prefix;
	uint8_t kind; /* 0: any */
	struct vrv_location *found;
	uint32_t n, max;
	bool later; /* some frame of a later version has it */
};

static size_t
named_views(const struct vrv_index *index)
{
	return index->n_runs + 1;
}

static size_t
all_views(const struct vrv_index *index)
{
	return named_views(index) + 1;
}

/* View number `i`, newest first: what was added, then the runs backwards, then
 * what no index object names. */
static void
view_init(struct vrv_view *view, struct vrv_index *index, size_t i)
{
	view->run = NULL;
	view->mem = NULL;
	if (i == 0)
		view->mem = &index->added;
	else if (i == named_views(index))
		view->mem = &index->unnamed;
	else
		view->run = index->runs[index->n_runs - i];
	view->at.blocks = index->blocks;
	view->at.block = 0;
}

static uint32_t
serial_of(const struct vrv_index *index, const struct vrv_view *view)
{
	if (view->run != NULL)
		return view->run->serial;
	return view->mem == &index->unnamed ? index->unnamed_serial :
					      index->added_serial;
}

/* Does the pack count? Its object is a number that must be there. */
static int
pack_counts(const struct vrv_index *index, const struct vrv_view *view,
    const struct vrv_pack_row *pack, bool *ret, struct varve_err *err)
{
	bool live = true;

	if (view->run != NULL) {
		if (pack->object >= view->run->count[VRV_S_OBJECTS])
			return vrv_index_damaged(err);
		live = view->run->live[pack->object];
	}
	*ret = live && vrv_map_get(index->dropped, pack->pack) == NULL;
	return 0;
}

static bool
found_already(const struct lookup *l, const struct vrv_location *at)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct vrv_location *old = &l->found[i];
		if (old->offset == at->offset && old->ordinal == at->ordinal &&
		    memcmp(old->pack, at->pack, VRV_OBJECT_ID) == 0)
			return true;
	}
	return false;
}

/* Add what the record says to the findings, if it is looked for. */
static int
add_record(struct lookup *l, struct vrv_view *view, uint64_t i,
    struct varve_err *err)
{
	const uint8_t *record = vrv_view_row(view, VRV_S_RECORDS, i);
	struct vrv_frame_row frame;
	struct vrv_pack_row pack;
	bool counts = false;

	if (record == NULL)
		return vrv_index_damaged(err);
	uint32_t frame_no = vrv_get_u32(record + VRV_RECORD_FRAME);
	struct vrv_location at = {.ordinal =
				      (uint32_t)record[VRV_RECORD_ORDINAL] |
		(uint32_t)record[VRV_RECORD_ORDINAL + 1] << 8,
	    .frame = (uint64_t)serial_of(l->index, view) << 32 | frame_no};
	const uint8_t *row = vrv_view_row(view, VRV_S_FRAMES, frame_no);
	if (row == NULL)
		return vrv_index_damaged(err);
	vrv_frame_row_get(row, &frame);
	if (l->kind != 0 && frame.kind != l->kind)
		return 0;
	row = vrv_view_row(view, VRV_S_PACKS, frame.pack);
	if (row == NULL)
		return vrv_index_damaged(err);
	vrv_pack_row_get(row, &pack);
	int rc = pack_counts(l->index, view, &pack, &counts, err);
	if (rc != 0 || !counts)
		return rc;
	if (frame.kind == VRV_FRAME_LATER) {
		l->later = true;
		return 0;
	}
	row = vrv_view_row(view, VRV_S_KEYS, frame.key);
	if (row == NULL)
		return vrv_index_damaged(err);
	memcpy(at.epk, row, VRV_KEY_SIZE);
	memcpy(at.pack, pack.pack, VRV_OBJECT_ID);
	at.length = pack.length;
	at.offset = frame.offset;
	at.stored = frame.stored;
	at.plain = frame.plain;
	at.n = frame.n;
	at.m = frame.m;
	at.kind = frame.kind;
	if (!found_already(l, &at))
		l->found[l->n++] = at;
	return 0;
}

static int
look_in_mem(struct lookup *l, struct vrv_view *view, struct varve_err *err)
{
	uint32_t i = vrv_mem_first(view->mem, l->prefix);
	int rc = 0;

	for (; rc == 0 && i != VRV_NO_RECORD && l->n < l->max;
	     i = vrv_mem_older(view->mem, i))
		rc = add_record(l, view, i, err);
	return rc;
}

static int
look_in_run(struct lookup *l, struct vrv_view *view, struct varve_err *err)
{
	uint64_t first, end;

	int rc =
	    vrv_run_search(view->run, &view->at, l->prefix, &first, &end, err);
	/* Later frames lie in newer packs. */
	while (rc == 0 && end > first && l->n < l->max)
		rc = add_record(l, view, --end, err);
	return rc;
}

static int
look(struct lookup *l, struct varve_err *err)
{
	int rc = 0;

	(void)pthread_rwlock_rdlock(&l->index->lock);
	for (size_t i = 0; i < all_views(l->index) && l->n < l->max; i++) {
		struct vrv_view view;

		view_init(&view, l->index, i);
		int one = view.mem != NULL ? look_in_mem(l, &view, err) :
					     look_in_run(l, &view, err);
		if (one != 0)
			rc = one;
	}
	(void)pthread_rwlock_unlock(&l->index->lock);
	/* What was found elsewhere is enough only if it is all that was asked
	 * for: the damaged run may have the one good copy. */
	if (rc != 0 && l->n == l->max) {
		vrv_err_clear(err);
		rc = 0;
	}
	return rc;
}

int
vrv_index_has(struct vrv_index *index, enum vrv_frame_kind kind,
    const uint8_t prefix[VRV_PREFIX_SIZE], bool *ret, struct varve_err *err)
{
	struct vrv_location at;
	struct lookup l = {.index = index,
	    .prefix = prefix,
	    .kind = (uint8_t)kind,
	    .found = &at,
	    .max = 1};

	int rc = look(&l, err);
	if (rc == 0)
		*ret = l.n > 0;
	return rc;
}

int
vrv_index_find(struct vrv_index *index, const uint8_t prefix[VRV_PREFIX_SIZE],
    struct vrv_location *ret, uint32_t max, uint32_t *ret_n,
    struct varve_err *err)
{
	struct lookup l = {.index = index,
	    .prefix = prefix,
	    .found = ret,
	    .max = max};

	int rc = look(&l, err);
	if (rc != 0)
		return rc;
	if (l.n == 0 && l.later) {
		(void)vrv_fail(err, VARVE_FORMAT,
		    "lies only in frames that need a newer varve");
		return vrv_exit(err, VARVE_EXIT_FEATURE);
	}
	if (l.n == 0)
		return vrv_fail(err, VARVE_NOENT, "no such chunk");
	*ret_n = l.n;
	return 0;
}

bool
vrv_index_is_lost(struct vrv_index *index,
    const uint8_t prefix[VRV_PREFIX_SIZE])
{
	(void)pthread_rwlock_rdlock(&index->lock);
	bool lost = vrv_map_get(index->lost, prefix) != NULL;
	(void)pthread_rwlock_unlock(&index->lock);
	return lost;
}

/* --- bases --- */

/* The frame of the pack `pack` that begins at `offset`; NOENT if it is not
 * in the view. */
static int
frame_of_pack(struct vrv_view *view, const struct vrv_location *at,
    uint64_t *ret_frame, struct varve_err *err)
{
	for (uint64_t p = 0; p < vrv_view_count(view, VRV_S_PACKS); p++) {
		struct vrv_pack_row pack;
		const uint8_t *row = vrv_view_row(view, VRV_S_PACKS, p);
		if (row == NULL)
			return vrv_index_damaged(err);
		vrv_pack_row_get(row, &pack);
		if (memcmp(pack.pack, at->pack, VRV_OBJECT_ID) != 0)
			continue;
		for (uint64_t f = pack.first;
		     f < (uint64_t)pack.first + pack.frames; f++) {
			struct vrv_frame_row frame;
			row = vrv_view_row(view, VRV_S_FRAMES, f);
			if (row == NULL)
				return vrv_index_damaged(err);
			vrv_frame_row_get(row, &frame);
			if (frame.offset == at->offset) {
				*ret_frame = f;
				return 0;
			}
		}
	}
	return VARVE_NOENT;
}

/* Bases of frame `no` of the view; NOENT if it is not the one at `at`. */
static int
copy_bases(struct vrv_view *view, uint64_t no, const struct vrv_location *at,
    uint8_t (*ret)[VRV_PREFIX_SIZE], struct varve_err *err)
{
	struct vrv_frame_row frame;
	struct vrv_pack_row pack;

	const uint8_t *row = vrv_view_row(view, VRV_S_FRAMES, no);
	if (row == NULL)
		return vrv_index_damaged(err);
	vrv_frame_row_get(row, &frame);
	row = vrv_view_row(view, VRV_S_PACKS, frame.pack);
	if (row == NULL)
		return vrv_index_damaged(err);
	vrv_pack_row_get(row, &pack);
	if (memcmp(pack.pack, at->pack, VRV_OBJECT_ID) != 0 ||
	    frame.offset != at->offset || frame.m != at->m)
		return VARVE_NOENT;
	for (uint32_t i = 0; i < frame.m; i++) {
		row =
		    vrv_view_row(view, VRV_S_BASES, (uint64_t)frame.bases + i);
		if (row == NULL)
			return vrv_index_damaged(err);
		memcpy(ret[i], row, VRV_PREFIX_SIZE);
	}
	return 0;
}

/* The location says which tables it came from; if they became part of others
 * since, every table is searched for its pack. */
static int
find_bases(struct vrv_index *index, const struct vrv_location *at,
    uint8_t (*ret)[VRV_PREFIX_SIZE], struct varve_err *err)
{
	int rc = VARVE_NOENT;

	for (size_t i = 0; i < all_views(index); i++) {
		struct vrv_view view;

		view_init(&view, index, i);
		if (serial_of(index, &view) == at->frame >> 32)
			return copy_bases(&view, at->frame & UINT32_MAX, at,
			    ret, err);
	}
	for (size_t i = 0; rc == VARVE_NOENT && i < all_views(index); i++) {
		struct vrv_view view;

		view_init(&view, index, i);
		uint64_t frame = 0;

		rc = frame_of_pack(&view, at, &frame, err);
		if (rc == 0)
			rc = copy_bases(&view, frame, at, ret, err);
	}
	return rc;
}

int
vrv_index_bases(struct vrv_index *index, const struct vrv_location *at,
    uint8_t (*ret)[VRV_PREFIX_SIZE], struct varve_err *err)
{
	(void)pthread_rwlock_rdlock(&index->lock);
	int rc = find_bases(index, at, ret, err);
	(void)pthread_rwlock_unlock(&index->lock);
	if (rc == VARVE_NOENT)
		return vrv_fail(err, VARVE_NOENT,
		    "the index does not hold that frame anymore");
	return rc;
}

/* --- packs --- */

struct pack_list {
	struct vrv_pack_row *rows;
	size_t n, cap;
};

/* Packs of the view that count and are not in `seen` yet. */
static int
list_view(struct vrv_index *index, struct vrv_view *view, struct vrv_map *seen,
    struct pack_list *list, struct varve_err *err)
{
	for (uint64_t p = 0; p < vrv_view_count(view, VRV_S_PACKS); p++) {
		struct vrv_pack_row pack;
		bool counts = false, is_new = false;

		const uint8_t *row = vrv_view_row(view, VRV_S_PACKS, p);
		if (row == NULL)
			return vrv_index_damaged(err);
		vrv_pack_row_get(row, &pack);
		int rc = pack_counts(index, view, &pack, &counts, err);
		if (rc != 0)
			return rc;
		if (!counts)
			continue;
		if (vrv_map_put(seen, pack.pack, &is_new) == NULL ||
		    vrv_room_for_one(&list->rows, list->n, &list->cap,
			sizeof(*list->rows)) != 0)
			return VRV_NOMEM(err, "the list of packs");
		if (is_new)
			list->rows[list->n++] = pack;
	}
	return 0;
}

static int
list_packs(struct vrv_index *index, bool unnamed, struct pack_list *list,
    struct varve_err *err)
{
	vrv_auto_map seen = vrv_map_new(VRV_OBJECT_ID, 0);
	int rc = 0;

	if (seen == NULL)
		return VRV_NOMEM(err, "the list of packs");
	(void)pthread_rwlock_rdlock(&index->lock);
	size_t n = unnamed ? all_views(index) : named_views(index);
	for (size_t i = 0; rc == 0 && i < n; i++) {
		struct vrv_view view;

		view_init(&view, index, i);
		rc = list_view(index, &view, seen, list, err);
	}
	(void)pthread_rwlock_unlock(&index->lock);
	return rc;
}

int
vrv_index_stats(struct vrv_index *index, struct vrv_index_stats *ret,
    struct varve_err *err)
{
	struct pack_list list = {0};
	struct vrv_index_stats stats = {0};

	int rc = list_packs(index, true, &list, err);
	stats.packs = list.n;
	for (size_t i = 0; i < list.n; i++) {
		stats.frames += list.rows[i].frames;
		stats.chunks += list.rows[i].chunks;
		stats.stored += list.rows[i].length;
	}
	free(list.rows);
	if (rc == 0)
		*ret = stats;
	return rc;
}

int
vrv_index_packs(struct vrv_index *index, vrv_index_pack_fn *fn, void *arg,
    struct varve_err *err)
{
	struct pack_list list = {0};

	int rc = list_packs(index, false, &list, err);
	for (size_t i = 0; rc == 0 && i < list.n; i++)
		rc = fn(arg, list.rows[i].pack, list.rows[i].length, err);
	free(list.rows);
	return rc;
}
