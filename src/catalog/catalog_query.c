/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_internal.h"
#include "os/meta.h"
#include "util/mem.h"

/* --- one directory --- */

/* Which series a directory belongs to; NULL if none of its archives exist.
 * In directory 0 the name says it. */
static int
series_of_dir(struct vrv_catalog *c, int64_t dir, struct vrv_text name,
    const struct vrv_catalog_series **ret, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	if (dir == 0) {
		*ret = vrv_catalog_series_tagged(c, name);
		return 0;
	}
	int rc = vrv_catalog_stmt(c, VRV_SQL_DIR_BY_ID, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, dir);
	rc = vrv_stmt_step(stmt, err);
	*ret = NULL;
	if (rc != 0)
		return rc == VARVE_NOENT ? 0 : rc;
	*ret = vrv_catalog_series_of(c, vrv_col_i64(stmt, 0));
	vrv_stmt_reset(stmt);
	return 0;
}

static int
dir_named(struct vrv_catalog *c, int64_t dir, struct vrv_text name,
    int64_t *ret, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = vrv_catalog_stmt(c, VRV_SQL_DIR_BY_NAME, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, dir);
	vrv_bind_blob(stmt, 2, name.p, name.n);
	rc = vrv_stmt_step(stmt, err);
	if (rc == 0)
		*ret = vrv_col_i64(stmt, 0);
	vrv_stmt_reset(stmt);
	return rc;
}

/* --- children --- */

/* A row of live or past at which a statement stands. */
struct cursor {
	struct vrv_stmt *stmt;
	bool has, is_live;
	struct vrv_text name;
};

struct children {
	struct vrv_catalog *c;
	const struct vrv_catalog_series *series;
	int64_t dir;
	struct cursor cursors[2];
	struct vrv_buf name; /* of the child at hand */
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
start(struct children *k, size_t i, enum vrv_catalog_sql which,
    const uint8_t *after, size_t after_n, struct varve_err *err)
{
	struct cursor *at = &k->cursors[i];

	int rc = vrv_catalog_stmt(k->c, which, &at->stmt, err);
	if (rc != 0)
		return rc;
	at->is_live = which == VRV_SQL_LIVE_BEHIND;
	vrv_bind_i64(at->stmt, 1, k->dir);
	vrv_bind_blob(at->stmt, 2, after, after_n);
	return advance(at, err);
}

static int
compare_names(struct vrv_text a, struct vrv_text b)
{
	return vrv_name_cmp(a.p, a.n, b.p, b.n);
}

/* What the row says of the child at hand. */
static void
look(const struct children *k, const struct cursor *at, bool *is_dir,
    bool *others)
{
	struct vrv_text entry;
	int64_t last = at->is_live ? INT64_MAX : vrv_col_i64(at->stmt, 3);

	if (!vrv_catalog_held(k->series, vrv_col_i64(at->stmt, 2), last, NULL,
		NULL))
		return;
	entry.p = vrv_col_blob(at->stmt, 4, &entry.n);
	if (vrv_catalog_kind(entry) == VRV_DIR)
		*is_dir = true;
	else
		*others = true;
}

/* The next name, which may be one that no archive has any more: then neither
 * of the two is set. NOENT at the end. */
static int
next_child(struct children *k, struct vrv_catalog_child *ret,
    struct varve_err *err)
{
	struct cursor *a = &k->cursors[0], *b = &k->cursors[1];
	bool is_dir = false;

	*ret = (struct vrv_catalog_child){0};
	if (!a->has && !b->has)
		return vrv_fail(err, VARVE_NOENT, "no further name");
	const struct cursor *least =
	    a->has && (!b->has || compare_names(a->name, b->name) <= 0) ? a : b;
	vrv_buf_clear(&k->name);
	vrv_buf_bytes(&k->name, least->name.p, least->name.n);
	int rc = vrv_buf_check(&k->name, err);
	ret->name = (struct vrv_text){k->name.data, k->name.len};
	for (size_t i = 0; i < 2; i++) {
		struct cursor *at = &k->cursors[i];

		while (rc == 0 && at->has &&
		    compare_names(at->name, ret->name) == 0) {
			look(k, at, &is_dir, &ret->others);
			rc = advance(at, err);
		}
	}
	if (rc != 0 || !is_dir)
		return rc;
	rc = dir_named(k->c, k->dir, ret->name, &ret->dir, err);
	return rc == VARVE_NOENT ?
	    vrv_catalog_contradicts(k->c, "a directory that is nowhere", err) :
	    rc;
}

static int
list_children(struct children *k, const uint8_t *after, size_t after_n,
    vrv_catalog_child_fn *fn, void *arg, struct varve_err *err)
{
	struct vrv_catalog_child child;

	int rc =
	    series_of_dir(k->c, k->dir, (struct vrv_text){0}, &k->series, err);
	if (rc != 0 || k->series == NULL)
		return rc;
	rc = start(k, 0, VRV_SQL_LIVE_BEHIND, after, after_n, err);
	if (rc == 0)
		rc = start(k, 1, VRV_SQL_PAST_BEHIND, after, after_n, err);
	while (rc == 0 && (rc = next_child(k, &child, err)) == 0) {
		if (child.dir != 0 || child.others)
			rc = vrv_catalog_told(k->c, fn(arg, &child, err));
		if (rc != 0)
			return rc;
	}
	return rc == VARVE_NOENT ? 0 : rc;
}

int
vrv_catalog_children(struct vrv_catalog *c, int64_t dir, const uint8_t *after,
    size_t after_n, vrv_catalog_child_fn *fn, void *arg, struct varve_err *err)
{
	struct children k = {.c = c, .dir = dir};

	int rc = vrv_catalog_begin(c, err);
	if (rc == 0)
		rc = list_children(&k, after, after_n, fn, arg, err);
	vrv_buf_fini(&k.name);
	return vrv_catalog_end(c, rc);
}

static int
find_child(struct vrv_catalog *c, struct vrv_catalog_spans *spans, int64_t dir,
    struct vrv_text name, struct vrv_catalog_child *child,
    struct varve_err *err)
{
	const struct vrv_catalog_series *series;
	bool is_dir = false;

	int rc = series_of_dir(c, dir, name, &series, err);
	if (rc == 0 && series != NULL)
		rc = vrv_catalog_spans_read(c, dir, name.p, name.n, spans, err);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < spans->n; i++) {
		const struct vrv_catalog_span *s = &spans->items[i];

		if (!vrv_catalog_held(series, s->first, s->last, NULL, NULL))
			continue;
		if (vrv_catalog_kind(s->entry) == VRV_DIR)
			is_dir = true;
		else
			child->others = true;
	}
	if (!is_dir && !child->others)
		return vrv_fail(err, VARVE_NOENT, "no such name");
	if (!is_dir)
		return 0;
	rc = dir_named(c, dir, name, &child->dir, err);
	return rc == VARVE_NOENT ?
	    vrv_catalog_contradicts(c, "a directory that is nowhere", err) :
	    rc;
}

int
vrv_catalog_child(struct vrv_catalog *c, int64_t dir, const uint8_t *name,
    size_t name_n, struct vrv_catalog_child *ret, struct varve_err *err)
{
	struct vrv_catalog_spans spans = {0};
	struct vrv_catalog_child child = {.name = {name, name_n}};

	int rc = vrv_catalog_begin(c, err);
	if (rc == 0)
		rc = find_child(c, &spans, dir, child.name, &child, err);
	if (rc == 0)
		*ret = child;
	vrv_catalog_spans_fini(&spans);
	return vrv_catalog_end(c, rc);
}

/* --- versions of one name --- */

/* The spans of a name, and the series whose archives they count; without
 * archives there are none. */
static int
read_name(struct vrv_catalog *c, int64_t dir, struct vrv_text name,
    struct vrv_catalog_spans *spans, const struct vrv_catalog_series **ret,
    struct varve_err *err)
{
	int rc = series_of_dir(c, dir, name, ret, err);

	if (rc == 0 && *ret != NULL)
		rc = vrv_catalog_spans_read(c, dir, name.p, name.n, spans, err);
	return rc;
}

int
vrv_catalog_versions(struct vrv_catalog *c, int64_t dir, const uint8_t *name,
    size_t name_n, vrv_catalog_version_fn *fn, void *arg, struct varve_err *err)
{
	const struct vrv_catalog_series *series;
	const struct vrv_text text = {name, name_n};
	struct vrv_catalog_spans spans = {0};

	int rc = vrv_catalog_begin(c, err);
	if (rc == 0)
		rc = read_name(c, dir, text, &spans, &series, err);
	if (rc == 0)
		rc = vrv_catalog_spans_group(&spans, series, dir, text, err);
	for (size_t i = 0; rc == 0 && i < spans.n_versions; i++)
		rc = vrv_catalog_told(c, fn(arg, &spans.versions[i], err));
	vrv_catalog_spans_fini(&spans);
	return vrv_catalog_end(c, rc);
}

/* Which span each archive is in, by the order of time: its place + 1, or 0. */
static void
lay_out(const struct vrv_catalog_spans *spans,
    const struct vrv_catalog_series *series, size_t *at,
    const struct vrv_catalog_archive **archives)
{
	size_t from, n;

	for (size_t i = 0; i < series->n; i++)
		archives[series->archives[i].order] = &series->archives[i];
	for (size_t s = 0; s < spans->n; s++) {
		(void)vrv_catalog_held(series, spans->items[s].first,
		    spans->items[s].last, &from, &n);
		for (size_t i = from; i < from + n; i++)
			at[series->archives[i].order] = s + 1;
	}
}

static bool
same_entry(const struct vrv_catalog_spans *spans, size_t a, size_t b)
{
	if (a == b || a == 0 || b == 0)
		return a == b;
	const struct vrv_text x = spans->items[a - 1].entry;
	const struct vrv_text y = spans->items[b - 1].entry;
	return x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
}

static int
tell_periods(struct vrv_catalog *c, const struct vrv_catalog_spans *spans,
    const struct vrv_catalog_version *start, vrv_catalog_version_fn *fn,
    void *arg, struct varve_err *err)
{
	size_t n = start->series->n, i = 0;
	vrv_auto_free size_t *at = vrv_alloc_array(n, sizeof(*at));
	vrv_auto_free const struct vrv_catalog_archive **archives =
	    vrv_alloc_array(n, sizeof(*archives));
	int rc = 0;

	if (at == NULL || archives == NULL)
		return VRV_NOMEM(err, "versions");
	lay_out(spans, start->series, at, archives);
	while (i < n && at[i] == 0)
		i++;
	for (size_t end; rc == 0 && i < n; i = end) {
		struct vrv_catalog_version v = *start;

		for (end = i + 1; end < n && same_entry(spans, at[i], at[end]);)
			end++;
		if (at[i] != 0)
			v.entry = spans->items[at[i] - 1].entry;
		v.first = archives[i];
		v.last = archives[end - 1];
		v.archives = end - i;
		rc = vrv_catalog_told(c, fn(arg, &v, err));
	}
	return rc;
}

int
vrv_catalog_periods(struct vrv_catalog *c, int64_t dir, const uint8_t *name,
    size_t name_n, vrv_catalog_version_fn *fn, void *arg, struct varve_err *err)
{
	struct vrv_catalog_version start = {.dir = dir, .name = {name, name_n}};
	struct vrv_catalog_spans spans = {0};

	int rc = vrv_catalog_begin(c, err);
	if (rc == 0)
		rc = read_name(c, dir, start.name, &spans, &start.series, err);
	if (rc == 0 && start.series != NULL)
		rc = tell_periods(c, &spans, &start, fn, arg, err);
	vrv_catalog_spans_fini(&spans);
	return vrv_catalog_end(c, rc);
}

/* --- paths --- */

static int
resolve(struct vrv_catalog *c, int64_t dir, const char *path, int64_t *ret_dir,
    struct vrv_text *ret_name, struct varve_err *err)
{
	for (;;) {
		size_t n = strcspn(path, "/");
		struct vrv_text name = {(const uint8_t *)path, n};

		if (path[n] == '\0') {
			*ret_dir = dir;
			*ret_name = name;
			return 0;
		}
		int rc = dir_named(c, dir, name, &dir, err);
		if (rc != 0)
			return rc;
		path += n + 1;
	}
}

int
vrv_catalog_resolve(struct vrv_catalog *c, const struct vrv_catalog_series *s,
    const char *path, int64_t *ret_dir, struct vrv_text *ret_name,
    struct varve_err *err)
{
	int64_t root = s->root;
	struct vrv_text tag = {s->tag, VRV_TAG_SIZE};

	if (strcmp(path, ".") == 0) {
		*ret_dir = 0;
		*ret_name = tag;
		return 0;
	}
	int rc = vrv_catalog_begin(c, err);
	if (rc == 0)
		rc = resolve(c, root, path, ret_dir, ret_name, err);
	return vrv_catalog_end(c, rc);
}
