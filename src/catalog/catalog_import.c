/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "archive/bounds.h"
#include "catalog/catalog_internal.h"
#include "os/meta.h"
#include "util/mem.h"

#define BATCH 4096
#define TICK_ENTRIES 256

/* A directory that has still to be compared. */
struct todo {
	int64_t parent;
	size_t name_at, name_n; /* in `names` */
	struct vrv_ref ref;
	bool fresh; /* its parent had never been there */
};

/* Those of one directory. */
struct level {
	size_t at, end; /* in `todo` */
	size_t names_n; /* before its own */
};

struct row {
	struct vrv_text name, entry;
};

struct import {
	struct vrv_catalog_import *im;
	struct vrv_bounds bounds;
	int64_t series;
	struct todo *todo;
	size_t n_todo, todo_cap;
	struct level *levels;
	size_t n_levels, levels_cap;
	struct vrv_buf names, encoded;
	/* The directory at hand, and rows of it that were read. */
	int64_t dir;
	bool fresh;
	struct vrv_tree_iter *it;
	struct vrv_arena arena;
	struct row rows[BATCH];
	size_t n_rows, at_row;
	bool no_more;
	struct vrv_buf last; /* the name of the last row that was read */
	struct vrv_entry entry;
	struct vrv_text raw;
	bool has_entry;
};

uint8_t
vrv_catalog_kind(struct vrv_text entry)
{
	struct vrv_rd rd = vrv_rd_over(entry.p, entry.n);

	(void)vrv_rd_v(&rd);
	return vrv_rd_u8(&rd);
}

static int
stmt_of(struct import *k, enum vrv_catalog_sql which, struct vrv_stmt **ret,
    struct varve_err *err)
{
	return vrv_catalog_stmt(k->im->c, which, ret, err);
}

/* --- rows --- */

static int
add_row(struct import *k, int64_t dir, struct vrv_text name,
    struct vrv_text entry, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = stmt_of(k, VRV_SQL_LIVE_ADD, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, dir);
	vrv_bind_blob(stmt, 2, name.p, name.n);
	vrv_bind_i64(stmt, 3, k->im->seq);
	vrv_bind_blob(stmt, 4, entry.p, entry.n);
	return vrv_stmt_run(stmt, err);
}

/* What the row said ends with the archive before this one. */
static int
close_row(struct import *k, int64_t dir, struct vrv_text name,
    struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = stmt_of(k, VRV_SQL_LIVE_TO_PAST, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, k->im->seq - 1);
	vrv_bind_i64(stmt, 2, dir);
	vrv_bind_blob(stmt, 3, name.p, name.n);
	return vrv_stmt_run(stmt, err);
}

static int
change_row(struct import *k, int64_t dir, struct vrv_text name,
    struct vrv_text entry, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = close_row(k, dir, name, err);
	if (rc == 0)
		rc = stmt_of(k, VRV_SQL_LIVE_SET, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, k->im->seq);
	vrv_bind_blob(stmt, 2, entry.p, entry.n);
	vrv_bind_i64(stmt, 3, dir);
	vrv_bind_blob(stmt, 4, name.p, name.n);
	return vrv_stmt_run(stmt, err);
}

static int
drop_row(struct import *k, int64_t dir, struct vrv_text name,
    struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = close_row(k, dir, name, err);
	if (rc == 0)
		rc = stmt_of(k, VRV_SQL_LIVE_DROP, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, dir);
	vrv_bind_blob(stmt, 2, name.p, name.n);
	return vrv_stmt_run(stmt, err);
}

/* --- directories --- */

/* NOENT if it never was one. *ret_has: the archive before had it, and what
 * was its Ref. */
static int
find_dir(struct import *k, int64_t parent, struct vrv_text name,
    int64_t *ret_id, bool *ret_has, struct vrv_ref *ret, struct varve_err *err)
{
	struct vrv_stmt *stmt;
	size_t n;

	int rc = stmt_of(k, VRV_SQL_DIR_BY_NAME, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, parent);
	vrv_bind_blob(stmt, 2, name.p, name.n);
	rc = vrv_stmt_step(stmt, err);
	if (rc != 0)
		return rc;
	*ret_id = vrv_col_i64(stmt, 0);
	*ret_has = !vrv_col_is_null(stmt, 1);
	const uint8_t *tree = vrv_col_blob(stmt, 1, &n);
	struct vrv_rd rd = vrv_rd_over(tree, n);
	if (*ret_has) {
		vrv_ref_get(&rd, ret);
		if (!vrv_rd_done(&rd))
			rc = vrv_catalog_contradicts(k->im->c, "a directory",
			    err);
	}
	vrv_stmt_reset(stmt);
	return rc;
}

/* `ref` NULL: it is gone. */
static int
set_tree(struct import *k, int64_t dir, const struct vrv_ref *ref,
    struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf tree = {0};
	struct vrv_stmt *stmt;

	int rc = stmt_of(k, VRV_SQL_DIR_TREE, &stmt, err);
	if (rc != 0)
		return rc;
	if (ref == NULL) {
		vrv_bind_null(stmt, 1);
	} else {
		vrv_ref_put(&tree, ref);
		rc = vrv_buf_check(&tree, err);
		vrv_bind_blob(stmt, 1, tree.data, tree.len);
	}
	vrv_bind_i64(stmt, 2, dir);
	return rc == 0 ? vrv_stmt_run(stmt, err) : rc;
}

static int
add_dir(struct import *k, int64_t parent, struct vrv_text name,
    const struct vrv_ref *ref, int64_t *ret_id, struct varve_err *err)
{
	vrv_auto_buf struct vrv_buf tree = {0};
	struct vrv_stmt *stmt;

	int rc = stmt_of(k, VRV_SQL_DIR_ADD, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_ref_put(&tree, ref);
	rc = vrv_buf_check(&tree, err);
	vrv_bind_i64(stmt, 1, k->series);
	vrv_bind_i64(stmt, 2, parent);
	vrv_bind_blob(stmt, 3, name.p, name.n);
	vrv_bind_blob(stmt, 4, tree.data, tree.len);
	if (rc == 0)
		rc = vrv_stmt_run(stmt, err);
	if (rc == 0)
		*ret_id = vrv_db_last_rowid(k->im->c->db);
	return rc;
}

static int
close_rows(struct import *k, int64_t dir, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = stmt_of(k, VRV_SQL_DIR_TO_PAST, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, k->im->seq - 1);
	vrv_bind_i64(stmt, 2, dir);
	rc = vrv_stmt_run(stmt, err);
	if (rc == 0)
		rc = stmt_of(k, VRV_SQL_DIR_EMPTY, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, dir);
	rc = vrv_stmt_run(stmt, err);
	return rc == 0 ? set_tree(k, dir, NULL, err) : rc;
}

/* Append the directories in `dir` that the archive before had. */
static int
list_below(struct import *k, int64_t dir, int64_t **ids, size_t *n, size_t *cap,
    struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = stmt_of(k, VRV_SQL_DIR_BELOW, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, dir);
	while ((rc = vrv_stmt_step(stmt, err)) == 0) {
		if (vrv_room_for_one(ids, *n, cap, sizeof(**ids)) != 0)
			return VRV_NOMEM(err, "the catalog");
		(*ids)[(*n)++] = vrv_col_i64(stmt, 0);
	}
	return rc == VARVE_NOENT ? 0 : rc;
}

/* The name is no directory any more: all below it is gone. */
static int
close_dir(struct import *k, int64_t parent, struct vrv_text name,
    struct varve_err *err)
{
	vrv_auto_free int64_t *ids = NULL;
	size_t n = 0, cap = 0;
	struct vrv_ref unused;
	int64_t dir;
	bool has;

	int rc = find_dir(k, parent, name, &dir, &has, &unused, err);
	if (rc == VARVE_NOENT || (rc == 0 && !has))
		return vrv_catalog_contradicts(k->im->c,
		    "a directory that is nowhere", err);
	if (rc == 0 && vrv_room_for_one(&ids, n, &cap, sizeof(*ids)) != 0)
		rc = VRV_NOMEM(err, "the catalog");
	if (rc == 0)
		ids[n++] = dir;
	while (rc == 0 && n > 0) {
		dir = ids[--n];
		rc = list_below(k, dir, &ids, &n, &cap, err);
		if (rc == 0)
			rc = close_rows(k, dir, err);
	}
	return rc;
}

/* --- comparing a directory --- */

/* The next rows of the directory at hand. */
static int
read_rows(struct import *k, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	vrv_arena_fini(&k->arena);
	k->n_rows = k->at_row = 0;
	int rc = stmt_of(k, VRV_SQL_LIVE_BATCH, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, k->dir);
	vrv_bind_blob(stmt, 2, k->last.data, k->last.len);
	vrv_bind_i64(stmt, 3, BATCH);
	while ((rc = vrv_stmt_step(stmt, err)) == 0) {
		struct row *row = &k->rows[k->n_rows++];
		const uint8_t *name = vrv_col_blob(stmt, 0, &row->name.n);
		const uint8_t *entry = vrv_col_blob(stmt, 1, &row->entry.n);

		row->name.p = vrv_arena_dup(&k->arena, name, row->name.n);
		row->entry.p = vrv_arena_dup(&k->arena, entry, row->entry.n);
		if (row->name.p == NULL || row->entry.p == NULL)
			return VRV_NOMEM(err, "the catalog");
	}
	if (rc != VARVE_NOENT)
		return rc;
	k->no_more = k->n_rows < BATCH;
	if (k->n_rows > 0) {
		const struct row *row = &k->rows[k->n_rows - 1];
		vrv_buf_clear(&k->last);
		vrv_buf_bytes(&k->last, row->name.p, row->name.n);
	}
	return vrv_buf_check(&k->last, err);
}

/* The row at hand; NULL when all were seen. */
static int
this_row(struct import *k, const struct row **ret, struct varve_err *err)
{
	int rc = 0;

	if (k->at_row == k->n_rows && !k->no_more)
		rc = read_rows(k, err);
	*ret = k->at_row < k->n_rows ? &k->rows[k->at_row] : NULL;
	return rc;
}

static int
next_entry(struct import *k, struct vrv_tree_iter *it, struct varve_err *err)
{
	int rc = vrv_tree_iter_next(it, &k->entry, &k->raw, err);

	if (rc == 0)
		rc = vrv_bounds_entry(&k->bounds, err);
	k->has_entry = rc == 0;
	if (rc == VARVE_NOENT)
		return 0;
	if (rc != 0) {
		k->im->unreadable = true;
		return rc;
	}
	if (k->im->entries++ % TICK_ENTRIES == 0)
		k->im->tick(k->im->tick_arg, k->im->entries);
	return 0;
}

/* As it is kept: the Ref of a directory is zero, or each change below would
 * make a new version of it. */
static int
stored_entry(struct import *k, const struct vrv_entry *e, struct vrv_text raw,
    struct vrv_text *ret, struct varve_err *err)
{
	struct vrv_entry plain = *e;

	*ret = raw;
	if (e->kind != VRV_DIR)
		return 0;
	plain.dir = (struct vrv_ref){0};
	vrv_buf_clear(&k->encoded);
	vrv_entry_put(&k->encoded, &plain);
	*ret = (struct vrv_text){k->encoded.data, k->encoded.len};
	return vrv_buf_check(&k->encoded, err);
}

static int
push_dir(struct import *k, struct varve_err *err)
{
	if (vrv_room_for_one(&k->todo, k->n_todo, &k->todo_cap,
		sizeof(*k->todo)) != 0)
		return VRV_NOMEM(err, "the catalog");
	k->todo[k->n_todo++] = (struct todo){.parent = k->dir,
	    .name_at = k->names.len,
	    .name_n = k->entry.name_n,
	    .ref = k->entry.dir,
	    .fresh = k->fresh};
	vrv_buf_bytes(&k->names, k->entry.name, k->entry.name_n);
	return vrv_buf_check(&k->names, err);
}

/* The entry at hand, and the row of the same name or NULL. */
static int
take_entry(struct import *k, const struct row *row, struct varve_err *err)
{
	struct vrv_text name = {k->entry.name, k->entry.name_n}, entry;
	bool is_dir = k->entry.kind == VRV_DIR;
	bool was_dir = row != NULL && vrv_catalog_kind(row->entry) == VRV_DIR;

	int rc = stored_entry(k, &k->entry, k->raw, &entry, err);
	if (rc == 0 && row == NULL)
		rc = add_row(k, k->dir, name, entry, err);
	else if (rc == 0 &&
	    (row->entry.n != entry.n ||
		memcmp(row->entry.p, entry.p, entry.n) != 0))
		rc = change_row(k, k->dir, name, entry, err);
	if (rc == 0 && was_dir && !is_dir)
		rc = close_dir(k, k->dir, name, err);
	return rc == 0 && is_dir ? push_dir(k, err) : rc;
}

static int
take_gone(struct import *k, const struct row *row, struct varve_err *err)
{
	int rc = drop_row(k, k->dir, row->name, err);

	if (rc == 0 && vrv_catalog_kind(row->entry) == VRV_DIR)
		rc = close_dir(k, k->dir, row->name, err);
	return rc;
}

/* The next entry of a directory without rows. */
static int
feed_entry(void *arg, struct vrv_feed_row *ret, struct varve_err *err)
{
	struct import *k = arg;
	struct vrv_text entry;

	int rc = next_entry(k, k->it, err);
	if (rc == 0 && !k->has_entry)
		return vrv_fail(err, VARVE_NOENT, "no further entry");
	if (rc == 0)
		rc = stored_entry(k, &k->entry, k->raw, &entry, err);
	if (rc == 0 && k->entry.kind == VRV_DIR)
		rc = push_dir(k, err);
	if (rc == 0)
		*ret = (struct vrv_feed_row){k->entry.name, entry.p,
		    k->entry.name_n, entry.n};
	return rc;
}

static int
append(struct import *k, struct varve_err *err)
{
	struct vrv_stmt *stmt;

	int rc = stmt_of(k, VRV_SQL_LIVE_FEED, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, k->dir);
	vrv_bind_i64(stmt, 2, k->im->seq);
	return vrv_stmt_feed(stmt, feed_entry, k, err);
}

/* Make the rows of the directory at hand those of a tree. Rows are read before
 * anything behind the last of them is added. */
static int
merge(struct import *k, struct varve_err *err)
{
	const struct row *row;

	int rc = next_entry(k, k->it, err);
	while (rc == 0) {
		int c = 0;

		rc = this_row(k, &row, err);
		if (rc != 0 || (row == NULL && !k->has_entry))
			return rc;
		if (row != NULL)
			c = k->has_entry ?
			    vrv_name_cmp(k->entry.name, k->entry.name_n,
				row->name.p, row->name.n) :
			    1;
		if (row == NULL || c < 0) {
			rc = take_entry(k, NULL, err);
		} else {
			rc = c == 0 ? take_entry(k, row, err) :
				      take_gone(k, row, err);
			k->at_row++;
		}
		if (rc == 0 && c <= 0)
			rc = next_entry(k, k->it, err);
	}
	return rc;
}

/* --- going through --- */

static int
compare_tree(struct import *k, const struct vrv_ref *ref, struct varve_err *err)
{
	size_t before = k->n_todo, names_n = k->names.len;

	int rc = vrv_tree_iter_new(k->im->trees, ref, &k->it, err);
	if (rc != 0)
		return rc;
	/* Without rows there is nothing to be read. */
	rc = k->no_more ? append(k, err) : merge(k, err);
	vrv_tree_iter_free(k->it);
	if (rc != 0 || k->n_todo == before)
		return rc;
	if (vrv_room_for_one(&k->levels, k->n_levels, &k->levels_cap,
		sizeof(*k->levels)) != 0)
		return VRV_NOMEM(err, "the catalog");
	k->levels[k->n_levels++] = (struct level){before, k->n_todo, names_n};
	return 0;
}

static int
take_dir(struct import *k, int64_t parent, struct vrv_text name,
    const struct vrv_ref *ref, bool fresh, struct varve_err *err)
{
	struct vrv_ref old;
	bool has = false;
	int rc = VARVE_NOENT;

	if (!fresh)
		rc = find_dir(k, parent, name, &k->dir, &has, &old, err);
	if (rc == 0 && has && old.depth == ref->depth &&
	    memcmp(old.id, ref->id, VRV_CHUNK_ID) == 0)
		return 0;
	k->fresh = rc == VARVE_NOENT;
	k->no_more = !has;
	k->n_rows = k->at_row = 0;
	vrv_buf_clear(&k->last);
	if (rc == 0)
		rc = set_tree(k, k->dir, ref, err);
	else if (rc == VARVE_NOENT)
		rc = add_dir(k, parent, name, ref, &k->dir, err);
	return rc == 0 ? compare_tree(k, ref, err) : rc;
}

static int
take_below(struct import *k, struct varve_err *err)
{
	int rc = 0;

	while (rc == 0 && k->n_levels > 0) {
		struct level *level = &k->levels[k->n_levels - 1];

		if (level->at == level->end) {
			k->names.len = level->names_n;
			/* What it pushed is all that there is behind it. */
			k->n_levels--;
			k->n_todo = k->n_levels == 0 ?
			    0 :
			    k->levels[k->n_levels - 1].end;
			continue;
		}
		struct todo todo = k->todo[level->at++];
		vrv_auto_free uint8_t *name =
		    vrv_dup(k->names.data + todo.name_at, todo.name_n);
		if (name == NULL)
			return VRV_NOMEM(err, "the catalog");
		rc = take_dir(k, todo.parent,
		    (struct vrv_text){name, todo.name_n}, &todo.ref, todo.fresh,
		    err);
	}
	return rc;
}

/* The entry of the source itself stands in directory 0. */
static int
take_root_entry(struct import *k, const struct vrv_archive *a,
    struct varve_err *err)
{
	struct vrv_text tag = {a->object.tag, VRV_TAG_SIZE};
	struct vrv_text entry = {0}, old = {0};
	vrv_auto_buf struct vrv_buf kept = {0};
	struct vrv_entry root;
	struct vrv_stmt *stmt;
	int rc = 0;

	if (a->sealed.root_entry.n > 0) {
		rc = vrv_root_entry_get(a->sealed.root_entry.p,
		    a->sealed.root_entry.n, &root, err);
		k->im->unreadable = rc != 0;
		if (rc == 0)
			rc = stored_entry(k, &root, a->sealed.root_entry,
			    &entry, err);
	}
	if (rc == 0)
		rc = stmt_of(k, VRV_SQL_LIVE_ONE, &stmt, err);
	if (rc != 0)
		return rc;
	vrv_bind_i64(stmt, 1, 0);
	vrv_bind_blob(stmt, 2, tag.p, tag.n);
	rc = vrv_stmt_step(stmt, err);
	if (rc != 0 && rc != VARVE_NOENT)
		return rc;
	bool had = rc == 0;
	if (had) {
		old.p = vrv_col_blob(stmt, 1, &old.n);
		vrv_buf_bytes(&kept, old.p, old.n);
	}
	vrv_stmt_reset(stmt);
	if (!had)
		return entry.n == 0 ? 0 : add_row(k, 0, tag, entry, err);
	if (entry.n == 0)
		return drop_row(k, 0, tag, err);
	if (kept.len == entry.n && memcmp(kept.data, entry.p, entry.n) == 0)
		return 0;
	return change_row(k, 0, tag, entry, err);
}

int
vrv_catalog_import(struct vrv_catalog_import *im, int64_t series,
    const struct vrv_archive *a, struct varve_err *err)
{
	struct import *k = calloc(1, sizeof(*k));

	if (k == NULL)
		return VRV_NOMEM(err, "the catalog");
	k->im = im;
	k->series = series;
	vrv_bounds_init(&k->bounds, a);
	int rc = take_root_entry(k, a, err);
	if (rc == 0)
		rc = take_dir(k, 0,
		    (struct vrv_text){a->object.tag, VRV_TAG_SIZE},
		    &a->sealed.root, false, err);
	if (rc == 0)
		rc = take_below(k, err);
	free(k->todo);
	free(k->levels);
	vrv_buf_fini(&k->names);
	vrv_buf_fini(&k->encoded);
	vrv_buf_fini(&k->last);
	vrv_arena_fini(&k->arena);
	free(k);
	return rc;
}
