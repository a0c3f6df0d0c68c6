/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CREATE_PIPELINE_H
#define CREATE_PIPELINE_H

/*
 * The stages of a run and what passes between them:
 *
 *	walk --items (in order)--------------------------------> build
 *	  |                                                        ^
 *	  +--batches--> read --pieces--> hash --extents of a file--+
 *	                                   |
 *	                                   +--sealed frames--> store (repo)
 *
 * The walk decides what is unchanged. What has to be read becomes a struct
 * vrv_job, which goes two ways at once: to the readers in a batch, and to the
 * builder in its place among the items. The builder takes everything in the
 * order of the walk and waits for a job's extents when it meets it, so that
 * trees do not depend on how many threads there are.
 *
 * Memory: PIECES(threads) buffers of PIECE_SIZE, the queues' bounds below,
 * lanes (repo/writer.h), one tree builder per level of depth.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <varve/backup.h>

#include "archive/trees.h"
#include "chunk/chunk.h"
#include "create/parent.h"
#include "create/roots.h"
#include "create/source.h"
#include "repo/writer.h"
#include "task/task.h"
#include "util/map.h"

/* A piece is handed on when this much of it is cut. */
#define VRV_PIECE_TARGET ((size_t)1 << 20)

/* A batch of small files is read by one reader, so that neighbors in the tree
 * become neighbors in a frame. It keeps few directories open. */
#define VRV_BATCH_JOBS 256
#define VRV_BATCH_BYTES ((uint64_t)1 << 20)
#define VRV_BATCH_DIRS 32 /* at most: the limit on descriptors decides */
#define VRV_BATCHES 8

/* Directories above this many levels up are closed and opened again on the way
 * back, so that depth does not cost descriptors. */
#define VRV_OPEN_LEVELS 128

/* Descriptors of everything but the walk and the readers: standard ones, the
 * repository, packs being written, caches. */
#define VRV_DESCRIPTORS_KEPT 40

/* Items travel in groups, so that a queue is touched once per group. */
#define VRV_GROUP_ITEMS 256
#define VRV_GROUPS 64

/* Extents of a file in the order of the file. A segment is complete when
 * `pending` is 0: the reader holds one until it goes on to the next segment,
 * and each chunk that is not hashed yet holds one. */
struct vrv_segment {
	struct vrv_segment *next; /* set before the reader lets go */
	atomic_uint pending;
	uint32_t n, cap;
	struct vrv_extent extents[];
};
#define VRV_SEGMENT_MAX 256 /* extents */
/* A segment of room for `cap` extents, held once; NULL when memory ran out. */
struct vrv_segment *vrv_segment_new(uint32_t cap);

/* An inode that the walk meets under several names. The first name that can be
 * read is read, the others share its content. The readers take the names in
 * the order of the walk, so that the builder meets the content first. */
struct vrv_inode {
	atomic_uint refs; /* the walk's, and one for each job */
	uint64_t names;	  /* the walk's own: how many became jobs */
	/* Under done_lock: */
	uint64_t turn;	    /* the name that is next */
	bool read;	    /* the content is stored */
	struct vrv_stat st; /* with `read`: the file as it was read */
	/* The builder's own: what the names share, from the one that was read.
	 * It goes with the last that may share it, however many links come and
	 * go meanwhile. */
	uint8_t *content; /* NULL: no name is built yet */
	size_t content_n;
	uint64_t size;
	bool changed, cut; /* as in the job */
};
void vrv_inode_unref(struct vrv_inode *);

/* A file to be read. Made by the walk, filled by a reader, freed by the
 * builder. The builder looks at nothing but the first segment, which the walk
 * made, before that is complete, and at the rest only after the last one is. */
struct vrv_job {
	struct vrv_source_dir *dir; /* NULL: `fd` is the file */
	char *name;
	int fd;
	bool is_stdin;	    /* read from the caller's descriptor */
	struct vrv_stat st; /* from the walk; then from the descriptor */
	bool failed;
	bool changed;		 /* while it was read */
	bool cut;		 /* it ended before its size, unchanged */
	atomic_bool waits;	 /* for the writer of a FIFO */
	bool nodump;		 /* not wanted after all: --exclude-nodump */
	struct vrv_inode *inode; /* NULL: the file has one name */
	uint64_t turn;		 /* which of its names this is, from 0 */
	bool linked;		 /* the content is that of an earlier name */
	bool shares;		 /* later names share this content */
	struct vrv_source_err error; /* with failed */
	struct vrv_arena arena;	     /* of meta */
	struct vrv_source_meta meta;
	uint64_t size; /* bytes read, holes included */
	uint64_t read; /* what of read_bytes is from this job */
	struct vrv_segment *first;
};
void vrv_job_free(struct vrv_job *);

struct vrv_batch {
	struct vrv_job *jobs[VRV_BATCH_JOBS];
	uint32_t n, dirs;
	uint64_t bytes;
};

/* Bytes of one or more files, cut into chunks. */
struct vrv_piece_chunk {
	struct vrv_segment *segment;
	uint32_t extent; /* its number in the segment */
	uint32_t offset, length;
};
struct vrv_piece {
	uint8_t *bytes;
	size_t size, used;
	struct vrv_piece_chunk *chunks;
	size_t n, cap;
};

enum vrv_item_type {
	VRV_ITEM_ENTER, /* a directory; what it holds follows, then LEAVE */
	VRV_ITEM_LEAVE,
	VRV_ITEM_ENTRY,	   /* anything else */
	VRV_ITEM_EXCLUDED, /* only to be told */
	VRV_ITEM_PROBLEM   /* left out: `error`, or a `reason` of its own */
};

/* Names and blobs live in the group's arena. */
struct vrv_item {
	enum vrv_item_type type;
	const char *name;
	size_t name_n;
	const char *disk; /* of a source: its path as it was given, else NULL */
	bool inherited;	  /* `raw` is the whole entry, as the parent has it */
	bool known;	  /* the parent has an entry of that name */
	struct vrv_text raw; /* the parent's entry */
	struct vrv_stat st;
	const char *target; /* of a symbolic link */
	struct vrv_source_meta meta;
	unsigned flags;	     /* VRV_ENTRY_WAY, VRV_ENTRY_FSROOT */
	bool unread;	     /* a directory that could not be listed */
	struct vrv_job *job; /* a file to be read */
	struct vrv_text
	    inherit_content; /* metadata anew, content the parent's */
	struct vrv_source_err error;
	const char *reason;
	bool is_store; /* the repository, or what lies in it */
	struct vrv_text
	    forget; /* LEAVE: tree chunks of the parent's directory */
};
struct vrv_items {
	struct vrv_arena arena;
	struct vrv_item items[VRV_GROUP_ITEMS];
	uint32_t n;
};
void vrv_items_free(struct vrv_items *);

struct vrv_pipeline {
	struct vrv_repo *repo; /* NULL only for a dry run */
	const struct varve_backup_options *options;
	struct vrv_source_want want;
	struct vrv_roots *roots; /* the walk's while it runs */
	struct vrv_parent *parent;
	struct vrv_treecache *cache;
	uint64_t store_dev, store_inode; /* of a local repository, else 0 */

	struct vrv_group *group;
	struct vrv_queue *items, *batches, *pieces, *spare;
	unsigned readers, hashers;
	uint32_t batch_dirs; /* directories a batch keeps open */
	size_t open_levels;  /* directories the walk keeps open behind it */
	struct vrv_piece *all_pieces;
	size_t n_pieces;
	struct vrv_writer *writer;
	struct vrv_lane *meta_lane, **lanes;
	atomic_uint next_lane;

	/* With done: a segment is complete, or a name's turn has come. */
	pthread_mutex_t done_lock;
	pthread_cond_t done;

	/* Stopping early (stop_stage.c): no new work is begun, what was read is
	 * stored. A stage that ends because of it returns 0. */
	atomic_bool stopping;
	atomic_bool built; /* the builder is done: too late to stop */

	/* What a stage was at when it failed; freed after the join, as
	 * readers may still work on jobs in it. */
	struct vrv_items *filling, *building;
	struct vrv_batch *batch;

	/* What the builder found. */
	struct vrv_ref root;
	struct vrv_buf root_entry;
	bool has_skipped, has_owners;
	struct vrv_ref skipped, owners;
	uint64_t taken; /* entries, but for directories on the way */
	uint64_t files, entries, bytes, chunks, warnings;
	uint64_t xattrs, acls; /* entries that have some */
	/* Of all jobs, holes included, counted while they are read. */
	atomic_uint_fast64_t read_bytes;
};

/* The stages' thread functions; `arg` is the pipeline. */
int vrv_stage_walk(void *arg, struct varve_err *err);
int vrv_stage_read(void *arg, struct varve_err *err);
int vrv_stage_hash(void *arg, struct varve_err *err);
int vrv_stage_build(void *arg, struct varve_err *err);
int vrv_stage_stop(void *arg, struct varve_err *err);

/* What a stage returns that ended with `rc`: the end of a queue is none, nor is
 * being cut off when the run is stopped. */
int vrv_stage_end(const struct vrv_pipeline *, int rc, struct varve_err *err)
    VRV_MUST;
/* Should a stage begin no more? */
bool vrv_pipeline_over(const struct vrv_pipeline *);

/* Wake those who wait for a segment or for a turn. */
void vrv_pipeline_wake(struct vrv_pipeline *);
/* Wait to be woken, 200 ms at most; the caller holds done_lock. */
void vrv_pipeline_pause(struct vrv_pipeline *);

/* Size of a piece's buffer: the longest chunk may hang over the target. */
size_t vrv_piece_size(const struct vrv_repo *);

#endif
