/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_FRAME_H
#define FORMAT_FRAME_H

/*
 * The plaintext of a frame, and the records that say what lies in a pack:
 * pack entries, kept in a pack's own directory and in index objects.
 */

#include <stdint.h>

#include "format/object.h"

#define VRV_PREFIX_SIZE 16 /* of a chunk id, in directories and base lists */
#define VRV_FRAME_PLAIN_MAX ((size_t)8 << 20)
#define VRV_FRAME_CHUNKS_MAX 4096
#define VRV_FRAME_BASES_MAX 64
/* Nonce and tag alone. */
#define VRV_FRAME_STORED_MIN 40
/* A sealed frame: payload at worst stored, plus lengths, bases, nonce, tag. */
#define VRV_FRAME_STORED_MAX (VRV_FRAME_PLAIN_MAX + ((size_t)64 << 10))

enum vrv_frame_kind {
	VRV_FRAME_DATA = 1,
	VRV_FRAME_META = 2
};

enum vrv_frame_codec {
	VRV_FRAME_STORED = 0,
	VRV_FRAME_ZSTD = 1
};

/* Everything of a frame but the payload, which follows it. */
struct vrv_frame_head {
	uint8_t codec;		 /* enum vrv_frame_codec */
	uint32_t n, m;		 /* chunks (1 or more), bases */
	const uint32_t *lengths; /* encode: n of them */
	const uint8_t *bases;	 /* m x VRV_PREFIX_SIZE */
};
void vrv_frame_head_put(struct vrv_buf *, const struct vrv_frame_head *);

/* Decode a whole frame plaintext. `lengths` has room for VRV_FRAME_CHUNKS_MAX
 * and is scratch memory when this fails; ret->lengths is set to it. *ret_total
 * is the sum of the lengths; the payload and the bases point into `bytes`.
 * CORRUPT beyond a limit or out of shape: an empty chunk, no payload, a stored
 * payload with bases or of another size than the total. FORMAT for an unknown
 * codec. */
int vrv_frame_head_get(const uint8_t *bytes, size_t n,
    struct vrv_frame_head *ret, uint32_t *lengths, uint32_t *ret_total,
    const uint8_t **ret_payload, size_t *ret_payload_n, struct varve_err *err)
    VRV_MUST;

/* --- pack entries --- */

#define VRV_PACK_KEYS_MAX 4096
#define VRV_PACK_FRAMES_MAX ((uint32_t)1 << 20)

/* The public half of the ephemeral pair that some frames are sealed with, and
 * whose keys it was made for. */
struct vrv_pack_key {
	uint16_t domain;
	uint32_t epoch;
	uint8_t epk[32];
};

struct vrv_pack_frame {
	/* Of a kind, domain or epoch that this version does not know: nothing
	 * but n and ids is set. */
	bool later;
	uint8_t kind;		/* enum vrv_frame_kind */
	uint32_t key;		/* number of its key in the entry */
	uint64_t offset;	/* from the pack's start */
	uint32_t stored, plain; /* bytes in the pack; bytes of its chunks */
	uint32_t n, m;
	const uint8_t *ids;   /* n x VRV_PREFIX_SIZE */
	const uint8_t *bases; /* m x VRV_PREFIX_SIZE */
};

/* The fixed part of an entry; its frames follow one by one, then its end. */
struct vrv_pack_entry {
	uint8_t pack[VRV_OBJECT_ID];
	uint64_t length; /* bytes of the whole object */
	uint32_t n_keys, n_frames;
	const uint8_t *keys; /* decode: n_keys x 38 bytes, in place */
};

void vrv_pack_entry_put(struct vrv_buf *, const uint8_t pack[VRV_OBJECT_ID],
    uint64_t length, const struct vrv_pack_key *keys, uint32_t n_keys,
    uint32_t n_frames);
/* Append the next frame of the entry; `prev_end` is where the previous frame
 * ended (VRV_HEADER_SIZE for the first), so frames go by ascending offset. */
void vrv_pack_frame_put(struct vrv_buf *, const struct vrv_pack_frame *,
    uint64_t prev_end);
void vrv_pack_entry_end_put(struct vrv_buf *);

/* Decode an entry's fixed part, then each of its n_frames frames with
 * *prev_end starting at VRV_HEADER_SIZE, then its end. CORRUPT for anything out
 * of limits (a frame must lie inside the entry's length and name a key that is
 * there). A frame of an unknown kind, or of a key whose domain or epoch is not
 * 0, is `later`: it must not take the rest of the object with it. FORMAT for an
 * unknown even tag at the end. n_frames is never more than the bytes that
 * follow can hold. The cursor is of no use after a failure. */
int vrv_pack_entry_get(struct vrv_rd *, struct vrv_pack_entry *ret,
    struct varve_err *err) VRV_MUST;
int vrv_pack_frame_get(struct vrv_rd *, const struct vrv_pack_entry *,
    uint64_t *prev_end, struct vrv_pack_frame *ret, struct varve_err *err)
    VRV_MUST;
int vrv_pack_entry_end_get(struct vrv_rd *, struct varve_err *err) VRV_MUST;
/* What is left of an entry behind its fixed part: all frames and the end. */
int vrv_pack_entry_rest(struct vrv_rd *, const struct vrv_pack_entry *,
    struct varve_err *err) VRV_MUST;
void vrv_pack_key_get(const struct vrv_pack_entry *, uint32_t i,
    struct vrv_pack_key *ret);

/* --- the pack's footer --- */

#define VRV_FOOTER_PLAIN 16

/* CORRUPT for an offset that no pack can have, FORMAT if the reserved field is
 * not zero; whether the directory lies inside its pack is the caller's to
 * check. */
void vrv_footer_put(uint8_t out[VRV_FOOTER_PLAIN], uint64_t directory_offset,
    uint32_t directory_length);
int vrv_footer_get(const uint8_t in[VRV_FOOTER_PLAIN], uint64_t *ret_offset,
    uint32_t *ret_length, struct varve_err *err) VRV_MUST;

/* --- the clear part of an index object --- */

/* What anyone can check a pack by: v n, then n times the pack's id, its length
 * and BLAKE2b-256 of the whole of it, zeros if nobody vouches for its bytes. */
#define VRV_PACK_HASH 32
struct vrv_pack_sum {
	uint8_t pack[VRV_OBJECT_ID];
	uint64_t length;
	uint8_t hash[VRV_PACK_HASH];
};
struct vrv_index_clear {
	uint32_t n;
	const uint8_t *sums; /* decode: n x 56 bytes, in place */
};
void vrv_index_clear_put(struct vrv_buf *, const struct vrv_pack_sum *sums,
    uint32_t n);
int vrv_index_clear_get(struct vrv_rd *, struct vrv_index_clear *ret,
    struct varve_err *err) VRV_MUST;
void vrv_pack_sum_get(const struct vrv_index_clear *, uint32_t i,
    struct vrv_pack_sum *ret);
/* The sealed part decodes wholly, and its entries are of these packs and
 * lengths, in this order; CORRUPT if not. */
int vrv_index_clear_check(const struct vrv_index_clear *, const uint8_t *sealed,
    size_t n, struct varve_err *err) VRV_MUST;

/* --- the sealed part of an index object --- */

/* v n superseded ids; v n pack entries; v n lost prefixes; a tagged list to the
 * end, of which this version writes nothing. The writer appends the lists
 * itself with these; the reader walks them in order. */
struct vrv_index_body {
	uint32_t n_superseded;
	const uint8_t *superseded; /* n x VRV_OBJECT_ID */
	uint32_t n_entries; /* follow in the cursor, which can hold as many */
};
void vrv_index_head_put(struct vrv_buf *, const uint8_t *superseded,
    uint32_t n_superseded, uint32_t n_entries);
int vrv_index_head_get(struct vrv_rd *, struct vrv_index_body *ret,
    struct varve_err *err) VRV_MUST;
/* After all entries: chunks known to be lost, and the end. */
void vrv_index_lost_put(struct vrv_buf *, const uint8_t *lost, uint32_t n);
int vrv_index_lost_get(struct vrv_rd *, const uint8_t **ret, uint32_t *ret_n,
    struct varve_err *err) VRV_MUST;

#endif
