/* SPDX-License-Identifier: BSD-2-Clause */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "archive/trees.h"
#include "catalog/catalog_internal.h"
#include "util/mem.h"

/* More components than a path can have that was backed up: a circle. */
#define DEPTH_MAX (VRV_WALK_PATH_MAX / 2 + 1)

/*
 * Series by host and label; in each the directories top down, by the bytes of
 * their names: first the names in a directory, then what is below each. Numbers
 * of directories tell in which order archives were catalogued, and so another
 * catalog of the same archives has others.
 */

/* --- names --- */

struct cursor {
	struct vrv_stmt *stmt;
	bool has, is_live;
	struct vrv_text name;
};

struct level {
	int64_t dir;
	size_t path_n; /* of its path */
};

struct walk {
	struct vrv_catalog *c;
	const struct vrv_catalog_walk *w;
	const struct vrv_catalog_series *series;
	struct cursor cursors[2];
	struct vrv_catalog_spans spans;
	struct vrv_buf name; /* at hand */
	/* From the root to the directory at hand. */
	struct level *levels;
	size_t n, cap;
	struct vrv_buf path;
};

static int
advance(struct cursor *at, struct varve_err *err)
{
	int rc = vrv_stmt_step(at->stmt, err);

	at->has = rc == 0;
	if (rc != 0)
		return rc == VARVE_NOENT ? 0 : rc;
	at->name.p = vrv_col_blob(at->stmt, 1, &at->name.n);
	return 0;
}

static int
compare(const struct cursor *a, const struct vrv_text name)
{
	return vrv_name_cmp(a->name.p, a->name.n, name.p, name.n);
}

static int
add_span(struct walk *k, const struct cursor *at, struct varve_err *err)
{
	struct vrv_text entry;
	int64_t last = at->is_live ? INT64_MAX : vrv_col_i64(at->stmt, 3);

	entry.p = vrv_col_blob(at->stmt, 4, &entry.n);
	return vrv_catalog_spans_add(&k->spans, vrv_col_i64(at->stmt, 2), last,
	    entry, err);
}

static bool
is_wanted(const struct walk *k, struct vrv_text name)
{
	return k->w->name == NULL || k->w->name(k->w->arg, name);
}

/* Take the rows of the next name together, leaving their spans. *ret_match
 * tells if it is one to be told. NOENT at the end. */
static int
next_name(struct walk *k, bool *ret_match, struct varve_err *err)
{
	struct cursor *a = &k->cursors[0], *b = &k->cursors[1];

	if (!a->has && !b->has)
		return vrv_fail(err, VARVE_NOENT, "no further name");
	const struct cursor *least =
	    a->has && (!b->has || compare(a, b->name) <= 0) ? a : b;
	vrv_buf_clear(&k->name);
	vrv_buf_bytes(&k->name, least->name.p, least->name.n);
	int rc = vrv_buf_check(&k->name, err);
	struct vrv_text name = {k->name.data, k->name.len};
	*ret_match = rc == 0 && is_wanted(k, name);
	vrv_catalog_spans_clear(&k->spans);
	for (size_t i = 0; i < 2; i++) {
		struct cursor *at = &k->cursors[i];

		while (rc == 0 && at->has && compare(at, name) == 0) {
			if (*ret_match)
				rc = add_span(k, at, err);
			if (rc == 0)
				rc = advance(at, err);
		}
	}
	return rc;
}

static int
tell(struct walk *k, int64_t dir, struct vrv_text name, struct varve_err *err)
{
	int rc = vrv_catalog_spans_group(&k->spans, k->series, dir, name, err);

	for (size_t i = 0; rc == 0 && i < k->spans.n_versions; i++)
		rc = vrv_catalog_told(k->c,
		    k->w->fn(k->w->arg, &k->spans.versions[i], err));
	return rc;
}

/* The root directory itself, whose name is the tag of its series. */
static int
tell_root(struct walk *k, struct varve_err *err)
{
	struct vrv_text tag = {k->series->tag, VRV_TAG_SIZE};

	if (!is_wanted(k, (struct vrv_text){(const uint8_t *)".", 1}))
		return 0;
	vrv_catalog_spans_clear(&k->spans);
	int rc = vrv_catalog_spans_read(k->c, 0, tag.p, tag.n, &k->spans, err);
	return rc == 0 ? tell(k, 0, tag, err) : rc;
}

static int
start(struct walk *k, size_t i, enum vrv_catalog_sql which, int64_t dir,
    struct varve_err *err)
{
	struct cursor *at = &k->cursors[i];

	int rc = vrv_catalog_stmt(k->c, which, &at->stmt, err);
	if (rc != 0)
		return rc;
	at->is_live = which == VRV_SQL_LIVE_BEHIND;
	vrv_bind_i64(at->stmt, 1, dir);
	vrv_bind_blob(at->stmt, 2, "", 0);
	return advance(at, err);
}

/* Every name in a directory. */
static int
tell_names(struct walk *k, int64_t dir, struct varve_err *err)
{
	bool match = false;

	int rc = start(k, 0, VRV_SQL_LIVE_BEHIND, dir, err);
	if (rc == 0)
		rc = start(k, 1, VRV_SQL_PAST_BEHIND, dir, err);
	while (rc == 0 && (rc = next_name(k, &match, err)) == 0) {
		if (match)
			rc = tell(k, dir,
			    (struct vrv_text){k->name.data, k->name.len}, err);
		if (rc != 0)
			return rc;
	}
	return rc == VARVE_NOENT ? 0 : rc;
}

/* --- directories --- */

/* Go into a directory, whose path was put into k->path, and tell what is in
 * it. */
static int
enter(struct walk *k, int64_t dir, struct varve_err *err)
{
	if (k->n == DEPTH_MAX)
		return vrv_catalog_contradicts(k->c, "directories in a circle",
		    err);
	if (vrv_room_for_one(&k->levels, k->n, &k->cap, sizeof(*k->levels)) !=
	    0)
		return VRV_NOMEM(err, "paths");
	k->levels[k->n++] = (struct level){dir, k->path.len};
	return tell_names(k, dir, err);
}

/* The subdirectory of the one at hand that follows the one called `after`:
 * its number, and its path in k->path. NOENT if there is none. */
static int
next_dir(struct walk *k, const struct vrv_buf *after, int64_t *ret,
    struct varve_err *err)
{
	const struct level *at = &k->levels[k->n - 1];
	struct vrv_stmt *stmt;
	size_t n;

	int rc = vrv_catalog_stmt(k->c, VRV_SQL_DIR_BEHIND, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, at->dir);
	vrv_bind_blob(stmt, 2, after->data, after->len);
	rc = vrv_stmt_step(stmt, err);
	if (rc == 0) {
		const uint8_t *name = vrv_col_blob(stmt, 1, &n);
		*ret = vrv_col_i64(stmt, 0);
		k->path.len = at->path_n;
		if (at->path_n > 0)
			vrv_buf_u8(&k->path, '/');
		vrv_buf_bytes(&k->path, name, n);
		rc = vrv_buf_check(&k->path, err);
	}
	vrv_stmt_reset(stmt);
	return rc;
}

static int
tell_series(struct walk *k, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf after = {0};
	int64_t dir = 0;

	k->n = 0;
	vrv_buf_clear(&k->path);
	int rc = tell_root(k, err);
	if (rc == 0)
		rc = enter(k, k->series->root, err);
	while (rc == 0 && k->n > 0) {
		rc = next_dir(k, &after, &dir, err);
		if (rc == 0) {
			vrv_buf_clear(&after);
			rc = enter(k, dir, err);
		} else if (rc == VARVE_NOENT) {
			/* Back to the one above, to go on behind this. */
			size_t end = k->levels[--k->n].path_n;
			size_t from = k->n > 0 ? k->levels[k->n - 1].path_n : 0;
			from += from > 0 ? 1 : 0;
			vrv_buf_clear(&after);
			if (end > from)
				vrv_buf_bytes(&after, k->path.data + from,
				    end - from);
			rc = vrv_buf_check(&after, err);
		}
	}
	return rc;
}

int
vrv_catalog_walk(struct vrv_catalog *c, const struct vrv_catalog_walk *w,
    struct varve_err *err)
{
	struct walk k = {.c = c, .w = w};

	c->walk_path = &k.path;
	int rc = vrv_catalog_begin(c, err);
	for (size_t i = 0; rc == 0 && i < c->n_series; i++) {
		k.series = &c->series[i];
		rc = tell_series(&k, err);
	}
	c->walk_path = NULL;
	rc = vrv_catalog_end(c, rc);
	vrv_catalog_spans_fini(&k.spans);
	vrv_buf_fini(&k.name);
	vrv_buf_fini(&k.path);
	free(k.levels);
	return rc;
}

int
vrv_catalog_join(struct vrv_catalog *c, int64_t dir, struct vrv_text name,
    struct vrv_buf *path, struct varve_err *err)
{
	assert(c->walk_path != NULL);
	if (dir == 0) {
		vrv_buf_u8(path, '.');
		return vrv_buf_check(path, err);
	}
	vrv_buf_bytes(path, c->walk_path->data, c->walk_path->len);
	if (c->walk_path->len > 0)
		vrv_buf_u8(path, '/');
	vrv_buf_bytes(path, name.p, name.n);
	return vrv_buf_check(path, err);
}
