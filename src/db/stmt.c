/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "db/db_internal.h"
#include "util/mem.h"

struct vrv_stmt {
	struct vrv_db *db;
	sqlite3_stmt *sqlite;
	int failed; /* the first code of a bind that went wrong */
};

int
vrv_stmt_new(struct vrv_db *db, const char *sql, struct vrv_stmt **ret,
    struct varve_err *err)
{
	struct vrv_stmt *stmt = calloc(1, sizeof(*stmt));

	if (stmt == NULL)
		return VRV_NOMEM(err, "a statement");
	stmt->db = db;
	int rc = sqlite3_prepare_v3(db->sqlite, sql, -1,
	    SQLITE_PREPARE_PERSISTENT, &stmt->sqlite, NULL);
	if (rc != SQLITE_OK) {
		free(stmt);
		return vrv_db_fail(db, sqlite3_extended_errcode(db->sqlite),
		    "reading", err);
	}
	*ret = stmt;
	return 0;
}

void
vrv_stmt_free(struct vrv_stmt *stmt)
{
	if (stmt == NULL)
		return;
	(void)sqlite3_finalize(stmt->sqlite);
	free(stmt);
}

void
vrv_stmt_cleanup(struct vrv_stmt **stmt)
{
	vrv_stmt_free(*stmt);
}

static void
bound(struct vrv_stmt *stmt, int code)
{
	if (code != SQLITE_OK && stmt->failed == SQLITE_OK)
		stmt->failed = code;
}

void
vrv_bind_i64(struct vrv_stmt *stmt, int n, int64_t value)
{
	bound(stmt, sqlite3_bind_int64(stmt->sqlite, n, value));
}

void
vrv_bind_blob(struct vrv_stmt *stmt, int n, const void *bytes, size_t size)
{
	/* A NULL pointer would bind NULL, which is not the empty blob. */
	bound(stmt,
	    size == 0 ? sqlite3_bind_zeroblob(stmt->sqlite, n, 0) :
			sqlite3_bind_blob64(stmt->sqlite, n, bytes, size,
			    SQLITE_STATIC));
}

void
vrv_bind_text(struct vrv_stmt *stmt, int n, const char *text)
{
	bound(stmt,
	    sqlite3_bind_text(stmt->sqlite, n, text, -1, SQLITE_STATIC));
}

void
vrv_bind_null(struct vrv_stmt *stmt, int n)
{
	bound(stmt, sqlite3_bind_null(stmt->sqlite, n));
}

static int
step(struct vrv_stmt *stmt)
{
	return stmt->failed != SQLITE_OK ? stmt->failed :
					   sqlite3_step(stmt->sqlite);
}

static int
fail(struct vrv_stmt *stmt, int code, struct varve_err *err)
{
	return vrv_db_fail(stmt->db, code,
	    sqlite3_stmt_readonly(stmt->sqlite) ? "reading" : "writing", err);
}

int
vrv_stmt_step(struct vrv_stmt *stmt, struct varve_err *err)
{
	int code = step(stmt);

	if (code == SQLITE_ROW)
		return 0;
	int rc = code == SQLITE_DONE ?
	    vrv_fail(err, VARVE_NOENT, "no further row") :
	    fail(stmt, code, err);
	vrv_stmt_reset(stmt);
	return rc;
}

int
vrv_stmt_run(struct vrv_stmt *stmt, struct varve_err *err)
{
	int code;

	do {
		code = step(stmt);
	} while (code == SQLITE_ROW);
	int rc = code == SQLITE_DONE ? 0 : fail(stmt, code, err);
	vrv_stmt_reset(stmt);
	return rc;
}

int
vrv_stmt_feed(struct vrv_stmt *stmt, vrv_feed_fn *next, void *arg,
    struct varve_err *err)
{
	struct varve_err own;
	struct vrv_feed feed = {.next = next, .arg = arg, .err = &own};

	stmt->db->feed = &feed;
	int rc = vrv_stmt_run(stmt, err);
	stmt->db->feed = NULL;
	if (feed.rc == 0 || feed.rc == VARVE_NOENT)
		return rc;
	*err = own;
	return feed.rc;
}

void
vrv_stmt_reset(struct vrv_stmt *stmt)
{
	(void)sqlite3_reset(stmt->sqlite);
	stmt->failed = SQLITE_OK;
}

int64_t
vrv_col_i64(const struct vrv_stmt *stmt, int n)
{
	return sqlite3_column_int64(stmt->sqlite, n);
}

const uint8_t *
vrv_col_blob(const struct vrv_stmt *stmt, int n, size_t *ret_size)
{
	const uint8_t *bytes = sqlite3_column_blob(stmt->sqlite, n);

	*ret_size = (size_t)sqlite3_column_bytes(stmt->sqlite, n);
	return bytes;
}

const char *
vrv_col_text(const struct vrv_stmt *stmt, int n)
{
	const unsigned char *text = sqlite3_column_text(stmt->sqlite, n);

	return text == NULL ? "" : (const char *)text;
}

bool
vrv_col_is_null(const struct vrv_stmt *stmt, int n)
{
	return sqlite3_column_type(stmt->sqlite, n) == SQLITE_NULL;
}
