/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHECK_CHECK_INTERNAL_H
#define CHECK_CHECK_INTERNAL_H

/*
 * The passes of a check, in this order:
 *
 *   objects   one listing; every object is streamed against its own sum
 *   signed    every signed object against the roster, and its content decoded;
 *             the packs that the index names against the listing
 *   archives  every reference of every archive has a location
 *   frames    every frame of every pack opens, by the pack's own directory
 *   trace     only after findings: which archives and paths they hit
 *
 * Memory: 56 bytes per object of the listing, the two sets below, and per
 * thread a buffer or an opened frame. Directories that many archives share are
 * looked at once as long as the set has room, and again when it has not.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "archive/archive.h"
#include "archive/tour.h"
#include "check/check.h"
#include "repo/repo.h"
#include "task/task.h"
#include "util/map.h"

/* An object as the listing shows it. */
struct vrv_listed {
	struct vrv_name name;
	uint64_t size;
	bool bad;     /* told already */
	bool indexed; /* a pack that an index object names */
};

struct vrv_check {
	struct vrv_repo *repo;
	const struct varve_check_options *options;
	unsigned threads;
	struct vrv_listed *items; /* sorted by type and id */
	size_t n_items;
	struct vrv_index *index;
	struct vrv_map *suspects; /* packs that something is wrong with */
	pthread_mutex_t lock;	  /* of what follows, and `suspects` */
	struct varve_check_result result;
	struct varve_progress progress;
	uint64_t next_tick;
};

/* --- telling (check.c); any thread --- */

/* A finding, about an object (may be NULL) or a path (may be NULL). */
void vrv_check_problem(struct vrv_check *, const char *object, const char *path,
    const struct varve_err *why);
/* What a finding means for a path; not counted again. */
void vrv_check_consequence(struct vrv_check *, const char *path,
    const struct varve_err *why);
void vrv_check_add(struct vrv_check *, uint64_t objects, uint64_t bytes);
/* The listed object, or NULL. */
struct vrv_listed *vrv_check_find(struct vrv_check *, enum vrv_type,
    const uint8_t id[VRV_OBJECT_ID]);
/* Chunks in this pack may be unreadable. */
void vrv_check_suspect(struct vrv_check *, const uint8_t pack[VRV_OBJECT_ID]);

/* Give every number below `n` to `fn` once, on all threads; `make` and `drop`
 * (may be NULL) give each thread what it works with. */
struct vrv_check_work {
	int (*make)(struct vrv_check *, void **ret, struct varve_err *err);
	int (*fn)(struct vrv_check *, void *mine, size_t i,
	    struct varve_err *err);
	void (*drop)(void *mine);
};
int vrv_check_each(struct vrv_check *, size_t n, const struct vrv_check_work *,
    struct varve_err *err) VRV_MUST;

/* --- passes --- */

int vrv_check_list(struct vrv_check *, struct varve_err *err) VRV_MUST;
int vrv_check_objects(struct vrv_check *, struct varve_err *err) VRV_MUST;
int vrv_check_signed(struct vrv_check *, struct varve_err *err) VRV_MUST;
int vrv_check_packs(struct vrv_check *, struct varve_err *err) VRV_MUST;
int vrv_check_archives(struct vrv_check *,
    const struct vrv_archive *const *archives, size_t n, struct varve_err *err)
    VRV_MUST;
int vrv_check_frames(struct vrv_check *, struct varve_err *err) VRV_MUST;
int vrv_check_trace(struct vrv_check *,
    const struct vrv_archive *const *archives, size_t n, struct varve_err *err)
    VRV_MUST;

#endif
