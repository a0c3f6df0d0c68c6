/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/walk.h"

#include "util/mem.h"

/* Metadata of what is not read: links, devices, directories. A failure leaves
 * the thing out. */
static bool
take_meta(struct vrv_walker *w, struct vrv_item *item,
    const struct vrv_source_dir *at, const char *name,
    struct vrv_source_err *error)
{
	struct vrv_arena *arena = &w->p->filling->arena;

	if (w->p->options->dry_run)
		return true;
	if (item->st.kind == VRV_SYMLINK &&
	    !vrv_source_readlink(at, name, arena, &item->target, error))
		return false;
	return vrv_source_meta(at->fd, name, item->st.kind, &w->p->want, arena,
	    &item->meta, error);
}

/* The item turned out to be none: it is told as a problem instead. */
static void
becomes_problem(struct vrv_item *item, const struct vrv_source_err *error)
{
	item->type = VRV_ITEM_PROBLEM;
	item->error = *error;
	item->reason = NULL;
}

/* `same` is the parent's entry of a file whose content is unchanged, or NULL.
 */
static int
take_file(struct vrv_walker *w, struct vrv_item *item,
    struct vrv_source_dir *at, const char *name, const struct vrv_entry *same,
    struct varve_err *err)
{
	struct vrv_source_err error;

	if (w->p->options->dry_run)
		return 0;
	/* Unchanged content, but other metadata: that can be told only by
	 * modes that do not look at the ctime. */
	if (same != NULL) {
		struct vrv_text content = {same->content, same->content_n};
		vrv_auto_fd fd = -1;

		if (!vrv_source_open_file(at, name, &fd, &error) ||
		    !vrv_source_meta(fd, "", VRV_FILE, &w->p->want,
			&w->p->filling->arena, &item->meta, &error)) {
			becomes_problem(item, &error);
			return 0;
		}
		return vrv_walker_copy(w, content, &item->inherit_content, err);
	}
	return vrv_walker_read_later(w, item, at, name, -1, err);
}

/* Is it a special file, or a symlink to one? *ret_st then describes the special
 * file. A symlink whose target cannot be looked at is stored as a symlink. */
static bool
is_special(const struct vrv_source_dir *at, const char *name,
    const struct vrv_stat *st, struct vrv_stat *ret_st)
{
	struct vrv_stat target = *st;
	struct vrv_source_err error;

	if (st->kind == VRV_SYMLINK &&
	    !vrv_source_stat_target(at, name, &target, &error))
		return false;
	if (!vrv_source_is_special(target.kind))
		return false;
	/* Several names of a special file share no content. */
	target.nlink = 1;
	*ret_st = target;
	return true;
}

int
vrv_walker_take(struct vrv_walker *w, struct vrv_place *place, const char *name,
    const struct vrv_stat *st, const struct vrv_entry *old,
    const struct vrv_text *raw, struct varve_err *err)
{
	struct vrv_source_err error;
	struct vrv_item *item;

	int rc = vrv_walker_item(w, VRV_ITEM_ENTRY, name, &item, err);
	if (rc != 0)
		return rc;
	item->st = *st;
	item->known = old != NULL;
	/* It is never unchanged: a device has other content without another
	 * time. */
	if (w->p->want.read_special &&
	    is_special(place->dir, name, st, &item->st)) {
		if (w->p->options->dry_run)
			return 0;
		return vrv_walker_read_later(w, item, place->dir, name, -1,
		    err);
	}
	/* What is not stored any more is as good as changed. */
	bool same = old != NULL && vrv_parent_same(w->p->parent, old, st);
	if (same)
		rc = vrv_parent_holds(w->p->parent, old, &same, err);
	if (rc != 0)
		return rc;
	if (same && vrv_parent_same_entry(w->p->parent, old, st)) {
		item->inherited = true;
		return vrv_walker_copy(w, *raw, &item->raw, err);
	}
	if (st->kind == VRV_FILE)
		return take_file(w, item, place->dir, name, same ? old : NULL,
		    err);
	if (!take_meta(w, item, place->dir, name, &error))
		becomes_problem(item, &error);
	return 0;
}
