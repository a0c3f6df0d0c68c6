/* SPDX-License-Identifier: BSD-2-Clause */
#include "format/frame.h"

#include <assert.h>
#include <string.h>

#include "format/format_internal.h"

#define KEY_SIZE 36 /* u32 epoch, b32 epk */

/* The least bytes that each takes: counts are refused beyond what could
 * follow, before anybody allocates for them. */
#define ENTRY_MIN (VRV_OBJECT_ID + 8 + 1 + 1)
#define FRAME_MIN (1 + 5 + VRV_PREFIX_SIZE + 1)

void
vrv_pack_entry_put(struct vrv_buf *b, const uint8_t pack[VRV_OBJECT_ID],
    uint64_t length, const struct vrv_pack_key *keys, uint32_t n_keys,
    uint32_t n_frames)
{
	vrv_buf_bytes(b, pack, VRV_OBJECT_ID);
	vrv_buf_u64(b, length);
	vrv_buf_v(b, n_keys);
	for (uint32_t i = 0; i < n_keys; i++) {
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

	for (uint64_t i = 0; i < n_keys; i++) {
		if (vrv_get_u32(entry.keys + i * KEY_SIZE) != 0)
			return VRV_UNKNOWN(err, "pack of a later key epoch");
	}

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

	ret->epoch = vrv_get_u32(at);
	memcpy(ret->epk, at + 4, sizeof(ret->epk));
}

void
vrv_pack_frame_put(struct vrv_buf *b, const struct vrv_pack_frame *frame,
    uint64_t prev_end)
{
	assert(frame->offset >= prev_end);
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

int
vrv_pack_frame_get(struct vrv_rd *r, const struct vrv_pack_entry *entry,
    uint64_t *prev_end, struct vrv_pack_frame *ret, struct varve_err *err)
{
	uint8_t kind = vrv_rd_u8(r);
	uint64_t key = vrv_rd_v(r);
	uint64_t gap = vrv_rd_v(r);
	uint64_t stored = vrv_rd_v(r);
	uint64_t plain = vrv_rd_v(r);
	uint64_t n = vrv_rd_v(r);
	const uint8_t *ids = n > VRV_FRAME_CHUNKS_MAX ?
	    NULL :
	    vrv_rd_bytes(r, n * VRV_PREFIX_SIZE);
	uint64_t m = vrv_rd_v(r);
	const uint8_t *bases = m > VRV_FRAME_BASES_MAX ?
	    NULL :
	    vrv_rd_bytes(r, m * VRV_PREFIX_SIZE);

	if (!vrv_rd_ok(r))
		return VRV_CORRUPT(err, "pack directory is cut short");
	if (kind != VRV_FRAME_DATA && kind != VRV_FRAME_META)
		return VRV_UNKNOWN(err, "frame of unknown kind %u", kind);
	if (key >= entry->n_keys)
		return VRV_CORRUPT(err, "frame of a key that is not there");
	/* Every chunk has a byte or more. */
	if (n == 0 || n > VRV_FRAME_CHUNKS_MAX || m > VRV_FRAME_BASES_MAX ||
	    plain < n || plain > VRV_FRAME_PLAIN_MAX || stored == 0 ||
	    stored > VRV_FRAME_STORED_MAX)
		return VRV_CORRUPT(err, "frame beyond the limits");

	uint64_t room =
	    *prev_end > entry->length ? 0 : entry->length - *prev_end;
	if (gap > room || stored > room - gap)
		return VRV_CORRUPT(err, "frame lies outside its pack");

	*ret = (struct vrv_pack_frame){
	    .kind = kind,
	    .key = (uint32_t)key,
	    .offset = *prev_end + gap,
	    .stored = (uint32_t)stored,
	    .plain = (uint32_t)plain,
	    .n = (uint32_t)n,
	    .m = (uint32_t)m,
	    .ids = ids,
	    .bases = bases,
	};
	*prev_end = ret->offset + stored;
	return 0;
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

	if (!vrv_rd_done(r))
		return VRV_CORRUPT(err, "index object does not end well");
	*ret = lost;
	*ret_n = n;
	return 0;
}
