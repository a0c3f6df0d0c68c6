/* SPDX-License-Identifier: BSD-2-Clause */
#include "archive/trees.h"

#include <stdlib.h>
#include <string.h>

#include <varve/archive.h>
#include <varve/event.h>

#include "archive/archive.h"
#include "archive/bounds.h"
#include "archive/treepath.h"
#include "util/mem.h"

/* A directory on the way down. */
struct step {
	struct vrv_tree_iter *iter;
	struct vrv_entry entry; /* in the chunk that the step above holds */
	size_t path_n;		/* of the directory */
	bool told;
};

struct walk {
	const struct vrv_walk *w;
	struct vrv_bounds bounds;
	struct vrv_buf path; /* of what is at hand, with a NUL behind it */
	struct step *steps;
	size_t n, cap;
};

static int
tell(struct walk *k, const struct vrv_entry *entry, bool leaving,
    struct varve_err *err)
{
	bool root = k->path.len == 0;
	struct vrv_walk_item item = {
	    .path = vrv_treepath_text(&k->path),
	    .path_n = root ? 1 : k->path.len,
	    .depth = root ? 0 : (unsigned)k->n - (leaving ? 1 : 0),
	    .entry = entry,
	    .leaving = leaving,
	};

	return k->w->fn(k->w->arg, &item, err);
}

/* Something of the directory `path_n` bytes of the path name is unreadable. */
static int
damaged(struct walk *k, size_t path_n, int rc, struct varve_err *err)
{
	if (k->w->damaged == NULL || vrv_err_is_fatal(err))
		return rc;
	(void)!vrv_bounds_failure(&k->bounds, err);
	vrv_treepath_cut(&k->path, path_n);
	return k->w->damaged(k->w->arg, vrv_treepath_text(&k->path), err);
}

static unsigned
wanted(struct walk *k, const struct vrv_entry *entry)
{
	bool is_dir = entry->kind == VARVE_DIR;

	if (k->w->match == NULL || (entry->flags & VRV_ENTRY_WAY) != 0)
		return VARVE_MATCH_INCLUDE | VARVE_MATCH_RECURSE;
	return k->w->match(k->w->match_arg, vrv_treepath_text(&k->path),
	    is_dir);
}

/* Go into the directory that the path names. */
static int
enter(struct walk *k, const struct vrv_entry *entry, const struct vrv_ref *ref,
    bool told, struct varve_err *err)
{
	struct vrv_tree_iter *iter;

	if (vrv_room_for_one(&k->steps, k->n, &k->cap, sizeof(*k->steps)) != 0)
		return VRV_NOMEM(err, "a walk");
	int rc = vrv_tree_iter_new(&k->w->source, ref, &iter, err);
	if (rc != 0)
		return damaged(k, k->path.len, rc, err);
	vrv_tree_iter_on_meta(iter, k->w->seen, k->w->seen_arg);
	k->steps[k->n++] = (struct step){
	    .iter = iter,
	    .entry = *entry,
	    .path_n = k->path.len,
	    .told = told,
	};
	if (k->n > VRV_LEVELS_HELD)
		vrv_tree_iter_rest(k->steps[k->n - 1 - VRV_LEVELS_HELD].iter);
	return 0;
}

static int
leave(struct walk *k, struct varve_err *err)
{
	struct step *step = &k->steps[k->n - 1];
	bool telling = k->w->want_leaving && step->told;
	int rc = 0;

	vrv_treepath_cut(&k->path, step->path_n);
	/* The step above may have let go of the chunk that the entry is in. */
	if (telling && k->n > 1)
		rc = vrv_tree_iter_again(k->steps[k->n - 2].iter, &step->entry,
		    err);
	if (rc != 0)
		rc = damaged(k, step->path_n, rc, err);
	else if (telling)
		rc = tell(k, &step->entry, true, err);
	vrv_tree_iter_free(step->iter);
	k->n--;
	return rc;
}

static int
visit(struct walk *k, const struct vrv_entry *entry, struct varve_err *err)
{
	unsigned want = wanted(k, entry);
	bool told = (want & VARVE_MATCH_INCLUDE) != 0;

	int rc = vrv_bounds_entry(&k->bounds, err);
	if (rc != 0)
		return damaged(k, k->steps[k->n - 1].path_n, rc, err);
	if (told)
		rc = tell(k, entry, false, err);
	if (rc != 0)
		return rc;
	if (entry->kind == VARVE_DIR && (want & VARVE_MATCH_RECURSE) != 0)
		return enter(k, entry, &entry->dir, told, err);
	return 0;
}

static int
walk_below(struct walk *k, struct varve_err *err)
{
	struct vrv_entry entry;
	int rc = 0;

	while (rc == 0 && k->n > 0) {
		struct step *step = &k->steps[k->n - 1];
		size_t path_n = step->path_n;
		if (!k->bounds.ended)
			rc = vrv_tree_iter_next(step->iter, &entry, NULL, err);
		if (k->bounds.ended || rc == VARVE_NOENT) {
			rc = leave(k, err);
			continue;
		}
		if (rc == 0)
			rc = vrv_treepath_set(&k->path, path_n, entry.name,
			    entry.name_n, err);
		if (rc != 0)
			rc = damaged(k, path_n, rc, err);
		else
			rc = visit(k, &entry, err);
	}
	return rc;
}

int
vrv_archive_root_entry(const struct vrv_archive *archive, struct vrv_entry *ret,
    bool *ret_has, struct varve_err *err)
{
	const struct vrv_archive_sealed *a = &archive->sealed;

	*ret_has = a->root_entry.n > 0;
	if (!*ret_has)
		return 0;
	int rc = vrv_root_entry_get(a->root_entry.p, a->root_entry.n, ret, err);
	if (rc == 0 &&
	    (memcmp(ret->dir.id, a->root.id, VRV_CHUNK_ID) != 0 ||
		ret->dir.depth != a->root.depth))
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "entry of the root names another tree");
	return rc;
}

static int
walk_root(struct walk *k, const struct vrv_archive *archive,
    struct varve_err *err)
{
	struct vrv_entry entry = {0};
	bool has, told = false;

	int rc = vrv_archive_root_entry(archive, &entry, &has, err);
	told = rc == 0 && has && (wanted(k, &entry) & VARVE_MATCH_INCLUDE);
	if (rc != 0)
		rc = damaged(k, 0, rc, err);
	else if (told)
		rc = tell(k, &entry, false, err);
	if (rc == 0)
		rc = enter(k, &entry, &archive->sealed.root, told, err);
	return rc == 0 ? walk_below(k, err) : rc;
}

int
vrv_walk_archive(const struct vrv_walk *w, const struct vrv_archive *archive,
    struct varve_err *err)
{
	struct walk k = {.w = w};

	vrv_bounds_init(&k.bounds, archive);
	int rc = vrv_treepath_set(&k.path, 0, NULL, 0, err);
	if (rc == 0)
		rc = walk_root(&k, archive, err);
	while (k.n > 0)
		vrv_tree_iter_free(k.steps[--k.n].iter);
	free(k.steps);
	vrv_buf_fini(&k.path);
	return rc;
}
