/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>

#include "catalog/catalog_internal.h"
#include "util/mem.h"

#define BATCH 4096

struct doomed {
	int64_t dir, first;
	struct vrv_text name;
};

/* --- whole series --- */

/* The order matters: what says which rows are meant goes last. */
static int
drop_empty_series(struct vrv_catalog *c, struct varve_err *err)
{
	return vrv_db_exec(c->db,
	    "CREATE TEMP TABLE doomed AS SELECT id, tag FROM series"
	    " WHERE NOT EXISTS"
	    " (SELECT 1 FROM archive WHERE archive.series = series.id);"
	    "DELETE FROM live WHERE dir IN (SELECT dir.id FROM dir"
	    " JOIN doomed ON dir.series = doomed.id);"
	    "DELETE FROM past WHERE dir IN (SELECT dir.id FROM dir"
	    " JOIN doomed ON dir.series = doomed.id);"
	    "DELETE FROM live WHERE dir = 0 AND name IN"
	    " (SELECT tag FROM doomed);"
	    "DELETE FROM past WHERE dir = 0 AND name IN"
	    " (SELECT tag FROM doomed);"
	    "DELETE FROM dir WHERE series IN (SELECT id FROM doomed);"
	    "DELETE FROM series WHERE id IN (SELECT id FROM doomed);"
	    "DROP TABLE doomed",
	    err);
}

/* --- past versions --- */

/* Rows of `past` behind a place, with the series of their directories. */
static const char next_past[] =
    "SELECT past.dir, past.name, past.first, past.last,"
    " coalesce(dir.series, (SELECT id FROM series WHERE tag = past.name))"
    " FROM past LEFT JOIN dir ON dir.id = past.dir"
    " WHERE (past.dir, past.name, past.first) > (?, ?, ?)"
    " ORDER BY past.dir, past.name, past.first LIMIT ?";

/* Is there an archive with such a number? */
static const char held[] =
    "SELECT 1 FROM archive WHERE series = ? AND seq BETWEEN ? AND ? LIMIT 1";

static int
is_held(struct vrv_stmt *stmt, int64_t series, int64_t first, int64_t last,
    bool *ret, struct varve_err *err)
{
	vrv_bind_i64(stmt, 1, series);
	vrv_bind_i64(stmt, 2, first);
	vrv_bind_i64(stmt, 3, last);
	int rc = vrv_stmt_step(stmt, err);
	*ret = rc == 0;
	vrv_stmt_reset(stmt);
	return rc == VARVE_NOENT ? 0 : rc;
}

/* Look at the next rows: those that no archive holds go to `list`. *at is the
 * last row that was looked at; *ret_n is how many were. */
static int
find_doomed(struct vrv_stmt *next, struct vrv_stmt *asks, struct doomed *at,
    struct vrv_arena *arena, struct doomed *list, size_t *ret_doomed,
    size_t *ret_n, struct varve_err *err)
{
	bool keep;
	int rc;

	*ret_n = *ret_doomed = 0;
	vrv_bind_i64(next, 1, at->dir);
	vrv_bind_blob(next, 2, at->name.p, at->name.n);
	vrv_bind_i64(next, 3, at->first);
	vrv_bind_i64(next, 4, BATCH);
	struct doomed row = *at;
	while ((rc = vrv_stmt_step(next, err)) == 0) {
		size_t n;
		const uint8_t *name = vrv_col_blob(next, 1, &n);

		row = (struct doomed){vrv_col_i64(next, 0),
		    vrv_col_i64(next, 2), {vrv_arena_dup(arena, name, n), n}};
		if (row.name.p == NULL)
			return VRV_NOMEM(err, "the catalog");
		++*ret_n;
		rc = is_held(asks, vrv_col_i64(next, 4), row.first,
		    vrv_col_i64(next, 3), &keep, err);
		if (rc != 0)
			return rc;
		if (!keep)
			list[(*ret_doomed)++] = row;
	}
	*at = row;
	return rc == VARVE_NOENT ? 0 : rc;
}

static int
drop_all(struct vrv_stmt *drop, const struct doomed *list, size_t n,
    struct varve_err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < n; i++) {
		vrv_bind_i64(drop, 1, list[i].dir);
		vrv_bind_blob(drop, 2, list[i].name.p, list[i].name.n);
		vrv_bind_i64(drop, 3, list[i].first);
		rc = vrv_stmt_run(drop, err);
	}
	return rc;
}

static int
drop_past(struct vrv_catalog *c, struct varve_err *err)
{
	vrv_auto_free struct doomed *list =
	    vrv_alloc_array(BATCH, sizeof(*list));
	vrv_auto_stmt next = NULL;
	vrv_auto_stmt asks = NULL;
	vrv_auto_stmt drop = NULL;
	struct doomed at = {.dir = -1};
	size_t n = BATCH, doomed;

	int rc = list == NULL ? VRV_NOMEM(err, "the catalog") : 0;
	if (rc == 0)
		rc = vrv_stmt_new(c->db, next_past, &next, err);
	if (rc == 0)
		rc = vrv_stmt_new(c->db, held, &asks, err);
	if (rc == 0)
		rc = vrv_stmt_new(c->db,
		    "DELETE FROM past WHERE dir = ? AND name = ? AND first = ?",
		    &drop, err);
	/* The place of the one batch is in the arena of the one before. */
	struct vrv_arena arena = {0}, before = {0};
	while (rc == 0 && n == BATCH) {
		vrv_arena_fini(&before);
		before = arena;
		arena = (struct vrv_arena){0};
		rc = find_doomed(next, asks, &at, &arena, list, &doomed, &n,
		    err);
		if (rc == 0)
			rc = drop_all(drop, list, doomed, err);
	}
	vrv_arena_fini(&before);
	vrv_arena_fini(&arena);
	return rc;
}

/* --- directories --- */

/* Of directories that are gone, those of which nothing is told any more:
 * neither what was in them nor that they were. A directory has a higher number
 * than the one it is in, so that one go is enough. */
static const char next_dir[] =
    "SELECT id FROM dir AS d WHERE id < ? AND tree IS NULL"
    " AND NOT EXISTS (SELECT 1 FROM past WHERE past.dir = d.id)"
    " AND NOT EXISTS (SELECT 1 FROM live WHERE live.dir = d.id)"
    " AND NOT EXISTS (SELECT 1 FROM dir WHERE parent = d.id)"
    " AND NOT EXISTS (SELECT 1 FROM past"
    " WHERE past.dir = d.parent AND past.name = d.name)"
    " ORDER BY id DESC LIMIT 1";

static int
drop_dirs(struct vrv_catalog *c, struct varve_err *err)
{
	vrv_auto_stmt next = NULL;
	vrv_auto_stmt drop = NULL;
	int64_t at = INT64_MAX;

	int rc = vrv_stmt_new(c->db, next_dir, &next, err);
	if (rc == 0)
		rc = vrv_stmt_new(c->db, "DELETE FROM dir WHERE id = ?", &drop,
		    err);
	while (rc == 0) {
		vrv_bind_i64(next, 1, at);
		rc = vrv_stmt_step(next, err);
		if (rc != 0)
			break;
		at = vrv_col_i64(next, 0);
		vrv_stmt_reset(next);
		vrv_bind_i64(drop, 1, at);
		rc = vrv_stmt_run(drop, err);
	}
	return rc == VARVE_NOENT ? 0 : rc;
}

int
vrv_catalog_sweep(struct vrv_catalog *c, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = drop_empty_series(c, err);
	if (rc == 0)
		rc = drop_past(c, err);
	if (rc == 0)
		rc = drop_dirs(c, err);
	if (rc == 0)
		rc = vrv_catalog_stmt(c, VRV_SQL_SWEPT, &stmt, err);
	return rc == 0 ? vrv_stmt_run(stmt, err) : rc;
}
