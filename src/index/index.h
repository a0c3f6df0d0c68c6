/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INDEX_INDEX_H
#define INDEX_INDEX_H

/*
 * Chunk id to location.
 *
 * The index objects of a repository are the truth; what this module keeps in
 * `folder` are sorted runs made from them, which can be thrown away at any
 * time. Opening costs nothing per chunk; a lookup reads a few blocks of a run,
 * each with a checksum of its own that is verified when the block is read,
 * because a cache that lies would lose data. Blocks used last are kept, 4 MiB
 * of them in all. A file that is truncated or fails to be read is a damaged
 * one. A lookup that needs a damaged block is CORRUPT. The caller recovers with
 * a new listing, which drops the run and wants its objects again; or with
 * vrv_index_forget() before it, which drops everything. A damaged block that
 * nobody needs does no harm.
 *
 * Several processes may use one folder: the file `current` names its runs and
 * is replaced as a whole; who is overtaken by another loses work only.
 *
 * Lookups (_has, _find, _bases, _is_lost, _stats, _packs), _drop_pack and
 * _is_dropped may come from any number of threads; everything else from one at
 * a time, also beside lookups.
 */

#include <stdbool.h>
#include <stdint.h>

#include "crypto/crypto.h"
#include "format/frame.h"

#define VRV_CACHE_ID 32 /* bytes of what says whose a cache is */

struct vrv_index;

/* Where one copy of a chunk lies. Everything needed to fetch and open its
 * frame. */
struct vrv_location {
	uint8_t pack[VRV_OBJECT_ID];
	uint64_t length; /* of the pack, as the index states it */
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
 * repository that `cache_id` stands for. With path == NULL nothing is kept on
 * disk. A folder that cannot be used is no error: the index then works as if
 * path were NULL, and *ret_note says so (free() it; NULL if there is nothing to
 * say). A fatal error is one: what lies in the folder may be sound. */
int vrv_index_open(const char *path, const uint8_t cache_id[VRV_CACHE_ID],
    struct vrv_index **ret, char **ret_note, struct varve_err *err) VRV_MUST;
void vrv_index_free(struct vrv_index *);

/*
 * Bring it up to date with a listing of index/: tell it every index object
 * that exists, then fetch what it asks for, then finish. From then on lookups
 * answer from the objects that were listed, are not known to be superseded by
 * a listed one and were given (now or to an earlier listing), from what is
 * added, and from nothing else. Before the first listing a fresh index answers
 * from what is added alone.
 */
void vrv_index_listing_begin(struct vrv_index *);
int vrv_index_listing_add(struct vrv_index *,
    const uint8_t object[VRV_OBJECT_ID], struct varve_err *err) VRV_MUST;
/* The next listed object that no run covers; false when there is none. Each
 * is named once, whether it is then given or not. */
bool vrv_index_wants(struct vrv_index *, uint8_t ret[VRV_OBJECT_ID]);
/* Give it: `body` is the opened sealed part of the object. All of it is
 * decoded before any is used: CORRUPT or FORMAT leaves nothing behind. USAGE
 * for an object that is not listed. What it says is lost counts only if an
 * admin signed it. */
int vrv_index_load(struct vrv_index *, const uint8_t object[VRV_OBJECT_ID],
    const uint8_t *body, size_t n, bool by_admin, struct varve_err *err)
    VRV_MUST;
/* Drops runs of which no object counts anymore, writes new runs, merges when
 * there are many. An error only when memory ran out or the index exceeds its
 * limits; a cache that cannot be written works from memory. */
int vrv_index_listing_end(struct vrv_index *, struct varve_err *err) VRV_MUST;

/* Objects that this client knew, which the last listing lacked although no
 * listed object supersedes them: what they named may be named by nothing now.
 * Called like the functions above. */
size_t vrv_index_vanished(const struct vrv_index *);

/* Drop all runs, here and in the folder, so that the next listing makes them
 * anew. What was added and not flushed stays. A folder that cannot be emptied
 * is not used any more. */
void vrv_index_forget(struct vrv_index *);

/* Add the entry of a pack that this process has just stored: what
 * vrv_packer_finish() gave. It is visible to lookups at once. */
int vrv_index_add(struct vrv_index *, const uint8_t *entry, size_t n,
    struct varve_err *err) VRV_MUST;
/* The same for a pack that no index object names, from its own directory.
 * Lookups see it behind what is named, and so do the statistics; _packs() and
 * _flush() do not. */
int vrv_index_add_unnamed(struct vrv_index *, const uint8_t *entry, size_t n,
    struct varve_err *err) VRV_MUST;
/* The entries added since the last flush are now in the stored object
 * `object`: keep them as a run. */
int vrv_index_flush(struct vrv_index *, const uint8_t object[VRV_OBJECT_ID],
    struct varve_err *err) VRV_MUST;

/* Is the chunk stored, in a frame of that kind? Any copy counts. CORRUPT only
 * if a run failed and no other has the chunk. */
int vrv_index_has(struct vrv_index *, enum vrv_frame_kind kind,
    const uint8_t prefix[VRV_PREFIX_SIZE], bool *ret, struct varve_err *err)
    VRV_MUST;

/* Up to `max` locations of a chunk, newest first, each once. NOENT when there
 * is none, FORMAT when there are some but in frames of a later version only;
 * CORRUPT if a run failed and fewer than `max` were found. */
int vrv_index_find(struct vrv_index *, const uint8_t prefix[VRV_PREFIX_SIZE],
    struct vrv_location *ret, uint32_t max, uint32_t *ret_n,
    struct varve_err *err) VRV_MUST;

/* The base prefixes of the frame of `at` (m of them). NOENT if its pack left
 * the index since. */
int vrv_index_bases(struct vrv_index *, const struct vrv_location *at,
    uint8_t (*ret)[VRV_PREFIX_SIZE], struct varve_err *err) VRV_MUST;

/* Chunks that a collector declared lost. */
bool vrv_index_is_lost(struct vrv_index *,
    const uint8_t prefix[VRV_PREFIX_SIZE]);

/* A pack leaves lookups, stats and _packs for the life of this handle: it is
 * condemned or gone. */
int vrv_index_drop_pack(struct vrv_index *, const uint8_t pack[VRV_OBJECT_ID],
    struct varve_err *err) VRV_MUST;
bool vrv_index_is_dropped(struct vrv_index *,
    const uint8_t pack[VRV_OBJECT_ID]);

struct vrv_index_stats {
	uint64_t packs, frames, chunks; /* chunks: copies count */
	uint64_t stored;		/* bytes of all packs */
};
/* Of all packs that lookups see, each counted once. CORRUPT if a block is
 * damaged. Takes time by the number of packs. */
int vrv_index_stats(struct vrv_index *, struct vrv_index_stats *ret,
    struct varve_err *err) VRV_MUST;

/* Every pack that an index object names or this process stored, once each, in
 * no particular order. CORRUPT, before `fn` was called, if a block is damaged.
 * Returns what `fn`, which may use the index, returns if that is not 0. */
typedef int vrv_index_pack_fn(void *arg, const uint8_t pack[VRV_OBJECT_ID],
    uint64_t length, struct varve_err *err);
int vrv_index_packs(struct vrv_index *, vrv_index_pack_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;

#endif
