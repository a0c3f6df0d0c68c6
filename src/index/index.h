/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INDEX_INDEX_H
#define INDEX_INDEX_H

/*
 * Chunk id to location.
 *
 * The index objects of a repository are the truth; what this module keeps in
 * `folder` are sorted, memory-mapped runs made from them, which can be thrown
 * away at any time. Opening maps the runs and costs nothing per chunk; every
 * block of a run carries its own checksum, verified at each use, because a
 * cache that lies would lose data. A run that fails is dropped and made anew
 * from its objects.
 *
 * Lookups may come from any number of threads; vrv_index_add() and
 * vrv_index_flush() from one at a time, also beside lookups.
 */

#include <stdbool.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "format/frame.h"

struct vrv_index;

/* Where one copy of a chunk lies. Everything needed to fetch and open its
 * frame. */
struct vrv_location {
	uint8_t pack[VRV_OBJECT_ID];
	uint8_t epk[VRV_KEY_SIZE];
	uint64_t offset;
	uint32_t stored, plain; /* of the frame */
	uint32_t n, m;		/* chunks and bases of the frame */
	uint32_t ordinal;	/* of the chunk in the frame */
	uint8_t kind;		/* enum vrv_frame_kind */
	uint64_t frame;		/* the same for two locations in one frame,
				   ordered as frames lie in packs */
};

/* Open the index kept in the folder `path` (made if missing) for the
 * repository `id`. With path == NULL nothing is kept on disk. A folder that
 * cannot be used is no error: the index then works as if path were NULL, and
 * *ret_note says so (free() it; NULL if there is nothing to say). */
int vrv_index_open(const char *path, const uint8_t repository[VRV_REPO_ID],
    struct vrv_index **ret, char **ret_note, struct varve_err *err) VRV_MUST;
void vrv_index_free(struct vrv_index *);

/*
 * Bring it up to date with a listing of index/: tell it every index object
 * that exists, then fetch what it asks for, then finish.
 */
void vrv_index_listing_begin(struct vrv_index *);
int vrv_index_listing_add(struct vrv_index *,
    const uint8_t object[VRV_OBJECT_ID], struct varve_err *err) VRV_MUST;
/* The next listed object that no run covers; false when there is none. */
bool vrv_index_wants(struct vrv_index *, uint8_t ret[VRV_OBJECT_ID]);
/* Give it: `body` is the opened sealed part of the object. */
int vrv_index_load(struct vrv_index *, const uint8_t object[VRV_OBJECT_ID],
    const uint8_t *body, size_t n, struct varve_err *err) VRV_MUST;
/* Drops runs whose objects are gone (all of a run's objects must be listed,
 * or superseded by listed ones), writes new runs, merges when there are many.
 * An error only when memory ran out; a cache that cannot be written works
 * from memory. */
int vrv_index_listing_end(struct vrv_index *, struct varve_err *err) VRV_MUST;

/* Add entries of packs that this process has just stored. The `entry` is what
 * vrv_packer_finish() gave; `object` the index object that will hold it. They
 * are visible to lookups at once. */
int vrv_index_add(struct vrv_index *, const uint8_t *entry, size_t n,
    struct varve_err *err) VRV_MUST;
/* The entries added since the last flush are now in the stored object
 * `object`: keep them as a run. */
int vrv_index_flush(struct vrv_index *, const uint8_t object[VRV_OBJECT_ID],
    struct varve_err *err) VRV_MUST;

/* Is the chunk stored? Any copy counts. CORRUPT only if a run failed and
 * could not be replaced. */
int vrv_index_has(struct vrv_index *, enum vrv_frame_kind kind,
    const uint8_t prefix[VRV_PREFIX_SIZE], bool *ret,
    struct varve_err *err) VRV_MUST;

/* Up to `max` locations of a chunk, newest first. NOENT when there is none. */
int vrv_index_find(struct vrv_index *, const uint8_t prefix[VRV_PREFIX_SIZE],
    struct vrv_location *ret, uint32_t max, uint32_t *ret_n,
    struct varve_err *err) VRV_MUST;

/* The base prefixes of the frame of `at` (m of them). */
int vrv_index_bases(struct vrv_index *, const struct vrv_location *at,
    uint8_t (*ret)[VRV_PREFIX_SIZE], struct varve_err *err) VRV_MUST;

/* Chunks that a collector declared lost. */
bool vrv_index_is_lost(struct vrv_index *,
    const uint8_t prefix[VRV_PREFIX_SIZE]);

/* Packs leave lookups: they are condemned or gone. */
int vrv_index_drop_pack(struct vrv_index *, const uint8_t pack[VRV_OBJECT_ID],
    struct varve_err *err) VRV_MUST;

struct vrv_index_stats {
	uint64_t packs, frames, chunks; /* chunks: copies count */
	uint64_t stored;		/* bytes of all packs */
};
void vrv_index_stats(struct vrv_index *, struct vrv_index_stats *ret);

/* Every pack, in no particular order; its whole entry as in an index object.
 * Returns what `fn` returns if that is not 0. */
typedef int vrv_index_pack_fn(void *arg, const uint8_t pack[VRV_OBJECT_ID],
    uint64_t length, struct varve_err *err);
int vrv_index_packs(struct vrv_index *, vrv_index_pack_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;

#endif
