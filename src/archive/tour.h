/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_TOUR_H
#define ARCHIVE_TOUR_H

/*
 * Going through the trees of many archives that share most of them: like a
 * walk, but directories met before can be passed over.
 */

#include "archive/archive.h"
#include "archive/trees.h"
#include "util/map.h"

struct vrv_tour {
	struct vrv_meta_source source;
	void *arg;
	/* Go into this directory? Asked right after `entry` was told of it. */
	bool (*enter)(void *arg, const struct vrv_ref *);
	/* Each entry; set *ret_bad when something is wrong with it. */
	int (*entry)(void *arg, const char *path, const struct vrv_entry *,
	    bool *ret_bad, struct varve_err *err);
	/* Everything below the directory was toured: once for each that was
	 * entered. */
	void (*left)(void *arg, const struct vrv_ref *, bool bad);
	/* It cannot be read; 0 to go on. Not asked when memory ran out or the
	 * run was cancelled. */
	int (*damaged)(void *arg, const char *path, struct varve_err *err);
	/* Each chunk of the directories themselves, before it is read; or
	 * NULL. */
	vrv_meta_seen_fn *seen;
	void *seen_arg;
};
/* Returns what a callback returns if that is not 0. It ends early, which
 * `damaged` is told, when more is met than the archive states
 * (archive/bounds.h). Memory: one iterator per level, VRV_LEVELS_HELD of them
 * with a leaf. */
int vrv_tour_run(const struct vrv_tour *, const struct vrv_archive *,
    struct varve_err *err) VRV_MUST;
/* The same from one directory of it on, whose path is `path` ("" for the
 * root). */
int vrv_tour_below(const struct vrv_tour *, const struct vrv_archive *,
    const struct vrv_ref *, const char *path, struct varve_err *err) VRV_MUST;

/* A set of refs (a map of VRV_PREFIX_SIZE keys without values) of bounded
 * size: when it is full, what is new is forgotten and toured again. */
#define VRV_SEEN_MAX ((size_t)1 << 21) /* of 16 bytes, at most half full */
bool vrv_seen_has(const struct vrv_map *, const struct vrv_ref *);
void vrv_seen_add(struct vrv_map *, const struct vrv_ref *);

#endif
