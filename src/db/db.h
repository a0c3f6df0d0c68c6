/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DB_DB_H
#define DB_DB_H

/*
 * SQLite databases in files of their own: opening, statements, transactions.
 *
 * Every page carries a checksum (XXH3-128, in its last bytes), which is tested
 * whenever the page is read from the database file: a database that lies is
 * found out by whatever reads the lie. SQLite's own log (WAL) has checksums of
 * its own. A file with pages that have none is not one of ours.
 *
 * Codes: CORRUPT for a file that is damaged or no database of this kind,
 * FORMAT for one of a version that is not known here, LOCKED when another
 * process kept the database locked for longer than a minute, IO for what the
 * system refused. A handle and its statements are confined to one thread at a
 * time.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/err.h"

struct vrv_db;
struct vrv_stmt;

enum vrv_db_kind {
	VRV_DB_CACHE, /* can be made anew: what was committed last may be lost
			 with the power, but what is there is consistent */
	VRV_DB_KEPT   /* what was committed is durable */
};

struct vrv_db_schema {
	uint32_t application; /* PRAGMA application_id: what kind it is */
	/* Scripts that lead from each version to the next, the first from
	 * nothing to 1; ends with NULL. The version of a database is how many
	 * of them it has seen. */
	const char *const *steps;
};

/* Open the database at `path`, made with mode 0600 if it is not there, and
 * bring it to the newest version in one transaction. Its directory and what is
 * there already must be private (os/private.h). With path == NULL, a temporary
 * database that nobody else sees and that is gone with the handle or with the
 * process: in memory, and what is too much for that in a file without a name
 * below TMPDIR. */
int vrv_db_open(const char *path, const struct vrv_db_schema *,
    enum vrv_db_kind, struct vrv_db **ret, struct varve_err *err) VRV_MUST;
/* Statements must be gone. An open transaction is rolled back. NULL is fine. */
void vrv_db_close(struct vrv_db *);

/* The last error of this handle that says that the system, or another process,
 * does not let us use the file; NULL if there was none. */
const struct varve_err *vrv_db_refused(const struct vrv_db *);

/* Fail with LOCKED after so long instead of a minute. */
void vrv_db_patience(struct vrv_db *, unsigned ms);

/* Move what is in the log into the database, which waits for the disk, when a
 * commit leaves `pages` of 4 KiB there (0: never), and at closing unless
 * `leave`. Whoever opens a database without that reads its log first. After
 * opening it is 1,000 pages. */
void vrv_db_log(struct vrv_db *, unsigned pages, bool leave);
/* How many the last commit of this handle left there. */
unsigned vrv_db_log_pages(const struct vrv_db *);

/* Remove the database and what belongs to it. What is not there is no error.
 * Who has it open goes on with a file that has no name. */
int vrv_db_remove(const char *path, struct varve_err *err) VRV_MUST;
/* Give it another name instead; NOENT if there is none. */
int vrv_db_rename(const char *path, const char *to, struct varve_err *err)
    VRV_MUST;

/* Does every page have its checksum and every table its order? CORRUPT if
 * not. Reads the whole file. */
int vrv_db_check(struct vrv_db *, struct varve_err *err) VRV_MUST;

/* Run statements that give no rows. */
int vrv_db_exec(struct vrv_db *, const char *sql, struct varve_err *err)
    VRV_MUST;
/* Begin a transaction that writes: from here on no other process does. */
int vrv_db_begin(struct vrv_db *, struct varve_err *err) VRV_MUST;
int vrv_db_commit(struct vrv_db *, struct varve_err *err) VRV_MUST;
/* Does nothing outside of a transaction. */
void vrv_db_rollback(struct vrv_db *);

/* Bytes of the database, its log not counted. */
int vrv_db_size(struct vrv_db *, uint64_t *ret, struct varve_err *err) VRV_MUST;
int64_t vrv_db_last_rowid(const struct vrv_db *);

/* --- statements --- */

int vrv_stmt_new(struct vrv_db *, const char *sql, struct vrv_stmt **ret,
    struct varve_err *err) VRV_MUST;
void vrv_stmt_free(struct vrv_stmt *); /* NULL is fine */
void vrv_stmt_cleanup(struct vrv_stmt **);
#define vrv_auto_stmt                                                          \
	__attribute__((cleanup(vrv_stmt_cleanup))) struct vrv_stmt *

/* Parameters count from 1. Bytes and texts are borrowed until the statement is
 * reset. What goes wrong is told by the next step. */
void vrv_bind_i64(struct vrv_stmt *, int n, int64_t value);
void vrv_bind_blob(struct vrv_stmt *, int n, const void *bytes, size_t size);
void vrv_bind_text(struct vrv_stmt *, int n, const char *text); /* or NULL */
void vrv_bind_null(struct vrv_stmt *, int n);

/* 0 and a row, or NOENT when there is none left. After NOENT or an error the
 * statement is reset: it may be bound and stepped anew. */
int vrv_stmt_step(struct vrv_stmt *, struct varve_err *err) VRV_MUST;
/* For statements without rows: step to the end. */
int vrv_stmt_run(struct vrv_stmt *, struct varve_err *err) VRV_MUST;
/* The same for one that stores the rows of the table `feed(key, value)`, which
 * `next` gives until it returns NOENT; what it points to holds until its next
 * call. Any other code of it ends the statement, which returns it: what was
 * stored before stays until the transaction is rolled back. `next` must not
 * use the database. Faster than a statement for each row. */
struct vrv_feed_row {
	const void *key, *value;
	size_t key_n, value_n;
};
typedef int vrv_feed_fn(void *arg, struct vrv_feed_row *ret,
    struct varve_err *err);
int vrv_stmt_feed(struct vrv_stmt *, vrv_feed_fn *next, void *arg,
    struct varve_err *err) VRV_MUST;
/* Leave a row behind before the end. */
void vrv_stmt_reset(struct vrv_stmt *);

/* Columns of the row at hand count from 0; what they point at holds until the
 * next step or reset. NULL reads as 0, "" and no bytes. */
int64_t vrv_col_i64(const struct vrv_stmt *, int n);
const uint8_t *vrv_col_blob(const struct vrv_stmt *, int n, size_t *ret_size);
const char *vrv_col_text(const struct vrv_stmt *, int n);
bool vrv_col_is_null(const struct vrv_stmt *, int n);

#endif
