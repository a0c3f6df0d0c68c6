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
#include "repo/rolls.h"
#include "util/arena.h"
#include "util/map.h"

/* One archive object, decoded. Texts live in the list's arena. */
struct vrv_archive {
	struct vrv_name object; /* its name in the store */
	struct vrv_archive_clear clear;
	struct vrv_archive_sealed sealed;
	bool dead; /* its intent expired before it was stored */
	/* A retired key signed it, and no roll names it with its hash: it is
	 * shown, and no more. */
	bool unvouched;
	/* It is known from a roll, and its object has not been read. */
	bool is_rolled;
	uint8_t hash[VRV_HASH_SIZE]; /* of its object, if is_rolled */
};

struct vrv_archives {
	struct vrv_arena arena;
	struct vrv_archive **items; /* live ones, nominal time ascending */
	size_t n;
	/* All that were read, also what is buried or superseded. */
	struct vrv_archive **all;
	size_t n_all;
	struct vrv_buried *buried; /* what tombstones name */
	size_t n_buried;
	/* For the functions below. */
	struct vrv_map *tombstones; /* object ids of those seen, and of rolls */
	struct vrv_map *graves;	    /* logical id to a struct vrv_grave */
	struct vrv_map *newest;	    /* logical id to its highest revision */
	struct vrv_map *named;	    /* that a live one of its series names */
	struct vrv_map *no_count;   /* object ids of dead, unvouched ones */
	struct vrv_map *aside;	    /* logical ids of these: known, not more */
	struct vrv_rolls rolls;
	size_t damaged;	       /* objects that could not be read */
	size_t unread, denied; /* of them, what the system refused, and
				  for want of permission */
	size_t missing;	       /* predecessors gone without a tombstone */
	size_t unknown;	       /* names in the listings that are no objects */
};

/* List tombstones/, rolls/ and archives/ and load every archive: what a roll
 * holds whole from there, what is in the local cache from there, the rest from
 * the store. An archive whose intent a roll calls dead is not live. One that is
 * unvouched is among the items, but stands for no archive of its id. One that a
 * roll holds and that is neither here nor deleted counts as missing. Damaged
 * and missing ones are told as PROBLEM notes, and so are two objects of one id
 * and revision, which are then both live. What this client pinned must still be
 * there, or a tombstone for it, or its very object be unreadable and no older
 * revision be shown in its place; what it saw deleted must not be back: else
 * AUTH with exit status
 * 61. The heads of each series are pinned. Owned: vrv_archives_free(). */
int vrv_archives_load(struct vrv_repo *, struct vrv_archives **ret,
    struct varve_err *err) VRV_MUST;
void vrv_archives_free(struct vrv_archives *);

/* The live archive of a logical id, or NULL; of two in conflict either. */
const struct vrv_archive *vrv_archives_get(const struct vrv_archives *,
    const uint8_t logical[VRV_LOGICAL_ID]);
/* Does another live archive of its series name this one as a predecessor? One
 * that nobody names is a head of its series. */
bool vrv_archives_is_named(const struct vrv_archives *,
    const struct vrv_archive *);
/* Is there a live archive of that name? */
bool vrv_archives_has_name(const struct vrv_archives *, const char *name);
/* Is that revision of an archive, or a later one, deleted? */
bool vrv_archives_is_buried(const struct vrv_archives *,
    const uint8_t logical[VRV_LOGICAL_ID], uint32_t revision);

/* Every chunk that an archive refers to: of directories and extent lists,
 * contents, long xattr values, the lists of skipped paths and owners. A chunk
 * may come several times; a meta chunk comes before it is read. Each directory
 * and list is gone through once, however often it is named. Ends with the
 * first error. */
struct vrv_meta_source;
typedef int vrv_chunk_fn(void *arg, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], struct varve_err *err);
int vrv_archive_chunks(const struct vrv_meta_source *,
    const struct vrv_archive *, vrv_chunk_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;
/* The same of one entry (not of a directory's listing), or of one list. What
 * `visited` holds (archive/bounds.h) is passed over; NULL: nothing was visited
 * before. Either way no part of a list is gone through twice. CORRUPT when the
 * list does not cover the size of the file. */
struct vrv_entry;
struct vrv_visited;
int vrv_entry_chunks(const struct vrv_meta_source *, const struct vrv_entry *,
    struct vrv_visited *visited, vrv_chunk_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;
int vrv_list_chunks(const struct vrv_meta_source *, const struct vrv_ref *,
    vrv_chunk_fn *fn, void *arg, struct varve_err *err) VRV_MUST;
/* The same with the length of each chunk, but without the chunks that an
 * extent list itself consists of: they are not known before they are read, and
 * who needs them sees them pass through the source. */
typedef int vrv_sized_fn(void *arg, enum vrv_frame_kind kind,
    const uint8_t id[VRV_ID_SIZE], uint64_t length, struct varve_err *err);
int vrv_entry_sized(const struct vrv_meta_source *, const struct vrv_entry *,
    struct vrv_visited *visited, vrv_sized_fn *fn, void *arg,
    struct varve_err *err) VRV_MUST;
int vrv_list_sized(const struct vrv_meta_source *, const struct vrv_ref *,
    vrv_sized_fn *fn, void *arg, struct varve_err *err) VRV_MUST;

/* --- what is going to be deleted --- */

/* Objects that condemn records name. Zero-initialise; confined to a thread. */
struct vrv_condemned_set {
	struct vrv_map *records; /* object ids of the records read */
	struct vrv_map *objects; /* struct vrv_condemned */
};
/* List condemned/ and read the records that are not in the set yet. A record
 * that cannot be read is an error: nobody knows what it names. */
int vrv_condemned_list(struct vrv_repo *, struct vrv_condemned_set *,
    struct varve_err *err) VRV_MUST;
bool vrv_condemned_has(const struct vrv_condemned_set *, enum vrv_type type,
    const uint8_t id[VRV_OBJECT_ID]);
void vrv_condemned_fini(struct vrv_condemned_set *);

/* --- the commit protocol (varve-internals(7)) --- */

struct vrv_writer;

struct vrv_commit {
	/* Complete but for object.id, which commit chooses. */
	struct vrv_archive *archive;
	/* Whose chunks it inherits, or NULL. */
	const struct vrv_archive *parent;
	struct vrv_writer *writer; /* of this run, joined, or NULL */
	/* Where the parent was chosen from, or NULL: its tombstones are known
	 * not to name the parent and are not read again. */
	const struct vrv_archives *known;
	bool as_admin; /* a revision above 0 */
};

/* W2 to W5: fsync index/, store the intent; check after it that parent and
 * reused packs are neither deleted nor condemned, mending what is; store the
 * archive; check that the intent was not condemned. When it returns 0, the
 * archive is durable and pinned; a
 * state file that cannot be written is a WARNING note. LOCKED (exit status 2)
 * if a collector came in between and the run must be repeated; where a pack is
 * there but the store refuses it, the error is the store's. */
int vrv_archive_commit(struct vrv_repo *, struct vrv_commit *,
    struct varve_err *err) VRV_MUST;

/* Store tombstones for these archives. Each is read from the store first, as
 * the cache alone must not decide what is deleted: CORRUPT if they differ, and
 * nothing is deleted then. They are pinned as deleted; a state file that
 * cannot be written is a WARNING note. */
int vrv_archive_bury(struct vrv_repo *,
    const struct vrv_archive *const *archives, size_t n, struct varve_err *err)
    VRV_MUST;

/* Does the object of an archive that comes from a roll match it? What differs,
 * or cannot be read, is told as a PROBLEM: what the roll says still counts. */
int vrv_archive_compare(struct vrv_repo *, const struct vrv_archive *,
    struct varve_err *err) VRV_MUST;

/* Has the archive been deleted, or does a roll call its intent dead? List the
 * tombstones of its series, then the rolls, and read those that are not in
 * `known` (object ids; may be NULL). *ret_unsure: one of them could not be
 * used, and may be that of the archive. */
int vrv_archive_is_deleted(struct vrv_repo *, const struct vrv_archive *,
    const struct vrv_map *known, bool *ret, bool *ret_unsure,
    struct varve_err *err) VRV_MUST;

/* May a new archive, or a renamed one, have this name? USAGE with the reason
 * if it is empty, ".", "..", VARVE_LATEST or an id ("aid:..."), begins or ends
 * with a blank, is not valid UTF-8, or holds a slash or a control character.
 * Readers accept every name. */
int vrv_archive_name_check(const char *name, struct varve_err *err) VRV_MUST;

/* USAGE if its texts are such as readers refuse, or all of them too long: to
 * be asked before anything is stored. */
int vrv_archive_check_texts(const struct vrv_archive_sealed *,
    struct varve_err *err) VRV_MUST;

/* Store the next revision of `old`, as the store has it, under another name.
 * USAGE as vrv_archive_name_check() and vrv_archive_check_texts(). */
int vrv_archive_rename(struct vrv_repo *, const struct vrv_archive *old,
    const char *name, struct varve_err *err) VRV_MUST;

#endif
