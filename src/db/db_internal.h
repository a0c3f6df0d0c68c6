/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef DB_DB_INTERNAL_H
#define DB_DB_INTERNAL_H

#include <sqlite3.h>

#include "db/db.h"

#define VRV_DB_PAGE 4096
/* At the end of each page: XXH3-128 of what stands before it, xor the number
 * of the page, so that a page is right only in its own place. */
#define VRV_DB_SUM 16

struct vrv_db {
	sqlite3 *sqlite;
	char *path;
};

/* The name of the VFS that keeps the checksums of database files; NULL when
 * SQLite cannot be started. Any thread. */
const char *vrv_db_vfs(void);

/* Set `err` from what SQLite last said of this connection. */
int vrv_db_fail(struct vrv_db *, int code, const char *what,
    struct varve_err *err);

#endif
