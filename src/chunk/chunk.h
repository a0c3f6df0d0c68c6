/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHUNK_CHUNK_H
#define CHUNK_CHUNK_H

/*
 * Content-defined cutting: bytes to boundaries, no I/O. Method, sizes and key
 * decide what deduplicates against what.
 *
 * The methods differ in how they make a u64, the hash, of the 64 bytes before a
 * position. A chunk ends at the first length from `min` on whose hash starts
 * with enough zero bits: log2(average) + 2 below the length average * 7/8, and
 * log2(average) - 2 from there on; at `max` if there is none. With the switch
 * at 7/8 the mean over random bytes is within 10 % of `average` as long as
 * `min` is at most half of it.
 *
 * VRV_CHUNK_GEAR: a gear hash (Xia et al., "FastCDC", USENIX ATC 2016), which
 * is the sum, modulo 2^64, of gear[b] << d over the 64 bytes b, the last of
 * them at d = 0. gear[i], for each byte i, is the first 8 bytes (little-endian)
 * of BLAKE2b-512(key chunker, "varve-gear", u8 i). It is linear in the table:
 * whoever knows contents and sees the sizes of their chunks can solve for it
 * (eprint 2025/532, 2025/558).
 *
 * VRV_CHUNK_PRF: the first 8 bytes of AES-128 of a digest of the 64 bytes, so
 * that sizes tell nothing of the keys (eprint 2025/558, "universal hash, then
 * PRF"). See chunk/rolling.h. About a tenth as fast.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "util/err.h"

enum vrv_chunk_method {
	VRV_CHUNK_GEAR = 1,
	VRV_CHUNK_PRF = 2
};

/* Sizes in bytes. 64 <= min <= average <= max <= VRV_CHUNK_MAX; average is a
 * power of two. */
struct vrv_chunk_params {
	uint32_t min, average, max;
	enum vrv_chunk_method method;
};
#define VRV_CHUNK_MAX ((uint32_t)8 << 20)
#define VRV_CHUNK_PARAMS_DEFAULT                                               \
	((struct vrv_chunk_params){64u << 10, 256u << 10, 2u << 20,            \
	    VRV_CHUNK_GEAR})

struct vrv_chunker; /* of one thread */

/* USAGE for an unknown method or impossible sizes. Owned: vrv_chunker_free().
 */
int vrv_chunker_new(const struct vrv_chunk_params *, const struct vrv_key *key,
    struct vrv_chunker **ret, struct varve_err *err) VRV_MUST;
void vrv_chunker_free(struct vrv_chunker *);

/* Length of the first chunk of the `n` bytes at `bytes`, which start at a cut.
 * `last` says that the file ends behind them: the rest is then a chunk too.
 * 0 when no cut is found and more bytes may follow (then n < max), and for
 * n = 0. The answer is the same for every larger `n`; a call looks at all
 * bytes anew, so give it `max` bytes or the rest of the file where possible. */
size_t vrv_chunker_cut(struct vrv_chunker *, const uint8_t *bytes, size_t n,
    bool last);

#endif
