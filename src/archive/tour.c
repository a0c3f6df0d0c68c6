/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/tour.h"

#include <string.h>

#include "archive/bounds.h"
#include "archive/treepath.h"
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
	struct level *levels;
	size_t n, cap;
	struct vrv_buf path;
};

static int
damaged(struct touring *t, struct varve_err *err)
{
	if (vrv_err_is_fatal(err))
		return err->code;
	(void)!vrv_bounds_failure(&t->bounds, err);
	for (size_t i = 0; i < t->n; i++)
		t->levels[i].bad = true;
	int rc =
	    t->tour->damaged(t->tour->arg, vrv_treepath_text(&t->path), err);
	vrv_err_clear(err);
	return rc;
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

static void
leave(struct touring *t)
{
	struct level *level = &t->levels[--t->n];

	vrv_tree_iter_free(level->iter);
	t->tour->left(t->tour->arg, &level->ref, level->bad);
	if (t->n > 0 && level->bad)
		t->levels[t->n - 1].bad = true;
	vrv_treepath_cut(&t->path, t->n > 0 ? t->levels[t->n - 1].path_n : 0);
}

static int
visit(struct touring *t, const struct vrv_entry *entry, struct varve_err *err)
{
	bool bad = false;

	int rc = vrv_bounds_entry(&t->bounds, err);
	if (rc != 0)
		return damaged(t, err);
	rc = t->tour->entry(t->tour->arg, vrv_treepath_text(&t->path), entry,
	    &bad, err);
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
	int rc = vrv_treepath_set(&t->path, 0, (const uint8_t *)path,
	    strlen(path), err);

	if (rc == 0)
		rc = enter(t, root, err);
	while (rc == 0 && t->n > 0) {
		const struct level *level = &t->levels[t->n - 1];
		struct vrv_entry entry;
		if (!t->bounds.ended)
			rc = vrv_tree_iter_next(level->iter, &entry, NULL, err);
		if (t->bounds.ended || rc == VARVE_NOENT) {
			leave(t);
			rc = 0;
			continue;
		}
		if (rc == 0)
			rc = vrv_treepath_set(&t->path, level->path_n,
			    entry.name, entry.name_n, err);
		if (rc == 0) {
			rc = visit(t, &entry, err);
		} else {
			vrv_treepath_cut(&t->path, level->path_n);
			rc = damaged(t, err);
		}
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
