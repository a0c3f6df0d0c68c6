/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_FRAMECACHE_H
#define REPO_FRAMECACHE_H

/*
 * Opened frames, shared by many threads.
 *
 * A frame is opened once however many ask for it: who comes while it is being
 * opened waits for that. A frame that fails to open is not read again for a
 * minute: all of its chunks report the first error. A chunk's id is compared
 * once for each time that its frame is opened. What is pinned stays; of the
 * rest, what was used longest ago goes. Every function may be called from any
 * thread.
 *
 * Memory: the two sizes, an opened and a sealed frame for each thread that is
 * opening one, and what is pinned beyond the sizes, at most a frame for each
 * pin; 300 KiB for the places of chunks that were found last, and 300 bytes for
 * each of the last 4,096 frames that failed.
 */

#include <stdint.h>

#include "repo/repo.h"

struct vrv_framecache;

/* Sizes in bytes of plaintext: data and meta frames do not drive each other
 * out. The repository is borrowed. */
int vrv_framecache_new(struct vrv_repo *, size_t data_bytes, size_t meta_bytes,
    struct vrv_framecache **ret, struct varve_err *err) VRV_MUST;
/* Nothing may be pinned any more. NULL is fine. */
void vrv_framecache_free(struct vrv_framecache *);

/* A chunk in the cache. Zero-initialise; give each back once. */
struct vrv_chunk_pin {
	const uint8_t *bytes;
	size_t n;
	struct vrv_cached *frame; /* NULL: nothing is pinned */
};

/* Pin a chunk. Errors are those of vrv_reader_get(), but that the index is
 * listed again, once a second at most, when a pack that it names is gone. */
int vrv_framecache_get(struct vrv_framecache *, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], struct vrv_chunk_pin *ret,
    struct varve_err *err) VRV_MUST;
/* The pin is empty again; an empty one is fine. */
void vrv_framecache_release(struct vrv_framecache *, struct vrv_chunk_pin *);

/* Read a frame that failed again after that long, instead of a minute. */
void vrv_framecache_retry_after(struct vrv_framecache *, uint64_t ns);

struct vrv_framecache_stats {
	uint64_t opened; /* frames, since it was made */
	size_t frames, bytes;
};
void vrv_framecache_stats(struct vrv_framecache *,
    struct vrv_framecache_stats *ret);

#endif
