/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FORMAT_RECORD_H
#define FORMAT_RECORD_H

/*
 * The records of the commit protocol: archive, intent, tombstone, condemn.
 * The clear and the sealed part are encoded apart; who seals and signs them
 * is the repository.
 *
 * Every record ends in a list of tagged values, of which this version writes
 * none but into archives.
 *
 * A list of tagged values is (v tag, v length, value) by ascending tag; values
 * of a tag that may stand more than once follow each other. An odd tag may be
 * ignored by who does not know it, an unknown even one is FORMAT.
 */

#include <stdbool.h>
#include <stdint.h>

#include "format/object.h"
#include "format/tree.h"
#include "util/arena.h"
#include "util/clock.h"

#define VRV_LOGICAL_ID 32
#define VRV_PREVIOUS_MAX 8

/* --- archive --- */

/* A writer keeps the texts of an archive within this, so that with its root
 * entry it stays below VRV_MAX_RECORD: readers refuse more. */
#define VRV_ARCHIVE_TEXTS_MAX ((size_t)256 << 10)

/* Bytes of single texts, and how many of those that repeat. */
#define VRV_ARCHIVE_NAME_MAX 1024
#define VRV_ARCHIVE_LABEL_MAX 4096
#define VRV_ARCHIVE_COMMENT_MAX ((size_t)64 << 10)
#define VRV_ARCHIVE_SHORT_MAX 255 /* host, user, a tag, options, software */
#define VRV_ARCHIVE_TAGS_MAX 1024
#define VRV_ARCHIVE_ARGS_MAX 4096
#define VRV_ARCHIVE_ARGS_BYTES_MAX ((size_t)64 << 10) /* of all of them */

#define VRV_PLATFORM_LINUX 1

#define VRV_ARCHIVE_WARNINGS 1u /* flag: something was left out */

struct vrv_archive_clear {
	uint8_t flags;
	uint8_t logical[VRV_LOGICAL_ID];
	uint32_t revision;
	int64_t end;	 /* s */
	uint64_t stored; /* bytes this archive added to the store */
	uint8_t n_previous;
	uint8_t previous[VRV_PREVIOUS_MAX][VRV_LOGICAL_ID];
};
/* FORMAT for an unknown flag. */
void vrv_archive_clear_put(struct vrv_buf *, const struct vrv_archive_clear *);
int vrv_archive_clear_get(struct vrv_rd *, struct vrv_archive_clear *ret,
    struct varve_err *err) VRV_MUST;

/* A byte string of a record: not NUL-terminated, may hold anything where
 * nothing else is said. */
struct vrv_text {
	const uint8_t *p;
	size_t n;
};
bool vrv_text_is(struct vrv_text, const char *s);

/* Tags of the sealed list. Values without a note are texts: UTF-8 without NUL
 * and of limited length, but words of the command line and the working
 * directory, which hold any bytes. */
enum vrv_archive_tag {
	VRV_A_NAME = 2,
	VRV_A_COMMENT = 3,
	VRV_A_TAG = 5, /* repeated */
	VRV_A_SERIES = 4,
	VRV_A_HOST = 6,
	VRV_A_USER = 7,
	VRV_A_ARG = 9, /* repeated: argv */
	VRV_A_CWD = 11,
	VRV_A_NOMINAL = 8,     /* i64 s, u32 ns */
	VRV_A_START = 10,      /* likewise */
	VRV_A_END = 12,	       /* likewise */
	VRV_A_UTC_OFFSET = 13, /* i32 s east of UTC */
	VRV_A_ROOT = 14,       /* Ref */
	VRV_A_ROOT_ENTRY = 15, /* a directory entry named ".": see below */
	VRV_A_FILES = 16,      /* v */
	VRV_A_BYTES = 18,      /* v */
	VRV_A_CHUNKS = 17,     /* v */
	VRV_A_NEW_BYTES = 19,  /* v */
	VRV_A_SKIPPED = 20,    /* Ref of a list of path lists */
	VRV_A_ENTRIES = 21,    /* v */
	VRV_A_OWNERS = 22,     /* Ref of a list of name tables */
	VRV_A_PARENT = 23,     /* b32 logical id */
	VRV_A_CHUNKER = 25,    /* v method, v min, v average, v max */
	VRV_A_OPTIONS = 27,
	VRV_A_SOFTWARE = 29,
	VRV_A_ORIGIN = 31,   /* b32 repository, b32 logical id: of a copy */
	VRV_A_PLATFORM = 33, /* v */
	VRV_A_XATTRS = 35,   /* v */
	VRV_A_ACLS = 37,     /* v */
	VRV_A_ARGS_CUT = 39  /* v */
};

struct vrv_archive_sealed {
	struct vrv_text name, comment, series, host, user, cwd, options,
	    software;
	struct vrv_text *tags, *args;
	uint32_t n_tags, n_args;
	struct vrv_time nominal, start, end;
	int32_t utc_offset;
	struct vrv_ref root;
	/* The root directory's own entry when the source was "." or "/": an
	 * encoded entry whose name is "."; n is 0 if there is none. */
	struct vrv_text root_entry;
	uint64_t files, bytes, chunks, new_bytes;
	uint64_t entries; /* of all its directories; 0: not stated */
	/* Entries with extended attributes other than ACLs, and with ACLs. */
	uint64_t xattrs, acls;
	uint64_t args_cut;  /* words of the command line that are left out */
	uint64_t platform;  /* 0: not stated */
	bool counts_xattrs; /* else `xattrs` is not stated; so for ACLs */
	bool counts_acls;
	bool has_skipped, has_owners, has_parent, has_origin;
	/* Extent lists whose chunks are 'P' or 'U' meta chunks. */
	struct vrv_ref skipped, owners;
	uint8_t parent[VRV_LOGICAL_ID];
	uint32_t chunk_method, chunk_min, chunk_average, chunk_max;
	uint8_t origin_repository[VRV_REPO_ID], origin[VRV_LOGICAL_ID];
};
/* Leaves out empty texts that need not be there, and what a has_* or counts_*
 * denies; single arguments may be empty. */
void vrv_archive_sealed_put(struct vrv_buf *,
    const struct vrv_archive_sealed *);
/* Bytes of its texts: name, comment, series, host, user, tags. */
size_t vrv_archive_texts(const struct vrv_archive_sealed *);
/* USAGE with the reason if a text is one that readers refuse. The root entry,
 * the command line and the working directory are not looked at. */
int vrv_archive_texts_check(const struct vrv_archive_sealed *,
    struct varve_err *err) VRV_MUST;
/* How many words of a command line an archive may hold; the others are counted
 * in args_cut. */
uint32_t vrv_archive_args_fit(const struct vrv_text *args, uint32_t n);
/* Texts point into `bytes`, the arrays into the arena. CORRUPT when a tag that
 * must be there (name, series, host, nominal, start, end, root) is missing, or
 * any is malformed, out of order or stands twice; FORMAT for an unknown even
 * tag. What is not there is zero. */
int vrv_archive_sealed_get(const uint8_t *bytes, size_t n,
    struct vrv_arena *arena, struct vrv_archive_sealed *ret,
    struct varve_err *err) VRV_MUST;

/* --- intent --- */

struct vrv_intent_clear {
	uint8_t logical[VRV_LOGICAL_ID];
	uint32_t revision;
};
void vrv_intent_clear_put(struct vrv_buf *, const struct vrv_intent_clear *);
int vrv_intent_clear_get(struct vrv_rd *, struct vrv_intent_clear *ret,
    struct varve_err *err) VRV_MUST;

struct vrv_intent_sealed {
	bool has_root;
	struct vrv_ref root;
	/* n x VRV_OBJECT_ID: the index objects that it relies on; without a
	 * root, the packs that are to be kept. */
	uint32_t n_ids;
	const uint8_t *ids;
};
void vrv_intent_sealed_put(struct vrv_buf *, const struct vrv_intent_sealed *);
int vrv_intent_sealed_get(const uint8_t *bytes, size_t n,
    struct vrv_intent_sealed *ret, struct varve_err *err) VRV_MUST;

/* --- tombstone --- */

struct vrv_buried {
	uint8_t logical[VRV_LOGICAL_ID];
	uint32_t revision;
};
void vrv_tombstone_put(struct vrv_buf *, int64_t time,
    const struct vrv_buried *, uint32_t n);
/* The cursor covers the body and nothing else, here and below: CORRUPT if
 * anything but a list follows. `ret` is in the arena. */
int vrv_tombstone_get(struct vrv_rd *, struct vrv_arena *arena,
    int64_t *ret_time, struct vrv_buried **ret, uint32_t *ret_n,
    struct varve_err *err) VRV_MUST;

/* --- condemn record --- */

enum vrv_reason {
	VRV_REASON_DEAD = 1,
	VRV_REASON_THIN = 2,
	VRV_REASON_DAMAGED = 3,
	VRV_REASON_FOLDED = 4,
	VRV_REASON_EXPIRED = 5,
	VRV_REASON_DELETED = 6,
	VRV_REASON_OLD_ROLL = 7
};
struct vrv_condemned {
	uint8_t type; /* enum vrv_type */
	uint8_t id[VRV_OBJECT_ID];
};
#define VRV_PLACE_ID 16
struct vrv_condemn {
	int64_t time;
	/* Where the objects will be deleted. Elsewhere they count as condemned
	 * too: what is stored there may come from here. */
	uint8_t place[VRV_PLACE_ID];
	uint8_t reason;
	uint32_t n, n_successors;
	const struct vrv_condemned *objects; /* sorted by type and id */
	const uint8_t *successors;	     /* n_successors x VRV_OBJECT_ID */
};
/* CORRUPT if the objects are not sorted or stand twice, FORMAT for an unknown
 * reason or type. `objects` are in the arena, `successors` in place. */
void vrv_condemn_put(struct vrv_buf *, const struct vrv_condemn *);
int vrv_condemn_get(struct vrv_rd *, struct vrv_arena *arena,
    struct vrv_condemn *ret, struct varve_err *err) VRV_MUST;

#endif
