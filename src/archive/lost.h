/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_LOST_H
#define ARCHIVE_LOST_H

/*
 * Lost packs: what the index names and the store does not hold.
 *
 * A pack is lost if it is absent or of another length than an index object
 * says that was listed after the packs, and is not condemned. What lay in it
 * counts as not stored, so that a backup stores it again while the source still
 * has it.
 *
 * Comparing the index with a listing of packs/ is too much for every hourly
 * run. A client does it once a day and remembers the outcome in its cache; a
 * check leaves there what it found. A list that is missing or damaged means
 * that the next run compares.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "repo/repo.h"
#include "util/map.h"

/* What a client remembers. Zero-initialise. */
struct vrv_lost {
	/* When a comparison began; 0: a check asks for one, -1: nothing is
	 * known. Either makes the next run compare. */
	int64_t compared;
	bool reread; /* an index object is damaged: its cached copy lies */
	struct vrv_map *packs; /* id: struct vrv_lost_pack; NULL: none */
	/* Tag of a series: when a run of it that looked up what it inherits
	 * began (int64_t). NULL: none. */
	struct vrv_map *series;
};
struct vrv_lost_pack {
	/* It is there and of the right length, but a check found damage in it:
	 * only another check can say that it is whole again. */
	bool damaged;
};
void vrv_lost_fini(struct vrv_lost *);
size_t vrv_lost_count(const struct vrv_lost *);
/* NULL: it is none of them. */
const struct vrv_lost_pack *vrv_lost_find(const struct vrv_lost *,
    const uint8_t pack[VRV_OBJECT_ID]);
int vrv_lost_add(struct vrv_lost *, const uint8_t pack[VRV_OBJECT_ID],
    bool damaged, struct varve_err *err) VRV_MUST;
/* Read it; nothing is remembered if that fails for any reason but memory. */
int vrv_lost_load(struct vrv_repo *, struct vrv_lost *ret,
    struct varve_err *err) VRV_MUST;
/* Replace it. Without a cache directory this does nothing. */
int vrv_lost_save(struct vrv_repo *, const struct vrv_lost *,
    struct varve_err *err) VRV_MUST;

/*
 * Before a run looks anything up: drop the packs that are lost from the index
 * of this handle; *ret_n is how many. *ret_check asks the run to look up what
 * it inherits: packs are lost, it compared, or no run of the series `tag` did
 * so in the last day. An index object can vanish together with its packs: then
 * only looking everything up tells. With `now`, or if the last comparison is
 * a day old, compare, and look at unnamed packs that are older than an hour
 * (younger ones belong to a run that is still going on). Those that are known
 * as lost are looked up in the store first. Otherwise nothing is asked of the
 * store, and the index is not opened.
 *
 * A comparison that fails is a WARNING note, and what is remembered counts. New
 * lost packs are a WARNING note too. An error only when the run cannot go on.
 */
int vrv_lost_apply(struct vrv_repo *, const uint8_t tag[VRV_TAG_SIZE], bool now,
    size_t *ret_n, bool *ret_check, struct varve_err *err) VRV_MUST;
/* The archive of a run that began at `time` and looked up what it inherits is
 * stored: the series need not do that for a day. Not before: a run that fails
 * or is killed leaves the work to the next one. A failure is an INFO note. */
void vrv_lost_checked(struct vrv_repo *, const uint8_t tag[VRV_TAG_SIZE],
    int64_t time);

/* Leave what a check found for the next run: packs that are lost or damaged.
 * With `all` every pack was looked at, so that other packs are sound. If
 * found->compared is 0 the next run compares at once, and takes unnamed packs
 * of any age; with `reread` it reads all index objects again. A failure costs
 * that run's knowledge only: an INFO note. */
void vrv_lost_leave(struct vrv_repo *, const struct vrv_lost *found, bool all);

#endif
