/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog_internal.h"
#include "util/clock.h"
#include "util/mem.h"

/* Sweep when of so many archives that there were one is gone. */
#define SWEEP_SHARE 16

/* An archive is known by this: a later revision of it has another name. */
struct key {
	uint8_t logical[VRV_LOGICAL_ID];
	uint8_t root[VRV_CATALOG_REF];
};

struct known {
	int64_t series, seq;
	uint32_t revision;
	struct vrv_text name;
	bool seen, is_new;
};

struct update {
	struct vrv_catalog *c;
	const struct vrv_catalog_source *source;
	struct vrv_arena arena;
	struct vrv_map *known;	 /* struct key to struct known */
	struct vrv_map *covered; /* tags of the series that are catalogued */
	int64_t change; /* of the catalog, when it was last looked at */
	/* Archives with another name, and those that are not catalogued. */
	const struct vrv_archive **renamed, **missing;
	size_t n_renamed, renamed_cap, n_missing, missing_cap;
	size_t at; /* of the missing ones */
	uint64_t next_progress;
	struct vrv_catalog_change *ret;
};

static int
key_of(const struct vrv_archive *a, struct key *ret, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf root = {0};

	vrv_ref_put(&root, &a->sealed.root);
	int rc = vrv_buf_check(&root, err);
	if (rc != 0)
		return rc;
	memcpy(ret->logical, a->clear.logical, VRV_LOGICAL_ID);
	memcpy(ret->root, root.data, VRV_CATALOG_REF);
	return 0;
}

static bool
is_meant(const struct vrv_catalog_source *source, const uint8_t *tag)
{
	return source->tag == NULL ||
	    memcmp(source->tag, tag, VRV_TAG_SIZE) == 0;
}

/* --- what there is --- */

static int
add_known(struct update *u, struct vrv_stmt *stmt, struct varve_err *err)
{
	struct key key;
	size_t logical_n, root_n, tag_n, n;
	const uint8_t *logical = vrv_col_blob(stmt, 2, &logical_n);
	const uint8_t *root = vrv_col_blob(stmt, 4, &root_n);
	const uint8_t *tag = vrv_col_blob(stmt, 6, &tag_n);

	if (logical_n != VRV_LOGICAL_ID || root_n != VRV_CATALOG_REF ||
	    tag_n != VRV_TAG_SIZE)
		return vrv_catalog_contradicts(u->c, "an archive", err);
	if (vrv_map_put(u->covered, tag, NULL) == NULL)
		return VRV_NOMEM(err, "the catalog");
	if (!is_meant(u->source, tag))
		return 0;
	memcpy(key.logical, logical, VRV_LOGICAL_ID);
	memcpy(key.root, root, VRV_CATALOG_REF);
	struct known *known = vrv_map_put(u->known, &key, NULL);
	const uint8_t *name = vrv_col_blob(stmt, 5, &n);
	const uint8_t *copy = vrv_arena_dup(&u->arena, name, n);
	if (known == NULL || copy == NULL)
		return VRV_NOMEM(err, "the catalog");
	*known = (struct known){.series = vrv_col_i64(stmt, 0),
	    .seq = vrv_col_i64(stmt, 1),
	    .revision = (uint32_t)vrv_col_i64(stmt, 3),
	    .name = {copy, n}};
	return 0;
}

static int
read_known(struct update *u, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	u->change = u->c->change;
	int rc = vrv_catalog_stmt(u->c, VRV_SQL_ALL_ARCHIVES, &stmt, err);
	while (rc == 0 && (rc = vrv_stmt_step(stmt, err)) == 0)
		rc = add_known(u, stmt, err);
	return rc == VARVE_NOENT ? 0 : rc;
}

static bool
is_covered(struct update *u, const struct vrv_archive *a)
{
	if (vrv_map_get(u->covered, a->object.tag) != NULL)
		return true;
	return u->source->covers != NULL &&
	    u->source->covers(u->source->covers_arg, a);
}

static int
compare(struct update *u, const struct vrv_archive *a, struct varve_err *err)
{
	struct key key;

	if (!is_meant(u->source, a->object.tag))
		return 0;
	int rc = key_of(a, &key, err);
	if (rc != 0)
		return rc;
	struct known *known = vrv_map_get(u->known, &key);
	if (known == NULL) {
		if (!is_covered(u, a))
			return 0;
		if (vrv_room_for_one(&u->missing, u->n_missing, &u->missing_cap,
			sizeof(struct vrv_archive *)) != 0)
			return VRV_NOMEM(err, "the catalog");
		u->missing[u->n_missing++] = a;
		/* Of two objects in conflict one is enough. */
		known = vrv_map_put(u->known, &key, NULL);
		if (known == NULL)
			return VRV_NOMEM(err, "the catalog");
		known->seen = known->is_new = true;
		return 0;
	}
	if (known->is_new)
		return 0;
	known->seen = true;
	struct vrv_text name = a->sealed.name;
	if (known->revision == a->clear.revision &&
	    vrv_name_cmp(known->name.p, known->name.n, name.p, name.n) == 0)
		return 0;
	if (vrv_room_for_one(&u->renamed, u->n_renamed, &u->renamed_cap,
		sizeof(struct vrv_archive *)) != 0)
		return VRV_NOMEM(err, "the catalog");
	u->renamed[u->n_renamed++] = a;
	return 0;
}

/* --- transactions --- */

/* Another process may have done in the meantime what was found to be done. */
static int
begin(struct update *u, bool *ret_same, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = vrv_db_begin(u->c->db, err);
	if (rc == 0)
		rc = vrv_catalog_stmt(u->c, VRV_SQL_ABOUT, &stmt, err);
	if (rc == 0)
		rc = vrv_stmt_step(stmt, err);
	if (rc == VARVE_NOENT)
		rc = vrv_catalog_contradicts(u->c, "whose it is", err);
	if (rc != 0)
		return rc;
	*ret_same = vrv_col_i64(stmt, 1) == u->change;
	vrv_stmt_reset(stmt);
	return 0;
}

static int
commit(struct update *u, size_t gone, struct varve_err *err)
{
	struct vrv_time now = vrv_time_now();
	struct vrv_stmt *stmt;

	int rc = vrv_catalog_stmt(u->c, VRV_SQL_CHANGED, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, now.s);
	vrv_bind_i64(stmt, 2, now.ns);
	vrv_bind_i64(stmt, 3, (int64_t)gone);
	rc = vrv_stmt_run(stmt, err);
	if (rc == 0)
		rc = vrv_db_commit(u->c->db, err);
	if (rc == 0)
		u->change++;
	return rc;
}

static int
drop_archive(struct update *u, const struct known *known, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = vrv_catalog_stmt(u->c, VRV_SQL_ARCHIVE_DROP, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, known->series);
	vrv_bind_i64(stmt, 2, known->seq);
	return vrv_stmt_run(stmt, err);
}

static int
rename_archive(struct update *u, const struct vrv_archive *a,
    struct varve_err *err)
{
	struct vrv_stmt *stmt;
	struct key key;

	int rc = key_of(a, &key, err);
	if (rc == 0)
		rc = vrv_catalog_stmt(u->c, VRV_SQL_ARCHIVE_NAME, &stmt, err);
	if (rc != 0)
		return rc;
	const struct known *known = vrv_map_get(u->known, &key);
	vrv_bind_i64(stmt, 1, a->clear.revision);
	vrv_bind_blob(stmt, 2, a->sealed.name.p, a->sealed.name.n);
	vrv_bind_i64(stmt, 3, known->series);
	vrv_bind_i64(stmt, 4, known->seq);
	return vrv_stmt_run(stmt, err);
}

/* Were so many archives forgotten that what only they held is worth removing?
 */
static int
sweep_if_due(struct update *u, size_t gone, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = vrv_catalog_stmt(u->c, VRV_SQL_ROWS_LEFT, &stmt, err);
	if (rc == 0)
		rc = vrv_stmt_step(stmt, err);
	if (rc != 0)
		return rc;
	uint64_t all_gone = (uint64_t)vrv_col_i64(stmt, 0) + gone;
	uint64_t left = (uint64_t)vrv_col_i64(stmt, 1);
	vrv_stmt_reset(stmt);
	if (left > 0 && all_gone <= (left + all_gone) / SWEEP_SHARE)
		return 0;
	return vrv_catalog_sweep(u->c, err);
}

/* Forget archives that are gone, note new names: one transaction. A row that
 * another process has removed meanwhile needs no second time. */
static int
tidy(struct update *u, struct varve_err *err)
{
	const void *key;
	void *value;
	size_t gone = 0;
	bool same;
	int rc = 0;

	for (size_t at = 0; vrv_map_next(u->known, &at, &key, &value);)
		gone += !((struct known *)value)->seen;
	if (gone == 0 && u->n_renamed == 0)
		return 0;
	rc = begin(u, &same, err);
	for (size_t at = 0;
	     rc == 0 && vrv_map_next(u->known, &at, &key, &value);) {
		if (!((struct known *)value)->seen)
			rc = drop_archive(u, value, err);
	}
	for (size_t i = 0; rc == 0 && i < u->n_renamed; i++)
		rc = rename_archive(u, u->renamed[i], err);
	if (rc == 0 && gone > 0)
		rc = sweep_if_due(u, gone, err);
	if (rc == 0)
		rc = commit(u, gone, err);
	if (rc == 0)
		u->ret->removed += gone;
	return rc;
}

/* --- new archives --- */

/* The series and its next number; made if it is new. */
static int
find_series(struct update *u, const struct vrv_archive *a, int64_t *ret_id,
    int64_t *ret_seq, struct varve_err *err)
{
	const struct vrv_text host = a->sealed.host, label = a->sealed.series;
	struct vrv_stmt *stmt;

	int rc = vrv_catalog_stmt(u->c, VRV_SQL_SERIES_BY_TAG, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_blob(stmt, 1, a->object.tag, VRV_TAG_SIZE);
	rc = vrv_stmt_step(stmt, err);
	if (rc == 0) {
		*ret_id = vrv_col_i64(stmt, 0);
		*ret_seq = vrv_col_i64(stmt, 1);
		vrv_stmt_reset(stmt);
		return 0;
	}
	if (rc != VARVE_NOENT)
		return rc;
	rc = vrv_catalog_stmt(u->c, VRV_SQL_SERIES_ADD, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_blob(stmt, 1, a->object.tag, VRV_TAG_SIZE);
	vrv_bind_blob(stmt, 2, host.p, host.n);
	vrv_bind_blob(stmt, 3, label.p, label.n);
	rc = vrv_stmt_run(stmt, err);
	*ret_id = vrv_db_last_rowid(u->c->db);
	*ret_seq = 1;
	u->c->all_of_a_tree = true;
	return rc;
}

static int
add_archive(struct update *u, const struct vrv_archive *a,
    const struct key *key, int64_t series, int64_t seq, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = vrv_catalog_stmt(u->c, VRV_SQL_SERIES_NEXT, &stmt, err);
	if (rc == 0) {
		vrv_bind_i64(stmt, 1, series);
		rc = vrv_stmt_run(stmt, err);
	}
	if (rc == 0)
		rc = vrv_catalog_stmt(u->c, VRV_SQL_ARCHIVE_ADD, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, series);
	vrv_bind_i64(stmt, 2, seq);
	vrv_bind_blob(stmt, 3, key->logical, VRV_LOGICAL_ID);
	vrv_bind_i64(stmt, 4, a->clear.revision);
	vrv_bind_blob(stmt, 5, key->root, VRV_CATALOG_REF);
	vrv_bind_blob(stmt, 6, a->sealed.name.p, a->sealed.name.n);
	vrv_bind_i64(stmt, 7, a->sealed.nominal.s);
	vrv_bind_i64(stmt, 8, a->sealed.nominal.ns);
	return vrv_stmt_run(stmt, err);
}

/* Has another process catalogued it? */
static int
look_again(struct update *u, const struct key *key, int64_t series,
    bool *ret_there, struct varve_err *err)
{
	struct vrv_stmt *stmt;
	size_t n, root_n;

	int rc = vrv_catalog_stmt(u->c, VRV_SQL_ARCHIVES, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, series);
	*ret_there = false;
	while (!*ret_there && (rc = vrv_stmt_step(stmt, err)) == 0) {
		const uint8_t *logical = vrv_col_blob(stmt, 1, &n);
		const uint8_t *root = vrv_col_blob(stmt, 3, &root_n);

		*ret_there = n == VRV_LOGICAL_ID && root_n == VRV_CATALOG_REF &&
		    memcmp(logical, key->logical, n) == 0 &&
		    memcmp(root, key->root, root_n) == 0;
	}
	vrv_stmt_reset(stmt);
	return rc == VARVE_NOENT ? 0 : rc;
}

static void
tick(void *arg, uint64_t entries)
{
	struct update *u = arg;
	const struct vrv_catalog_source *s = u->source;

	if (s->progress == NULL || !vrv_tick_due(&u->next_progress))
		return;
	const struct vrv_text *name = &u->missing[u->at]->sealed.name;
	vrv_auto_free char *path = vrv_dup(name->p, name->n);
	const struct varve_progress progress = {
	    .files = u->ret->entries + entries,
	    .current = u->at,
	    .total = u->n_missing,
	};
	s->progress(s->progress_arg,
	    &(struct varve_event){
		.type = VARVE_EVENT_PROGRESS,
		.path = path,
		.progress = &progress,
	    });
}

static int
import(struct update *u, const struct vrv_archive *a, bool *ret_unreadable,
    struct varve_err *err)
{
	struct vrv_catalog_import im = {.c = u->c,
	    .trees = &u->source->trees,
	    .tick = tick,
	    .tick_arg = u};
	bool same, there = false;
	int64_t series;
	struct key key;

	int rc = key_of(a, &key, err);
	if (rc == 0)
		rc = begin(u, &same, err);
	if (rc == 0)
		rc = find_series(u, a, &series, &im.seq, err);
	if (rc == 0 && !same)
		rc = look_again(u, &key, series, &there, err);
	if (rc != 0 || there)
		return rc;
	rc = vrv_catalog_import(&im, series, a, err);
	*ret_unreadable = im.unreadable;
	if (rc == 0)
		rc = add_archive(u, a, &key, series, im.seq, err);
	if (rc == 0 && !same)
		u->change = INT64_MIN; /* look again each time */
	if (rc == 0)
		rc = commit(u, 0, err);
	if (rc == 0) {
		u->ret->archives++;
		u->ret->entries += im.entries;
	}
	return rc;
}

static int
import_all(struct update *u, struct varve_err *err)
{
	for (size_t i = 0; i < u->n_missing; i++) {
		bool unreadable = false;

		if (u->source->enough != NULL &&
		    u->source->enough(u->source->enough_arg))
			return 0;
		u->at = i;
		int rc = import(u, u->missing[i], &unreadable, err);

		u->c->foreign = unreadable;
		rc = vrv_catalog_end(u->c, rc);
		if (rc == 0)
			continue;
		if (!unreadable || vrv_err_is_fatal(err))
			return rc;
		u->ret->failed++;
		if (u->source->failed != NULL)
			u->source->failed(u->source->failed_arg, u->missing[i],
			    err);
	}
	return 0;
}

static int
run(struct update *u, const struct vrv_archive *const *archives, size_t n,
    struct varve_err *err)
{
	int rc = vrv_catalog_begin(u->c, err);

	if (rc == 0)
		rc = read_known(u, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = compare(u, archives[i], err);
	rc = vrv_catalog_end(u->c, rc);
	if (rc == 0)
		rc = vrv_catalog_end(u->c, tidy(u, err));
	return rc == 0 ? import_all(u, err) : rc;
}

int
vrv_catalog_update(struct vrv_catalog *c,
    const struct vrv_archive *const *archives, size_t n,
    const struct vrv_catalog_source *source, struct vrv_catalog_change *ret,
    struct varve_err *err)
{
	struct update u = {.c = c,
	    .source = source,
	    .known = vrv_map_new(sizeof(struct key), sizeof(struct known)),
	    .covered = vrv_map_new(VRV_TAG_SIZE, 0),
	    .ret = ret};
	int rc = 0;

	*ret = (struct vrv_catalog_change){0};
	if (u.known == NULL || u.covered == NULL)
		rc = VRV_NOMEM(err, "the catalog");
	if (rc == 0)
		rc = run(&u, archives, n, err);
	vrv_map_free(u.known);
	vrv_map_free(u.covered);
	vrv_arena_fini(&u.arena);
	free(u.renamed);
	free(u.missing);
	return rc;
}
