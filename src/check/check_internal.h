/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CHECK_CHECK_INTERNAL_H
#define CHECK_CHECK_INTERNAL_H

/*
 * The passes of a check, in this order:
 *
 *   objects   one listing; every object is streamed against its own sum
 *   signed    every signed object against the roster, and its content decoded;
 *             the packs that the index names against the listing
 *   archives  every reference of every archive has a location
 *   frames    every frame of every pack opens, by the pack's own directory
 *   limited   in place of it and of the objects that are packs, when not all
 *             shall be looked at: both for one pack after the other
 *   trace     only after findings: which archives and paths they hit
 *
 * Memory: 64 bytes per object of the listing, the sets below, up to 2^22 slots
 * of 33 bytes for directories, 2^22 of 25 for lengths of chunks, and per thread
 * a buffer or an opened frame. Directories that many archives share are looked
 * at once as long as there is room, and again when there is not.
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "archive/archive.h"
#include "archive/bounds.h"
#include "archive/tour.h"
#include "check/check.h"
#include "ledger/ledger.h"
#include "repo/repo.h"
#include "task/task.h"
#include "util/map.h"

/* An object as the listing shows it. */
struct vrv_listed {
	struct vrv_name name;
	uint64_t size;
	int64_t checked; /* a pack: when last, at the level asked for; 0 */
	bool bad;	 /* told already */
	bool indexed;	 /* a pack that an index object names */
	bool needed;	 /* a pack that none names, but archives need; told */
};

/* What is wrong with a pack, the worst last. */
enum vrv_pack_fault {
	VRV_PACK_UNREAD = 1, /* the system, or this version, could not */
	VRV_PACK_DAMAGED,    /* some of its bytes */
	VRV_PACK_SHORT,	     /* it has another length than the index says */
	VRV_PACK_LOST	     /* it is absent and was not condemned */
};

struct vrv_check {
	struct vrv_repo *repo;
	const struct varve_check_options *options;
	unsigned threads;
	struct vrv_listed *items; /* sorted by type and id */
	size_t n_items;
	struct vrv_index *index;
	bool index_unread; /* the system refused to read an index object */
	uint64_t started;  /* ticks */
	size_t *order;	   /* limited: items that are packs and due */
	size_t n_order;
	const struct vrv_archive *const *archives; /* with keys: looked at */
	size_t n_archives;
	bool *bad; /* of each archive: something of it cannot be restored */
	/* Packs that something is wrong with: uint8_t, enum vrv_pack_fault. */
	struct vrv_map *suspects;
	struct vrv_condemned_set condemned; /* listed when first needed */
	const struct vrv_map *tombstones;   /* known ones; or NULL */
	struct vrv_rolls rolls;		    /* listed before objects are read */
	struct vrv_failures *failures;	    /* frames not read again */
	/* Causes (struct varve_err) that the archives pass has reported. */
	struct vrv_map *causes;
	/* With verify_data, data chunks that share a frame: prefix to struct
	 * vrv_stated. */
	struct vrv_map *lengths;
	pthread_mutex_t lock; /* of what follows, and `suspects` */
	struct varve_check_result result;
	struct varve_progress progress;
	uint64_t next_progress; /* when it is due */
	uint64_t packs_bytes;	/* of result.packs */
	/* Limited: packs begun; those of them that were not found sound. */
	uint64_t begun, unsound;
	pthread_mutex_t ledger_lock; /* of the ledger; taken before `lock` */
	struct vrv_ledger *ledger;
};

/* Shall not all packs be looked at? */
bool vrv_check_is_limited(const struct vrv_check *);

/* --- telling (check_tell.c); any thread --- */

/* True if the system refused to read something, which may be whole: neither
 * damage nor missing. */
bool vrv_check_is_refusal(const struct varve_err *why);
/* Report and count a finding about an object (may be NULL) or a path (may be
 * NULL). */
void vrv_check_problem(struct vrv_check *, const char *object, const char *path,
    const struct varve_err *why);
/* The same about a pack, which becomes a suspect: chunks in it may be
 * unreadable. `fault` is what it is if the system did not refuse it. */
void vrv_check_pack_problem(struct vrv_check *,
    const uint8_t pack[VRV_OBJECT_ID], enum vrv_pack_fault fault,
    const struct varve_err *why);
/* Something is wrong with a listed object, or it could not be read. */
void vrv_check_item_problem(struct vrv_check *, struct vrv_listed *,
    const struct varve_err *why);
/* Report something that is no finding. */
void vrv_check_tell(struct vrv_check *, enum varve_event_type, const char *path,
    const char *message);
/* Report what a finding means for a path; it is not counted again. */
void vrv_check_consequence(struct vrv_check *, const char *path,
    const struct varve_err *why);
/* Count work done on `path`, an object or a path of an archive, and report
 * progress if it is due. */
void vrv_check_add(struct vrv_check *, const char *path, uint64_t objects,
    uint64_t bytes);
/* Report the progress; the caller holds the lock. */
void vrv_check_progress(struct vrv_check *, const char *path);

/* The listed object, or NULL. */
struct vrv_listed *vrv_check_find(struct vrv_check *, enum vrv_type,
    const uint8_t id[VRV_OBJECT_ID]);
/* Does the store have the object now? False only if it is absent. An error of
 * the store other than NOENT is returned. */
int vrv_check_is_stored(struct vrv_check *, const char *name, bool *ret,
    uint64_t *ret_size, struct varve_err *err) VRV_MUST;

/* The pack was looked at to this level: record it as sound, or drop what the
 * ledger says of it if it is damaged. A pack that could not be read stays as
 * it was. */
void vrv_check_pack_done(struct vrv_check *, const struct vrv_listed *,
    enum vrv_ledger_level);

/* Give every number below `n` to `fn` once, on all threads; `make` and `drop`
 * (may be NULL) give each thread what it works with. `may_begin` (may be NULL)
 * is asked before each: false ends the work of that thread. */
struct vrv_check_work {
	int (*make)(struct vrv_check *, void **ret, struct varve_err *err);
	int (*fn)(struct vrv_check *, void *mine, size_t i,
	    struct varve_err *err);
	void (*drop)(void *mine);
	bool (*may_begin)(struct vrv_check *);
};
/* One object against its sum; one pack's frames. For numbers of items. */
extern const struct vrv_check_work vrv_check_object_work, vrv_check_frames_work;
int vrv_check_each(struct vrv_check *, size_t n, const struct vrv_check_work *,
    struct varve_err *err) VRV_MUST;

/* --- chunks that entries refer to (check_chunks.c) --- */

/* The length that archives state of a data chunk. */
struct vrv_stated {
	uint32_t length;
	bool wrong; /* the chunk has another; reported */
};

/* Confined to one thread. */
struct vrv_check_chunks {
	struct vrv_check *check;
	struct vrv_reader *reader;
	struct vrv_meta_source source; /* locates what it reads */
	struct vrv_map *values; /* long xattr values read, and their sizes */
};
/* The reader is borrowed. `c` must stay where it is. */
int vrv_check_chunks_init(struct vrv_check_chunks *c, struct vrv_check *,
    struct vrv_reader *, struct varve_err *err) VRV_MUST;
void vrv_check_chunks_fini(struct vrv_check_chunks *);
/* Can extract restore the entry, as far as can be said without reading data?
 * Each chunk has a location, attributes have their values, and what is in the
 * entry is understood. Lists that were visited are passed over. */
int vrv_check_entry(struct vrv_check_chunks *, const struct vrv_entry *,
    struct vrv_visited *lists, struct varve_err *err) VRV_MUST;
/* Compare the chunks of an opened frame with what archives state of them; any
 * thread. */
void vrv_check_lengths(struct vrv_check *, const struct vrv_pack_frame *,
    const struct vrv_opened *);
bool vrv_check_length_is_wrong(const struct vrv_check *,
    const uint8_t id[VRV_ID_SIZE]);

/* --- passes --- */

int vrv_check_list(struct vrv_check *, struct varve_err *err) VRV_MUST;
int vrv_check_objects(struct vrv_check *, struct varve_err *err) VRV_MUST;
int vrv_check_signed(struct vrv_check *, struct varve_err *err) VRV_MUST;
/* Compare the packs that the index names with those that are stored. */
int vrv_check_packs(struct vrv_check *, struct varve_err *err) VRV_MUST;
int vrv_check_archives(struct vrv_check *,
    const struct vrv_archive *const *archives, size_t n, struct varve_err *err)
    VRV_MUST;
int vrv_check_frames(struct vrv_check *, struct varve_err *err) VRV_MUST;
/* Leave what was found for this client's next backup. */
void vrv_check_leave(struct vrv_check *);
/* What the ledger knows of the packs; drops from it what is not listed. */
void vrv_check_recall(struct vrv_check *);
int vrv_check_limited(struct vrv_check *, struct varve_err *err) VRV_MUST;
int vrv_check_trace(struct vrv_check *,
    const struct vrv_archive *const *archives, size_t n, struct varve_err *err)
    VRV_MUST;

#endif
