/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/frame.h"

#include <assert.h>
#include <string.h>

#include "format/format_internal.h"

#define KEY_SIZE (2 + 4 + 32) /* u16 domain, u32 epoch, b32 epk */

#define SUM_SIZE (VRV_OBJECT_ID + 8 + VRV_PACK_HASH)

/* The least bytes that each takes: counts are refused beyond what could
 * follow, before anybody allocates for them. */
#define ENTRY_MIN (VRV_OBJECT_ID + 8 + 1 + 1 + 1)
#define FRAME_MIN (1 + 1 + 5)

void
vrv_pack_entry_put(struct vrv_buf *b, const uint8_t pack[VRV_OBJECT_ID],
    uint64_t length, const struct vrv_pack_key *keys, uint32_t n_keys,
    uint32_t n_frames)
{
	vrv_buf_bytes(b, pack, VRV_OBJECT_ID);
	vrv_buf_u64(b, length);
	vrv_buf_v(b, n_keys);
	for (uint32_t i = 0; i < n_keys; i++) {
		vrv_buf_u16(b, keys[i].domain);
		vrv_buf_u32(b, keys[i].epoch);
		vrv_buf_bytes(b, keys[i].epk, sizeof(keys[i].epk));
	}
	vrv_buf_v(b, n_frames);
}

int
vrv_pack_entry_get(struct vrv_rd *r, struct vrv_pack_entry *ret,
    struct varve_err *err)
{
	struct vrv_pack_entry entry = {0};

	vrv_rd_copy(r, entry.pack, VRV_OBJECT_ID);
	entry.length = vrv_rd_u64(r);
	uint64_t n_keys = vrv_rd_v(r);
	if (n_keys > VRV_PACK_KEYS_MAX)
		return VRV_CORRUPT(err, "pack of %llu keys",
		    (unsigned long long)n_keys);
	entry.keys = vrv_rd_bytes(r, n_keys * KEY_SIZE);
	uint64_t n_frames = vrv_rd_v(r);
	if (n_frames > VRV_PACK_FRAMES_MAX ||
	    n_frames > vrv_rd_left(r) / FRAME_MIN)
		return VRV_CORRUPT(err, "pack of %llu frames",
		    (unsigned long long)n_frames);
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "pack entry is cut short");
	if (entry.length > VRV_MAX_PACK || entry.length < VRV_HEADER_SIZE)
		return VRV_CORRUPT(err, "pack of %llu bytes",
		    (unsigned long long)entry.length);

	entry.n_keys = (uint32_t)n_keys;
	entry.n_frames = (uint32_t)n_frames;
	*ret = entry;
	return 0;
}

void
vrv_pack_key_get(const struct vrv_pack_entry *entry, uint32_t i,
    struct vrv_pack_key *ret)
{
	assert(i < entry->n_keys);
	const uint8_t *at = entry->keys + (size_t)i * KEY_SIZE;

	ret->domain = (uint16_t)(at[0] | at[1] << 8);
	ret->epoch = vrv_get_u32(at + 2);
	memcpy(ret->epk, at + 6, sizeof(ret->epk));
}

static size_t
record_size(const struct vrv_pack_frame *frame, uint64_t gap)
{
	return 1 + vrv_v_size(frame->key) + vrv_v_size(gap) +
	    vrv_v_size(frame->stored) + vrv_v_size(frame->plain) +
	    vrv_v_size(frame->n) + (size_t)frame->n * VRV_PREFIX_SIZE +
	    vrv_v_size(frame->m) + (size_t)frame->m * VRV_PREFIX_SIZE;
}

void
vrv_pack_frame_put(struct vrv_buf *b, const struct vrv_pack_frame *frame,
    uint64_t prev_end)
{
	assert(frame->offset >= prev_end);
	vrv_buf_v(b, record_size(frame, frame->offset - prev_end));
	vrv_buf_u8(b, frame->kind);
	vrv_buf_v(b, frame->key);
	vrv_buf_v(b, frame->offset - prev_end);
	vrv_buf_v(b, frame->stored);
	vrv_buf_v(b, frame->plain);
	vrv_buf_v(b, frame->n);
	vrv_buf_bytes(b, frame->ids, (size_t)frame->n * VRV_PREFIX_SIZE);
	vrv_buf_v(b, frame->m);
	vrv_buf_bytes(b, frame->bases, (size_t)frame->m * VRV_PREFIX_SIZE);
}

void
vrv_pack_entry_end_put(struct vrv_buf *b)
{
	vrv_buf_v(b, 0);
}

/* What the record of a frame says, whatever its kind. */
struct record {
	uint8_t kind;
	uint64_t key, gap, stored, plain, n;
	const uint8_t *ids;
	struct vrv_rd rest; /* what only its kind knows */
};

static int
get_record(struct vrv_rd *r, struct record *ret, struct varve_err *err)
{
	struct record record;
	size_t size;

	const uint8_t *bytes = vrv_rd_vbytes(r, &size);
	struct vrv_rd rd = vrv_rd_over(bytes, size);
	record.kind = vrv_rd_u8(&rd);
	record.key = vrv_rd_v(&rd);
	record.gap = vrv_rd_v(&rd);
	record.stored = vrv_rd_v(&rd);
	record.plain = vrv_rd_v(&rd);
	record.n = vrv_rd_v(&rd);
	if (record.n > vrv_rd_left(&rd) / VRV_PREFIX_SIZE)
		vrv_rd_fail(&rd);
	else
		record.ids = vrv_rd_bytes(&rd, record.n * VRV_PREFIX_SIZE);
	if (!vrv_rd_ok(r) || !vrv_rd_ok(&rd))
		return VRV_CORRUPT(err, "pack directory is cut short");
	record.rest = rd;
	*ret = record;
	return 0;
}

/* The rest of a frame of a known kind, all of it within the limits. */
static int
get_known(struct record *record, const struct vrv_pack_entry *entry,
    struct vrv_pack_frame *ret, struct varve_err *err)
{
	uint64_t m = vrv_rd_v(&record->rest);
	const uint8_t *bases = m > VRV_FRAME_BASES_MAX ?
	    NULL :
	    vrv_rd_bytes(&record->rest, m * VRV_PREFIX_SIZE);

	if (!vrv_rd_ok(&record->rest))
		return VRV_CORRUPT(err, "pack directory is cut short");
	if (record->key >= entry->n_keys)
		return VRV_CORRUPT(err, "frame of a key that is not there");
	/* Every chunk has a byte or more. */
	if (record->n == 0 || record->n > VRV_FRAME_CHUNKS_MAX ||
	    m > VRV_FRAME_BASES_MAX || record->plain < record->n ||
	    record->plain > VRV_FRAME_PLAIN_MAX ||
	    record->stored < VRV_FRAME_STORED_MIN ||
	    record->stored > VRV_FRAME_STORED_MAX)
		return VRV_CORRUPT(err, "frame beyond the limits");
	if (!vrv_rd_done(&record->rest))
		return VRV_CORRUPT(err, "bytes behind a frame's record");
	*ret = (struct vrv_pack_frame){
	    .kind = record->kind,
	    .key = (uint32_t)record->key,
	    .stored = (uint32_t)record->stored,
	    .plain = (uint32_t)record->plain,
	    .n = (uint32_t)record->n,
	    .m = (uint32_t)m,
	    .ids = record->ids,
	    .bases = bases,
	};
	return 0;
}

/* Were the keys made for a domain and epoch that this version has? */
static bool
key_is_known(const struct vrv_pack_entry *entry, uint32_t key)
{
	struct vrv_pack_key k;

	vrv_pack_key_get(entry, key, &k);
	return k.domain == 0 && k.epoch == 0;
}

int
vrv_pack_frame_get(struct vrv_rd *r, const struct vrv_pack_entry *entry,
    uint64_t *prev_end, struct vrv_pack_frame *ret, struct varve_err *err)
{
	struct vrv_pack_frame frame = {0};
	struct record record;

	int rc = get_record(r, &record, err);
	if (rc != 0)
		return rc;
	bool known =
	    record.kind == VRV_FRAME_DATA || record.kind == VRV_FRAME_META;
	if (known) {
		rc = get_known(&record, entry, &frame, err);
		if (rc != 0)
			return rc;
		known = key_is_known(entry, frame.key);
	}
	uint64_t room =
	    *prev_end > entry->length ? 0 : entry->length - *prev_end;
	if (record.gap > room || record.stored > room - record.gap)
		return VRV_CORRUPT(err, "frame lies outside its pack");
	if (!known)
		frame = (struct vrv_pack_frame){.later = true,
		    .n = (uint32_t)record.n,
		    .ids = record.ids};
	else
		frame.offset = *prev_end + record.gap;
	*prev_end += record.gap + record.stored;
	*ret = frame;
	return 0;
}

int
vrv_pack_entry_end_get(struct vrv_rd *r, struct varve_err *err)
{
	size_t n;
	const uint8_t *bytes = vrv_rd_vbytes(r, &n);
	struct vrv_rd tail = vrv_rd_over(bytes, n);

	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "pack entry is cut short");
	int rc = vrv_tlv_skip(&tail, err);
	return rc == 0 ? 0 : vrv_ctx(err, "pack entry");
}

int
vrv_pack_entry_rest(struct vrv_rd *r, const struct vrv_pack_entry *entry,
    struct varve_err *err)
{
	uint64_t prev_end = VRV_HEADER_SIZE;
	struct vrv_pack_frame frame;
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < entry->n_frames; i++)
		rc = vrv_pack_frame_get(r, entry, &prev_end, &frame, err);
	return rc == 0 ? vrv_pack_entry_end_get(r, err) : rc;
}

static void
put_list(struct vrv_buf *b, const uint8_t *items, uint32_t n, size_t size)
{
	vrv_buf_v(b, n);
	vrv_buf_bytes(b, items, (size_t)n * size);
}

/* v n and n items of `size` bytes, in place. */
static const uint8_t *
get_list(struct vrv_rd *r, size_t size, uint32_t *ret_n)
{
	uint64_t n = vrv_rd_v(r);

	if (n > vrv_rd_left(r) / size) {
		vrv_rd_fail(r);
		n = 0;
	}
	*ret_n = (uint32_t)n;
	return vrv_rd_bytes(r, n * size);
}

void
vrv_index_head_put(struct vrv_buf *b, const uint8_t *superseded,
    uint32_t n_superseded, uint32_t n_entries)
{
	put_list(b, superseded, n_superseded, VRV_OBJECT_ID);
	vrv_buf_v(b, n_entries);
}

int
vrv_index_head_get(struct vrv_rd *r, struct vrv_index_body *ret,
    struct varve_err *err)
{
	struct vrv_index_body body = {0};

	if (vrv_rd_left(r) > VRV_MAX_INDEX)
		return VRV_CORRUPT(err, "index object beyond the limit");
	body.superseded = get_list(r, VRV_OBJECT_ID, &body.n_superseded);
	uint64_t n_entries = vrv_rd_v(r);
	if (!vrv_rd_ok(r) || n_entries > vrv_rd_left(r) / ENTRY_MIN)
		return VRV_CORRUPT(err, "index object is cut short");
	body.n_entries = (uint32_t)n_entries;
	*ret = body;
	return 0;
}

void
vrv_index_lost_put(struct vrv_buf *b, const uint8_t *lost, uint32_t n)
{
	put_list(b, lost, n, VRV_PREFIX_SIZE);
}

int
vrv_index_lost_get(struct vrv_rd *r, const uint8_t **ret, uint32_t *ret_n,
    struct varve_err *err)
{
	uint32_t n;
	const uint8_t *lost = get_list(r, VRV_PREFIX_SIZE, &n);

	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "index object does not end well");
	int rc = vrv_tlv_skip(r, err);
	if (rc != 0)
		return rc;
	*ret = lost;
	*ret_n = n;
	return 0;
}

void
vrv_index_clear_put(struct vrv_buf *b, const struct vrv_pack_sum *sums,
    uint32_t n)
{
	vrv_buf_v(b, n);
	for (uint32_t i = 0; i < n; i++) {
		vrv_buf_bytes(b, sums[i].pack, VRV_OBJECT_ID);
		vrv_buf_u64(b, sums[i].length);
		vrv_buf_bytes(b, sums[i].hash, VRV_PACK_HASH);
	}
}

int
vrv_index_clear_get(struct vrv_rd *r, struct vrv_index_clear *ret,
    struct varve_err *err)
{
	struct vrv_index_clear clear;

	clear.sums = get_list(r, SUM_SIZE, &clear.n);
	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "index object is cut short");
	*ret = clear;
	return 0;
}

void
vrv_pack_sum_get(const struct vrv_index_clear *clear, uint32_t i,
    struct vrv_pack_sum *ret)
{
	assert(i < clear->n);
	const uint8_t *at = clear->sums + (size_t)i * SUM_SIZE;

	memcpy(ret->pack, at, VRV_OBJECT_ID);
	ret->length = vrv_get_u64(at + VRV_OBJECT_ID);
	memcpy(ret->hash, at + VRV_OBJECT_ID + 8, VRV_PACK_HASH);
}

int
vrv_index_clear_check(const struct vrv_index_clear *clear,
    const uint8_t *sealed, size_t n, struct varve_err *err)
{
	struct vrv_rd r = vrv_rd_over(sealed, n);
	struct vrv_index_body body;
	struct vrv_pack_entry entry;
	struct vrv_pack_sum sum;
	const uint8_t *lost;
	uint32_t n_lost;

	int rc = vrv_index_head_get(&r, &body, err);
	if (rc == 0 && body.n_entries != clear->n)
		return VRV_CORRUPT(err, "index object of %u packs names %u",
		    body.n_entries, clear->n);
	for (uint32_t i = 0; rc == 0 && i < clear->n; i++) {
		rc = vrv_pack_entry_get(&r, &entry, err);
		if (rc == 0)
			rc = vrv_pack_entry_rest(&r, &entry, err);
		if (rc != 0)
			return rc;
		vrv_pack_sum_get(clear, i, &sum);
		if (sum.length != entry.length ||
		    memcmp(sum.pack, entry.pack, VRV_OBJECT_ID) != 0)
			return VRV_CORRUPT(err,
			    "index object names other packs than it has");
	}
	return rc == 0 ? vrv_index_lost_get(&r, &lost, &n_lost, err) : rc;
}
