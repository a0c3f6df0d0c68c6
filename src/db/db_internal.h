/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DB_DB_INTERNAL_H
#define DB_DB_INTERNAL_H

#include <sqlite3.h>

#include "db/db.h"

#define VRV_DB_PAGE 4096
/* At the end of each page: XXH3-128 of what stands before it, xor the number
 * of the page, so that a page is right only in its own place. */
#define VRV_DB_SUM 16

/* What the table `feed` reads; `rc` is what `next` said last. */
struct vrv_feed {
	vrv_feed_fn *next;
	void *arg;
	struct vrv_feed_row row;
	struct varve_err *err;
	int rc;
};

struct vrv_db {
	sqlite3 *sqlite;
	char *path;		  /* for messages */
	int dir;		  /* that it is in; -1: a temporary one */
	struct varve_err refused; /* the last of such; code 0: none */
	struct vrv_feed *feed;	  /* of the statement at hand, or NULL */
	/* In the log after the last commit, and with how many to move it. */
	unsigned log_pages, log_limit;
};

/* Make the table `feed` known to a connection. Returns SQLite's code. */
int vrv_db_add_feed(struct vrv_db *);

/* Run nothing that the file brings with it. Returns SQLite's code. */
int vrv_db_harden(struct vrv_db *);
/* CORRUPT unless the schema is what the first `version` steps make. */
int vrv_db_check_schema(struct vrv_db *, const struct vrv_db_schema *,
    uint32_t version, struct varve_err *err) VRV_MUST;

/* The name of the VFS that keeps the checksums of database files; NULL when
 * SQLite cannot be started. Any thread. */
const char *vrv_db_vfs(void);

/* The directory of an open database stays what it was opened as, whatever is
 * renamed meanwhile: SQLite is given names below this, which the VFS leaves as
 * they are. */
#define VRV_DB_FDS "/proc/self/fd/"

/* Set `err` from what SQLite last said of this connection. */
int vrv_db_fail(struct vrv_db *, int code, const char *what,
    struct varve_err *err);

#endif
