/* SPDX-License-Identifier: BSD-2-Clause */
#include "index/index_internal.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define FIRST_SLOTS 1024
#define BUCKETS 65536

static void
put_u16(uint8_t *at, uint16_t x)
{
	at[0] = (uint8_t)x;
	at[1] = (uint8_t)(x >> 8);
}

size_t
vrv_row_size(enum vrv_section section)
{
	static const uint8_t sizes[VRV_SECTIONS] = {
	    [VRV_S_OBJECTS] = 16,
	    [VRV_S_SUPERSEDED] = 20,
	    [VRV_S_LOST] = 20,
	    [VRV_S_PACKS] = 44,
	    [VRV_S_KEYS] = 32,
	    [VRV_S_FRAMES] = 32,
	    [VRV_S_BASES] = 16,
	    [VRV_S_RECORDS] = 24,
	    [VRV_S_FENCE] = 16,
	};

	return sizes[section];
}

void
vrv_pack_row_put(uint8_t *at, const struct vrv_pack_row *row)
{
	memcpy(at, row->pack, VRV_OBJECT_ID);
	vrv_put_u64(at + 16, row->length);
	vrv_put_u64(at + 24, row->chunks);
	vrv_put_u32(at + 32, row->object);
	vrv_put_u32(at + 36, row->first);
	vrv_put_u32(at + 40, row->frames);
}

void
vrv_pack_row_get(const uint8_t *at, struct vrv_pack_row *ret)
{
	memcpy(ret->pack, at, VRV_OBJECT_ID);
	ret->length = vrv_get_u64(at + 16);
	ret->chunks = vrv_get_u64(at + 24);
	ret->object = vrv_get_u32(at + 32);
	ret->first = vrv_get_u32(at + 36);
	ret->frames = vrv_get_u32(at + 40);
}

void
vrv_frame_row_put(uint8_t *at, const struct vrv_frame_row *row)
{
	vrv_put_u64(at, row->offset);
	vrv_put_u32(at + 8, row->pack);
	vrv_put_u32(at + 12, row->key);
	vrv_put_u32(at + 16, row->stored);
	vrv_put_u32(at + 20, row->plain);
	vrv_put_u32(at + 24, row->bases);
	put_u16(at + 28, row->n);
	at[30] = row->m;
	at[31] = row->kind;
}

void
vrv_frame_row_get(const uint8_t *at, struct vrv_frame_row *ret)
{
	ret->offset = vrv_get_u64(at);
	ret->pack = vrv_get_u32(at + 8);
	ret->key = vrv_get_u32(at + 12);
	ret->stored = vrv_get_u32(at + 16);
	ret->plain = vrv_get_u32(at + 20);
	ret->bases = vrv_get_u32(at + 24);
	ret->n = (uint16_t)(at[28] | at[29] << 8);
	ret->m = at[30];
	ret->kind = at[31];
}

void
vrv_mem_fini(struct vrv_mem *mem)
{
	for (int s = 0; s < VRV_SECTIONS; s++)
		free(mem->t[s].rows);
	free(mem->slots);
	free(mem->next);
	*mem = (struct vrv_mem){.lookups = mem->lookups};
}

void
vrv_mem_clear(struct vrv_mem *mem)
{
	for (int s = 0; s < VRV_SECTIONS; s++)
		mem->t[s].n = 0;
	if (mem->slots != NULL)
		memset(mem->slots, 0xff, mem->n_slots * sizeof(*mem->slots));
}

const uint8_t *
vrv_mem_row(const struct vrv_mem *mem, enum vrv_section section, uint64_t i)
{
	if (i >= mem->t[section].n)
		return NULL;
	return mem->t[section].rows + (size_t)i * vrv_row_size(section);
}

/* --- finding records by prefix --- */

static uint32_t *
slot_of(const struct vrv_mem *mem, const uint8_t *prefix)
{
	return &mem->slots[vrv_hash_keyed(&mem->key, prefix, VRV_PREFIX_SIZE) &
	    (mem->n_slots - 1)];
}

static void
chain(struct vrv_mem *mem, uint32_t record)
{
	uint32_t *slot = slot_of(mem, vrv_mem_row(mem, VRV_S_RECORDS, record));

	mem->next[record] = *slot;
	*slot = record;
}

/* Room to chain one record more. */
static int
chain_room(struct vrv_mem *mem, struct varve_err *err)
{
	size_t n = mem->t[VRV_S_RECORDS].n;

	if (vrv_room_for_one(&mem->next, n, &mem->next_cap,
		sizeof(*mem->next)) != 0)
		return VRV_NOMEM(err, "the index");
	if (n < mem->n_slots)
		return 0;
	size_t n_slots = mem->n_slots == 0 ? FIRST_SLOTS : mem->n_slots * 2;
	uint32_t *slots = vrv_grow_array(NULL, n_slots, sizeof(*slots));
	if (slots == NULL)
		return VRV_NOMEM(err, "the index");
	memset(slots, 0xff, n_slots * sizeof(*slots));
	if (mem->slots == NULL)
		vrv_hash_key_init(&mem->key);
	free(mem->slots);
	mem->slots = slots;
	mem->n_slots = n_slots;
	/* In order, so that each chain has its newest record first. */
	for (size_t i = 0; i < n; i++)
		chain(mem, (uint32_t)i);
	return 0;
}

uint32_t
vrv_mem_older(const struct vrv_mem *mem, uint32_t record)
{
	const uint8_t *prefix = vrv_mem_row(mem, VRV_S_RECORDS, record);

	do
		record = mem->next[record];
	while (record != VRV_NO_RECORD &&
	    memcmp(vrv_mem_row(mem, VRV_S_RECORDS, record), prefix,
		VRV_PREFIX_SIZE) != 0);
	return record;
}

uint32_t
vrv_mem_first(const struct vrv_mem *mem, const uint8_t *prefix)
{
	if (mem->t[VRV_S_RECORDS].n == 0)
		return VRV_NO_RECORD;
	uint32_t record = *slot_of(mem, prefix);
	while (record != VRV_NO_RECORD &&
	    memcmp(vrv_mem_row(mem, VRV_S_RECORDS, record), prefix,
		VRV_PREFIX_SIZE) != 0)
		record = mem->next[record];
	return record;
}

/* --- appending --- */

int
vrv_mem_put(struct vrv_mem *mem, enum vrv_section section, const void *row,
    struct varve_err *err)
{
	struct vrv_table *t = &mem->t[section];
	size_t size = vrv_row_size(section);

	/* Row numbers are 32 bits and one of them means none. */
	if (t->n >= UINT32_MAX - 1)
		return vrv_fail(err, VARVE_LIMIT, "the index is too large");
	if (vrv_room_for_one(&t->rows, t->n, &t->cap, size) != 0)
		return VRV_NOMEM(err, "the index");
	if (mem->lookups && section == VRV_S_RECORDS) {
		int rc = chain_room(mem, err);
		if (rc != 0)
			return rc;
	}
	memcpy(t->rows + t->n * size, row, size);
	t->n++;
	if (mem->lookups && section == VRV_S_RECORDS)
		chain(mem, (uint32_t)(t->n - 1));
	return 0;
}

struct mark {
	size_t n[VRV_SECTIONS];
};

static struct mark
mark(const struct vrv_mem *mem)
{
	struct mark m;

	for (int s = 0; s < VRV_SECTIONS; s++)
		m.n[s] = mem->t[s].n;
	return m;
}

static void
roll_back(struct vrv_mem *mem, const struct mark *m)
{
	struct vrv_table *records = &mem->t[VRV_S_RECORDS];

	/* The newest record heads its chain. */
	for (size_t i = records->n; mem->lookups && i-- > m->n[VRV_S_RECORDS];)
		*slot_of(mem, vrv_mem_row(mem, VRV_S_RECORDS, i)) =
		    mem->next[i];
	for (int s = 0; s < VRV_SECTIONS; s++)
		mem->t[s].n = m->n[s];
}

static int
put_bases(struct vrv_mem *mem, const struct vrv_pack_frame *frame,
    struct varve_err *err)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < frame->m; i++)
		rc = vrv_mem_put(mem, VRV_S_BASES,
		    frame->bases + (size_t)i * VRV_PREFIX_SIZE, err);
	return rc;
}

/* A frame of a later version cannot be used, but that its chunks are in it must
 * be known: they are not lost. */
static struct vrv_frame_row
row_of(const struct vrv_mem *mem, const struct vrv_pack_frame *frame,
    uint32_t first_key)
{
	struct vrv_frame_row row = {
	    .pack = (uint32_t)mem->t[VRV_S_PACKS].n,
	    .key = first_key,
	    .bases = (uint32_t)mem->t[VRV_S_BASES].n,
	    .kind = VRV_FRAME_LATER,
	};

	if (frame->later)
		return row;
	row.offset = frame->offset;
	row.key += frame->key;
	row.stored = frame->stored;
	row.plain = frame->plain;
	row.n = (uint16_t)frame->n;
	row.m = (uint8_t)frame->m;
	row.kind = frame->kind;
	return row;
}

static int
put_frame(struct vrv_mem *mem, const struct vrv_pack_frame *frame,
    uint32_t first_key, struct varve_err *err)
{
	struct vrv_frame_row row = row_of(mem, frame, first_key);
	uint8_t bytes[VRV_ROW_MAX] = {0};
	uint32_t frame_no = (uint32_t)mem->t[VRV_S_FRAMES].n;

	vrv_frame_row_put(bytes, &row);
	int rc = vrv_mem_put(mem, VRV_S_FRAMES, bytes, err);
	if (rc == 0)
		rc = put_bases(mem, frame, err);
	memset(bytes, 0, sizeof(bytes));
	vrv_put_u32(bytes + VRV_RECORD_FRAME, frame_no);
	for (uint32_t i = 0; rc == 0 && i < frame->n; i++) {
		memcpy(bytes, frame->ids + (size_t)i * VRV_PREFIX_SIZE,
		    VRV_PREFIX_SIZE);
		put_u16(bytes + VRV_RECORD_ORDINAL, (uint16_t)i);
		rc = vrv_mem_put(mem, VRV_S_RECORDS, bytes, err);
	}
	return rc;
}

/* The row where the keys of the entry begin. Packs that follow one another
 * are mostly of one session: they share its row. */
static int
put_keys(struct vrv_mem *mem, const struct vrv_pack_entry *entry,
    uint32_t *ret_first, struct varve_err *err)
{
	size_t n = mem->t[VRV_S_KEYS].n;
	struct vrv_pack_key key;
	int rc = 0;

	if (entry->n_keys == 1 && n > 0) {
		vrv_pack_key_get(entry, 0, &key);
		if (memcmp(vrv_mem_row(mem, VRV_S_KEYS, n - 1), key.epk,
			sizeof(key.epk)) == 0) {
			*ret_first = (uint32_t)(n - 1);
			return 0;
		}
	}
	*ret_first = (uint32_t)n;
	for (uint32_t i = 0; rc == 0 && i < entry->n_keys; i++) {
		vrv_pack_key_get(entry, i, &key);
		rc = vrv_mem_put(mem, VRV_S_KEYS, key.epk, err);
	}
	return rc;
}

static int
put_entry(struct vrv_mem *mem, uint32_t object, struct vrv_rd *r,
    struct varve_err *err)
{
	struct vrv_pack_entry entry;
	struct vrv_pack_frame frame;
	struct vrv_pack_row row = {.object = object};
	uint64_t prev_end = VRV_HEADER_SIZE;
	uint8_t bytes[VRV_ROW_MAX];
	uint32_t first_key = 0;

	int rc = vrv_pack_entry_get(r, &entry, err);
	if (rc == 0)
		rc = put_keys(mem, &entry, &first_key, err);
	if (rc != 0)
		return rc;
	row.first = (uint32_t)mem->t[VRV_S_FRAMES].n;
	row.frames = entry.n_frames;
	row.length = entry.length;
	memcpy(row.pack, entry.pack, VRV_OBJECT_ID);
	for (uint32_t i = 0; i < entry.n_frames; i++) {
		rc = vrv_pack_frame_get(r, &entry, &prev_end, &frame, err);
		if (rc == 0)
			rc = put_frame(mem, &frame, first_key, err);
		if (rc != 0)
			return rc;
		row.chunks += frame.n;
	}
	rc = vrv_pack_entry_end_get(r, err);
	if (rc != 0)
		return rc;
	vrv_pack_row_put(bytes, &row);
	return vrv_mem_put(mem, VRV_S_PACKS, bytes, err);
}

int
vrv_mem_entry(struct vrv_mem *mem, uint32_t object, struct vrv_rd *r,
    struct varve_err *err)
{
	struct mark before = mark(mem);

	int rc = put_entry(mem, object, r, err);
	if (rc != 0)
		roll_back(mem, &before);
	return rc;
}

/* `n` rows of u32 object and 16 bytes of `items`. */
static int
put_said(struct vrv_mem *mem, enum vrv_section section, uint32_t object,
    const uint8_t *items, uint32_t n, struct varve_err *err)
{
	uint8_t row[20];
	int rc = 0;

	vrv_put_u32(row, object);
	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		memcpy(row + 4, items + (size_t)i * 16, 16);
		rc = vrv_mem_put(mem, section, row, err);
	}
	return rc;
}

static int
put_object(struct vrv_mem *mem, const uint8_t object[VRV_OBJECT_ID],
    const uint8_t *body, size_t n, bool by_admin, struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(body, n);
	uint32_t no = (uint32_t)mem->t[VRV_S_OBJECTS].n;
	struct vrv_index_body head;
	const uint8_t *lost;
	uint32_t n_lost;

	int rc = vrv_mem_put(mem, VRV_S_OBJECTS, object, err);
	if (rc == 0)
		rc = vrv_index_head_get(&r, &head, err);
	if (rc == 0)
		rc = put_said(mem, VRV_S_SUPERSEDED, no, head.superseded,
		    head.n_superseded, err);
	for (uint32_t i = 0; rc == 0 && i < head.n_entries; i++)
		rc = put_entry(mem, no, &r, err);
	if (rc == 0)
		rc = vrv_index_lost_get(&r, &lost, &n_lost, err);
	if (rc == 0 && by_admin)
		rc = put_said(mem, VRV_S_LOST, no, lost, n_lost, err);
	return rc;
}

int
vrv_mem_object(struct vrv_mem *mem, const uint8_t object[VRV_OBJECT_ID],
    const uint8_t *body, size_t n, bool by_admin, struct varve_err *err)
{
	struct mark before = mark(mem);

	int rc = put_object(mem, object, body, n, by_admin, err);
	if (rc != 0)
		roll_back(mem, &before);
	return rc;
}

/* --- sorting --- */

static int
compare(const void *a, const void *b, void *arg)
{
	const struct vrv_mem *mem = arg;
	uint32_t i = *(const uint32_t *)a, j = *(const uint32_t *)b;

	int c = memcmp(vrv_mem_row(mem, VRV_S_RECORDS, i),
	    vrv_mem_row(mem, VRV_S_RECORDS, j), VRV_PREFIX_SIZE);
	if (c != 0)
		return c;
	return i < j ? -1 : i > j;
}

static size_t
bucket_of(const struct vrv_mem *mem, size_t record)
{
	const uint8_t *prefix =
	    mem->t[VRV_S_RECORDS].rows + record * vrv_row_size(VRV_S_RECORDS);

	return (size_t)prefix[0] << 8 | prefix[1];
}

int
vrv_mem_sort(const struct vrv_mem *mem, uint32_t **ret, struct varve_err *err)
{
	size_t n = mem->t[VRV_S_RECORDS].n;
	vrv_auto_free uint32_t *order = vrv_alloc_array(n, sizeof(*order));
	vrv_auto_free uint32_t *ends =
	    vrv_alloc_array(BUCKETS + 1, sizeof(*ends));
	struct vrv_mem same = *mem;

	if (order == NULL || ends == NULL)
		return VRV_NOMEM(err, "sorting the index");
	/* Prefixes are uniform: buckets by their first bits are small, and
	 * sorting them takes next to no memory. */
	for (size_t i = 0; i < n; i++)
		ends[bucket_of(mem, i) + 1]++;
	for (size_t b = 0; b < BUCKETS; b++)
		ends[b + 1] += ends[b];
	for (size_t i = 0; i < n; i++)
		order[ends[bucket_of(mem, i)]++] = (uint32_t)i;
	for (size_t b = 0, at = 0; b < BUCKETS; at = ends[b++]) {
		if (ends[b] - at > 1)
			qsort_r(order + at, ends[b] - at, sizeof(*order),
			    compare, &same);
	}
	*ret = vrv_steal(&order);
	return 0;
}
