/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_WRITER_H
#define REPO_WRITER_H

/*
 * Storing chunks: the write side of one run.
 *
 * Any number of threads put chunks, each through a lane of its own. A lane
 * gathers new chunks into a frame, seals it (and opens it again), and hands it
 * to the writer's one store thread, which puts frames into packs and, from
 * time to time and at the end, the packs' entries into index objects.
 *
 * Chunks are claimed in a table of the run: of two lanes that meet the same
 * new chunk one stores it. Nothing counts as stored before the group was
 * joined without an error.
 */

#include <stdbool.h>
#include <stdint.h>

#include "repo/repo.h"
#include "task/task.h"

struct vrv_writer;
struct vrv_lane;

struct vrv_writer_options {
	struct vrv_compression compression;
	unsigned lanes;		/* how many will be made, no more, no less */
	uint64_t checkpoint_ns; /* index object at least this often */
	uint64_t checkpoint_bytes;
	/* Of the chunks that are found in the index instead of being stored,
	 * how many are read and opened first, in millionths. */
	uint32_t verify_reused_ppm;
	/* Series of the index objects' names. */
	uint8_t tag[VRV_TAG_SIZE];
};

struct vrv_writer_totals {
	uint64_t chunks;     /* new ones */
	uint64_t plain;	     /* their bytes before compression */
	uint64_t compressed; /* their frames, sealed */
	uint64_t stored;     /* packs and index objects, in the store */
};

/* The writer's thread belongs to `group`; an error there cancels it. */
int vrv_writer_new(struct vrv_repo *, struct vrv_group *group,
    const struct vrv_writer_options *, struct vrv_writer **ret,
    struct varve_err *err) VRV_MUST;
/* After the group was joined; NULL is fine. */
void vrv_writer_free(struct vrv_writer *);

/* There will be no archive: once the lanes are done, store what was put, its
 * index object and a checkpoint, so that the next run finds it. Any thread. */
void vrv_writer_stop(struct vrv_writer *);
/* Do not wait for the lanes either: some thread hangs. What they put from now
 * on is refused (CANCELLED). */
void vrv_writer_cut(struct vrv_writer *);
/* Is everything in the store that the writer was given? */
bool vrv_writer_is_done(const struct vrv_writer *);

/* What is stored so far, for progress. */
void vrv_writer_totals(struct vrv_writer *, struct vrv_writer_totals *ret);

/* Packs that chunks were found in instead of being stored: the commit checks
 * that they are still there. After the group was joined. */
int vrv_writer_reused(struct vrv_writer *, vrv_index_pack_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;
/* Ids of the index objects this run stored: *ret_n x VRV_OBJECT_ID, valid as
 * long as the writer. After the group was joined. */
const uint8_t *vrv_writer_index_objects(struct vrv_writer *, uint32_t *ret_n);

/* A lane: confined to one thread. Made before the threads start. */
int vrv_lane_new(struct vrv_writer *, enum vrv_frame_kind kind,
    struct vrv_lane **ret, struct varve_err *err) VRV_MUST;

/* Store a chunk unless it is there already; its id in `ret_id`. */
int vrv_lane_put(struct vrv_lane *, const void *bytes, size_t n,
    uint8_t ret_id[VRV_ID_SIZE], bool *ret_new, struct varve_err *err) VRV_MUST;

/* Seal what is gathered and say that no more comes. Exactly once per lane,
 * by its thread, also before it is freed after an error (then without
 * effect). */
int vrv_lane_done(struct vrv_lane *, struct varve_err *err) VRV_MUST;
void vrv_lane_free(struct vrv_lane *);

#endif
