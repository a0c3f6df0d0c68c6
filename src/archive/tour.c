/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/tour.h"

#include <string.h>

#include "archive/bounds.h"
#include "os/meta.h"
#include "util/mem.h"

struct level {
	struct vrv_tree_iter *iter;
	struct vrv_ref ref;
	size_t path_n;
	bool bad;
};

struct touring {
	const struct vrv_tour *tour;
	struct vrv_bounds bounds;
	bool ended; /* it has more than it states */
	struct level *levels;
	size_t n, cap;
	struct vrv_buf path;
};

/* The path at hand is cut to `keep` bytes and continued with a name. */
static int
set_path(struct touring *t, size_t keep, const uint8_t *name, size_t n,
    struct varve_err *err)
{
	if (keep + n + 2 > VRV_WALK_PATH_MAX)
		return vrv_fail(err, VARVE_LIMIT, "path beyond %zu bytes",
		    VRV_WALK_PATH_MAX);
	t->path.len = keep;
	if (keep > 0 && n > 0)
		vrv_buf_u8(&t->path, '/');
	vrv_buf_bytes(&t->path, name, n);
	vrv_buf_u8(&t->path, '\0');
	int rc = vrv_buf_check(&t->path, err);
	if (rc == 0)
		t->path.len--;
	return rc;
}

static const char *
path_of(const struct touring *t)
{
	return t->path.len == 0 ? "." : (const char *)t->path.data;
}

static int
damaged(struct touring *t, struct varve_err *err)
{
	struct varve_err more;

	if (vrv_err_is_fatal(err))
		return err->code;
	if (!t->ended && vrv_bounds_failure(&t->bounds, &more) != 0) {
		t->ended = true;
		*err = more;
	}
	for (size_t i = 0; i < t->n; i++)
		t->levels[i].bad = true;
	int rc = t->tour->damaged(t->tour->arg, path_of(t), err);
	vrv_err_clear(err);
	return rc;
}

/* Something of the directory that `path_n` bytes of the path name. */
static int
damaged_at(struct touring *t, size_t path_n, struct varve_err *err)
{
	struct varve_err none;

	int rc = set_path(t, path_n, NULL, 0, &none);
	return rc == 0 ? damaged(t, err) : rc;
}

static int
enter(struct touring *t, const struct vrv_ref *ref, struct varve_err *err)
{
	struct vrv_tree_iter *iter;

	if (!t->tour->enter(t->tour->arg, ref))
		return 0;
	if (vrv_room_for_one(&t->levels, t->n, &t->cap, sizeof(*t->levels)) !=
	    0)
		return VRV_NOMEM(err, "a tour");
	int rc = vrv_tree_iter_new(&t->tour->source, ref, &iter, err);
	if (rc == 0)
		vrv_tree_iter_on_meta(iter, t->tour->seen, t->tour->seen_arg);
	if (rc != 0) {
		rc = damaged(t, err);
		t->tour->left(t->tour->arg, ref, true);
		return rc;
	}
	t->levels[t->n++] = (struct level){iter, *ref, t->path.len, false};
	if (t->n > VRV_LEVELS_HELD)
		vrv_tree_iter_rest(t->levels[t->n - 1 - VRV_LEVELS_HELD].iter);
	return 0;
}

static int
leave(struct touring *t, struct varve_err *err)
{
	struct level *level = &t->levels[--t->n];

	vrv_tree_iter_free(level->iter);
	t->tour->left(t->tour->arg, &level->ref, level->bad);
	if (t->n > 0 && level->bad)
		t->levels[t->n - 1].bad = true;
	return set_path(t, t->n > 0 ? t->levels[t->n - 1].path_n : 0, NULL, 0,
	    err);
}

static int
visit(struct touring *t, const struct vrv_entry *entry, struct varve_err *err)
{
	bool bad = false;

	int rc = vrv_bounds_entry(&t->bounds, err);
	if (rc != 0) {
		t->ended = true;
		return damaged(t, err);
	}
	rc = t->tour->entry(t->tour->arg, path_of(t), entry, &bad, err);
	if (bad)
		t->levels[t->n - 1].bad = true;
	if (rc == 0 && entry->kind == VRV_DIR)
		rc = enter(t, &entry->dir, err);
	return rc;
}

static int
run(struct touring *t, const struct vrv_ref *root, const char *path,
    struct varve_err *err)
{
	int rc = set_path(t, 0, (const uint8_t *)path, strlen(path), err);

	if (rc == 0)
		rc = enter(t, root, err);
	while (rc == 0 && t->n > 0) {
		struct level *level = &t->levels[t->n - 1];
		struct vrv_entry entry;
		if (!t->ended)
			rc = vrv_tree_iter_next(level->iter, &entry, NULL, err);
		if (t->ended || rc == VARVE_NOENT) {
			rc = leave(t, err);
			continue;
		}
		if (rc == 0)
			rc = set_path(t, level->path_n, entry.name,
			    entry.name_n, err);
		if (rc == 0)
			rc = visit(t, &entry, err);
		else
			rc = damaged_at(t, level->path_n, err);
	}
	return rc;
}

int
vrv_tour_below(const struct vrv_tour *tour, const struct vrv_archive *archive,
    const struct vrv_ref *ref, const char *path, struct varve_err *err)
{
	struct touring t = {.tour = tour};

	vrv_bounds_init(&t.bounds, archive);
	int rc = run(&t, ref, path, err);
	while (t.n > 0)
		vrv_tree_iter_free(t.levels[--t.n].iter);
	free(t.levels);
	vrv_buf_fini(&t.path);
	return rc;
}

int
vrv_tour_run(const struct vrv_tour *tour, const struct vrv_archive *archive,
    struct varve_err *err)
{
	return vrv_tour_below(tour, archive, &archive->sealed.root, "", err);
}

/* --- the set --- */

bool
vrv_seen_has(const struct vrv_map *set, const struct vrv_ref *ref)
{
	return vrv_map_get(set, ref->id) != NULL;
}

void
vrv_seen_add(struct vrv_map *set, const struct vrv_ref *ref)
{
	/* Without room the directory is read once more, that is all. */
	if (vrv_map_count(set) < VRV_SEEN_MAX)
		(void)!vrv_map_put(set, ref->id, NULL);
}
