/* SPDX-License-Identifier: BSD-2-Clause */
#include <sys/stat.h>
#include <sys/wait.h>

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "db/db.h"
#include "util/mem.h"

#define PAGE 4096

static const char *const one[] =
    {"CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)", NULL};
static const char *const two[] =
    {"CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)",
	"ALTER TABLE t ADD COLUMN c TEXT", NULL};
static const char *const broken[] =
    {"CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB)", "nonsense", NULL};
static const struct vrv_db_schema first = {0x7661, one};
static const struct vrv_db_schema second = {0x7661, two};
static const struct vrv_db_schema other = {0x7662, one};
static const struct vrv_db_schema failing = {0x7661, broken};

/* What reading the schema of a file fails with; 0: it does not. */
static int schema_code;

int __real_sqlite3_step(sqlite3_stmt *);
int __wrap_sqlite3_step(sqlite3_stmt *);

int
__wrap_sqlite3_step(sqlite3_stmt *stmt)
{
	const char *file = sqlite3_db_filename(sqlite3_db_handle(stmt), NULL);

	return schema_code != 0 && file != NULL && file[0] != '\0' &&
		strstr(sqlite3_sql(stmt), "FROM sqlite_schema") != NULL ?
	    schema_code :
	    __real_sqlite3_step(stmt);
}

struct place {
	char folder[64], path[80];
	struct varve_err err;
};

static int
setup(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	assert_non_null(p);
	strcpy(p->folder, "/tmp/varve-db.XXXXXX");
	assert_non_null(mkdtemp(p->folder));
	snprintf(p->path, sizeof(p->path), "%s/x.db", p->folder);
	*state = p;
	return 0;
}

static int
teardown(void **state)
{
	struct place *p = *state;

	assert_int_equal(vrv_db_remove(p->path, &p->err), 0);
	assert_int_equal(rmdir(p->folder), 0);
	free(p);
	return 0;
}

static struct vrv_db *
must_open(struct place *p, const struct vrv_db_schema *schema)
{
	struct vrv_db *db;

	if (vrv_db_open(p->path, schema, VRV_DB_CACHE, &db, &p->err) != 0)
		fail_msg("%s", p->err.message);
	return db;
}

static int
try_open(struct place *p, const struct vrv_db_schema *schema)
{
	struct vrv_db *db = NULL;
	int rc = vrv_db_open(p->path, schema, VRV_DB_KEPT, &db, &p->err);

	vrv_db_close(db);
	return rc;
}

/* `n` rows, each with a blob of `size` bytes. */
static void
fill(struct place *p, struct vrv_db *db, int64_t n, size_t size)
{
	vrv_auto_stmt put = NULL;
	char *blob = calloc(1, size + 1);

	assert_non_null(blob);
	assert_int_equal(vrv_db_begin(db, &p->err), 0);
	assert_int_equal(vrv_stmt_new(db, "INSERT INTO t(a, b) VALUES(?1, ?2)",
			     &put, &p->err),
	    0);
	for (int64_t i = 0; i < n; i++) {
		memset(blob, 'a' + (int)(i % 26), size);
		vrv_bind_i64(put, 1, i);
		vrv_bind_blob(put, 2, blob, size);
		assert_int_equal(vrv_stmt_run(put, &p->err), 0);
	}
	assert_int_equal(vrv_db_commit(db, &p->err), 0);
	free(blob);
}

/* Read everything: how many rows, or the code of what went wrong. */
static int64_t
count(struct place *p, struct vrv_db *db)
{
	vrv_auto_stmt get = NULL;
	int64_t n = 0;
	size_t size;

	int rc =
	    vrv_stmt_new(db, "SELECT a, b FROM t ORDER BY a", &get, &p->err);
	while (rc == 0 && (rc = vrv_stmt_step(get, &p->err)) == 0) {
		assert_int_equal(vrv_col_i64(get, 0), n);
		const uint8_t *b = vrv_col_blob(get, 1, &size);
		if (size > 0)
			assert_int_equal(b[size - 1], 'a' + n % 26);
		n++;
	}
	return rc == VARVE_NOENT ? n : rc;
}

static void
test_keeps_rows(void **state)
{
	struct place *p = *state;
	struct stat st;

	umask(0);
	struct vrv_db *db = must_open(p, &first);
	fill(p, db, 1000, 100);
	assert_int_equal(count(p, db), 1000);
	vrv_db_close(db);
	db = must_open(p, &first);
	assert_int_equal(count(p, db), 1000);
	assert_int_equal(vrv_db_check(db, &p->err), 0);
	assert_int_equal(stat(p->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	vrv_db_close(db);
}

static void
test_values(void **state)
{
	struct place *p = *state;
	struct vrv_db *db = must_open(p, &second);
	vrv_auto_stmt put = NULL;
	vrv_auto_stmt get = NULL;
	size_t size = 1;

	assert_int_equal(vrv_stmt_new(db, "INSERT INTO t VALUES(?1, ?2, ?3)",
			     &put, &p->err),
	    0);
	vrv_bind_i64(put, 1, INT64_MIN);
	vrv_bind_blob(put, 2, "", 0);
	vrv_bind_text(put, 3, NULL);
	assert_int_equal(vrv_stmt_run(put, &p->err), 0);
	assert_int_equal(vrv_db_last_rowid(db), INT64_MIN);
	/* A second one of the same key fails, and the statement still works. */
	assert_int_not_equal(vrv_stmt_run(put, &p->err), 0);
	vrv_bind_i64(put, 1, 7);
	vrv_bind_text(put, 3, "text");
	assert_int_equal(vrv_stmt_run(put, &p->err), 0);
	vrv_bind_i64(put, 4, 0); /* there is no fourth */
	assert_int_not_equal(vrv_stmt_run(put, &p->err), 0);

	assert_int_equal(vrv_stmt_new(db, "SELECT * FROM t ORDER BY a", &get,
			     &p->err),
	    0);
	assert_int_equal(vrv_stmt_step(get, &p->err), 0);
	assert_true(vrv_col_i64(get, 0) == INT64_MIN);
	(void)vrv_col_blob(get, 1, &size);
	assert_int_equal(size, 0);
	assert_false(vrv_col_is_null(get, 1));
	assert_true(vrv_col_is_null(get, 2));
	assert_string_equal(vrv_col_text(get, 2), "");
	assert_int_equal(vrv_stmt_step(get, &p->err), 0);
	assert_string_equal(vrv_col_text(get, 2), "text");
	assert_int_equal(vrv_stmt_step(get, &p->err), VARVE_NOENT);
	assert_int_equal(vrv_stmt_step(get, &p->err), 0); /* from the start */
	vrv_stmt_free(vrv_steal(&get));
	vrv_stmt_free(vrv_steal(&put));
	vrv_db_close(db);
}

/* Whoever can write the file can bring what SQLite would run with our
 * statements: it is refused, whatever it is, and not run when it is opened. */
static void
test_foreign_schema(void **state)
{
	static const char *const evil[][2] = {
	    {"CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB);"
	     "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END",
		NULL},
	    {"CREATE TABLE s(a INTEGER PRIMARY KEY, b BLOB);"
	     "CREATE VIEW t AS SELECT a, load_extension('x') AS b FROM s",
		NULL},
	    {"CREATE TABLE t(a INTEGER PRIMARY KEY, "
	     "b BLOB AS (hex(a)))",
		NULL},
	    {"CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB CHECK(b IS NULL))",
		NULL},
	    {"CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB);"
	     "CREATE INDEX i ON t(abs(a))",
		NULL},
	    {"CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB);"
	     "CREATE TABLE u(a)",
		NULL},
	    {"CREATE TABLE u(a)", NULL},
	};
	struct place *p = *state;

	for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
		const struct vrv_db_schema schema = {first.application,
		    evil[i]};

		vrv_db_close(must_open(p, &schema));
		if (try_open(p, &first) != VARVE_CORRUPT)
			fail_msg("%s: opened", evil[i][0]);
		assert_non_null(strstr(p->err.message, "did not make"));
		assert_int_equal(vrv_db_remove(p->path, &p->err), 0);
	}
}

/* A database that is not damaged is not taken for one: it would be put away. */
static void
test_unread_schema(void **state)
{
	static const struct {
		int sqlite, varve;
	} codes[] = {
	    {SQLITE_BUSY, VARVE_LOCKED},
	    {SQLITE_IOERR, VARVE_IO},
	    {SQLITE_NOMEM, VARVE_NOMEM},
	};
	struct place *p = *state;

	vrv_db_close(must_open(p, &first));
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		schema_code = codes[i].sqlite;
		int rc = try_open(p, &first);
		schema_code = 0;
		assert_int_equal(rc, codes[i].varve);
	}
}

/* Not even if our own schema had one. */
static void
test_runs_nothing(void **state)
{
	static const char *const steps[] =
	    {"CREATE TABLE t(a INTEGER PRIMARY KEY, b BLOB);"
	     "CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM t; END;"
	     "CREATE VIEW v AS SELECT a FROM t",
		NULL};
	static const struct vrv_db_schema schema = {0x7661, steps};
	static const char *const refused[] = {
	    "SELECT a FROM v",
	    "ATTACH ':memory:' AS other",
	    "UPDATE sqlite_schema SET sql = ''",
	    "SELECT length(zeroblob(17000000))",
	};
	struct place *p = *state;
	struct vrv_db *db = must_open(p, &schema);

	fill(p, db, 5, 10);
	assert_int_equal(count(p, db), 5);
	assert_int_equal(vrv_db_exec(db, "PRAGMA writable_schema = ON",
			     &p->err),
	    0);
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		if (vrv_db_exec(db, refused[i], &p->err) == 0)
			fail_msg("%s: done", refused[i]);
	}
	vrv_db_close(db);
}

static void
test_transactions(void **state)
{
	struct place *p = *state;
	struct vrv_db *db = must_open(p, &first);

	vrv_db_rollback(db); /* of nothing */
	fill(p, db, 10, 10);
	assert_int_equal(vrv_db_begin(db, &p->err), 0);
	assert_int_equal(vrv_db_exec(db, "DELETE FROM t", &p->err), 0);
	vrv_db_rollback(db);
	assert_int_equal(count(p, db), 10);
	assert_int_equal(vrv_db_begin(db, &p->err), 0);
	assert_int_equal(vrv_db_exec(db, "DELETE FROM t", &p->err), 0);
	vrv_db_close(db); /* rolls back */
	db = must_open(p, &first);
	assert_int_equal(count(p, db), 10);
	vrv_db_close(db);
}

static void
test_versions(void **state)
{
	struct place *p = *state;

	struct vrv_db *db = must_open(p, &first);
	fill(p, db, 3, 3);
	vrv_db_close(db);
	assert_int_equal(try_open(p, &failing), VARVE_INTERNAL);
	assert_int_equal(try_open(p, &second), 0);
	assert_int_equal(try_open(p, &first), VARVE_FORMAT);
	assert_int_equal(try_open(p, &other), VARVE_CORRUPT);
	db = must_open(p, &second);
	assert_int_equal(count(p, db), 3);
	vrv_db_close(db);
}

static void
overwrite(struct place *p, off_t offset, const void *bytes, size_t n)
{
	int fd = open(p->path, O_WRONLY);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, n, offset), (ssize_t)n);
	close(fd);
}

static void
flip(struct place *p, off_t offset)
{
	uint8_t byte;
	int fd = open(p->path, O_RDONLY);

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, offset), 1);
	close(fd);
	byte ^= 1;
	overwrite(p, offset, &byte, 1);
}

/* Every page: a flipped bit anywhere is found by reading everything. */
static void
test_damage(void **state)
{
	struct place *p = *state;
	struct stat st;

	struct vrv_db *db = must_open(p, &first);
	fill(p, db, 200, 500);
	vrv_db_close(db);
	assert_int_equal(stat(p->path, &st), 0);
	assert_true(st.st_size > 20 * PAGE);
	for (off_t at = 0; at < st.st_size; at += 1021) {
		flip(p, at);
		int rc =
		    vrv_db_open(p->path, &first, VRV_DB_CACHE, &db, &p->err);
		if (rc == 0) {
			rc = (int)count(p, db);
			if (rc == 200) /* a page that no row is in */
				rc = vrv_db_check(db, &p->err);
			vrv_db_close(db);
		}
		if (rc != VARVE_CORRUPT)
			fail_msg("byte %ld: %d", (long)at, rc);
		flip(p, at);
	}
	db = must_open(p, &first);
	assert_int_equal(count(p, db), 200);
	vrv_db_close(db);
}

/* A page in the place of another: each is whole. */
static void
test_misplaced_page(void **state)
{
	struct place *p = *state;
	uint8_t page[PAGE];

	struct vrv_db *db = must_open(p, &first);
	fill(p, db, 200, 500);
	vrv_db_close(db);
	int fd = open(p->path, O_RDONLY);
	assert_int_equal(pread(fd, page, PAGE, 5 * PAGE), PAGE);
	close(fd);
	overwrite(p, 6 * PAGE, page, PAGE);
	db = must_open(p, &first);
	assert_int_equal(count(p, db), VARVE_CORRUPT);
	vrv_db_close(db);
}

static void
test_not_a_database(void **state)
{
	struct place *p = *state;
	static const char text[] = "This is no database, and longer than a "
				   "header. 0123456789 0123456789 0123456789 "
				   "0123456789 0123456789";

	int fd = open(p->path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, text, sizeof(text)), sizeof(text));
	close(fd);
	assert_int_equal(try_open(p, &first), VARVE_CORRUPT);
	assert_int_equal(vrv_db_remove(p->path, &p->err), 0);
	struct vrv_db *db = must_open(p, &first);
	fill(p, db, 200, 500);
	vrv_db_close(db);
	assert_int_equal(truncate(p->path, 3 * PAGE), 0);
	int rc = vrv_db_open(p->path, &first, VRV_DB_CACHE, &db, &p->err);
	if (rc == 0) {
		if (count(p, db) == 200)
			(void)!vrv_db_check(db, &p->err);
		vrv_db_close(db);
	}
	if (p->err.code != VARVE_CORRUPT)
		fail_msg("%d: %s", p->err.code, p->err.message);
}

static void
test_rename(void **state)
{
	struct place *p = *state;
	char to[96];

	snprintf(to, sizeof(to), "%s.old", p->path);
	assert_int_equal(vrv_db_rename(p->path, to, &p->err), VARVE_NOENT);
	struct vrv_db *db = must_open(p, &first);
	fill(p, db, 3, 3);
	vrv_db_close(db);
	assert_int_equal(vrv_db_rename(p->path, to, &p->err), 0);
	db = must_open(p, &first);
	assert_int_equal(count(p, db), 0);
	vrv_db_close(db);
	assert_int_equal(vrv_db_remove(to, &p->err), 0);
}

/* What stands in its place must not be followed, waited for or written. */
static void
test_no_file(void **state)
{
	struct place *p = *state;
	char target[96];
	struct stat st;

	snprintf(target, sizeof(target), "%s.other", p->path);
	assert_int_equal(symlink(target, p->path), 0);
	assert_int_equal(try_open(p, &first), VARVE_IO);
	assert_int_equal(lstat(target, &st), -1);
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(mkfifo(p->path, 0600), 0);
	assert_int_equal(try_open(p, &first), VARVE_IO);
	assert_int_equal(unlink(p->path), 0);
	assert_int_equal(mkdir(p->path, 0700), 0);
	assert_int_equal(try_open(p, &first), VARVE_IO);
	assert_int_equal(rmdir(p->path), 0);
	/* A directory that others can write to. */
	assert_int_equal(chmod(p->folder, 0777), 0);
	assert_int_equal(try_open(p, &first), VARVE_IO);
	assert_int_equal(chmod(p->folder, 0700), 0);
	assert_int_equal(lstat(p->path, &st), -1);
}

/* Who closes a database that was replaced leaves the new one's log alone. */
static void
test_replaced(void **state)
{
	struct place *p = *state;
	char log[96];
	struct stat st;

	struct vrv_db *old = must_open(p, &first);
	fill(p, old, 10, 10);
	assert_int_equal(vrv_db_remove(p->path, &p->err), 0);
	struct vrv_db *new = must_open(p, &first);
	fill(p, new, 5, 10);
	vrv_db_close(old);
	snprintf(log, sizeof(log), "%s-wal", p->path);
	assert_int_equal(stat(log, &st), 0);
	struct vrv_db *third = must_open(p, &first);
	assert_int_equal(count(p, third), 5);
	vrv_db_close(third);
	vrv_db_close(new);
}

static void
test_temporary(void **state)
{
	struct place *p = *state;
	struct vrv_db *a, *b;
	struct stat st;

	assert_int_equal(vrv_db_open(NULL, &first, VRV_DB_CACHE, &a, &p->err),
	    0);
	assert_int_equal(vrv_db_open(NULL, &first, VRV_DB_CACHE, &b, &p->err),
	    0);
	fill(p, a, 20000, 500);
	assert_int_equal(count(p, a), 20000);
	assert_int_equal(count(p, b), 0);
	assert_int_equal(vrv_db_check(a, &p->err), 0);
	assert_null(vrv_db_refused(a));
	vrv_db_close(a);
	vrv_db_close(b);
	assert_int_equal(stat(p->path, &st), -1);
}

/* Many processes make and fill one database at once: nobody fails. */
static void
test_processes(void **state)
{
	struct place *p = *state;
	enum {
		N = 8
	};

	for (int i = 0; i < N; i++) {
		if (fork() != 0)
			continue;
		struct vrv_db *db;
		int rc =
		    vrv_db_open(p->path, &second, VRV_DB_KEPT, &db, &p->err);
		for (int j = 0; rc == 0 && j < 20; j++)
			rc = vrv_db_exec(db, "INSERT INTO t(b) VALUES('x')",
			    &p->err);
		if (rc != 0)
			fprintf(stderr, "%s\n", p->err.message);
		else
			vrv_db_close(db);
		_exit(rc != 0);
	}
	for (int i = 0; i < N; i++) {
		int status;
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	struct vrv_db *db = must_open(p, &second);
	vrv_auto_stmt get = NULL;
	assert_int_equal(vrv_stmt_new(db, "SELECT COUNT(*) FROM t", &get,
			     &p->err),
	    0);
	assert_int_equal(vrv_stmt_step(get, &p->err), 0);
	assert_int_equal(vrv_col_i64(get, 0), 20 * N);
	vrv_stmt_free(vrv_steal(&get));
	vrv_db_close(db);
}

/* --- rows from a function --- */

struct rows {
	unsigned at, n;
	int fail;
	uint8_t key[4];
};

static int
next_row(void *arg, struct vrv_feed_row *ret, struct varve_err *err)
{
	struct rows *r = arg;

	if (r->at == r->n)
		return r->fail != 0 ?
		    vrv_fail(err, r->fail, "the source broke") :
		    vrv_fail(err, VARVE_NOENT, "no more");
	memset(r->key, (int)r->at++, sizeof(r->key));
	/* An empty one is not NULL. */
	*ret = (struct vrv_feed_row){r->key, "value", sizeof(r->key),
	    r->at % 2 == 0 ? 5 : 0};
	return 0;
}

static int64_t
one_number(struct place *p, struct vrv_db *db, const char *sql)
{
	vrv_auto_stmt stmt = NULL;

	assert_int_equal(vrv_stmt_new(db, sql, &stmt, &p->err), 0);
	assert_int_equal(vrv_stmt_step(stmt, &p->err), 0);
	return vrv_col_i64(stmt, 0);
}

static void
test_feed(void **state)
{
	struct place *p = *state;
	struct rows rows = {.n = 200};
	struct vrv_db *db = must_open(p, &second);
	vrv_auto_stmt put = NULL;

	assert_int_equal(vrv_stmt_new(db,
			     "INSERT OR FAIL INTO t(b, c)"
			     " SELECT key, CAST(value AS TEXT) || ? FROM feed",
			     &put, &p->err),
	    0);
	vrv_bind_text(put, 1, "!");
	assert_int_equal(vrv_stmt_feed(put, next_row, &rows, &p->err), 0);
	assert_int_equal(rows.at, 200);
	assert_int_equal(one_number(p, db, "SELECT COUNT(*) FROM t"), 200);
	assert_int_equal(one_number(p, db,
			     "SELECT COUNT(*) FROM t WHERE c = 'value!'"),
	    100);
	assert_int_equal(one_number(p, db,
			     "SELECT COUNT(*) FROM t WHERE b = x'07070707'"),
	    1);
	/* No rows at all, and an error of the source behind some. */
	rows = (struct rows){0};
	assert_int_equal(vrv_stmt_feed(put, next_row, &rows, &p->err), 0);
	assert_int_equal(vrv_db_begin(db, &p->err), 0);
	rows = (struct rows){.n = 3, .fail = VARVE_AUTH};
	assert_int_equal(vrv_stmt_feed(put, next_row, &rows, &p->err),
	    VARVE_AUTH);
	assert_string_equal(p->err.message, "the source broke");
	vrv_db_rollback(db);
	assert_int_equal(one_number(p, db, "SELECT COUNT(*) FROM t"), 200);
	/* Outside of vrv_stmt_feed() there is nothing to read. */
	assert_int_not_equal(vrv_stmt_run(put, &p->err), 0);
	rows = (struct rows){.n = 1};
	assert_int_equal(vrv_stmt_feed(put, next_row, &rows, &p->err), 0);
	assert_int_equal(one_number(p, db, "SELECT COUNT(*) FROM t"), 201);
	vrv_stmt_free(vrv_steal(&put));
	vrv_db_close(db);
}

/* What is left in the log is there for the next. */
static void
test_log(void **state)
{
	struct place *p = *state;
	struct rows rows = {.n = 200};
	struct vrv_db *db = must_open(p, &first);
	vrv_auto_stmt put = NULL;
	char log[96];
	struct stat st;

	snprintf(log, sizeof(log), "%s-wal", p->path);
	vrv_db_log(db, 0, true);
	assert_int_equal(vrv_stmt_new(db,
			     "INSERT INTO t(b) SELECT zeroblob(4000) FROM feed",
			     &put, &p->err),
	    0);
	assert_int_equal(vrv_stmt_feed(put, next_row, &rows, &p->err), 0);
	assert_true(vrv_db_log_pages(db) > 200);
	vrv_stmt_free(vrv_steal(&put));
	vrv_db_close(db);
	assert_int_equal(stat(log, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_true(st.st_size > 200 * PAGE);
	db = must_open(p, &first);
	assert_int_equal(one_number(p, db, "SELECT COUNT(*) FROM t"), 200);
	vrv_db_close(db);
	assert_int_equal(stat(log, &st), -1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_keeps_rows),
	    TEST(test_values),
	    TEST(test_foreign_schema),
	    TEST(test_unread_schema),
	    TEST(test_runs_nothing),
	    TEST(test_transactions),
	    TEST(test_versions),
	    TEST(test_damage),
	    TEST(test_misplaced_page),
	    TEST(test_not_a_database),
	    TEST(test_rename),
	    TEST(test_no_file),
	    TEST(test_replaced),
	    TEST(test_temporary),
	    TEST(test_processes),
	    TEST(test_feed),
	    TEST(test_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
