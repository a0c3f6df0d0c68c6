/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CODEC_CODEC_H
#define CODEC_CODEC_H

/*
 * Compression with zstd, one context per thread.
 *
 * A stored payload is one zstd frame with its content size, without checksum
 * and dictionary id, of a window of at most 16 MiB (RFC 8878). A prefix is
 * plaintext that both sides know (ZSTD_CCtx_refPrefix): what repeats it costs
 * nothing.
 */

#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

/* How a payload is stored; the numbers are stored. */
enum vrv_codec {
	VRV_STORED = 0,
	VRV_ZSTD = 1
};

#define VRV_LEVEL_MIN (-5)
#define VRV_LEVEL_MAX 19
#define VRV_LEVEL_DEFAULT 3
#define VRV_WINDOW_LOG_MAX 24

struct vrv_compression {
	enum vrv_codec codec;
	int level;     /* VRV_LEVEL_MIN to _MAX */
	int try_first; /* "auto": a quick try, at level 1, that saves less
			  than 3 % decides to store; not with a prefix */
};

struct vrv_encoder; /* confined to one thread */
struct vrv_decoder;

/* NULL when memory ran out. */
struct vrv_encoder *vrv_encoder_new(void) VRV_MUST;
void vrv_encoder_free(struct vrv_encoder *);

/* Bytes of `out` that vrv_encode() may need for `n` bytes of input. */
size_t vrv_encode_bound(size_t n);

/* Compress `n` bytes to `out` (room for vrv_encode_bound(n)). What does not
 * shrink is copied and *ret_codec is VRV_STORED. `prefix` may be NULL; it does
 * not overlap the input. USAGE for an unknown codec or level; LIMIT for input
 * beyond 16 MiB. */
int vrv_encode(struct vrv_encoder *, const struct vrv_compression *,
    const void *in, size_t n, const void *prefix, size_t prefix_n, void *out,
    size_t *ret_n, enum vrv_codec *ret_codec, struct varve_err *err) VRV_MUST;

struct vrv_decoder *vrv_decoder_new(void) VRV_MUST;
void vrv_decoder_free(struct vrv_decoder *);

/* Decompress to exactly `want` bytes at `out`, which may be overwritten on
 * failure too. CORRUPT if the payload is not one whole frame of that content
 * size as described above; FORMAT for an unknown codec; LIMIT for a window or
 * a size beyond 16 MiB. */
int vrv_decode(struct vrv_decoder *, uint8_t codec, const void *in, size_t n,
    const void *prefix, size_t prefix_n, void *out, size_t want,
    struct varve_err *err) VRV_MUST;

#endif
