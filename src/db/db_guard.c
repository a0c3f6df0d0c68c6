/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "db/db_internal.h"

/*
 * A database file is input: whoever could write it may have put triggers,
 * views, generated columns or constraints into it, which SQLite would run as
 * part of our statements. Nothing of the kind is run, and a schema that is not
 * exactly what our steps make is refused.
 */

/* Far above what is stored: an entry of a tree is at most 1 MiB. */
#define VALUE_MAX (16 << 20)
#define SQL_MAX (1 << 16)

static const char dump[] =
    "SELECT type || char(0) || name || char(0) || tbl_name || char(0) || "
    "coalesce(sql, '') FROM sqlite_schema ORDER BY type, name";

int
vrv_db_harden(struct vrv_db *db)
{
	static const struct {
		int what, value;
	} settings[] = {
	    {SQLITE_DBCONFIG_DEFENSIVE, 1},
	    {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
	    {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0},
	    {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
	    {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
	    {SQLITE_DBCONFIG_DQS_DML, 0},
	    {SQLITE_DBCONFIG_DQS_DDL, 0},
	};
	int code = SQLITE_OK;

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		if (code == SQLITE_OK)
			code = sqlite3_db_config(db->sqlite, settings[i].what,
			    settings[i].value, NULL);
	}
	(void)sqlite3_limit(db->sqlite, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	(void)sqlite3_limit(db->sqlite, SQLITE_LIMIT_SQL_LENGTH, SQL_MAX);
	(void)sqlite3_limit(db->sqlite, SQLITE_LIMIT_ATTACHED, 0);
	return code != SQLITE_OK ?
	    code :
	    sqlite3_exec(db->sqlite,
		"PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", NULL, NULL,
		NULL);
}

/* Both at their next row: SQLITE_ROW or SQLITE_DONE of the first, and whether
 * the other agrees; or the code of the one that failed. */
static int
step_both(sqlite3_stmt *is, sqlite3_stmt *want, bool *ret_same)
{
	int code = sqlite3_step(is);

	if (code != SQLITE_ROW && code != SQLITE_DONE)
		return code;
	int other = sqlite3_step(want);
	if (other != SQLITE_ROW && other != SQLITE_DONE)
		return other;
	*ret_same = code == other;
	if (code != SQLITE_ROW || other != SQLITE_ROW)
		return code;
	int n = sqlite3_column_bytes(is, 0);
	*ret_same = n == sqlite3_column_bytes(want, 0) &&
	    memcmp(sqlite3_column_blob(is, 0), sqlite3_column_blob(want, 0),
		(size_t)n) == 0;
	return code;
}

static int
compare(struct vrv_db *db, sqlite3 *made, struct varve_err *err)
{
	sqlite3_stmt *is = NULL, *want = NULL;
	bool same = true;

	int code = sqlite3_prepare_v2(db->sqlite, dump, -1, &is, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(made, dump, -1, &want, NULL);
	while (code == SQLITE_OK || (code == SQLITE_ROW && same))
		code = step_both(is, want, &same);
	(void)sqlite3_finalize(is);
	(void)sqlite3_finalize(want);
	if (!same)
		return vrv_fail(err, VARVE_CORRUPT,
		    "%s: has tables that varve did not make", db->path);
	return code == SQLITE_DONE ? 0 : vrv_db_fail(db, code, "opening", err);
}

int
vrv_db_check_schema(struct vrv_db *db, const struct vrv_db_schema *schema,
    uint32_t version, struct varve_err *err)
{
	sqlite3 *made = NULL;
	int rc;

	int code = sqlite3_open_v2(":memory:", &made,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
	    NULL);
	for (size_t i = 0; code == SQLITE_OK && i < version; i++)
		code = sqlite3_exec(made, schema->steps[i], NULL, NULL, NULL);
	rc = code == SQLITE_OK ? compare(db, made, err) :
				 vrv_db_fail(db, code, "opening", err);
	(void)sqlite3_close(made);
	return rc;
}
