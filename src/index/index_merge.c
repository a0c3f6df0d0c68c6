/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/index_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/*
 * Several runs to one, section by section. Rows of keys and bases are copied
 * as they are, so that their numbers move by a constant; objects that do not
 * count are left out with their packs, frames and records. Frames of a pack
 * lie together: where a pack's frames went says it for each of them.
 */

#define OUT UINT32_MAX /* in place of a new number: left out */

struct move {
	uint32_t old_first, frames; /* of a pack */
	uint32_t pack, first;	    /* their new numbers; pack may be OUT */
};

struct part {
	struct vrv_view view;
	struct vrv_run *run;
	uint32_t *objects; /* new number of each, or OUT */
	struct move *moves;
	size_t n_moves;
	uint32_t first_key, first_base;
	/* The next record to merge. */
	uint64_t next;
	uint8_t record[24];
};

struct merger {
	struct part *parts;
	size_t n;
	struct vrv_run_writer *w;
	size_t *heap; /* parts by their next record, then by age */
	size_t n_heap;
};

static void
merger_fini(struct merger *m)
{
	for (size_t i = 0; m->parts != NULL && i < m->n; i++) {
		free(m->parts[i].objects);
		free(m->parts[i].moves);
	}
	free(m->parts);
	free(m->heap);
}

static int
merger_init(struct merger *m, const struct vrv_merge *merge,
    struct varve_err *err)
{
	uint64_t keys = 0, bases = 0;

	m->n = merge->n;
	m->parts = vrv_alloc_array(m->n, sizeof(*m->parts));
	m->heap = vrv_alloc_array(m->n, sizeof(*m->heap));
	if (m->parts == NULL || m->heap == NULL)
		return VRV_NOMEM(err, "merging runs");
	for (size_t i = 0; i < m->n; i++) {
		struct part *part = &m->parts[i];
		struct vrv_run *run = merge->runs[i];

		part->run = part->view.run = run;
		part->first_key = (uint32_t)keys;
		part->first_base = (uint32_t)bases;
		part->objects =
		    vrv_alloc_array((size_t)run->count[VRV_S_OBJECTS],
			sizeof(uint32_t));
		part->moves = vrv_alloc_array((size_t)run->count[VRV_S_PACKS],
		    sizeof(*part->moves));
		if (part->objects == NULL || part->moves == NULL)
			return VRV_NOMEM(err, "merging runs");
		keys += run->count[VRV_S_KEYS];
		bases += run->count[VRV_S_BASES];
		if (keys >= OUT || bases >= OUT)
			return vrv_fail(err, VARVE_LIMIT,
			    "the index is too large");
	}
	return 0;
}

static int
put_objects(struct merger *m, struct varve_err *err)
{
	uint32_t no = 0;
	int rc = vrv_run_writer_section(m->w, VRV_S_OBJECTS, err);

	for (size_t i = 0; i < m->n; i++) {
		struct part *part = &m->parts[i];

		for (uint64_t o = 0; o < part->run->count[VRV_S_OBJECTS]; o++) {
			part->objects[o] = part->run->live[o] ? no++ : OUT;
			if (rc == 0 && part->objects[o] != OUT)
				rc = vrv_run_writer_put(m->w,
				    part->run->objects + o * VRV_OBJECT_ID,
				    err);
		}
	}
	return rc;
}

/* What live objects say is superseded or lost. */
static int
put_said(struct merger *m, enum vrv_section section, struct varve_err *err)
{
	int rc = vrv_run_writer_section(m->w, section, err);

	for (size_t i = 0; i < m->n; i++) {
		struct part *part = &m->parts[i];
		const uint8_t *rows = section == VRV_S_LOST ?
		    part->run->lost :
		    part->run->superseded;

		for (uint64_t j = 0; rc == 0 && j < part->run->count[section];
		     j++) {
			uint8_t row[20];
			memcpy(row, rows + j * 20, sizeof(row));
			uint32_t object = part->objects[vrv_get_u32(row)];
			if (object == OUT)
				continue;
			vrv_put_u32(row, object);
			rc = vrv_run_writer_put(m->w, row, err);
		}
	}
	return rc;
}

/* Where one more pack of the part goes; *packs and *frames are the next new
 * numbers. */
static int
move_pack(struct part *part, struct vrv_pack_row *row, uint32_t *packs,
    uint64_t *frames, struct varve_err *err)
{
	const struct move *last =
	    part->n_moves == 0 ? NULL : &part->moves[part->n_moves - 1];
	uint32_t expected = last == NULL ? 0 : last->old_first + last->frames;

	if (row->object >= part->run->count[VRV_S_OBJECTS] ||
	    row->first != expected ||
	    row->frames > part->run->count[VRV_S_FRAMES] - expected)
		return vrv_index_damaged(err);
	if (*frames + row->frames >= OUT)
		return vrv_fail(err, VARVE_LIMIT, "the index is too large");

	struct move *move = &part->moves[part->n_moves++];
	*move = (struct move){.old_first = row->first,
	    .frames = row->frames,
	    .pack = OUT,
	    .first = (uint32_t)*frames};
	row->object = part->objects[row->object];
	if (row->object != OUT) {
		move->pack = (*packs)++;
		row->first = move->first;
		*frames += row->frames;
	}
	return 0;
}

static int
put_packs(struct merger *m, struct varve_err *err)
{
	uint8_t bytes[VRV_ROW_MAX];
	uint32_t packs = 0;
	uint64_t frames = 0;
	int rc = vrv_run_writer_section(m->w, VRV_S_PACKS, err);

	for (size_t i = 0; rc == 0 && i < m->n; i++) {
		struct part *part = &m->parts[i];
		uint64_t n = part->run->count[VRV_S_PACKS];

		for (uint64_t p = 0; rc == 0 && p < n; p++) {
			struct vrv_pack_row row;
			const uint8_t *old =
			    vrv_view_row(&part->view, VRV_S_PACKS, p);
			if (old == NULL)
				return vrv_index_damaged(err);
			vrv_pack_row_get(old, &row);
			rc = move_pack(part, &row, &packs, &frames, err);
			if (rc != 0 || row.object == OUT)
				continue;
			vrv_pack_row_put(bytes, &row);
			rc = vrv_run_writer_put(m->w, bytes, err);
		}
	}
	return rc;
}

static int
put_all(struct merger *m, enum vrv_section section, struct varve_err *err)
{
	int rc = vrv_run_writer_section(m->w, section, err);

	for (size_t i = 0; rc == 0 && i < m->n; i++) {
		struct part *part = &m->parts[i];

		for (uint64_t j = 0; rc == 0 && j < part->run->count[section];
		     j++) {
			const uint8_t *row =
			    vrv_view_row(&part->view, section, j);
			rc = row == NULL ? vrv_index_damaged(err) :
					   vrv_run_writer_put(m->w, row, err);
		}
	}
	return rc;
}

static int
put_pack_frames(struct merger *m, struct part *part, const struct move *move,
    struct varve_err *err)
{
	uint8_t bytes[VRV_ROW_MAX];
	int rc = 0;

	for (uint32_t f = 0; rc == 0 && f < move->frames; f++) {
		struct vrv_frame_row row;
		const uint8_t *old = vrv_view_row(&part->view, VRV_S_FRAMES,
		    (uint64_t)move->old_first + f);
		if (old == NULL)
			return vrv_index_damaged(err);
		vrv_frame_row_get(old, &row);
		row.pack = move->pack;
		row.key += part->first_key;
		row.bases += part->first_base;
		vrv_frame_row_put(bytes, &row);
		rc = vrv_run_writer_put(m->w, bytes, err);
	}
	return rc;
}

static int
put_frames(struct merger *m, struct varve_err *err)
{
	int rc = vrv_run_writer_section(m->w, VRV_S_FRAMES, err);

	for (size_t i = 0; i < m->n; i++) {
		struct part *part = &m->parts[i];

		for (size_t p = 0; rc == 0 && p < part->n_moves; p++) {
			if (part->moves[p].pack != OUT)
				rc = put_pack_frames(m, part, &part->moves[p],
				    err);
		}
	}
	return rc;
}

/* --- records --- */

/* The new number of an old frame, or OUT. */
static int
move_frame(const struct part *part, uint32_t old, uint32_t *ret,
    struct varve_err *err)
{
	size_t lo = 0, hi = part->n_moves;

	/* The last pack that begins at or before the frame holds it; packs
	 * without frames come before one that begins at the same. */
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (part->moves[mid].old_first <= old)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0 ||
	    old - part->moves[lo - 1].old_first >= part->moves[lo - 1].frames)
		return vrv_index_damaged(err);
	const struct move *move = &part->moves[lo - 1];
	*ret = move->pack == OUT ? OUT : move->first + (old - move->old_first);
	return 0;
}

/* Put the part's next record that counts into part->record, with its new
 * frame; NOENT when there is none. */
static int
next_record(struct part *part, struct varve_err *err)
{
	while (part->next < part->run->count[VRV_S_RECORDS]) {
		uint32_t frame = OUT;
		const uint8_t *row =
		    vrv_view_row(&part->view, VRV_S_RECORDS, part->next++);
		if (row == NULL)
			return vrv_index_damaged(err);
		memcpy(part->record, row, sizeof(part->record));
		int rc = move_frame(part,
		    vrv_get_u32(part->record + VRV_RECORD_FRAME), &frame, err);
		if (rc != 0)
			return rc;
		if (frame == OUT)
			continue;
		vrv_put_u32(part->record + VRV_RECORD_FRAME, frame);
		return 0;
	}
	return VARVE_NOENT;
}

static bool
less(const struct merger *m, size_t a, size_t b)
{
	int c = memcmp(m->parts[a].record, m->parts[b].record, VRV_PREFIX_SIZE);

	return c != 0 ? c < 0 : a < b;
}

static void
sift_down(struct merger *m, size_t at)
{
	for (;;) {
		size_t least = at, left = 2 * at + 1;

		for (size_t c = left; c <= left + 1 && c < m->n_heap; c++) {
			if (less(m, m->heap[c], m->heap[least]))
				least = c;
		}
		if (least == at)
			return;
		size_t keep = m->heap[at];
		m->heap[at] = m->heap[least];
		m->heap[least] = keep;
		at = least;
	}
}

static int
fill_heap(struct merger *m, struct varve_err *err)
{
	for (size_t i = 0; i < m->n; i++) {
		int rc = next_record(&m->parts[i], err);
		if (rc == 0)
			m->heap[m->n_heap++] = i;
		else if (rc != VARVE_NOENT)
			return rc;
	}
	for (size_t i = m->n_heap / 2; i-- > 0;)
		sift_down(m, i);
	return 0;
}

static int
put_records(struct merger *m, struct varve_err *err)
{
	int rc = vrv_run_writer_section(m->w, VRV_S_RECORDS, err);

	if (rc == 0)
		rc = fill_heap(m, err);
	while (rc == 0 && m->n_heap > 0) {
		struct part *part = &m->parts[m->heap[0]];

		rc = vrv_run_writer_put(m->w, part->record, err);
		if (rc != 0)
			return rc;
		rc = next_record(part, err);
		if (rc == VARVE_NOENT) {
			m->heap[0] = m->heap[--m->n_heap];
			rc = 0;
		}
		sift_down(m, 0);
	}
	return rc;
}

int
vrv_run_fill_merge(void *arg, struct vrv_run_writer *w, struct varve_err *err)
{
	struct merger m = {.w = w};

	int rc = merger_init(&m, arg, err);
	if (rc == 0)
		rc = put_objects(&m, err);
	if (rc == 0)
		rc = put_said(&m, VRV_S_SUPERSEDED, err);
	if (rc == 0)
		rc = put_said(&m, VRV_S_LOST, err);
	if (rc == 0)
		rc = put_packs(&m, err);
	if (rc == 0)
		rc = put_all(&m, VRV_S_KEYS, err);
	if (rc == 0)
		rc = put_frames(&m, err);
	if (rc == 0)
		rc = put_all(&m, VRV_S_BASES, err);
	if (rc == 0)
		rc = put_records(&m, err);
	merger_fini(&m);
	return rc;
}
