/* SPDX-License-Identifier: BSD-2-Clause */
#include "diff/diff.h"

#include <stdlib.h>
#include <string.h>

#include "archive/bounds.h"
#include "archive/treepath.h"
#include "diff/diff_entry.h"
#include "util/mem.h"

#define READER_CACHE ((size_t)32 << 20)

/* A directory of one side: its next entry, if there is one. */
struct side {
	struct vrv_tree_iter *iter; /* NULL: not on this side, or at its end */
	struct vrv_entry entry;
	bool taken; /* the entry was told: the next one is to be read */
	struct vrv_bounds *bounds; /* of the side's archive */
};

/* A directory that at least one side has. */
struct step {
	struct side old, new;
	size_t path_n;
};

struct diff {
	struct vrv_compare compare;
	vrv_difference_fn *fn;
	void *arg;
	struct vrv_bounds old_bounds, new_bounds;
	struct vrv_buf path; /* with a NUL behind it */
	struct step *steps;
	size_t n, cap;
};

/* --- one item --- */

static bool
is_dir(const struct vrv_entry *entry)
{
	return entry != NULL && entry->kind == VARVE_DIR;
}

static bool
is_way(const struct vrv_entry *entry)
{
	return entry != NULL && (entry->flags & VRV_ENTRY_WAY) != 0;
}

static unsigned
wanted(const struct diff *d, const struct vrv_entry *old,
    const struct vrv_entry *new)
{
	const struct varve_diff_options *options = d->compare.options;

	if (options->match == NULL || is_way(old) || is_way(new))
		return VARVE_MATCH_INCLUDE | VARVE_MATCH_RECURSE;
	return options->match(options->match_arg, vrv_treepath_text(&d->path),
	    is_dir(old) || is_dir(new));
}

static int
tell(struct diff *d, const struct vrv_entry *old, const struct vrv_entry *new,
    struct varve_err *err)
{
	struct vrv_difference what = {
	    .path = vrv_treepath_text(&d->path),
	    .old = old,
	    .new = new,
	};

	int rc = vrv_compare_entries(&d->compare, &what, err);
	if (rc != 0)
		return vrv_ctx(err, "%s", what.path);
	return what.changes == 0 ? 0 : d->fn(d->arg, &what, err);
}

static bool
same_ref(const struct vrv_ref *a, const struct vrv_ref *b)
{
	return a->depth == b->depth && memcmp(a->id, b->id, VRV_CHUNK_ID) == 0;
}

static int
open_side(const struct diff *d, const struct vrv_ref *ref, struct side *side,
    struct varve_err *err)
{
	if (ref == NULL)
		return 0;
	side->taken = true;
	return vrv_tree_iter_new(d->compare.source, ref, &side->iter, err);
}

/* Go into the directory that the path names; NULL: not on this side. */
static int
enter(struct diff *d, const struct vrv_ref *old, const struct vrv_ref *new,
    struct varve_err *err)
{
	if (old != NULL && new != NULL && same_ref(old, new))
		return 0;
	if (vrv_room_for_one(&d->steps, d->n, &d->cap, sizeof(*d->steps)) != 0)
		return VRV_NOMEM(err, "a comparison");
	struct step *step = &d->steps[d->n++];
	if (d->n > VRV_LEVELS_HELD) {
		struct step *above = &d->steps[d->n - 1 - VRV_LEVELS_HELD];
		if (above->old.iter != NULL)
			vrv_tree_iter_rest(above->old.iter);
		if (above->new.iter != NULL)
			vrv_tree_iter_rest(above->new.iter);
	}
	*step = (struct step){
	    .old.bounds = &d->old_bounds,
	    .new.bounds = &d->new_bounds,
	    .path_n = d->path.len,
	};
	int rc = open_side(d, old, &step->old, err);
	if (rc == 0)
		rc = open_side(d, new, &step->new, err);
	return rc;
}

static int
visit(struct diff *d, const struct vrv_entry *old, const struct vrv_entry *new,
    struct varve_err *err)
{
	unsigned want = wanted(d, old, new);
	int rc = 0;

	if ((want & VARVE_MATCH_INCLUDE) != 0)
		rc = tell(d, old, new, err);
	if (rc != 0 || (want & VARVE_MATCH_RECURSE) == 0 ||
	    (!is_dir(old) && !is_dir(new)))
		return rc;
	return enter(d, is_dir(old) ? &old->dir : NULL,
	    is_dir(new) ? &new->dir : NULL, err);
}

/* --- side by side --- */

static int
advance(const struct diff *d, struct side *side, struct varve_err *err)
{
	if (side->iter == NULL)
		return 0;
	/* It may have let go of the chunk that the entry is in. */
	if (!side->taken) {
		int again = vrv_tree_iter_again(side->iter, &side->entry, err);
		return again == 0 ?
		    0 :
		    vrv_ctx(err, "%s", vrv_treepath_text(&d->path));
	}
	int rc = vrv_tree_iter_next(side->iter, &side->entry, NULL, err);
	if (rc == VARVE_NOENT) {
		vrv_tree_iter_free(vrv_steal(&side->iter));
		rc = 0;
	} else if (rc == 0) {
		rc = vrv_bounds_entry(side->bounds, err);
	}
	if (rc != 0)
		return vrv_ctx(err, "%s", vrv_treepath_text(&d->path));
	side->taken = false;
	return 0;
}

static void
leave(struct diff *d)
{
	struct step *step = &d->steps[--d->n];

	vrv_tree_iter_free(step->old.iter);
	vrv_tree_iter_free(step->new.iter);
}

/* Take the first name of both sides: copies of its entries, since visiting
 * may move the steps. False at the end of both. */
static bool
take_first(struct step *step, struct vrv_entry *old, bool *ret_old,
    struct vrv_entry *new, bool *ret_new)
{
	bool has_old = step->old.iter != NULL, has_new = step->new.iter != NULL;

	if (has_old && has_new) {
		int order =
		    vrv_name_cmp(step->old.entry.name, step->old.entry.name_n,
			step->new.entry.name, step->new.entry.name_n);
		has_old = order <= 0;
		has_new = order >= 0;
	}
	if (has_old) {
		*old = step->old.entry;
		step->old.taken = true;
	}
	if (has_new) {
		*new = step->new.entry;
		step->new.taken = true;
	}
	*ret_old = has_old;
	*ret_new = has_new;
	return has_old || has_new;
}

/* The next name of the deepest directory. */
static int
visit_next(struct diff *d, struct varve_err *err)
{
	struct step *step = &d->steps[d->n - 1];
	struct vrv_entry old, new;
	bool has_old, has_new;

	vrv_treepath_cut(&d->path, step->path_n);
	int rc = advance(d, &step->old, err);
	if (rc == 0)
		rc = advance(d, &step->new, err);
	if (rc != 0)
		return rc;
	if (!take_first(step, &old, &has_old, &new, &has_new)) {
		leave(d);
		return 0;
	}
	const struct vrv_entry *any = has_old ? &old : &new;
	rc = vrv_treepath_set(&d->path, step->path_n, any->name, any->name_n,
	    err);
	if (rc != 0)
		return rc;
	return visit(d, has_old ? &old : NULL, has_new ? &new : NULL, err);
}

/* --- the roots --- */

/* The roots themselves can be compared only if both are known. They are
 * entered whatever the pattern says of them. */
static int
visit_roots(struct diff *d, const struct vrv_archive *a,
    const struct vrv_archive *b, struct varve_err *err)
{
	struct vrv_entry old, new;
	bool has_old, has_new = false;

	int rc = vrv_archive_root_entry(a, &old, &has_old, err);
	if (rc == 0)
		rc = vrv_archive_root_entry(b, &new, &has_new, err);
	if (rc == 0 && has_old && has_new &&
	    (wanted(d, &old, &new) & VARVE_MATCH_INCLUDE) != 0)
		rc = tell(d, &old, &new, err);
	if (rc == 0)
		rc = enter(d, &a->sealed.root, &b->sealed.root, err);
	return rc;
}

int
vrv_diff_from(const struct vrv_meta_source *source, const struct vrv_archive *a,
    const struct vrv_archive *b, const struct varve_diff_options *options,
    vrv_owner_fn *owner, void *owner_arg, vrv_difference_fn *fn, void *arg,
    struct varve_err *err)
{
	struct diff d = {
	    .compare = {source, options, owner, owner_arg},
	    .fn = fn,
	    .arg = arg,
	};

	vrv_bounds_init(&d.old_bounds, a);
	vrv_bounds_init(&d.new_bounds, b);
	int rc = vrv_treepath_set(&d.path, 0, NULL, 0, err);
	if (rc == 0)
		rc = visit_roots(&d, a, b, err);
	while (rc == 0 && d.n > 0)
		rc = visit_next(&d, err);
	while (d.n > 0)
		leave(&d);
	free(d.steps);
	vrv_buf_fini(&d.path);
	return rc;
}

int
vrv_diff(struct vrv_repo *repo, const struct vrv_archive *a,
    const struct vrv_archive *b, const struct varve_diff_options *options,
    vrv_owner_fn *owner, void *owner_arg, vrv_difference_fn *fn, void *arg,
    struct varve_err *err)
{
	struct vrv_reader *reader = NULL;

	int rc = vrv_reader_new(repo, READER_CACHE, &reader, err);
	if (rc != 0)
		return rc;
	struct vrv_meta_source source = vrv_meta_from_reader(reader);
	rc = vrv_diff_from(&source, a, b, options, owner, owner_arg, fn, arg,
	    err);
	vrv_reader_free(reader);
	return rc;
}
