/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PACK_PACK_H
#define PACK_PACK_H

/*
 * Frames and packs in memory: no I/O.
 *
 * A frame is sealed under the key of a session: an ephemeral X25519 pair made
 * once per run, mixed with the repository's public keys and pre-shared key.
 * Sealing is done by many threads (one vrv_sealer each); a pack is put
 * together by one thread from frames that are sealed already.
 */

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec.h"
#include "crypto/crypto.h"
#include "format/frame.h"
#include "util/buf.h"

/* --- keys --- */

/* What sealing and opening need; borrowed by everything below. */
struct vrv_pack_keys {
	uint8_t repository[VRV_REPO_ID];
	struct vrv_key id_data, id_meta, index, psk;
	struct vrv_key data_public, meta_public;
	struct vrv_key data_secret, meta_secret; /* only with may_read */
	bool may_read;
};

/* The full id of a chunk of that kind. */
void vrv_chunk_id(const struct vrv_pack_keys *, enum vrv_frame_kind kind,
    const void *bytes, size_t n, uint8_t out[VRV_ID_SIZE]);

/* Frame keys of one ephemeral public key, for both kinds. */
struct vrv_frame_keys {
	uint8_t epk[VRV_KEY_SIZE];
	struct vrv_key data, meta;
};

/* --- sealing --- */

/* One run's ephemeral key and nonce secret; immutable after _new, shared by
 * all sealers of the run. In secret memory. */
struct vrv_session;
int vrv_session_new(const struct vrv_pack_keys *, struct vrv_session **ret,
    struct varve_err *err) VRV_MUST;
void vrv_session_free(struct vrv_session *);
const uint8_t *vrv_session_epk(const struct vrv_session *);

/* A frame ready to be put into a pack. Owned by who holds it. */
struct vrv_sealed {
	enum vrv_frame_kind kind;
	uint32_t plain, n;
	struct vrv_buf bytes; /* nonce, ciphertext, tag */
	uint8_t *ids;	      /* n x VRV_PREFIX_SIZE */
};
void vrv_sealed_free(struct vrv_sealed *);

struct vrv_sealer; /* confined to one thread: contexts and scratch memory */
int vrv_sealer_new(const struct vrv_session *, const struct vrv_compression *,
    struct vrv_sealer **ret, struct varve_err *err) VRV_MUST;
void vrv_sealer_free(struct vrv_sealer *);

/* Compress and seal `n` chunks that lie back to back at `plain`; `ids` are
 * their full ids (n x VRV_ID_SIZE). USAGE beyond the limits of a frame. The
 * sealed frame is opened again (decrypted, decompressed, compared byte for
 * byte) before it is returned: CORRUPT names faulty memory or compressor.
 * Owned: vrv_sealed_free(). */
int vrv_sealer_seal(struct vrv_sealer *, enum vrv_frame_kind kind,
    const uint8_t *plain, const uint32_t *lengths, const uint8_t *ids,
    uint32_t n, struct vrv_sealed **ret, struct varve_err *err) VRV_MUST;

/* --- opening --- */

/* Reader of frames; confined to one thread. Remembers the frame keys of the
 * last ephemeral keys it met. */
struct vrv_opener;
int vrv_opener_new(const struct vrv_pack_keys *, struct vrv_opener **ret,
    struct varve_err *err) VRV_MUST;
void vrv_opener_free(struct vrv_opener *);

/* Gives the plaintext of a base chunk (appends it to `to`). */
typedef int vrv_base_fn(void *arg, const uint8_t prefix[VRV_PREFIX_SIZE],
    struct vrv_buf *to, struct varve_err *err);

/* An opened frame: chunks back to back. Zero-initialise; reused. */
struct vrv_opened {
	struct vrv_buf plain;
	uint32_t n;
	uint32_t *lengths; /* VRV_FRAME_CHUNKS_MAX */
	uint32_t *offsets;
};
void vrv_opened_fini(struct vrv_opened *);

/* All bases of a frame together: more would lie outside zstd's window. */
#define VRV_BASES_PLAIN_MAX ((size_t)1 << VRV_WINDOW_LOG_MAX)

/* Open a frame of `n` stored bytes, which `frame` (from a directory or index)
 * describes, sealed with `epk`. Lengths, count and bases must be those of
 * `frame` (CORRUPT). Chunk ids are NOT checked here: vrv_opened_check() or the
 * caller, who knows which full id is wanted. AUTH if it does not open or the
 * keys may not read; LIMIT for bases of more than VRV_BASES_PLAIN_MAX bytes.
 * `base` may be NULL: a frame with bases is then NOTSUP. `base` may itself use
 * this opener for frames that have no bases; a base that has one is CORRUPT.
 * After a failure `ret` holds nothing. */
int vrv_opener_open(struct vrv_opener *, const uint8_t epk[VRV_KEY_SIZE],
    const struct vrv_pack_frame *frame, const uint8_t *stored, size_t n,
    vrv_base_fn *base, void *base_arg, struct vrv_opened *ret,
    struct varve_err *err) VRV_MUST;

/* Every chunk's id has the prefix that `frame` states. *ret_bad (may be NULL)
 * is the first that has not. */
int vrv_opened_check(const struct vrv_pack_keys *,
    const struct vrv_pack_frame *frame, const struct vrv_opened *,
    uint32_t *ret_bad, struct varve_err *err) VRV_MUST;

/* --- packs --- */

/* Puts a pack together. The caller writes what each call appends to `out` to
 * the store in that order. Confined to one thread. */
struct vrv_packer;
/* Begins a pack of a fresh random id; appends the header. */
int vrv_packer_new(const struct vrv_pack_keys *, const uint8_t *epk,
    struct vrv_buf *out, struct vrv_packer **ret, struct varve_err *err)
    VRV_MUST;
const uint8_t *vrv_packer_id(const struct vrv_packer *);
/* Bytes so far. */
uint64_t vrv_packer_size(const struct vrv_packer *);
uint32_t vrv_packer_frames(const struct vrv_packer *);
/* Note a frame whose bytes the caller writes next, unchanged. LIMIT when the
 * pack is full: nothing is noted then. */
int vrv_packer_add(struct vrv_packer *, const struct vrv_sealed *,
    struct varve_err *err) VRV_MUST;
/*
 * What hides the size of the payload: a pack of `n` bytes gets a random number
 * of random bytes below this bound, a power of two: 2^floor(log2(n) - 3), at
 * most an eighth of the pack, but not more than VRV_PACK_PAD_MAX. Rounding
 * to a step would show on which side of a step the payload is, to the byte, to
 * whoever can place files in it.
 */
#define VRV_PACK_PAD_MAX ((uint64_t)64 << 10)
uint64_t vrv_pack_pad_bound(uint64_t n);

/* Append directory, padding, footer and trailer to `out`, and what an index
 * object says of the pack: its entry to `entry`, and `ret_sum`. The directory
 * was opened again and compared. The packer is then only to be freed. */
int vrv_packer_finish(struct vrv_packer *, struct vrv_buf *out,
    struct vrv_buf *entry, struct vrv_pack_sum *ret_sum, struct varve_err *err)
    VRV_MUST;
void vrv_packer_free(struct vrv_packer *);

/* Find a pack's directory from its end. `tail` are the last `tail_n` bytes of
 * an object of `length` bytes (at least VRV_PACK_TAIL). *ret_offset and
 * *ret_n: where the sealed directory lies. */
#define VRV_PACK_TAIL (VRV_SEAL_COST + VRV_FOOTER_PLAIN + VRV_TRAILER_SIZE)
int vrv_pack_find_directory(const struct vrv_pack_keys *,
    const uint8_t header[VRV_HEADER_SIZE], const uint8_t *tail, size_t tail_n,
    uint64_t length, uint64_t *ret_offset, uint32_t *ret_n,
    struct varve_err *err) VRV_MUST;
/* Open the directory of `n` bytes at `sealed`: the pack's entry in `ret`. It
 * is whole and names the pack of `header`, or CORRUPT. */
int vrv_pack_open_directory(const struct vrv_pack_keys *,
    const uint8_t header[VRV_HEADER_SIZE], const uint8_t *sealed, size_t n,
    struct vrv_buf *ret, struct varve_err *err) VRV_MUST;

#endif
