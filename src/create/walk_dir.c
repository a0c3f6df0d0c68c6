/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define CACHE_MARK "CACHEDIR.TAG"

static int
new_place(struct vrv_walker *w, struct vrv_place **ret, struct varve_err *err)
{
	if (w->depth == w->made) {
		if (vrv_room_for_one(&w->places, w->made, &w->cap,
			sizeof(*w->places)) != 0)
			return VRV_NOMEM(err, "the walk");
		w->places[w->made] = calloc(1, sizeof(**w->places));
		if (w->places[w->made] == NULL)
			return VRV_NOMEM(err, "the walk");
		w->made++;
	}
	*ret = w->places[w->depth];
	**ret = (struct vrv_place){.path_n = w->path.len};
	return 0;
}

void
vrv_walker_close(struct vrv_place *place)
{
	vrv_source_dir_unref(vrv_steal(&place->dir));
	vrv_arena_fini(&place->arena);
	free(vrv_steal(&place->names));
	if (place->parent != NULL)
		vrv_parent_dir_close(place->parent);
	free(vrv_steal(&place->parent));
}

/* Continue without the directory of the previous archive, unless the error
 * ends the run. */
static int
give_up_parent(struct vrv_walker *w, struct vrv_place *place, int rc,
    struct varve_err *err)
{
	if (vrv_err_is_fatal(err))
		return rc;
	vrv_repo_note(w->p->repo, VARVE_EVENT_NOTE, NULL,
	    "cannot read a directory of the previous archive, so its files "
	    "are read again: %s",
	    err->message);
	vrv_parent_dir_give_up(place->parent);
	return 0;
}

static int
open_parent(struct vrv_walker *w, struct vrv_place *place,
    const struct vrv_entry *old, const struct vrv_ref *top,
    struct varve_err *err)
{
	const struct vrv_ref *ref = top;

	if (old != NULL && old->kind == VRV_DIR)
		ref = &old->dir;
	place->parent = calloc(1, sizeof(*place->parent));
	if (place->parent == NULL)
		return VRV_NOMEM(err, "the parent");
	int rc = vrv_parent_dir_open(w->p->parent, ref, place->parent, err);
	return rc == 0 ? 0 : give_up_parent(w, place, rc, err);
}

int
vrv_walker_find_old(struct vrv_walker *w, struct vrv_place *place,
    const char *name, const struct vrv_entry **ret, struct vrv_text *ret_raw,
    struct varve_err *err)
{
	int rc = vrv_parent_dir_find(place->parent, name, strlen(name), ret,
	    ret_raw, err);

	if (rc == 0)
		return 0;
	*ret = NULL;
	return give_up_parent(w, place, rc, err);
}

/* The name in a directory that says that it is not to be backed up, or NULL.
 */
static bool
find_mark(struct vrv_walker *w, const struct vrv_source_dir *dir,
    const char **ret, struct vrv_source_err *error)
{
	const struct varve_backup_options *o = w->p->options;
	bool marked = false;

	*ret = NULL;
	if (o->exclude_caches && !vrv_source_is_cache(dir, &marked, error))
		return false;
	if (marked)
		*ret = CACHE_MARK;
	for (size_t i = 0; !marked && i < o->n_exclude_if_present; i++) {
		const char *name = o->exclude_if_present[i];

		if (!vrv_source_holds(dir, name, &marked, error))
			return false;
		if (marked)
			*ret = name;
	}
	return true;
}

/* Open and list a directory of the source; what goes wrong is the source's. */
static bool
open_listed(struct vrv_walker *w, struct vrv_place *place,
    const struct vrv_source_dir *at, const char *name, const char **ret_mark,
    struct vrv_source_err *error)
{
	struct vrv_stat now;

	if (!vrv_source_open_dir(at, name, &place->dir, error) ||
	    !vrv_source_stat(place->dir, "", &now, error))
		return false;
	if (now.kind != VRV_DIR || now.inode != place->st.inode ||
	    now.dev != place->st.dev) {
		/* Swapped for something else since we looked. */
		*error = (struct vrv_source_err){ESTALE, "open"};
		return false;
	}
	if (!find_mark(w, place->dir, ret_mark, error))
		return false;
	if (*ret_mark != NULL)
		return true;
	return vrv_source_list(place->dir, &place->arena, &place->names,
	    &place->n, error);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct vrv_dirent *)a)->name,
	    ((const struct vrv_dirent *)b)->name);
}

/* Of what the directory holds only the sources in it are walked. */
static void
walk_sources_only(struct vrv_place *place)
{
	place->listed = false;
	place->n = place->root == NULL ? 0 : place->root->n_below;
}

/* Sources that a listing does not show are looked for all the same: they may
 * be mounted when they are, and if they are missing, that is found out. */
static int
add_sources(struct vrv_place *place, struct varve_err *err)
{
	const struct vrv_root *root = place->root;
	size_t n = place->n, at = 0;

	if (root == NULL || root->n_below == 0)
		return 0;
	struct vrv_dirent *names =
	    vrv_alloc_array(n + root->n_below, sizeof(*names));
	if (names == NULL)
		return VRV_NOMEM(err, "the walk");
	if (n > 0)
		memcpy(names, place->names, n * sizeof(*names));
	for (size_t i = 0; i < root->n_below; i++) {
		const char *name = root->below[i]->name;

		while (at < n && strcmp(names[at].name, name) < 0)
			at++;
		if (at == n || strcmp(names[at].name, name) != 0)
			names[place->n++] = (struct vrv_dirent){.name = name,
			    .len = strlen(name)};
	}
	qsort(names, place->n, sizeof(*names), by_name);
	free(place->names);
	place->names = names;
	return 0;
}

static void
add_mark(struct vrv_place *place, const char *name)
{
	for (size_t i = 0; i < place->n; i++) {
		if (strcmp(place->names[i].name, name) == 0)
			return;
	}
	place->names[place->n++] =
	    (struct vrv_dirent){.name = name, .len = strlen(name)};
}

/* Of a marked directory only its marks may be kept, all of them. */
static int
keep_marks(struct vrv_walker *w, struct vrv_place *place, struct varve_err *err)
{
	const struct varve_backup_options *o = w->p->options;
	struct vrv_source_err error;
	bool found = false;

	place->names =
	    vrv_alloc_array(o->n_exclude_if_present + 1, sizeof(*place->names));
	if (place->names == NULL)
		return VRV_NOMEM(err, "the walk");
	place->marked = true;
	if (o->exclude_caches &&
	    !vrv_source_is_cache(place->dir, &found, &error))
		return vrv_source_fatal(&error, CACHE_MARK, err);
	if (found)
		add_mark(place, CACHE_MARK);
	for (size_t i = 0; i < o->n_exclude_if_present; i++) {
		const char *name = o->exclude_if_present[i];

		if (!vrv_source_holds(place->dir, name, &found, &error))
			return vrv_source_fatal(&error, name, err);
		if (found)
			add_mark(place, name);
	}
	qsort(place->names, place->n, sizeof(*place->names), by_name);
	return 0;
}

/* Open the directory as far as it is needed; *ret_mark is why it is left out.
 */
static bool
open_place(struct vrv_walker *w, struct vrv_place *place,
    const struct vrv_arrival *a, const char **ret_mark,
    struct vrv_source_err *error)
{
	if (a->listed)
		return open_listed(w, place, a->at, a->name, ret_mark, error);
	walk_sources_only(place);
	/* What is only on the way, or not looked into, need not be readable. */
	return (a->flags & VRV_ENTRY_WAY) != 0 || a->unopened ||
	    vrv_source_open_dir(a->at, a->name, &place->dir, error);
}

static bool
left_out(const struct vrv_walker *w, const struct vrv_place *place,
    const char *mark)
{
	const struct varve_backup_options *o = w->p->options;

	return (mark != NULL && !o->keep_exclude_tags) ||
	    (o->exclude_nodump && place->dir != NULL &&
		vrv_source_is_nodump(place->dir->fd));
}

static int
tell_enter(struct vrv_walker *w, const struct vrv_place *place,
    const struct vrv_arrival *a, bool excluded, bool unread,
    struct varve_err *err)
{
	struct vrv_item *item;

	int rc =
	    vrv_walker_item(w, VRV_ITEM_ENTER, a->archive_name, &item, err);
	if (rc != 0)
		return rc;
	item->st = *a->st;
	item->flags = a->flags | (excluded ? VRV_ENTRY_WAY : 0);
	item->unread = unread;
	bool same = a->old != NULL && a->raw != NULL && item->flags == 0 &&
	    vrv_parent_same_entry(w->p->parent, a->old, a->st);
	if (same)
		rc = vrv_parent_holds(w->p->parent, a->old, &same, err);
	if (rc != 0)
		return rc;
	if (same) {
		item->inherited = true;
		return vrv_walker_copy(w, *a->raw, &item->raw, err);
	}
	if (w->p->options->dry_run || (place->dir == NULL && !a->unopened))
		return 0;
	struct vrv_arena *arena = &w->p->filling->arena;
	bool taken = place->dir != NULL ?
	    vrv_source_meta(place->dir->fd, "", VRV_DIR, &w->p->want, arena,
		&item->meta, &item->error) :
	    vrv_source_meta_at(a->at, a->name, a->st, &w->p->want, arena,
		&item->meta, &item->error);
	if (!taken)
		item->meta = (struct vrv_source_meta){.lost = 1};
	return 0;
}

/* The path goes on; what is far above is closed. */
static int
go_down(struct vrv_walker *w, const char *archive_name, struct varve_err *err)
{
	if (w->path.len > 0)
		vrv_buf_u8(&w->path, '/');
	vrv_buf_bytes(&w->path, archive_name, strlen(archive_name));
	if (w->depth > w->p->open_levels) {
		struct vrv_place *far =
		    w->places[w->depth - 1 - w->p->open_levels];

		vrv_source_dir_unref(vrv_steal(&far->dir));
	}
	return vrv_buf_check(&w->path, err);
}

int
vrv_walker_enter(struct vrv_walker *w, const struct vrv_arrival *a,
    struct varve_err *err)
{
	struct vrv_source_err error = {0};
	const char *mark = NULL;
	struct vrv_place *place;

	int rc = new_place(w, &place, err);
	if (rc != 0)
		return rc;
	w->depth++;
	place->st = *a->st;
	place->root = a->root;
	place->listed = a->listed;
	bool readable = open_place(w, place, a, &mark, &error);
	bool excluded = left_out(w, place, mark);
	if (excluded) {
		rc = vrv_walker_excluded(w, a->archive_name, err);
		walk_sources_only(place);
		if (place->n == 0) {
			vrv_walker_close(place);
			w->depth--;
			return rc;
		}
	} else if (!readable) {
		rc = vrv_walker_problem(w, a->archive_name, &error, NULL, err);
		walk_sources_only(place);
	} else if (mark != NULL) {
		rc = keep_marks(w, place, err);
	}
	if (rc == 0 && place->listed)
		rc = add_sources(place, err);
	if (rc == 0)
		rc = open_parent(w, place, a->old, a->top, err);
	if (rc == 0)
		rc = tell_enter(w, place, a, excluded, !readable, err);
	return rc == 0 ? go_down(w, a->archive_name, err) : rc;
}

/* Did the walk come to this place by the path of a source, rather than by its
 * name in the directory above? */
static bool
is_start(const struct vrv_walker *w, size_t at)
{
	return at == 0 || !w->places[at - 1]->listed;
}

/* Open the place `at` again by its name in `above`, or by the source's path:
 * it must still be the directory that it was. */
static bool
reopen_named(const struct vrv_walker *w, size_t at,
    const struct vrv_source_dir *above, struct vrv_source_dir **ret,
    struct vrv_source_err *error)
{
	const struct vrv_place *place = w->places[at];
	size_t from = place->path_n + (place->path_n > 0);
	size_t to = w->places[at + 1]->path_n;
	vrv_auto_free char *name =
	    vrv_dup((const char *)w->path.data + from, to - from);
	struct vrv_source_dir *dir;
	struct vrv_stat now;

	*error = (struct vrv_source_err){ENOMEM, "open"};
	if (name == NULL ||
	    !vrv_source_open_dir(above,
		above == NULL ? place->root->path : name, &dir, error))
		return false;
	bool known = vrv_source_stat(dir, "", &now, error);
	if (known && now.inode == place->st.inode && now.dev == place->st.dev) {
		*ret = dir;
		return true;
	}
	vrv_source_dir_unref(dir);
	if (known)
		*error = (struct vrv_source_err){ESTALE, "open"};
	return false;
}

/* Open the place `at` again from the last place above that is open, or from
 * where the source begins. */
static bool
reopen_from_above(const struct vrv_walker *w, size_t at,
    struct vrv_source_dir **ret, struct vrv_source_err *error)
{
	struct vrv_source_dir *dir = NULL, *next = NULL;
	size_t from = at;

	while (!is_start(w, from) && w->places[from - 1]->dir == NULL)
		from--;
	if (!is_start(w, from))
		dir = vrv_source_dir_ref(w->places[from - 1]->dir);
	for (bool done = false; !done; from++) {
		bool found = reopen_named(w, from, dir, &next, error);

		vrv_source_dir_unref(dir);
		if (!found)
			return false;
		dir = next;
		done = from == at;
	}
	*ret = dir;
	return true;
}

/* The directory above was closed on the way down: open it again. If that
 * cannot be done, what is left in it is left out. */
static int
reopen_above(struct vrv_walker *w, struct vrv_place *place,
    struct varve_err *err)
{
	struct vrv_source_err error;
	struct vrv_place *above;

	if (w->depth < 2)
		return 0;
	above = w->places[w->depth - 2];
	if (!above->listed || above->dir != NULL || above->names == NULL)
		return 0;
	if (place->dir != NULL &&
	    vrv_source_open_parent(place->dir, &above->st, &above->dir, &error))
		return 0;
	/* Something between was moved away, perhaps not what is above. */
	if (reopen_from_above(w, w->depth - 2, &above->dir, &error))
		return 0;
	error.while_ = "return to the parent";
	above->at = above->n;
	return vrv_walker_problem(w, "..", &error, NULL, err);
}

int
vrv_walker_leave(struct vrv_walker *w, struct varve_err *err)
{
	struct vrv_place *place = w->places[w->depth - 1];
	struct vrv_item *item;

	int rc = reopen_above(w, place, err);
	if (rc == 0)
		rc = vrv_walker_item(w, VRV_ITEM_LEAVE, "", &item, err);
	if (rc == 0 && place->parent->ids.len > 0) {
		const struct vrv_buf *ids = &place->parent->ids;

		rc = vrv_walker_copy(w, (struct vrv_text){ids->data, ids->len},
		    &item->forget, err);
	}
	w->path.len = place->path_n;
	vrv_walker_close(place);
	w->depth--;
	return rc;
}
