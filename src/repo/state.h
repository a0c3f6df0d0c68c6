/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef REPO_STATE_H
#define REPO_STATE_H

/*
 * Internal: what this client remembers of repositories, as files of its state
 * directory.
 *
 *	<repository id>-<8 bytes of admin key>	the state of one repository
 *	the same with ".old"			the version before it
 *	<hash of a location>			which repository lies there
 *	lock					held while a state changes
 *
 * The file of a location is replaced or removed as a whole and needs no lock:
 * nothing of what it said before is kept.
 *
 * A state belongs to a repository, wherever that is now: a copy that is older
 * is noticed at any place. Its name contains the admin key, so that a
 * repository that only claims the id of another one has a state of its own.
 *
 * Two processes may use one repository: a process never writes what it read
 * at its start, but applies its own changes (struct vrv_state_change) to what
 * the file says at that moment, under the lock.
 */

#include "repo/repo.h"

struct vrv_identity {
	uint8_t repository[VRV_REPO_ID];
	uint8_t admin[VRV_SIGN_PUBLIC];
};

/* Where a repository was seen; hints for messages, newest first. */
#define VRV_STATE_PLACES 4

struct vrv_state {
	bool known; /* false: everything else is unset */
	struct vrv_identity who;
	uint32_t generation;
	uint8_t config[VRV_CONFIG_HASH]; /* of its body */
	bool has_slot; /* that opened it last, and what it costs */
	uint8_t slot[VRV_OBJECT_ID], slot_kdf;
	uint32_t slot_passes;
	uint64_t slot_memory;
	char *places[VRV_STATE_PLACES];
	struct vrv_pin *pins; /* by tag and logical id, each once */
	size_t n_pins;
};
void vrv_state_fini(struct vrv_state *);
/* Positive if the config of `a` replaces that of `b`, 0 if they are the same: a
 * later generation does, and in one generation the body of the lower hash. */
int vrv_state_order(const struct vrv_state *a, const struct vrv_state *b);

/* Changes of one process that are not written yet. Zero-initialise. */
struct vrv_state_change {
	bool seen;   /* the config and place of `now` */
	bool forget; /* everything that was known before */
	struct vrv_pin *add, *drop;
	size_t n_add, n_drop, cap_add, cap_drop;
};
void vrv_state_change_fini(struct vrv_state_change *);

/* --- state_text.c --- */

/* Remove the pins `drop` (and lower revisions of them) and add the pins `add`:
 * of one logical id the highest revision stays, if it was seen buried that. */
int vrv_state_apply(struct vrv_state *, const struct vrv_pin *add, size_t n_add,
    const struct vrv_pin *drop, size_t n_drop, struct varve_err *err) VRV_MUST;
/* Move a location to the front of the places. */
int vrv_state_add_place(struct vrv_state *, const char *location,
    struct varve_err *err) VRV_MUST;

/* The text of a state, or with `place_only` of a location's file, which holds
 * no more than the identity; ends with a checksum. */
int vrv_state_print(const struct vrv_state *, bool place_only,
    struct vrv_buf *text, struct varve_err *err) VRV_MUST;
/* CORRUPT unless the text is whole. Reads both forms, and the one of version 1,
 * a state per location without checksum; *ret_v1 tells. Changes `text`. */
int vrv_state_parse(struct vrv_buf *text, struct vrv_state *ret, bool *ret_v1,
    struct varve_err *err) VRV_MUST;

/* --- state_file.c --- */

/* Read the state of `who`, the newest version that is whole. A damaged one is
 * described in *ret_damage (code 0: none); `ret` is unknown if there is none,
 * or none that is whole. */
int vrv_state_read(int dir, const struct vrv_identity *who,
    struct vrv_state *ret, struct varve_err *ret_damage, struct varve_err *err)
    VRV_MUST;
/* Apply the changes of this process to the state of now->who and write it if
 * that makes a difference; `now` becomes what is written. */
int vrv_state_write(int dir, struct vrv_state *now,
    const struct vrv_state_change *, struct varve_err *err) VRV_MUST;
/* Write a state that was read from a file of version 1 as the state of its
 * repository, whose pins it adds to. */
int vrv_state_keep(int dir, const struct vrv_state *v1, struct varve_err *err)
    VRV_MUST;
/* The path of the state file; NULL when memory ran out. Owned: free(). */
char *vrv_state_path(const char *dir, const struct vrv_identity *who) VRV_MUST;

/* Read which repository lies at a location: `ret` is unknown if nobody knows,
 * and has pins only if the file is one of version 1, *ret_v1. */
int vrv_place_read(int dir, const char *location, struct vrv_state *ret,
    bool *ret_v1, struct varve_err *ret_damage, struct varve_err *err) VRV_MUST;
int vrv_place_write(int dir, const char *location, const struct vrv_identity *,
    struct varve_err *err) VRV_MUST;
/* Remove the file of a location: a new repository is made there. */
int vrv_place_forget(int dir, const char *location, struct varve_err *err)
    VRV_MUST;

#endif
