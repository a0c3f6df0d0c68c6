/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCHIVE_ARCHIVE_H
#define ARCHIVE_ARCHIVE_H

/*
 * Archive objects: loading all of them, and storing one by the commit
 * protocol. An archive lives under its logical id; its highest revision that
 * no tombstone buries is the live one.
 */

#include <stdbool.h>
#include <stdint.h>

#include "format/record.h"
#include "repo/repo.h"
#include "util/arena.h"

/* One archive object, decoded. Texts live in the list's arena. */
struct vrv_archive {
	struct vrv_name object; /* its name in the store */
	struct vrv_archive_clear clear;
	struct vrv_archive_sealed sealed;
};

struct vrv_archives {
	struct vrv_arena arena;
	struct vrv_archive **items; /* live ones, nominal time ascending */
	size_t n;
	struct vrv_buried *buried; /* what tombstones name */
	size_t n_buried;
	size_t damaged; /* objects that could not be read */
	size_t missing; /* predecessors gone without a tombstone */
	size_t unknown; /* names in the listings that are no objects */
};

/* List tombstones/ and archives/ and load every archive: what is in the local
 * cache from there, the rest from the store. Damaged and missing ones are told
 * as PROBLEM notes. What this client pinned must still be there, or a
 * tombstone for it: else AUTH with exit status 61. Owned:
 * vrv_archives_free(). */
int vrv_archives_load(struct vrv_repo *, struct vrv_archives **ret,
    struct varve_err *err) VRV_MUST;
void vrv_archives_free(struct vrv_archives *);

/* The live archive of a logical id, or NULL. */
const struct vrv_archive *vrv_archives_get(const struct vrv_archives *,
    const uint8_t logical[VRV_LOGICAL_ID]);
/* Is there a live archive of that name? */
bool vrv_archives_has_name(const struct vrv_archives *, const char *name);

/* --- the commit protocol (varve-internals(7)) --- */

/* Gives every chunk that the new archive refers to. */
typedef int vrv_chunk_fn(void *arg, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], struct varve_err *err);

struct vrv_writer;

struct vrv_commit {
	/* Complete but for object.id, which commit chooses. */
	struct vrv_archive *archive;
	const struct vrv_archive *parent; /* whose chunks it inherits, or NULL */
	struct vrv_writer *writer;	  /* of this run, or NULL */
	bool as_admin;			  /* a revision above 0 */
};

/* W2 to W5: fsync index/, store the intent; check after it that parent and
 * reused packs are neither deleted nor condemned, mending what is; store the
 * archive; check that the intent was not condemned. When it returns 0, the
 * archive is durable and pinned in the state file. */
int vrv_archive_commit(struct vrv_repo *, struct vrv_commit *,
    struct varve_err *err) VRV_MUST;

/* Store tombstones for these archives. */
int vrv_archive_bury(struct vrv_repo *,
    const struct vrv_archive *const *archives, size_t n,
    struct varve_err *err) VRV_MUST;

/* Store the next revision of `old` under another name. */
int vrv_archive_rename(struct vrv_repo *, const struct vrv_archive *old,
    const char *name, struct varve_err *err) VRV_MUST;

#endif
