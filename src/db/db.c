/* SPDX-License-Identifier: BSD-2-Clause */
#include "db/db.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "db/db_internal.h"
#include "os/file.h"
#include "os/private.h"
#include "util/mem.h"

#define BUSY_MS 60000
#define RETRY_MS 10
#define LOG_PAGES 1000
#define OPEN_TRIES 8
/* SQLite's log and its index of it stand beside the database. */
static const char *const companions[] = {"", "-wal", "-shm"};
#define COMPANIONS (sizeof(companions) / sizeof(companions[0]))

static int
fail(const struct vrv_db *db, int code, const char *what, struct varve_err *err)
{
	const char *path = db->path;
	int sys = sqlite3_system_errno(db->sqlite);

	switch (code & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return vrv_fail(err, VARVE_CORRUPT, "%s: %s: damaged (%s)",
		    path, what, sqlite3_errstr(code));
	case SQLITE_NOMEM:
		return VRV_NOMEM(err, "a database");
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return vrv_fail(err, VARVE_LOCKED,
		    "%s: %s: another process keeps it locked", path, what);
	case SQLITE_FULL:
		return vrv_fail_sys(err, ENOSPC, "%s: %s", path, what);
	case SQLITE_IOERR:
		if (code == SQLITE_IOERR_DATA)
			return vrv_fail(err, VARVE_CORRUPT,
			    "%s: %s: a page fails its checksum", path, what);
		return vrv_fail_sys(err, sys != 0 ? sys : EIO, "%s: %s", path,
		    what);
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
		return vrv_fail_sys(err, sys != 0 ? sys : EACCES, "%s: %s",
		    path, what);
	default:
		return vrv_fail(err, VARVE_INTERNAL, "%s: %s: %s", path, what,
		    sqlite3_errmsg(db->sqlite));
	}
}

int
vrv_db_fail(struct vrv_db *db, int code, const char *what,
    struct varve_err *err)
{
	int rc = fail(db, code, what, err);

	if (vrv_err_is_unusable(err) && !vrv_err_is_damage(err))
		db->refused = *err;
	return rc;
}

const struct varve_err *
vrv_db_refused(const struct vrv_db *db)
{
	return db->refused.code != 0 ? &db->refused : NULL;
}

int
vrv_db_exec(struct vrv_db *db, const char *sql, struct varve_err *err)
{
	int rc = sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ?
	    0 :
	    vrv_db_fail(db, sqlite3_extended_errcode(db->sqlite), "writing",
		err);
}

static int
pragma_get(struct vrv_db *db, const char *sql, int64_t *ret,
    struct varve_err *err)
{
	vrv_auto_stmt stmt = NULL;

	int rc = vrv_stmt_new(db, sql, &stmt, err);
	if (rc == 0)
		rc = vrv_stmt_step(stmt, err);
	if (rc == 0)
		*ret = vrv_col_i64(stmt, 0);
	return rc;
}

static int
pragma_set(struct vrv_db *db, const char *name, uint32_t value,
    struct varve_err *err)
{
	char sql[80];

	snprintf(sql, sizeof(sql), "PRAGMA %s = %d", name, (int)value);
	return vrv_db_exec(db, sql, err);
}

/* Bring the schema to the newest version; within a transaction. */
static int
migrate(struct vrv_db *db, const struct vrv_db_schema *schema,
    struct varve_err *err)
{
	int64_t application = 0, version = 0;
	uint32_t newest = 0;

	while (schema->steps[newest] != NULL)
		newest++;
	int rc = pragma_get(db, "PRAGMA application_id", &application, err);
	if (rc == 0)
		rc = pragma_get(db, "PRAGMA user_version", &version, err);
	if (rc != 0)
		return rc;
	if ((uint32_t)application != schema->application &&
	    (application != 0 || version != 0))
		return vrv_fail(err, VARVE_CORRUPT,
		    "%s: is a database of "
		    "another kind",
		    db->path);
	if (version < 0 || version > newest)
		return vrv_fail(err, VARVE_FORMAT,
		    "%s: is of version %d, and this varve knows %u", db->path,
		    (int)version, newest);
	/* Before a step works on what somebody else made. */
	rc = vrv_db_check_schema(db, schema, (uint32_t)version, err);
	if (rc != 0 || version == newest)
		return rc;
	for (uint32_t i = (uint32_t)version; rc == 0 && i < newest; i++)
		rc = vrv_db_exec(db, schema->steps[i], err);
	if (rc == 0)
		rc = pragma_set(db, "user_version", newest, err);
	if (rc == 0 && version == 0)
		rc = pragma_set(db, "application_id", schema->application, err);
	return rc;
}

static int
bring_up_to_date(struct vrv_db *db, const struct vrv_db_schema *schema,
    struct varve_err *err)
{
	int64_t version = 0;
	uint32_t newest = 0;

	/* Most often there is nothing to do, and nobody is kept waiting. */
	while (schema->steps[newest] != NULL)
		newest++;
	int rc = pragma_get(db, "PRAGMA user_version", &version, err);
	if (rc == 0 && version == newest)
		return migrate(db, schema, err);
	if (rc == 0)
		rc = vrv_db_begin(db, err);
	if (rc != 0)
		return rc;
	rc = migrate(db, schema, err);
	if (rc == 0)
		return vrv_db_commit(db, err);
	vrv_db_rollback(db);
	return rc;
}

/* SQLite asks its busy handler for every lock but that of this change, which
 * each process makes when several open a new database at once. */
static int
use_log(struct vrv_db *db, struct varve_err *err)
{
	const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000};
	int rc;

	for (int waited = 0;; waited += RETRY_MS) {
		rc = vrv_db_exec(db, "PRAGMA journal_mode = WAL", err);
		if (rc != VARVE_LOCKED || waited >= BUSY_MS)
			return rc;
		(void)nanosleep(&pause, NULL);
	}
}

/* Pages have room for their checksums: settled when the first one is written,
 * before which the file is empty. */
static int
reserve(struct vrv_db *db, struct varve_err *err)
{
	int bytes = VRV_DB_SUM, now = -1;

	(void)sqlite3_file_control(db->sqlite, "main",
	    SQLITE_FCNTL_RESERVE_BYTES, &bytes);
	int rc = use_log(db, err);
	if (rc != 0)
		return rc;
	(void)sqlite3_file_control(db->sqlite, "main",
	    SQLITE_FCNTL_RESERVE_BYTES, &now);
	return now == VRV_DB_SUM ?
	    0 :
	    vrv_fail(err, VARVE_CORRUPT, "%s: has pages without checksums",
		db->path);
}

/* After each commit. What cannot be moved now stays in the log. */
static int
on_commit(void *arg, sqlite3 *sqlite, const char *name, int pages)
{
	struct vrv_db *db = arg;

	db->log_pages = (unsigned)pages;
	if (db->log_limit > 0 && db->log_pages >= db->log_limit)
		(void)sqlite3_wal_checkpoint_v2(sqlite, name,
		    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	return SQLITE_OK;
}

static int
set_up(struct vrv_db *db, enum vrv_db_kind kind, struct varve_err *err)
{
	(void)sqlite3_extended_result_codes(db->sqlite, 1);
	(void)sqlite3_busy_timeout(db->sqlite, BUSY_MS);
	db->log_limit = LOG_PAGES;
	(void)sqlite3_wal_hook(db->sqlite, on_commit, db);
	int code = vrv_db_harden(db);
	if (code == SQLITE_OK)
		code = vrv_db_add_feed(db);
	if (code != SQLITE_OK)
		return vrv_db_fail(db, code, "opening", err);
	int rc = pragma_set(db, "page_size", VRV_DB_PAGE, err);
	if (rc == 0)
		rc = reserve(db, err);
	if (rc == 0)
		rc = vrv_db_exec(db,
		    kind == VRV_DB_KEPT ? "PRAGMA synchronous = FULL" :
					  "PRAGMA synchronous = NORMAL",
		    err);
	return rc;
}

/* --- where it lies --- */

/* SQLite would give a new file what the umask leaves; here it has 0600 from the
 * start, and what stands beside it gets the mode of the database. One that is
 * there is not opened for reading: closing it would give up all locks that this
 * process has on it. */
static int
make_file(int dir, const char *name, struct varve_err *err)
{
	vrv_auto_fd fd = -1;

	for (;;) {
		int rc = vrv_private_open(dir, name, O_PATH, &fd, err);
		if (rc != VARVE_NOENT)
			return rc;
		rc = vrv_private_open(dir, name, O_RDWR | O_CREAT | O_EXCL, &fd,
		    err);
		if (rc != VARVE_EXISTS)
			return rc;
	}
}

/* Was the file renamed or removed since it was opened? */
static bool
has_moved(const struct vrv_db *db)
{
	int moved = 0;

	return db->dir >= 0 && db->sqlite != NULL &&
	    sqlite3_file_control(db->sqlite, "main", SQLITE_FCNTL_HAS_MOVED,
		&moved) == SQLITE_OK &&
	    moved != 0;
}

static int
open_sqlite(struct vrv_db *db, const char *path, struct varve_err *err)
{
	vrv_auto_free char *name = NULL;
	const char *leaf = "";
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	int rc = 0;

	if (path == NULL) {
		flags |= SQLITE_OPEN_CREATE;
		name = vrv_dup("", 0);
	} else {
		rc = vrv_private_parent(path, &db->dir, &leaf, err);
		if (rc == 0)
			rc = make_file(db->dir, leaf, err);
		if (rc != 0)
			return vrv_ctx(err, "%s", path);
		/* Without /proc there is only the path itself. */
		name = access(VRV_DB_FDS, X_OK) == 0 ?
		    vrv_strf(VRV_DB_FDS "%d/%s", db->dir, leaf) :
		    vrv_dup(path, strlen(path));
	}
	if (name == NULL)
		return VRV_NOMEM(err, "a path");
	int code = sqlite3_open_v2(name, &db->sqlite, flags, vrv_db_vfs());
	if (code == SQLITE_OK)
		return 0;
	return db->sqlite == NULL ? VRV_NOMEM(err, "a database") :
				    vrv_db_fail(db, code, "opening", err);
}

static int
open_once(const char *path, const struct vrv_db_schema *schema,
    enum vrv_db_kind kind, struct vrv_db **ret, struct varve_err *err)
{
	const char *called = path != NULL ? path : "temporary database";
	struct vrv_db *db = calloc(1, sizeof(*db));

	if (db != NULL) {
		db->dir = -1;
		db->path = vrv_dup(called, strlen(called));
	}
	if (db == NULL || db->path == NULL) {
		free(db);
		return VRV_NOMEM(err, "a database");
	}
	int rc = open_sqlite(db, path, err);
	if (rc == 0)
		rc = set_up(db, kind, err);
	if (rc == 0)
		rc = bring_up_to_date(db, schema, err);
	if (rc != 0) {
		vrv_db_close(db);
		return rc;
	}
	*ret = db;
	return 0;
}

/* Another process may replace the file while it is opened: then the log that
 * was found may be that of the new one. */
int
vrv_db_open(const char *path, const struct vrv_db_schema *schema,
    enum vrv_db_kind kind, struct vrv_db **ret, struct varve_err *err)
{
	for (unsigned tries = 0;; tries++) {
		struct vrv_db *db = NULL;
		int rc = open_once(path, schema, kind, &db, err);
		if (rc != 0)
			return rc;
		if (!has_moved(db)) {
			*ret = db;
			return 0;
		}
		vrv_db_close(db);
		if (tries == OPEN_TRIES)
			return vrv_fail(err, VARVE_LOCKED,
			    "%s: other processes replace it again and again",
			    path);
	}
}

void
vrv_db_close(struct vrv_db *db)
{
	if (db == NULL)
		return;
	(void)sqlite3_close(db->sqlite);
	if (db->dir >= 0)
		(void)close(db->dir);
	free(db->path);
	free(db);
}

void
vrv_db_patience(struct vrv_db *db, unsigned ms)
{
	(void)sqlite3_busy_timeout(db->sqlite, (int)ms);
}

void
vrv_db_log(struct vrv_db *db, unsigned pages, bool leave)
{
	db->log_limit = pages;
	(void)sqlite3_db_config(db->sqlite, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE,
	    leave ? 1 : 0, NULL);
}

unsigned
vrv_db_log_pages(const struct vrv_db *db)
{
	return db->log_pages;
}

int
vrv_db_remove(const char *path, struct varve_err *err)
{
	vrv_auto_fd dir = -1;
	const char *leaf;

	int rc = vrv_private_parent(path, &dir, &leaf, err);
	for (size_t i = 0; rc == 0 && i < COMPANIONS; i++) {
		vrv_auto_free char *name =
		    vrv_strf("%s%s", leaf, companions[i]);

		if (name == NULL)
			rc = VRV_NOMEM(err, "a path");
		else if (unlinkat(dir, name, 0) != 0 && errno != ENOENT)
			rc = vrv_fail_sys(err, errno, "cannot remove %s%s",
			    path, companions[i]);
	}
	return rc;
}

int
vrv_db_rename(const char *path, const char *to, struct varve_err *err)
{
	vrv_auto_fd dir = -1, to_dir = -1;
	const char *leaf, *to_leaf;

	int rc = vrv_private_parent(path, &dir, &leaf, err);
	if (rc == 0)
		rc = vrv_private_parent(to, &to_dir, &to_leaf, err);
	for (size_t i = 0; rc == 0 && i < COMPANIONS; i++) {
		vrv_auto_free char *old = vrv_strf("%s%s", leaf, companions[i]);
		vrv_auto_free char *new =
		    vrv_strf("%s%s", to_leaf, companions[i]);

		if (old == NULL || new == NULL)
			rc = VRV_NOMEM(err, "a path");
		else if (renameat(dir, old, to_dir, new) != 0 &&
		    (i == 0 || errno != ENOENT))
			rc = vrv_fail_sys(err, errno, "cannot rename %s%s",
			    path, companions[i]);
	}
	return rc;
}

int
vrv_db_check(struct vrv_db *db, struct varve_err *err)
{
	vrv_auto_stmt stmt = NULL;

	int rc = vrv_stmt_new(db, "PRAGMA quick_check(1)", &stmt, err);
	if (rc == 0)
		rc = vrv_stmt_step(stmt, err);
	if (rc == 0 && strcmp(vrv_col_text(stmt, 0), "ok") != 0)
		rc = vrv_fail(err, VARVE_CORRUPT, "%s: damaged: %s", db->path,
		    vrv_col_text(stmt, 0));
	return rc;
}

int
vrv_db_begin(struct vrv_db *db, struct varve_err *err)
{
	return vrv_db_exec(db, "BEGIN IMMEDIATE", err);
}

int
vrv_db_commit(struct vrv_db *db, struct varve_err *err)
{
	return vrv_db_exec(db, "COMMIT", err);
}

void
vrv_db_rollback(struct vrv_db *db)
{
	if (sqlite3_get_autocommit(db->sqlite) == 0)
		(void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
}

int
vrv_db_size(struct vrv_db *db, uint64_t *ret, struct varve_err *err)
{
	int64_t pages = 0;

	int rc = pragma_get(db, "PRAGMA page_count", &pages, err);
	if (rc == 0)
		*ret = (uint64_t)pages * VRV_DB_PAGE;
	return rc;
}

int64_t
vrv_db_last_rowid(const struct vrv_db *db)
{
	return sqlite3_last_insert_rowid(db->sqlite);
}
