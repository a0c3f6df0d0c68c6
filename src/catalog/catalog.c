/* SPDX-License-Identifier: BSD-2-Clause */
#include "catalog/catalog.h"

#include <sys/file.h>
#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_internal.h"
#include "os/file.h"
#include "os/private.h"
#include "util/mem.h"

/* Pages of the log that are moved at a time; and so few that are left that who
 * opens the catalog next does not notice. */
#define LOG_PAGES 16384
#define LOG_PAGES_LEFT 256
#define LOCK_MS 60000

int
vrv_catalog_path(const struct vrv_repo *repo, char **ret, struct varve_err *err)
{
	const char *cache = vrv_repo_cache(repo);

	if (cache == NULL)
		return vrv_fail(err, VARVE_NOTSUP,
		    "there is no catalog, as there is no cache folder");
	*ret = vrv_strf("%s/catalog.db", cache);
	return *ret == NULL ? VRV_NOMEM(err, "a path") : 0;
}

/* --- opening --- */

static void
note_refused(struct vrv_catalog *c, const struct varve_err *why)
{
	if (why == NULL || vrv_err_is_damage(why) || !vrv_err_is_unusable(why))
		return;
	c->is_refused = true;
	c->refused = *why;
}

static void
close_db(struct vrv_catalog *c)
{
	if (c->db != NULL)
		note_refused(c, vrv_db_refused(c->db));
	for (size_t i = 0; i < VRV_SQL_N; i++) {
		vrv_stmt_free(c->stmts[i]);
		c->stmts[i] = NULL;
	}
	/* What a first import leaves is moved by the next who comes. */
	if (c->db != NULL && c->hurry > 0 && !c->all_of_a_tree &&
	    vrv_db_log_pages(c->db) > LOG_PAGES_LEFT)
		vrv_db_log(c->db, 0, false);
	vrv_db_close(c->db);
	c->db = NULL;
	vrv_arena_fini(&c->arena);
	c->series = NULL;
	c->n_series = 0;
	c->loaded = false;
}

int
vrv_catalog_stmt(struct vrv_catalog *c, enum vrv_catalog_sql which,
    struct vrv_stmt **ret, struct varve_err *err)
{
	if (c->stmts[which] == NULL) {
		int rc = vrv_stmt_new(c->db, vrv_catalog_texts[which],
		    &c->stmts[which], err);
		if (rc != 0)
			return rc;
	}
	vrv_stmt_reset(c->stmts[which]);
	*ret = c->stmts[which];
	return 0;
}

/* A new catalog learns whose it is. */
static int
introduce(struct vrv_catalog *c, struct varve_err *err)
{
	vrv_auto_stmt stmt = NULL;

	int rc = vrv_db_begin(c->db, err);
	if (rc != 0)
		return rc;
	rc = vrv_stmt_new(c->db,
	    "INSERT INTO about SELECT ?, 1, 0, 0, 0"
	    " WHERE NOT EXISTS (SELECT 1 FROM about)",
	    &stmt, err);
	if (rc == 0) {
		vrv_bind_blob(stmt, 1, c->repository, VRV_REPO_ID);
		rc = vrv_stmt_run(stmt, err);
	}
	if (rc == 0)
		return vrv_db_commit(c->db, err);
	vrv_db_rollback(c->db);
	return rc;
}

static int
check_repository(struct vrv_catalog *c, bool *ret_new, struct varve_err *err)
{
	struct vrv_stmt *stmt;
	size_t n;

	int rc = vrv_catalog_stmt(c, VRV_SQL_ABOUT, &stmt, err);
	if (rc == 0)
		rc = vrv_stmt_step(stmt, err);
	*ret_new = rc == VARVE_NOENT;
	if (rc != 0)
		return *ret_new ? 0 : rc;
	const uint8_t *id = vrv_col_blob(stmt, 0, &n);
	if (n != VRV_REPO_ID || memcmp(id, c->repository, n) != 0)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "%s is the catalog of another repository", c->path);
	vrv_stmt_reset(stmt);
	return rc;
}

static int
open_db(struct vrv_catalog *c, struct varve_err *err)
{
	bool is_new = false;
	struct stat st;

	if (c->as_is && stat(c->path, &st) != 0)
		return vrv_fail_sys(err, errno, "%s", c->path);
	int rc = vrv_db_open(c->is_temporary ? NULL : c->path,
	    &vrv_catalog_schema, VRV_DB_CACHE, &c->db, err);
	if (rc != 0) {
		note_refused(c, err);
		return rc;
	}
	vrv_db_log(c->db, LOG_PAGES, false);
	if (c->hurry > 0)
		vrv_catalog_hurry(c, c->hurry);
	if (!c->is_temporary && stat(c->path, &st) == 0)
		c->inode = st.st_ino;
	rc = vrv_db_exec(c->db, "PRAGMA cache_size = -8192", err);
	if (rc == 0)
		rc = check_repository(c, &is_new, err);
	if (rc == 0 && is_new)
		rc = introduce(c, err);
	if (rc != 0)
		close_db(c);
	return rc;
}

static bool
is_bad(int rc)
{
	return rc == VARVE_CORRUPT || rc == VARVE_FORMAT;
}

/* One process at a time replaces what is bad, and none what another has just
 * replaced. */
static int
lock(const struct vrv_catalog *c, int *ret_fd, struct varve_err *err)
{
	vrv_auto_free char *path = vrv_strf("%s.lock", c->path);
	vrv_auto_fd fd = -1;
	const char *name;

	if (path == NULL)
		return VRV_NOMEM(err, "a path");
	int rc = vrv_private_parent(path, &fd, &name, err);
	if (rc == 0)
		rc = vrv_private_lock(fd, name, LOCK_MS, ret_fd, err);
	return rc == 0 ? 0 : vrv_ctx(err, "%s", c->path);
}

static int
renew(struct vrv_catalog *c, bool even_good, struct varve_err *err)
{
	vrv_auto_fd fd = -1;
	ino_t inode = c->inode;
	struct stat st;

	int rc = lock(c, &fd, err);
	if (rc != 0)
		return rc;
	if (!even_good && stat(c->path, &st) == 0 && st.st_ino != inode) {
		rc = open_db(c, err);
		if (!is_bad(rc))
			return rc;
	}
	rc = vrv_db_remove(c->path, err);
	return rc == 0 ? open_db(c, err) : rc;
}

/* Go on in a temporary one. */
static int
move_away(struct vrv_catalog *c, struct varve_err *err)
{
	vrv_repo_note(c->repo, VARVE_EVENT_NOTE, NULL,
	    "the catalog cannot be used, a temporary one is made for this "
	    "run: %s",
	    c->refused.message);
	close_db(c);
	c->is_temporary = true;
	c->is_refused = false;
	return open_db(c, err);
}

int
vrv_catalog_renew(struct vrv_catalog *c, bool even_good, struct varve_err *err)
{
	close_db(c);
	c->bad = false;
	if (c->is_temporary && even_good) {
		*err = c->refused;
		return err->code;
	}
	if (c->is_temporary)
		return open_db(c, err);
	bool may_move = c->repo != NULL && !even_good;
	if (may_move && c->is_refused)
		return move_away(c, err);
	int rc = renew(c, even_good, err);
	if (rc != 0 && may_move) {
		note_refused(c, err);
		if (c->is_refused)
			return move_away(c, err);
	}
	return rc;
}

static int
catalog_new(const char *path, const uint8_t repository[VRV_REPO_ID],
    struct vrv_catalog **ret, struct varve_err *err)
{
	struct vrv_catalog *c = calloc(1, sizeof(*c));

	if (c == NULL || (c->path = vrv_dup(path, strlen(path))) == NULL) {
		free(c);
		return VRV_NOMEM(err, "the catalog");
	}
	memcpy(c->repository, repository, VRV_REPO_ID);
	*ret = c;
	return 0;
}

/* Open the file, made anew if it is bad. */
static int
open_first(struct vrv_catalog *c, struct varve_err *err)
{
	int rc = open_db(c, err);

	if (!is_bad(rc) || c->as_is)
		return rc;
	/* Whatever stands there now was not opened yet. */
	c->inode = 0;
	return vrv_catalog_renew(c, false, err);
}

int
vrv_catalog_open(const char *path, const uint8_t repository[VRV_REPO_ID],
    bool as_is, struct vrv_catalog **ret, struct varve_err *err)
{
	struct vrv_catalog *c;

	int rc = catalog_new(path, repository, &c, err);
	if (rc != 0)
		return rc;
	c->as_is = as_is;
	rc = open_first(c, err);
	if (rc != 0) {
		vrv_catalog_close(c);
		return rc;
	}
	*ret = c;
	return 0;
}

int
vrv_catalog_open_any(struct vrv_repo *repo, struct vrv_catalog **ret,
    struct varve_err *err)
{
	vrv_auto_free char *path = NULL;
	struct vrv_catalog *c;

	int none = vrv_catalog_path(repo, &path, err);
	if (none != 0 && none != VARVE_NOTSUP)
		return none;
	struct varve_err why = none != 0 ? *err : (struct varve_err){0};
	int rc = catalog_new(path != NULL ? path : "the temporary catalog",
	    vrv_repo_cache_id(repo), &c, err);
	if (rc != 0)
		return rc;
	c->repo = repo;
	if (none != 0)
		note_refused(c, &why);
	else
		rc = open_first(c, err);
	if (c->is_refused && !c->is_temporary)
		rc = move_away(c, err);
	if (rc != 0) {
		vrv_catalog_close(c);
		return rc;
	}
	*ret = c;
	return 0;
}

void
vrv_catalog_close(struct vrv_catalog *c)
{
	if (c == NULL)
		return;
	close_db(c);
	free(c->path);
	free(c);
}

void
vrv_catalog_hurry(struct vrv_catalog *c, unsigned ms)
{
	c->hurry = ms;
	if (c->db == NULL)
		return;
	vrv_db_patience(c->db, ms);
	vrv_db_log(c->db, 0, true);
}

void
vrv_catalog_blame(struct vrv_catalog *c)
{
	c->blamed = true;
}

bool
vrv_catalog_is_bad(const struct vrv_catalog *c)
{
	return c->bad;
}

int
vrv_catalog_contradicts(const struct vrv_catalog *c, const char *what,
    struct varve_err *err)
{
	return vrv_fail(err, VARVE_CORRUPT, "%s: contradicts itself: %s",
	    c->path, what);
}

/* --- series and archives --- */

static int
copy_text(struct vrv_catalog *c, const struct vrv_stmt *stmt, int column,
    struct vrv_text *ret, struct varve_err *err)
{
	const uint8_t *p = vrv_col_blob(stmt, column, &ret->n);

	ret->p = vrv_arena_dup(&c->arena, p, ret->n);
	return ret->p == NULL ? VRV_NOMEM(err, "the catalog") : 0;
}

static int
copy_archive(struct vrv_catalog *c, const struct vrv_stmt *stmt,
    struct vrv_catalog_archive *a, struct varve_err *err)
{
	size_t logical_n, root_n;
	const uint8_t *logical = vrv_col_blob(stmt, 1, &logical_n);
	const uint8_t *root = vrv_col_blob(stmt, 3, &root_n);
	struct vrv_rd rd = vrv_rd_over(root, root_n);

	*a = (struct vrv_catalog_archive){.seq = vrv_col_i64(stmt, 0),
	    .revision = (uint32_t)vrv_col_i64(stmt, 2),
	    .nominal = {vrv_col_i64(stmt, 5), (uint32_t)vrv_col_i64(stmt, 6)}};
	vrv_ref_get(&rd, &a->root);
	if (logical_n != VRV_LOGICAL_ID || !vrv_rd_done(&rd))
		return vrv_catalog_contradicts(c, "an archive", err);
	memcpy(a->logical, logical, VRV_LOGICAL_ID);
	return copy_text(c, stmt, 4, &a->name, err);
}

static int
by_time(const void *pa, const void *pb)
{
	const struct vrv_catalog_archive *a =
	    *(struct vrv_catalog_archive *const *)pa;
	const struct vrv_catalog_archive *b =
	    *(struct vrv_catalog_archive *const *)pb;
	int c = vrv_time_cmp(a->nominal, b->nominal);

	/* Not the number: it is another in another catalog. */
	return c != 0 ? c : memcmp(a->logical, b->logical, VRV_LOGICAL_ID);
}

static int
order_archives(struct vrv_catalog_series *s, struct varve_err *err)
{
	vrv_auto_free struct vrv_catalog_archive **sorted =
	    vrv_alloc_array(s->n, sizeof(*sorted));

	if (sorted == NULL)
		return VRV_NOMEM(err, "the catalog");
	for (size_t i = 0; i < s->n; i++)
		sorted[i] = &s->archives[i];
	qsort(sorted, s->n, sizeof(struct vrv_catalog_archive *), by_time);
	s->in_order = true;
	for (size_t i = 0; i < s->n; i++) {
		sorted[i]->order = (uint32_t)i;
		s->in_order = s->in_order && sorted[i] == &s->archives[i];
	}
	return 0;
}

static int
load_archives(struct vrv_catalog *c, struct vrv_catalog_series *s,
    struct varve_err *err)
{
	vrv_auto_free struct vrv_catalog_archive *list = NULL;
	struct vrv_stmt *stmt;
	size_t cap = 0;

	int rc = vrv_catalog_stmt(c, VRV_SQL_ARCHIVES, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, s->id);
	while ((rc = vrv_stmt_step(stmt, err)) == 0) {
		if (vrv_room_for_one(&list, s->n, &cap, sizeof(*list)) != 0)
			rc = VRV_NOMEM(err, "the catalog");
		else
			rc = copy_archive(c, stmt, &list[s->n], err);
		if (rc != 0)
			break;
		if (c->want == NULL || c->want(c->want_arg, s, &list[s->n]))
			s->n++;
	}
	vrv_stmt_reset(stmt);
	if (rc != VARVE_NOENT)
		return rc;
	s->archives = vrv_arena_dup(&c->arena, list, s->n * sizeof(*list));
	if (s->archives == NULL)
		return VRV_NOMEM(err, "the catalog");
	return s->n > 0 ? order_archives(s, err) : 0;
}

static int
load_series(struct vrv_catalog *c, struct varve_err *err)
{
	vrv_auto_free struct vrv_catalog_series *list = NULL;
	size_t n = 0, cap = 0, tag_n;
	struct vrv_stmt *stmt;

	int rc = vrv_catalog_stmt(c, VRV_SQL_SERIES, &stmt, err);
	while (rc == 0 && (rc = vrv_stmt_step(stmt, err)) == 0) {
		if (vrv_room_for_one(&list, n, &cap, sizeof(*list)) != 0) {
			rc = VRV_NOMEM(err, "the catalog");
			break;
		}
		list[n] =
		    (struct vrv_catalog_series){.id = vrv_col_i64(stmt, 0),
			.root = vrv_col_i64(stmt, 4)};
		const uint8_t *tag = vrv_col_blob(stmt, 1, &tag_n);
		if (tag_n != VRV_TAG_SIZE)
			rc = vrv_catalog_contradicts(c, "a series", err);
		else
			memcpy(list[n].tag, tag, VRV_TAG_SIZE);
		if (rc == 0)
			rc = copy_text(c, stmt, 2, &list[n].host, err);
		if (rc == 0)
			rc = copy_text(c, stmt, 3, &list[n].label, err);
		if (rc == 0)
			rc = load_archives(c, &list[n], err);
		if (rc == 0 && list[n].n > 0)
			n++;
	}
	if (rc != VARVE_NOENT)
		return rc;
	c->series = vrv_arena_dup(&c->arena, list, n * sizeof(*list));
	c->n_series = n;
	return c->series == NULL ? VRV_NOMEM(err, "the catalog") : 0;
}

int
vrv_catalog_begin(struct vrv_catalog *c, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	c->bad = c->foreign = c->blamed = false;
	/* It may have failed to be made anew the last time. */
	int rc = c->db == NULL ? open_db(c, err) : 0;
	if (rc == 0)
		rc = vrv_db_exec(c->db, "BEGIN", err);
	if (rc == 0)
		rc = vrv_catalog_stmt(c, VRV_SQL_ABOUT, &stmt, err);
	if (rc == 0)
		rc = vrv_stmt_step(stmt, err);
	if (rc == VARVE_NOENT)
		return vrv_catalog_contradicts(c, "whose it is", err);
	if (rc != 0)
		return rc;
	int64_t change = vrv_col_i64(stmt, 1);
	vrv_stmt_reset(stmt);
	if (c->loaded && change == c->change)
		return 0;
	vrv_arena_fini(&c->arena);
	c->loaded = false;
	rc = load_series(c, err);
	c->loaded = rc == 0;
	c->change = change;
	return rc;
}

int
vrv_catalog_end(struct vrv_catalog *c, int rc)
{
	bool refused =
	    c->is_refused || (c->db != NULL && vrv_db_refused(c->db) != NULL);

	c->bad = (is_bad(rc) && (!c->foreign || c->blamed)) ||
	    (rc != 0 && refused && c->repo != NULL && !c->is_temporary);
	for (size_t i = 0; i < VRV_SQL_N; i++) {
		if (c->stmts[i] != NULL)
			vrv_stmt_reset(c->stmts[i]);
	}
	if (c->db != NULL)
		vrv_db_rollback(c->db);
	return rc;
}

int
vrv_catalog_told(struct vrv_catalog *c, int rc)
{
	c->foreign = rc != 0;
	return rc;
}

void
vrv_catalog_want(struct vrv_catalog *c, vrv_catalog_want_fn *fn, void *arg)
{
	c->want = fn;
	c->want_arg = arg;
	c->loaded = false;
}

const struct vrv_catalog_series *
vrv_catalog_series_of(const struct vrv_catalog *c, int64_t id)
{
	for (size_t i = 0; i < c->n_series; i++) {
		if (c->series[i].id == id)
			return &c->series[i];
	}
	return NULL;
}

const struct vrv_catalog_series *
vrv_catalog_series_tagged(const struct vrv_catalog *c, struct vrv_text tag)
{
	for (size_t i = 0; i < c->n_series && tag.n == VRV_TAG_SIZE; i++) {
		if (memcmp(c->series[i].tag, tag.p, VRV_TAG_SIZE) == 0)
			return &c->series[i];
	}
	return NULL;
}

int
vrv_catalog_series(struct vrv_catalog *c, const struct vrv_catalog_series **ret,
    size_t *ret_n, struct varve_err *err)
{
	int rc = vrv_catalog_begin(c, err);

	if (rc == 0) {
		*ret = c->series;
		*ret_n = c->n_series;
	}
	return vrv_catalog_end(c, rc);
}

/* --- status --- */

static int
count(struct vrv_catalog *c, const char *sql, uint64_t *ret,
    struct varve_err *err)
{
	vrv_auto_stmt stmt = NULL;

	int rc = vrv_stmt_new(c->db, sql, &stmt, err);
	if (rc == 0)
		rc = vrv_stmt_step(stmt, err);
	if (rc == 0)
		*ret = (uint64_t)vrv_col_i64(stmt, 0);
	return rc;
}

static int
read_status(struct vrv_catalog *c, struct vrv_catalog_status *ret,
    struct varve_err *err)
{
	uint64_t live = 0, past = 0;
	struct vrv_stmt *stmt;

	int rc = vrv_catalog_stmt(c, VRV_SQL_ABOUT, &stmt, err);
	if (rc == 0)
		rc = vrv_stmt_step(stmt, err);
	if (rc != 0)
		return rc;
	ret->updated = (struct vrv_time){vrv_col_i64(stmt, 2),
	    (uint32_t)vrv_col_i64(stmt, 3)};
	vrv_stmt_reset(stmt);
	rc = count(c, "SELECT count(*) FROM archive", &ret->archives, err);
	if (rc == 0)
		rc = count(c, "SELECT count(*) FROM dir", &ret->dirs, err);
	if (rc == 0)
		rc = count(c, "SELECT count(*) FROM live", &live, err);
	if (rc == 0)
		rc = count(c, "SELECT count(*) FROM past", &past, err);
	ret->versions = live + past;
	return rc == 0 ? vrv_db_size(c->db, &ret->size, err) : rc;
}

int
vrv_catalog_status(struct vrv_catalog *c, struct vrv_catalog_status *ret,
    struct varve_err *err)
{
	struct vrv_catalog_status status = {0};

	int rc = vrv_catalog_begin(c, err);
	if (rc == 0)
		rc = read_status(c, &status, err);
	if (rc == 0)
		*ret = status;
	return vrv_catalog_end(c, rc);
}

int
vrv_catalog_check(struct vrv_catalog *c, struct varve_err *err)
{
	int rc = vrv_catalog_begin(c, err);

	if (rc == 0)
		rc = vrv_db_check(c->db, err);
	return vrv_catalog_end(c, rc);
}
