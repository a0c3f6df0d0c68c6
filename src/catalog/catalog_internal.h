/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef CATALOG_CATALOG_INTERNAL_H
#define CATALOG_CATALOG_INTERNAL_H

#include <sys/types.h>

#include "catalog/catalog.h"
#include "db/db.h"
#include "util/arena.h"
#include "util/map.h"

#define VRV_CATALOG_REF (VRV_CHUNK_ID + 1) /* bytes of an encoded Ref */

/* The statements that are kept; see their texts in catalog_sql.c. */
enum vrv_catalog_sql {
	/* reading */
	VRV_SQL_ABOUT,
	VRV_SQL_SERIES,
	VRV_SQL_ARCHIVES,
	VRV_SQL_DIR_BY_ID,
	VRV_SQL_DIR_BY_NAME,
	VRV_SQL_DIR_BEHIND,
	VRV_SQL_LIVE_ONE,
	VRV_SQL_PAST_ONE,
	VRV_SQL_LIVE_BEHIND,
	VRV_SQL_PAST_BEHIND,
	/* changing */
	VRV_SQL_LIVE_BATCH,
	VRV_SQL_LIVE_ADD,
	VRV_SQL_LIVE_FEED,
	VRV_SQL_LIVE_SET,
	VRV_SQL_LIVE_DROP,
	VRV_SQL_LIVE_TO_PAST,
	VRV_SQL_DIR_TO_PAST,
	VRV_SQL_DIR_EMPTY,
	VRV_SQL_DIR_ADD,
	VRV_SQL_DIR_TREE,
	VRV_SQL_DIR_BELOW,
	VRV_SQL_SERIES_BY_TAG,
	VRV_SQL_SERIES_ADD,
	VRV_SQL_SERIES_NEXT,
	VRV_SQL_ARCHIVE_ADD,
	VRV_SQL_ARCHIVE_DROP,
	VRV_SQL_ARCHIVE_NAME,
	VRV_SQL_CHANGED,
	VRV_SQL_SWEPT,
	VRV_SQL_ROWS_LEFT,
	VRV_SQL_ALL_ARCHIVES,
	VRV_SQL_N
};
extern const char *const vrv_catalog_texts[VRV_SQL_N];
extern const struct vrv_db_schema vrv_catalog_schema;

struct vrv_catalog {
	char *path;
	/* Whose catalog it is, if a temporary one is to take its place when it
	 * cannot be used; else NULL. */
	struct vrv_repo *repo;
	bool is_temporary;
	bool is_refused; /* it cannot be used: `refused` says why */
	struct varve_err refused;
	uint8_t repository[VRV_REPO_ID];
	bool as_is;
	bool bad;	    /* what vrv_catalog_is_bad() says */
	bool foreign;	    /* the error at hand is not the catalog's own */
	bool blamed;	    /* by a callback: it is */
	ino_t inode;	    /* of the file that is open */
	unsigned hurry;	    /* ms to wait; 0: there is time */
	bool all_of_a_tree; /* a series is new */
	struct vrv_db *db;
	struct vrv_stmt *stmts[VRV_SQL_N]; /* NULL: not needed yet */
	/* What was loaded of series and archives, and at which change. */
	bool loaded;
	int64_t change;
	struct vrv_arena arena;
	struct vrv_catalog_series *series;
	size_t n_series;
	vrv_catalog_want_fn *want;
	void *want_arg;
	/* Path of the directory at which a walk is; NULL: no walk. */
	const struct vrv_buf *walk_path;
};

/* The statement, ready to be bound; NULL when it could not be made. */
int vrv_catalog_stmt(struct vrv_catalog *, enum vrv_catalog_sql,
    struct vrv_stmt **ret, struct varve_err *err) VRV_MUST;

/* Begin and end a call that reads: in between the catalog stands still, and
 * series are loaded. vrv_catalog_end() takes the call's code, judges it and
 * returns it; it also follows a begin that failed. */
int vrv_catalog_begin(struct vrv_catalog *, struct varve_err *err) VRV_MUST;
int vrv_catalog_end(struct vrv_catalog *, int rc) VRV_MUST;
/* Pass on the code of a callback: such an error says nothing of the catalog. */
int vrv_catalog_told(struct vrv_catalog *, int rc);

/* CORRUPT: rows that contradict each other. */
int vrv_catalog_contradicts(const struct vrv_catalog *, const char *what,
    struct varve_err *err);

const struct vrv_catalog_series *vrv_catalog_series_of(const struct vrv_catalog
							   *,
    int64_t id);
const struct vrv_catalog_series *vrv_catalog_series_tagged(
    const struct vrv_catalog *, struct vrv_text tag);

/* The kind of an encoded entry (enum vrv_kind), 0 if it is none. */
uint8_t vrv_catalog_kind(struct vrv_text entry);

/* --- spans --- */

struct vrv_catalog_span {
	int64_t first, last;
	struct vrv_text entry;
};
/* The spans of one name, in an arena of their own. */
struct vrv_catalog_spans {
	struct vrv_arena arena;
	struct vrv_catalog_span *items;
	size_t n, cap;
	/* Versions: spans of equal entries, those that archives hold. */
	struct vrv_catalog_version *versions;
	size_t n_versions, versions_cap;
};
void vrv_catalog_spans_clear(struct vrv_catalog_spans *);
void vrv_catalog_spans_fini(struct vrv_catalog_spans *);
int vrv_catalog_spans_add(struct vrv_catalog_spans *, int64_t first,
    int64_t last, struct vrv_text entry, struct varve_err *err) VRV_MUST;
/* All rows of a name. */
int vrv_catalog_spans_read(struct vrv_catalog *, int64_t dir,
    const uint8_t *name, size_t name_n, struct vrv_catalog_spans *,
    struct varve_err *err) VRV_MUST;
/* Fill `versions`, oldest first; spans get another order. */
int vrv_catalog_spans_group(struct vrv_catalog_spans *,
    const struct vrv_catalog_series *, int64_t dir, struct vrv_text name,
    struct varve_err *err) VRV_MUST;
/* Does any archive of the series have a number in the span? *ret_at (may be
 * NULL) is the first that has, *ret_n how many. */
bool vrv_catalog_held(const struct vrv_catalog_series *, int64_t first,
    int64_t last, size_t *ret_at, size_t *ret_n);

/* --- importing --- */

/* Within a transaction. */
struct vrv_catalog_import {
	struct vrv_catalog *c;
	const struct vrv_meta_source *trees;
	uint64_t entries;
	bool unreadable; /* it failed for want of a tree */
	void (*tick)(void *arg, uint64_t entries); /* now and then */
	void *tick_arg;
	int64_t seq;
};
/* Make the root directory of a series that of a new archive. */
int vrv_catalog_import(struct vrv_catalog_import *, int64_t series,
    const struct vrv_archive *, struct varve_err *err) VRV_MUST;

/* Remove what no archive holds any more. Within a transaction. */
int vrv_catalog_sweep(struct vrv_catalog *, struct varve_err *err) VRV_MUST;

#endif
