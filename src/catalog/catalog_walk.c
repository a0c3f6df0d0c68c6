/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_internal.h"
#include "util/mem.h"

#define DEPTH_MAX 65536 /* components of a path; more is a circle */

/* --- directories --- */

static int
read_place(struct vrv_catalog *c, int64_t dir, struct vrv_catalog_place *place,
    struct varve_err *err)
{
	struct vrv_stmt *stmt;
	size_t n;

	int rc = vrv_catalog_stmt(c, VRV_SQL_DIR_BY_ID, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, dir);
	rc = vrv_stmt_step(stmt, err);
	if (rc == VARVE_NOENT)
		return vrv_catalog_contradicts(c, "a name in no directory",
		    err);
	if (rc != 0)
		return rc;
	const uint8_t *name = vrv_col_blob(stmt, 2, &n);
	*place = (struct vrv_catalog_place){.series = vrv_catalog_series_of(c,
						vrv_col_i64(stmt, 0)),
	    .parent = vrv_col_i64(stmt, 1),
	    .name = {vrv_arena_dup(&c->place_arena, name, n), n}};
	vrv_stmt_reset(stmt);
	return place->name.p == NULL ? VRV_NOMEM(err, "paths") : 0;
}

static int
place_of(struct vrv_catalog *c, int64_t dir, struct vrv_catalog_place **ret,
    struct varve_err *err)
{
	struct vrv_catalog_place **at = vrv_map_get(c->places, &dir);

	if (at != NULL) {
		*ret = *at;
		return 0;
	}
	struct vrv_catalog_place *place =
	    vrv_arena_alloc(&c->place_arena, sizeof(*place));
	if (place == NULL)
		return VRV_NOMEM(err, "paths");
	int rc = read_place(c, dir, place, err);
	if (rc != 0)
		return rc;
	at = vrv_map_put(c->places, &dir, NULL);
	if (at == NULL)
		return VRV_NOMEM(err, "paths");
	*at = *ret = place;
	return 0;
}

/* Fill place->path from the path of the directory it is in. */
static int
make_path(struct vrv_catalog *c, struct vrv_catalog_place *place,
    struct vrv_catalog_place *above, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf path = {0};

	/* A root has no name of its own. */
	if (above != NULL) {
		vrv_buf_bytes(&path, above->path.p, above->path.n);
		if (path.len > 0)
			vrv_buf_u8(&path, '/');
		vrv_buf_bytes(&path, place->name.p, place->name.n);
	}
	int rc = vrv_buf_check(&path, err);
	if (rc != 0)
		return rc;
	place->path.p = vrv_arena_dup(&c->place_arena, path.data, path.len);
	place->path.n = path.len;
	return place->path.p == NULL ? VRV_NOMEM(err, "paths") : 0;
}

/* Up to a directory whose path is known, then down again. */
static int
path_of(struct vrv_catalog *c, int64_t dir, struct vrv_text *ret,
    struct varve_err *err)
{
	vrv_auto_free struct vrv_catalog_place **up = NULL;
	struct vrv_catalog_place *place, *above = NULL;
	size_t n = 0, cap = 0;

	while (dir != 0) {
		int rc = place_of(c, dir, &place, err);

		if (rc != 0)
			return rc;
		if (place->path.p != NULL) {
			above = place;
			break;
		}
		if (n == DEPTH_MAX)
			return vrv_catalog_contradicts(c,
			    "directories in a circle", err);
		if (vrv_room_for_one(&up, n, &cap,
			sizeof(struct vrv_catalog_place *)) != 0)
			return VRV_NOMEM(err, "paths");
		up[n++] = place;
		dir = place->parent;
	}
	while (n > 0) {
		int rc = make_path(c, up[--n], above, err);

		if (rc != 0)
			return rc;
		above = up[n];
	}
	*ret = above != NULL ? above->path : (struct vrv_text){0};
	return 0;
}

int
vrv_catalog_join(struct vrv_catalog *c, int64_t dir, struct vrv_text name,
    struct vrv_buf *path, struct varve_err *err)
{
	struct vrv_text above = {0};

	if (dir == 0) {
		vrv_buf_u8(path, '.');
		return vrv_buf_check(path, err);
	}
	int rc = path_of(c, dir, &above, err);
	if (rc != 0) {
		vrv_catalog_blame(c);
		return rc;
	}
	vrv_buf_bytes(path, above.p, above.n);
	if (above.n > 0)
		vrv_buf_u8(path, '/');
	vrv_buf_bytes(path, name.p, name.n);
	return vrv_buf_check(path, err);
}

/* --- all rows --- */

struct cursor {
	struct vrv_stmt *stmt;
	bool has, is_live;
	int64_t dir;
	struct vrv_text name;
};

struct walk {
	struct vrv_catalog *c;
	const struct vrv_catalog_walk *w;
	struct cursor cursors[2];
	struct vrv_catalog_spans spans;
	/* The name at hand. */
	int64_t dir;
	struct vrv_buf name;
};

static int
advance(struct cursor *at, struct varve_err *err)
{
	int rc = vrv_stmt_step(at->stmt, err);

	at->has = rc == 0;
	if (rc != 0)
		return rc == VARVE_NOENT ? 0 : rc;
	at->dir = vrv_col_i64(at->stmt, 0);
	at->name.p = vrv_col_blob(at->stmt, 1, &at->name.n);
	return 0;
}

static int
compare(const struct cursor *a, int64_t dir, const struct vrv_text name)
{
	if (a->dir != dir)
		return a->dir < dir ? -1 : 1;
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

/* Take the rows of the next name together, leaving their spans. *ret_match
 * tells if it is one to be told. NOENT at the end. */
static int
next_name(struct walk *k, bool *ret_match, struct varve_err *err)
{
	struct cursor *a = &k->cursors[0], *b = &k->cursors[1];

	if (!a->has && !b->has)
		return vrv_fail(err, VARVE_NOENT, "no further name");
	const struct cursor *least =
	    a->has && (!b->has || compare(a, b->dir, b->name) <= 0) ? a : b;
	k->dir = least->dir;
	vrv_buf_clear(&k->name);
	vrv_buf_bytes(&k->name, least->name.p, least->name.n);
	int rc = vrv_buf_check(&k->name, err);
	struct vrv_text name = {k->name.data, k->name.len};
	if (rc == 0)
		*ret_match = k->w->name == NULL ||
		    k->w->name(k->w->arg,
			k->dir != 0 ?
			    name :
			    (struct vrv_text){(const uint8_t *)".", 1});
	vrv_catalog_spans_clear(&k->spans);
	for (size_t i = 0; i < 2; i++) {
		struct cursor *at = &k->cursors[i];

		while (rc == 0 && at->has && compare(at, k->dir, name) == 0) {
			if (*ret_match)
				rc = add_span(k, at, err);
			if (rc == 0)
				rc = advance(at, err);
		}
	}
	return rc;
}

static int
tell(struct walk *k, struct varve_err *err)
{
	struct vrv_text name = {k->name.data, k->name.len};
	const struct vrv_catalog_series *series;
	struct vrv_catalog_place *place;
	int rc = 0;

	if (k->dir == 0) {
		series = vrv_catalog_series_tagged(k->c, name);
	} else {
		rc = place_of(k->c, k->dir, &place, err);
		if (rc != 0)
			return rc;
		series = place->series;
	}
	if (series == NULL)
		return 0;
	rc = vrv_catalog_spans_group(&k->spans, series, k->dir, name, err);
	for (size_t i = 0; rc == 0 && i < k->spans.n_versions; i++)
		rc = vrv_catalog_told(k->c,
		    k->w->fn(k->w->arg, &k->spans.versions[i], err));
	return rc;
}

static int
walk(struct walk *k, struct varve_err *err)
{
	bool match = false;

	int rc =
	    vrv_catalog_stmt(k->c, VRV_SQL_LIVE_ALL, &k->cursors[0].stmt, err);
	k->cursors[0].is_live = true;
	if (rc == 0)
		rc = vrv_catalog_stmt(k->c, VRV_SQL_PAST_ALL,
		    &k->cursors[1].stmt, err);
	for (size_t i = 0; rc == 0 && i < 2; i++)
		rc = advance(&k->cursors[i], err);
	while (rc == 0 && (rc = next_name(k, &match, err)) == 0) {
		if (match)
			rc = tell(k, err);
		if (rc != 0)
			return rc;
	}
	return rc == VARVE_NOENT ? 0 : rc;
}

int
vrv_catalog_walk(struct vrv_catalog *c, const struct vrv_catalog_walk *w,
    struct varve_err *err)
{
	struct walk k = {.c = c, .w = w};

	c->places =
	    vrv_map_new(sizeof(int64_t), sizeof(struct vrv_catalog_place *));
	if (c->places == NULL)
		return VRV_NOMEM(err, "paths");
	int rc = vrv_catalog_begin(c, err);
	if (rc == 0)
		rc = walk(&k, err);
	rc = vrv_catalog_end(c, rc);
	vrv_catalog_spans_fini(&k.spans);
	vrv_buf_fini(&k.name);
	vrv_map_free(c->places);
	c->places = NULL;
	vrv_arena_fini(&c->place_arena);
	return rc;
}
