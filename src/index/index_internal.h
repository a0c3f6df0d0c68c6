/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef INDEX_INDEX_INTERNAL_H
#define INDEX_INDEX_INTERNAL_H

/*
 * The tables of an index, and the two places they live in.
 *
 * A set of entries is nine tables (sections) of rows of fixed size. In memory
 * (struct vrv_mem) they grow; in a run (struct vrv_run) they lie in a file of
 * 4096-byte blocks that never changes. It is read block by block, never mapped:
 * a file that is truncated or cannot be read must fail a lookup, not kill the
 * process. A block is rows, zeros,
 * and a sum: XXH3-128 of the bytes before it, xor the run's id, xor the
 * block's number, so that a block is right only in its own place. Block 0 is
 * the header; each section starts at a block of its own. A run belongs to this
 * machine and this version: another magic or version means a run to drop.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "index/index.h"
#include "util/hash.h"
#include "util/map.h"

#define VRV_RUN_BLOCK 4096
#define VRV_RUN_PAYLOAD (VRV_RUN_BLOCK - VRV_XXH_SIZE)
#define VRV_RUN_ID 16
#define VRV_RUNS_MAX 8 /* more are merged */

/* Rows, integers little-endian: */
enum vrv_section {
	VRV_S_OBJECTS,	  /* b16 index object */
	VRV_S_SUPERSEDED, /* u32 object that says so, b16 object */
	VRV_S_LOST,	  /* u32 object that says so, b16 chunk prefix */
	VRV_S_PACKS,	  /* struct vrv_pack_row */
	VRV_S_KEYS,	  /* b32 epk */
	VRV_S_FRAMES,	  /* struct vrv_frame_row; those of a pack together */
	VRV_S_BASES,	  /* b16 chunk prefix */
	VRV_S_RECORDS,	  /* b16 prefix, u32 frame, u16 ordinal, u16 0; sorted
			     by prefix and frame in a run */
	VRV_S_FENCE,	  /* b16 first prefix of each block of records */
	VRV_SECTIONS
};
#define VRV_ROW_MAX 44
size_t vrv_row_size(enum vrv_section);

struct vrv_pack_row { /* 44 */
	uint8_t pack[VRV_OBJECT_ID];
	uint64_t length, chunks;
	uint32_t object, first, frames; /* its frames: first ... */
};
#define VRV_FRAME_LATER 0 /* kind of a frame of a later version */
struct vrv_frame_row {	  /* 32 */
	uint64_t offset;
	uint32_t pack, key, stored, plain, bases; /* bases: first row */
	uint16_t n;
	uint8_t m, kind;
};
void vrv_pack_row_put(uint8_t *, const struct vrv_pack_row *);
void vrv_pack_row_get(const uint8_t *, struct vrv_pack_row *ret);
void vrv_frame_row_put(uint8_t *, const struct vrv_frame_row *);
void vrv_frame_row_get(const uint8_t *, struct vrv_frame_row *ret);
#define VRV_RECORD_FRAME 16   /* offset of the u32 */
#define VRV_RECORD_ORDINAL 20 /* offset of the u16 */

/* Every row that names a cache that lies. Returns CORRUPT. */
int vrv_index_damaged(struct varve_err *err);

/* --- tables in memory (index_mem.c) --- */

struct vrv_table {
	uint8_t *rows;
	size_t n, cap;
};

/* Zero-initialise. With `lookups` set before the first row, records can be
 * found by prefix: chains through `next`, newest first. */
struct vrv_mem {
	struct vrv_table t[VRV_SECTIONS];
	bool lookups;
	uint32_t *slots, *next;
	size_t n_slots, next_cap;
	struct vrv_hash_key key; /* of `slots` */
};
#define VRV_NO_RECORD UINT32_MAX

void vrv_mem_fini(struct vrv_mem *);
/* Forget all rows, keep the memory. */
void vrv_mem_clear(struct vrv_mem *);
const uint8_t *vrv_mem_row(const struct vrv_mem *, enum vrv_section,
    uint64_t i);
int vrv_mem_put(struct vrv_mem *, enum vrv_section, const void *row,
    struct varve_err *err) VRV_MUST;
/* Append the pack entry at the cursor, as one of object row `object`. After a
 * failure nothing was appended. */
int vrv_mem_entry(struct vrv_mem *, uint32_t object, struct vrv_rd *,
    struct varve_err *err) VRV_MUST;
/* Append a whole, valid body of an index object; all of it or nothing. */
int vrv_mem_object(struct vrv_mem *, const uint8_t object[VRV_OBJECT_ID],
    const uint8_t *body, size_t n, bool by_admin, struct varve_err *err)
    VRV_MUST;
/* The newest record of the prefix, and the next older one. */
uint32_t vrv_mem_first(const struct vrv_mem *, const uint8_t *prefix);
uint32_t vrv_mem_older(const struct vrv_mem *, uint32_t record);
/* Record numbers sorted by prefix, then by number. Owned: free(). */
int vrv_mem_sort(const struct vrv_mem *, uint32_t **ret, struct varve_err *err)
    VRV_MUST;

/* --- verified blocks (index_blocks.c) --- */

/* The blocks that lookups used last, of all runs: 4 MiB. From any thread. */
struct vrv_blocks;
struct vrv_blocks *vrv_blocks_new(void) VRV_MUST; /* NULL: no memory */
void vrv_blocks_free(struct vrv_blocks *);
/* Copy the block out; false if it is not there. */
bool vrv_blocks_get(struct vrv_blocks *, uint32_t serial, uint64_t block,
    uint8_t ret[VRV_RUN_BLOCK]);
void vrv_blocks_put(struct vrv_blocks *, uint32_t serial, uint64_t block,
    const uint8_t bytes[VRV_RUN_BLOCK]);

/* --- runs (index_run.c) --- */

struct vrv_run {
	uint8_t id[VRV_RUN_ID];
	uint32_t serial; /* unique in this process: for locations */
	bool in_folder;	 /* has a file there */
	bool published;	 /* `current` named it */
	atomic_bool bad; /* a block failed */
	bool left_out;	 /* it was bad when the listing was resolved */
	int fd;
	uint64_t size;
	uint64_t start[VRV_SECTIONS]; /* first block */
	uint64_t count[VRV_SECTIONS]; /* rows */
	/* Copies, verified when the run was opened. */
	uint8_t *objects, *superseded, *lost;
	/* For each object: do its entries count? Guarded by the index. */
	uint8_t *live;
};

/* Open the run in the file `take_fd`. CORRUPT or FORMAT if it is none of this
 * repository with that id. */
int vrv_run_open(int take_fd, const uint8_t id[VRV_RUN_ID],
    const uint8_t cache_id[VRV_CACHE_ID], struct vrv_run **ret,
    struct varve_err *err) VRV_MUST;
void vrv_run_free(struct vrv_run *);

/* The verified block that a reader of one run stands on. Set `blocks` (NULL for
 * who reads it all) and `block`; not the rest, which is large. */
struct vrv_run_at {
	struct vrv_blocks *blocks;
	uint64_t block; /* 0: none */
	uint8_t bytes[VRV_RUN_BLOCK];
};
/* Row `i`, valid until the next call with this reader; NULL, and the run is
 * bad, if there is no such row or its block cannot be read or is damaged. */
const uint8_t *vrv_run_row(struct vrv_run *, struct vrv_run_at *,
    enum vrv_section, uint64_t i);

/* The records of a prefix are [*ret_first, *ret_end). CORRUPT if a block is
 * damaged. */
int vrv_run_search(struct vrv_run *, struct vrv_run_at *, const uint8_t *prefix,
    uint64_t *ret_first, uint64_t *ret_end, struct varve_err *err) VRV_MUST;

/* Tables wherever they live: of `run`, or of `mem` where that is NULL. Set both
 * and at.blocks and at.block. Confined to a thread; a row is valid until the
 * next one is asked for. */
struct vrv_view {
	struct vrv_run *run;
	const struct vrv_mem *mem;
	struct vrv_run_at at;
};
const uint8_t *vrv_view_row(struct vrv_view *, enum vrv_section, uint64_t i);
uint64_t vrv_view_count(const struct vrv_view *, enum vrv_section);

/* --- writing a run (index_writer.c) --- */

struct vrv_run_writer {
	int fd;
	uint8_t id[VRV_RUN_ID];
	enum vrv_section section;
	uint64_t block; /* number of the block being filled */
	size_t fill;	/* bytes of it */
	uint64_t start[VRV_SECTIONS], count[VRV_SECTIONS];
	uint8_t *blocks; /* waiting to be written; the last is being filled */
	size_t n_blocks;
	struct vrv_buf fence;
};
/* Begin a run of a fresh random id in the empty file `fd`; then for each
 * section, in order, _section() and its rows; then _end(). _fini() always. */
int vrv_run_writer_begin(struct vrv_run_writer *, int fd, struct varve_err *err)
    VRV_MUST;
int vrv_run_writer_section(struct vrv_run_writer *, enum vrv_section,
    struct varve_err *err) VRV_MUST;
int vrv_run_writer_put(struct vrv_run_writer *, const void *row,
    struct varve_err *err) VRV_MUST;
/* Writes the fence itself, and the header. */
int vrv_run_writer_end(struct vrv_run_writer *,
    const uint8_t cache_id[VRV_CACHE_ID], struct varve_err *err) VRV_MUST;
void vrv_run_writer_fini(struct vrv_run_writer *);

/* Give the writer all rows of a run, fence apart. */
typedef int vrv_run_fill_fn(void *arg, struct vrv_run_writer *,
    struct varve_err *err);
/* A vrv_run_fill_fn: `arg` is a struct vrv_mem. */
int vrv_run_fill_mem(void *arg, struct vrv_run_writer *, struct varve_err *err);
/* A vrv_run_fill_fn: the live entries of several runs, oldest first. */
struct vrv_merge {
	struct vrv_run **runs;
	size_t n;
};
int vrv_run_fill_merge(void *arg, struct vrv_run_writer *,
    struct varve_err *err);

/* --- the index --- */

/* What is known of an object that the store listed. */
struct vrv_listed {
	bool covered;	 /* its entries are in a run, or being loaded */
	bool superseded; /* another listed object says so */
	bool taken;	 /* a run whose entries count has it */
};

struct vrv_index {
	uint8_t cache_id[VRV_CACHE_ID];
	int folder; /* -1: nothing is kept */

	pthread_rwlock_t lock; /* guards all down to `serial` */
	struct vrv_run **runs; /* oldest first */
	size_t n_runs, cap_runs;
	struct vrv_mem added; /* not yet flushed */
	uint32_t added_serial;
	size_t vanished; /* objects of runs that the last listing lacked */
	struct vrv_mem unnamed; /* of packs that no index object names */
	uint32_t unnamed_serial;
	struct vrv_map *dropped; /* packs */
	struct vrv_map *lost;	 /* prefixes */
	uint32_t serial;	 /* the last one given */
	struct vrv_blocks *blocks;

	/* Confined to the thread that lists, adds and flushes. */
	struct vrv_map *listed; /* object: struct vrv_listed */
	size_t want_at;
	bool resolved;
	bool judged; /* a listing ended: `live` of runs means something */
	struct vrv_mem loading;
	struct vrv_buf gone; /* ids of runs to remove from the folder */
};

/* --- the folder (index_folder.c) --- */

/* Open the folder and the runs that `current` names. */
int vrv_folder_open(struct vrv_index *, const char *path, struct varve_err *err)
    VRV_MUST;
/* Make a run: in the folder, or in memory where that fails. */
int vrv_folder_make_run(struct vrv_index *, vrv_run_fill_fn *, void *arg,
    struct vrv_run **ret, struct varve_err *err) VRV_MUST;
/* Let `current` name the index's runs, then remove what is stale. What fails
 * costs only work: no error. */
void vrv_folder_publish(struct vrv_index *);
/* Remove every run from the directory, or stop using it. */
void vrv_folder_empty(struct vrv_index *);

/* --- runs of an index (index.c) --- */

/* Append a run, which is the index's from now on, also on failure. */
int vrv_index_take_run(struct vrv_index *, struct vrv_run *take_run,
    struct varve_err *err) VRV_MUST;
/* Merge the newest runs if there are too many. */
int vrv_index_merge(struct vrv_index *, struct varve_err *err) VRV_MUST;
/* Note that a run is out: its file may go. Frees it. */
void vrv_index_retire(struct vrv_index *, struct vrv_run *take_run);

#endif
