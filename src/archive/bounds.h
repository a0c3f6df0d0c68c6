/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_BOUNDS_H
#define ARCHIVE_BOUNDS_H

/*
 * What bounds the work of reading an archive that an enemy made. Chunks are
 * addressed by content, so that a few of them, each naming the next one twice,
 * span more paths than anybody can walk, and a list more extents than anybody
 * can read.
 *
 * - Who follows paths stops at the count that the archive states: struct
 *   vrv_bounds. vrv_walk_archive() and vrv_tour_run() do so by themselves;
 *   who reads directories with iterators of their own asks for each entry.
 * - Who only wants to know chunks goes through each directory and each node of
 *   a list once: the callbacks of a tour (archive/tour.h) for directories,
 *   struct vrv_visited for lists.
 */

#include <stdbool.h>
#include <stdint.h>

#include "archive/archive.h"
#include "util/map.h"

/* Entries that an archive may have for each file that it states, and besides,
 * when it does not state how many it has: those before varve 0.1 did not. */
#define VRV_BOUNDS_PER_FILE 16
#define VRV_BOUNDS_BESIDES ((uint64_t)1 << 22)

struct vrv_bounds {
	uint64_t stated;
	uint64_t entries;  /* that may still be met */
	uint64_t failures; /* parts that may still be unreadable */
	bool ended;	   /* more than that was met */
};
void vrv_bounds_init(struct vrv_bounds *, const struct vrv_archive *);
/* One more entry, or one more part of a directory that cannot be read (each
 * holds an entry at least). CORRUPT when there are more than the archive
 * states: who goes on with the rest after damage must not go on after this. A
 * failure is not counted once it has ended. */
int vrv_bounds_entry(struct vrv_bounds *, struct varve_err *err) VRV_MUST;
int vrv_bounds_failure(struct vrv_bounds *, struct varve_err *err) VRV_MUST;

/*
 * Nodes and leaves of extent lists that were gone through to the end, with
 * what they cover. A list that contains one of them is not read again there,
 * but what it states of it is compared all the same. Zero-initialise; confined
 * to one thread. Lists of one kind of chunk only.
 */
struct vrv_visited {
	struct vrv_map *map;
};
void vrv_visited_fini(struct vrv_visited *);

#endif
