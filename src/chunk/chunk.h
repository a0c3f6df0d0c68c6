/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHUNK_CHUNK_H
#define CHUNK_CHUNK_H

/*
 * Content-defined cutting: bytes to boundaries, no I/O.
 *
 * A gear hash (Xia et al., "FastCDC", USENIX ATC 2016) with normalized
 * chunking: before the average size a cut needs more bits of the hash to be
 * zero than after it. The gear table is derived from the repository's chunker
 * key, so that cut points depend on a secret. A cut depends on the bytes since
 * the previous cut alone.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "util/err.h"

/* Sizes in bytes. 64 <= min <= average <= max <= VRV_CHUNK_MAX; average is a
 * power of two. */
struct vrv_chunk_params {
	uint32_t min, average, max;
};
#define VRV_CHUNK_MAX ((uint32_t)8 << 20)
#define VRV_CHUNK_PARAMS_DEFAULT                                               \
	((struct vrv_chunk_params){64u << 10, 256u << 10, 2u << 20})

struct vrv_chunker; /* immutable after _new: any number of threads */

/* USAGE for impossible sizes. Owned: vrv_chunker_free(). */
int vrv_chunker_new(const struct vrv_chunk_params *, const struct vrv_key *key,
    struct vrv_chunker **ret, struct varve_err *err) VRV_MUST;
void vrv_chunker_free(struct vrv_chunker *);

/* Length of the first chunk of the `n` bytes at `bytes`, which start at a cut.
 * `last` says that the file ends behind them: the rest is then a chunk too.
 * 0 when no cut is found and more bytes may follow (then n < max). */
size_t vrv_chunker_cut(const struct vrv_chunker *, const uint8_t *bytes,
    size_t n, bool last);

#endif
