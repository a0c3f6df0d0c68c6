/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_ROLL_H
#define FORMAT_ROLL_H

/*
 * Rolls: objects of others that an admin vouches for, archives that are
 * deleted, intents that are dead. Who seals and signs them is the repository.
 *
 * A roll may hold 10^5 archives, so that its parts stay where they are read
 * and are looked up there.
 */

#include <stdbool.h>
#include <stdint.h>

#include "format/record.h"

#define VRV_MAX_ROLL ((size_t)64 << 20)
#define VRV_HASH_SIZE 32 /* BLAKE2b-256 of a whole object */

/* One object that a roll names. */
struct vrv_roll_entry {
	uint8_t type; /* enum vrv_type, or one that is not known here */
	uint8_t object[VRV_OBJECT_ID];
	uint8_t hash[VRV_HASH_SIZE];
	uint8_t logical[VRV_LOGICAL_ID]; /* of archives; else zeros */
	uint32_t revision;		 /* likewise */
	bool deleted;			 /* up to this revision */
	int64_t first_seen;
	uint8_t tag[VRV_TAG_SIZE];
	uint8_t signer[32];
};
#define VRV_ROLL_ENTRY_SIZE 134

struct vrv_roll {
	uint32_t n_superseded, n_dead, n;
	const uint8_t *superseded; /* n_superseded x VRV_OBJECT_ID */
	const uint8_t *dead;	   /* n_dead x VRV_OBJECT_ID, ascending */
	const uint8_t *entries;	   /* n x VRV_ROLL_ENTRY_SIZE, ascending */
	uint32_t n_archives;	   /* entries whose facts are sealed */
	struct vrv_text tail;
};

void vrv_roll_entry_put(struct vrv_buf *, const struct vrv_roll_entry *);
/* The clear part. */
void vrv_roll_put(struct vrv_buf *, const struct vrv_roll *);
/* All points into what the cursor covers; the sealed part is what is left of
 * it. CORRUPT if entries do not ascend by type and object, dead intents not by
 * id, or a part does not fit; FORMAT for an unknown even tag of the tail and
 * for `deleted` above 1. */
int vrv_roll_get(struct vrv_rd *, struct vrv_roll *ret, struct varve_err *err)
    VRV_MUST;

/* Entry `i`, which must be below n. */
void vrv_roll_entry_at(const struct vrv_roll *, uint32_t i,
    struct vrv_roll_entry *ret);
/* Are its facts sealed: is it an archive that is not deleted? */
bool vrv_roll_entry_has_facts(const struct vrv_roll_entry *);
/* The number of an object's entry; false: it has none. */
bool vrv_roll_find(const struct vrv_roll *, uint8_t type,
    const uint8_t object[VRV_OBJECT_ID], uint32_t *ret_i);
bool vrv_roll_is_dead(const struct vrv_roll *,
    const uint8_t intent[VRV_OBJECT_ID]);

/* The facts of an archive: the clear part of its object and the list that was
 * sealed in it. Of a form that is not known here, `list` is all there is. */
enum vrv_roll_form {
	VRV_ROLL_WHOLE = 0,
	VRV_ROLL_SHORT = 1 /* values that need not be there were left out */
};
struct vrv_roll_facts {
	uint8_t form;
	struct vrv_text clear, list;
};
void vrv_roll_facts_put(struct vrv_buf *, const struct vrv_roll_facts *);
/* The next ones; the cursor stands at the start of the sealed part, or behind
 * the ones before. They are those of the entries with facts, in order. */
int vrv_roll_facts_get(struct vrv_rd *, struct vrv_roll_facts *ret,
    struct varve_err *err) VRV_MUST;
/* The sealed part as a whole: as many facts as the clear part has, and a
 * tail, which is set. */
int vrv_roll_sealed_check(const uint8_t *bytes, size_t n,
    const struct vrv_roll *, struct vrv_text *ret_tail, struct varve_err *err)
    VRV_MUST;

#endif
