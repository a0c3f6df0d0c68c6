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

struct vrv_judge {
	struct vrv_repo *repo;
	struct vrv_archives *list;
	const struct vrv_map *unreadable; /* ids of archive objects */
	struct vrv_pin *pins;		  /* by tag; the caller frees them */
	size_t n_pins;
	size_t n_missing;
	size_t n_replayed; /* pinned, and neither there nor buried */
};

/* Fill `items` and `newest` from `all` and the tombstones; may be repeated. */
int vrv_judge_resolve(struct vrv_judge *, struct varve_err *err) VRV_MUST;
/* Count what is missing; with `tell`, or if there is nothing to be had from
 * another look at the tombstones, as notes. */
int vrv_judge_missing(struct vrv_judge *, bool tell, struct varve_err *err)
    VRV_MUST;

/* --- archives_pins.c --- */

/* How many pinned archives are neither there nor buried, nor have their very
 * object among those that cannot be read. */
size_t vrv_pins_gone(const struct vrv_judge *);
/* Refuse the repository if a pinned archive is gone; else pin of each series
 * its heads, which no other archive names, and what they name. Claimed times
 * only choose what is pinned first; nothing that is pinned is dropped before a
 * pinned archive that can be read stands for it, or a tombstone. */
int vrv_judge_pins(struct vrv_judge *, struct varve_err *err) VRV_MUST;

#endif
