/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_internal.h"
#include "util/mem.h"

void
vrv_catalog_spans_clear(struct vrv_catalog_spans *s)
{
	vrv_arena_fini(&s->arena);
	s->n = s->n_versions = 0;
}

void
vrv_catalog_spans_fini(struct vrv_catalog_spans *s)
{
	vrv_arena_fini(&s->arena);
	free(s->items);
	free(s->versions);
	*s = (struct vrv_catalog_spans){0};
}

int
vrv_catalog_spans_add(struct vrv_catalog_spans *s, int64_t first, int64_t last,
    struct vrv_text entry, struct varve_err *err)
{
	if (vrv_room_for_one(&s->items, s->n, &s->cap, sizeof(*s->items)) != 0)
		return VRV_NOMEM(err, "versions");
	const uint8_t *p = vrv_arena_dup(&s->arena, entry.p, entry.n);
	if (p == NULL)
		return VRV_NOMEM(err, "versions");
	s->items[s->n++] = (struct vrv_catalog_span){first, last, {p, entry.n}};
	return 0;
}

int
vrv_catalog_spans_read(struct vrv_catalog *c, int64_t dir, const uint8_t *name,
    size_t name_n, struct vrv_catalog_spans *s, struct varve_err *err)
{
	struct vrv_text entry;
	struct vrv_stmt *stmt;

	vrv_catalog_spans_clear(s);
	int rc = vrv_catalog_stmt(c, VRV_SQL_PAST_ONE, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, dir);
	vrv_bind_blob(stmt, 2, name, name_n);
	while ((rc = vrv_stmt_step(stmt, err)) == 0) {
		entry.p = vrv_col_blob(stmt, 2, &entry.n);
		rc = vrv_catalog_spans_add(s, vrv_col_i64(stmt, 0),
		    vrv_col_i64(stmt, 1), entry, err);
		if (rc != 0)
			return rc;
	}
	if (rc == VARVE_NOENT)
		rc = vrv_catalog_stmt(c, VRV_SQL_LIVE_ONE, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, dir);
	vrv_bind_blob(stmt, 2, name, name_n);
	rc = vrv_stmt_step(stmt, err);
	if (rc != 0)
		return rc == VARVE_NOENT ? 0 : rc;
	entry.p = vrv_col_blob(stmt, 1, &entry.n);
	return vrv_catalog_spans_add(s, vrv_col_i64(stmt, 0), INT64_MAX, entry,
	    err);
}

/* --- which archives --- */

/* How many archives have a number below `seq`. */
static size_t
below(const struct vrv_catalog_series *s, int64_t seq)
{
	size_t lo = 0, hi = s->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (s->archives[mid].seq < seq)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool
vrv_catalog_held(const struct vrv_catalog_series *s, int64_t first,
    int64_t last, size_t *ret_at, size_t *ret_n)
{
	size_t from = below(s, first);
	size_t to = last == INT64_MAX ? s->n : below(s, last + 1);

	if (ret_at != NULL)
		*ret_at = from;
	if (ret_n != NULL)
		*ret_n = to > from ? to - from : 0;
	return to > from;
}

/* --- versions --- */

static int
compare_entries(struct vrv_text a, struct vrv_text b)
{
	if (a.n != b.n)
		return a.n < b.n ? -1 : 1;
	return memcmp(a.p, b.p, a.n);
}

static int
by_entry(const void *pa, const void *pb)
{
	const struct vrv_catalog_span *a = pa, *b = pb;
	int c = compare_entries(a->entry, b->entry);

	return c != 0 ? c : (a->first > b->first) - (a->first < b->first);
}

static int
by_first(const void *pa, const void *pb)
{
	const struct vrv_catalog_version *a = pa, *b = pb;

	return (a->first->order > b->first->order) -
	    (a->first->order < b->first->order);
}

/* The archives of a span belong to the version, too. */
static void
extend(struct vrv_catalog_version *v, const struct vrv_catalog_span *span)
{
	const struct vrv_catalog_archive *list = v->series->archives;
	size_t at, n;

	if (!vrv_catalog_held(v->series, span->first, span->last, &at, &n))
		return;
	v->archives += n;
	size_t step = v->series->in_order && n > 1 ? n - 1 : 1;
	for (size_t i = at; i < at + n; i += step) {
		if (v->first == NULL || list[i].order < v->first->order)
			v->first = &list[i];
		if (v->last == NULL || list[i].order > v->last->order)
			v->last = &list[i];
	}
}

static int
next_version(struct vrv_catalog_spans *s,
    const struct vrv_catalog_version *start, size_t *at, struct varve_err *err)
{
	struct vrv_text entry = s->items[*at].entry;

	if (vrv_room_for_one(&s->versions, s->n_versions, &s->versions_cap,
		sizeof(*s->versions)) != 0)
		return VRV_NOMEM(err, "versions");
	struct vrv_catalog_version *v = &s->versions[s->n_versions];
	*v = *start;
	v->entry = entry;
	while (*at < s->n && compare_entries(s->items[*at].entry, entry) == 0)
		extend(v, &s->items[(*at)++]);
	if (v->archives > 0)
		s->n_versions++;
	return 0;
}

int
vrv_catalog_spans_group(struct vrv_catalog_spans *s,
    const struct vrv_catalog_series *series, int64_t dir, struct vrv_text name,
    struct varve_err *err)
{
	const struct vrv_catalog_version start = {.series = series,
	    .dir = dir,
	    .name = name};
	int rc = 0;

	s->n_versions = 0;
	if (s->n > 1)
		qsort(s->items, s->n, sizeof(*s->items), by_entry);
	for (size_t at = 0; rc == 0 && at < s->n;)
		rc = next_version(s, &start, &at, err);
	if (rc == 0 && s->n_versions > 1)
		qsort(s->versions, s->n_versions, sizeof(*s->versions),
		    by_first);
	return rc;
}
