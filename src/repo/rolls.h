/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_ROLLS_H
#define REPO_ROLLS_H

/*
 * The rolls of a repository as one: every roll counts that no other one
 * supersedes. Confined to one thread while rolls are added; immutable after.
 */

#include "format/roll.h"
#include "repo/repo.h"
#include "util/map.h"

struct vrv_rolled; /* one roll */

/* Zero-initialize. */
struct vrv_rolls {
	struct vrv_rolled **items;
	size_t n, cap;
	struct vrv_map *seen;	    /* ids of those that were added */
	struct vrv_map *superseded; /* ids that one of them replaces */
};
void vrv_rolls_fini(struct vrv_rolls *);
#define vrv_auto_rolls __attribute__((cleanup(vrv_rolls_fini))) struct vrv_rolls

/* Open the sealed part of a fetched roll. *ret_clear: bytes of its body before
 * that part. Both are what vrv_rolls_add() decodes. */
int vrv_roll_open(struct vrv_repo *, const struct vrv_object *,
    size_t *ret_clear, struct vrv_buf *ret_plain, struct varve_err *err)
    VRV_MUST;
/* Take a roll, whose parts are copied. */
int vrv_rolls_add(struct vrv_rolls *, const uint8_t id[VRV_OBJECT_ID],
    const uint8_t *clear, size_t clear_n, const uint8_t *plain, size_t plain_n,
    struct varve_err *err) VRV_MUST;
bool vrv_rolls_has(const struct vrv_rolls *, const uint8_t id[VRV_OBJECT_ID]);

/* List rolls/ and add those that are neither here nor in `known` (object ids;
 * may be NULL). One that cannot be used stops it, unless `ret_unsure` is given,
 * which tells that there was one. */
int vrv_rolls_list(struct vrv_repo *, const struct vrv_map *known,
    struct vrv_rolls *, bool *ret_unsure, struct varve_err *err) VRV_MUST;
/* Put the ids that rolls/ has into a map, without reading any. */
int vrv_rolls_ids(struct vrv_repo *, struct vrv_map *ids, struct varve_err *err)
    VRV_MUST;

/* Each entry of each roll that counts. Ends with the first error. */
typedef int vrv_rolls_fn(void *arg, const uint8_t roll[VRV_OBJECT_ID],
    const struct vrv_roll_entry *, struct varve_err *err);
int vrv_rolls_each(const struct vrv_rolls *, vrv_rolls_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;

/* The entry of an object in a roll that counts, or false. */
bool vrv_rolls_find(const struct vrv_rolls *, enum vrv_type type,
    const uint8_t object[VRV_OBJECT_ID], struct vrv_roll_entry *ret);
/* Does one name the object with this hash? Of two that name it, either. */
bool vrv_rolls_vouch(const struct vrv_rolls *, enum vrv_type type,
    const uint8_t object[VRV_OBJECT_ID], const uint8_t hash[VRV_HASH_SIZE]);
/* The facts of an archive that a roll holds whole. */
bool vrv_rolls_facts(const struct vrv_rolls *,
    const uint8_t object[VRV_OBJECT_ID], struct vrv_roll_entry *ret_entry,
    struct vrv_roll_facts *ret);
/* Is the intent dead, and with it an archive of that id? */
bool vrv_rolls_is_dead(const struct vrv_rolls *,
    const uint8_t intent[VRV_OBJECT_ID]);

#endif
