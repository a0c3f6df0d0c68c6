/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_ARCHIVES_JUDGE_H
#define ARCHIVE_ARCHIVES_JUDGE_H

/* Internal: what a full set of archives and tombstones says: which archives
 * live, what is missing, and whether it is older than what this client saw. */

#include "archive/archive.h"

/* Keys of `named` of a list: series and logical id. */
#define VRV_NAMED_KEY (VRV_TAG_SIZE + VRV_LOGICAL_ID)
void vrv_named_key(const uint8_t tag[VRV_TAG_SIZE],
    const uint8_t logical[VRV_LOGICAL_ID], uint8_t ret[VRV_NAMED_KEY]);

/* The highest revision of an archive that tombstones name, and by which one. */
struct vrv_grave {
	uint32_t revision;
	uint8_t tombstone[VRV_OBJECT_ID];
	int64_t time; /* as the tombstone claims */
};

struct vrv_judge {
	struct vrv_repo *repo;
	struct vrv_archives *list;
	const struct vrv_map *unreadable;     /* ids of archive objects */
	const struct vrv_map *bad_tombstones; /* ids of unreadable ones */
	struct vrv_pin *pins; /* by tag; the caller frees them */
	size_t n_pins;
	size_t n_missing;
	size_t n_replayed; /* pins that show an older state */
};

/* Fill `items` and `newest` from `all` and the tombstones; may be repeated. */
int vrv_judge_resolve(struct vrv_judge *, struct varve_err *err) VRV_MUST;
/* Count what is missing; with `tell`, or if there is nothing to be had from
 * another look at the tombstones, as notes. */
int vrv_judge_missing(struct vrv_judge *, bool tell, struct varve_err *err)
    VRV_MUST;

/* --- archives_pins.c --- */

/* How many pins show an older state: the archive is neither there nor buried,
 * nor is its very object among those that cannot be read; or that object cannot
 * be read and an older revision of the archive is shown instead; or it was seen
 * buried, lives again, and its very tombstone is not among those that cannot be
 * read. */
size_t vrv_pins_replayed(const struct vrv_judge *);
/* Refuse the repository if a pin shows an older state; else pin of each series
 * its heads, which no other archive names, and what they name. Claimed times
 * only choose what is pinned first; nothing that is pinned is dropped before a
 * pinned archive that can be read stands for it, or a tombstone. Pins of what
 * is buried remember so. */
int vrv_judge_pins(struct vrv_judge *, struct varve_err *err) VRV_MUST;

/* The pin of a live archive. */
struct vrv_pin vrv_archive_pin(const struct vrv_archive *);

#endif
