/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/owner.h"
#include "util/mem.h"

#define STDIN_MODE 0660

static bool
is_store(const struct vrv_walker *w, const struct vrv_stat *st)
{
	return w->p->store_inode != 0 && st->inode == w->p->store_inode &&
	    st->dev == w->p->store_dev;
}

static int
visit_dir(struct vrv_walker *w, struct vrv_place *place, const char *name,
    struct vrv_root *root, const struct vrv_stat *st, unsigned match,
    const struct vrv_entry *old, const struct vrv_text *raw,
    struct varve_err *err)
{
	bool crosses = st->dev != place->st.dev;
	bool stays = !w->p->options->one_file_system || !crosses ||
	    (root != NULL && root->source);

	if (is_store(w, st))
		return vrv_walker_skip_store(w, name, false, err);
	if ((match & VARVE_MATCH_INCLUDE) == 0) {
		int rc = vrv_walker_excluded(w, name, err);

		if (rc != 0 ||
		    ((match & VARVE_MATCH_RECURSE) == 0 &&
			(root == NULL || root->n_below == 0)))
			return rc;
	}
	unsigned flags = crosses ? VRV_ENTRY_FSROOT : 0;
	if ((match & VARVE_MATCH_INCLUDE) == 0)
		flags |= VRV_ENTRY_WAY;
	struct vrv_arrival arrival = {.at = place->dir,
	    .name = name,
	    .archive_name = name,
	    .st = st,
	    .flags = flags,
	    .root = root};
	arrival.listed = stays && (match & VARVE_MATCH_RECURSE) != 0;
	arrival.unopened = !arrival.listed;
	if (arrival.listed) {
		arrival.old = old;
		arrival.raw = raw;
	} else if (root != NULL) {
		arrival.old = old;
	}
	return vrv_walker_enter(w, &arrival, err);
}

/* What patterns and flags say of it, before anything is opened. */
static int
judge(struct vrv_walker *w, const char *name, const struct vrv_stat *st,
    unsigned *ret_match, struct varve_err *err)
{
	int rc =
	    vrv_walker_matches(w, name, st->kind == VRV_DIR, ret_match, err);

	if (w->p->options->exclude_nodump && (st->iflags & VRV_NODUMP) != 0)
		*ret_match = 0;
	return rc;
}

/* What cannot be looked at is no problem if it is excluded anyway. */
static int
no_stat(struct vrv_walker *w, const char *name,
    const struct vrv_source_err *error, struct varve_err *err)
{
	unsigned match;
	int rc = vrv_walker_matches(w, name, false, &match, err);

	if (rc != 0)
		return rc;
	return (match & VARVE_MATCH_INCLUDE) == 0 ?
	    vrv_walker_excluded(w, name, err) :
	    vrv_walker_problem(w, name, error, NULL, err);
}

/* A name of a listed directory. A source may be named below another: `root`
 * is it, or leads to it. */
static int
visit(struct vrv_walker *w, struct vrv_place *place, const char *name,
    struct vrv_root *root, struct varve_err *err)
{
	const struct vrv_entry *old;
	struct vrv_source_err error;
	struct vrv_text raw;
	struct vrv_stat st;
	unsigned match;

	if (root != NULL && root->source) {
		root->settled = true;
		w->disk = root->path;
	}
	/* Whoever reads the archive refuses a longer one. */
	if (w->path.len + strlen(name) + 2 > VRV_WALK_PATH_MAX)
		return vrv_walker_problem(w, name, NULL, "its path is too long",
		    err);
	if (!vrv_source_stat(place->dir, name, &st, &error))
		return no_stat(w, name, &error, err);
	int rc = judge(w, name, &st, &match, err);
	if (rc == 0 && (match & VARVE_MATCH_INCLUDE) == 0 && st.kind != VRV_DIR)
		return vrv_walker_excluded(w, name, err);
	if (rc == 0)
		rc = vrv_walker_find_old(w, place, name, &old, &raw, err);
	if (rc != 0)
		return rc;
	/* It may be here from a run that did not leave such files out. */
	if (old != NULL && w->p->options->exclude_nodump &&
	    ((old->iflags & VRV_NODUMP) != 0 || !w->p->parent->same_options))
		old = NULL;
	if (st.kind == VRV_DIR)
		return visit_dir(w, place, name, root, &st, match, old, &raw,
		    err);
	return vrv_walker_take(w, place, name, &st, old, &raw, err);
}

/* Standard input becomes a file of the mode and owner that were asked for. */
static int
stat_stdin(const struct vrv_walker *w, const struct vrv_root *root,
    struct vrv_stat *ret, struct varve_err *err)
{
	const struct varve_backup_options *o = w->p->options;
	unsigned mode = o->stdin_mode != 0 ? o->stdin_mode & 07777 : STDIN_MODE;
	struct vrv_stat st = {.kind = VRV_FILE,
	    .mode = (uint16_t)mode,
	    .nlink = 1,
	    .mtime = vrv_time_now()};

	if ((o->stdin_user != NULL &&
		!vrv_os_owner_id(false, o->stdin_user, &st.uid)) ||
	    (o->stdin_group != NULL &&
		!vrv_os_owner_id(true, o->stdin_group, &st.gid)))
		return vrv_fail(err, VARVE_USAGE,
		    "no user or group of the name that was given for '%s'",
		    root->path == NULL ? root->name : root->path);
	*ret = st;
	return 0;
}

static int
visit_stdin(struct vrv_walker *w, const struct vrv_root *root,
    struct varve_err *err)
{
	struct vrv_item *item;
	struct vrv_stat st;

	int rc = stat_stdin(w, root, &st, err);
	if (rc == 0)
		rc = vrv_walker_item(w, VRV_ITEM_ENTRY, root->name, &item, err);
	if (rc != 0)
		return rc;
	item->st = st;
	return w->p->options->dry_run ?
	    0 :
	    vrv_walker_read_later(w, item, NULL, root->name,
		w->p->options->stdin_fd, err);
}

/* A source that is no directory: its folder is opened for it. */
static int
take_single(struct vrv_walker *w, const struct vrv_root *root,
    const struct vrv_stat *st, const struct vrv_entry *old,
    const struct vrv_text *raw, struct varve_err *err)
{
	const char *name;
	vrv_auto_free char *folder = vrv_source_folder(root->path, &name);
	struct vrv_source_err error;
	struct vrv_place in = {0};

	if (folder == NULL)
		return VRV_NOMEM(err, "a path");
	if (!vrv_source_open_folder(folder, &in.dir, &error))
		return vrv_walker_problem(w, root->name, &error, NULL, err);
	int rc = vrv_walker_take(w, &in, name, st, old, raw, err);
	vrv_source_dir_unref(in.dir);
	return rc;
}

/* What a directory is like that only leads to sources: the one that the path
 * passes through, links followed. One that leads to standard input need not
 * be there: whoever may read that file may enter it. False if nothing can lie
 * below. */
static bool
stat_way(const struct vrv_walker *w, const struct vrv_root *root,
    struct vrv_stat *ret)
{
	struct vrv_source_err error;
	struct varve_err unheard;

	if (root->path != NULL &&
	    vrv_source_stat(NULL, root->path, ret, &error)) {
		if (ret->kind == VRV_DIR)
			return true;
		if (ret->kind == VRV_SYMLINK &&
		    vrv_source_stat_target(NULL, root->path, ret, &error) &&
		    ret->kind == VRV_DIR)
			return !vrv_walker_in_store(w, root->path);
	}
	if (!root->to_stdin || stat_stdin(w, root, ret, &unheard) != 0)
		return false;
	ret->kind = VRV_DIR;
	ret->mode =
	    (uint16_t)(0700 | ret->mode | (ret->mode & 0444) >> 2) & 0777;
	return true;
}

static int
visit_source(struct vrv_walker *w, struct vrv_place *place,
    struct vrv_root *root, const struct vrv_stat *st, struct varve_err *err)
{
	const struct vrv_entry *old;
	struct vrv_text raw;
	unsigned match = VARVE_MATCH_INCLUDE | VARVE_MATCH_RECURSE;
	int rc = 0;

	if (root->source)
		rc = judge(w, root->name, st, &match, err);
	if (rc == 0)
		rc = vrv_walker_find_old(w, place, root->name, &old, &raw, err);
	if (rc != 0)
		return rc;
	bool included = (match & VARVE_MATCH_INCLUDE) != 0;
	bool looked_into = (match & VARVE_MATCH_RECURSE) != 0;
	if (!included && (st->kind != VRV_DIR || !looked_into)) {
		rc = vrv_walker_excluded(w, root->name, err);
		if (rc != 0 || st->kind != VRV_DIR || root->n_below == 0)
			return rc;
	}
	if (st->kind != VRV_DIR)
		return take_single(w, root, st, old, &raw, err);
	unsigned flags = st->dev != place->st.dev ? VRV_ENTRY_FSROOT : 0;
	if (!root->source || !included)
		flags |= VRV_ENTRY_WAY;
	const struct vrv_arrival arrival = {.name = root->path,
	    .archive_name = root->name,
	    .st = st,
	    .flags = flags,
	    .root = root,
	    .listed = root->source && root->recurse && looked_into,
	    .unopened = !looked_into,
	    .old = old,
	    .raw = &raw};
	return vrv_walker_enter(w, &arrival, err);
}

/* Does what the path of `root`, below the top, begins with lie in the
 * repository? Most paths of a list begin in one place. */
static int
begins_in_store(struct vrv_walker *w, const struct vrv_root *root, bool *ret,
    struct varve_err *err)
{
	*ret = false;
	if (w->p->store_inode == 0 || root->path == NULL)
		return 0;
	vrv_auto_free char *folder = vrv_source_folder(root->path, NULL);
	if (folder == NULL)
		return VRV_NOMEM(err, "a path");
	if (w->begin == NULL || strcmp(w->begin, folder) != 0) {
		w->begins_in_store = vrv_walker_in_store(w, folder);
		free(w->begin);
		w->begin = vrv_steal(&folder);
	}
	*ret = w->begins_in_store;
	return 0;
}

/* A source, or a directory on the way to one, by its own path. */
static int
visit_root(struct vrv_walker *w, struct vrv_place *place, struct vrv_root *root,
    struct varve_err *err)
{
	struct vrv_source_err error;
	struct vrv_stat st;
	int rc;

	w->disk = root->path;
	root->settled = true;
	if (root->stdin_)
		return visit_stdin(w, root, err);
	if (root->source && !vrv_source_stat(NULL, root->path, &st, &error))
		return vrv_walker_problem(w, root->name, &error, NULL, err);
	bool inside = false;
	if (w->depth == 1 && (rc = begins_in_store(w, root, &inside, err)) != 0)
		return rc;
	/* Why nothing below is come to will be found out for each source. */
	if (!root->source && (inside || !stat_way(w, root, &st)))
		return 0;
	/* The top has no file system of its own: that of its first source. */
	if (place->st.dev == 0)
		place->st.dev = st.dev;
	if (inside || (st.kind == VRV_DIR && is_store(w, &st)))
		return root->source ?
		    vrv_walker_skip_store(w, root->name, inside, err) :
		    0;
	return visit_source(w, place, root, &st, err);
}

static int
step(struct vrv_walker *w, struct varve_err *err)
{
	struct vrv_place *place = w->places[w->depth - 1];

	w->disk = NULL;
	if (place->at == place->n)
		return vrv_walker_leave(w, err);
	if (!place->listed)
		return visit_root(w, place, place->root->below[place->at++],
		    err);
	const char *name = place->names[place->at++].name;
	struct vrv_root *root =
	    place->root == NULL ? NULL : vrv_roots_find(place->root, name);
	return root != NULL && place->marked ? visit_root(w, place, root, err) :
					       visit(w, place, name, root, err);
}

/* The top stands for the archive's root: a source itself (".", "/"), or only
 * on the way to the sources. */
static int
begin(struct vrv_walker *w, struct varve_err *err)
{
	struct vrv_root *top = &w->p->roots->top;
	const struct vrv_archive *archive = w->p->parent->archive;
	struct vrv_source_err error;
	struct vrv_entry old;
	struct vrv_stat st = {.kind = VRV_DIR};
	struct vrv_arrival arrival = {.name = top->source ? top->path : "",
	    .archive_name = "",
	    .st = &st,
	    .flags = top->source ? 0 : VRV_ENTRY_WAY,
	    .root = top,
	    .listed = top->source,
	    .top = archive == NULL ? NULL : &archive->sealed.root};

	if (!top->source)
		return vrv_walker_enter(w, &arrival, err);
	top->settled = true;
	w->disk = top->path;
	if (vrv_walker_in_store(w, top->path))
		return vrv_fail(err, VARVE_USAGE,
		    "'%s' lies in the repository, which is not backed up into "
		    "itself",
		    top->path);
	if (!vrv_source_stat(NULL, top->path, &st, &error)) {
		char word[128];

		return vrv_fail(err, VARVE_USAGE, "'%s': %s", top->path,
		    strerror_r(error.sys, word, sizeof(word)));
	}
	if (archive != NULL && archive->sealed.root_entry.n > 0 &&
	    vrv_root_entry_get(archive->sealed.root_entry.p,
		archive->sealed.root_entry.n, &old, err) == 0) {
		old.dir = archive->sealed.root;
		arrival.old = &old;
	}
	return vrv_walker_enter(w, &arrival, err);
}

static void
free_links(struct vrv_map *links)
{
	const void *key;
	void *names;
	size_t at = 0;

	while (links != NULL && vrv_map_next(links, &at, &key, &names))
		vrv_inode_unref(((struct vrv_names *)names)->inode);
	vrv_map_free(links);
}

int
vrv_stage_walk(void *arg, struct varve_err *err)
{
	struct vrv_pipeline *p = arg;
	struct vrv_walker w = {.p = p};

	w.links = vrv_map_new(2 * sizeof(uint64_t), sizeof(struct vrv_names));
	int rc = w.links == NULL ? VRV_NOMEM(err, "the walk") : begin(&w, err);
	while (rc == 0 && w.depth > 0)
		rc = vrv_pipeline_over(p) ? VARVE_CANCELLED : step(&w, err);
	if (rc == 0)
		rc = vrv_walker_report_rest(&w, err);
	if (rc == 0)
		rc = vrv_walker_send_batch(&w, err);
	if (rc == 0)
		rc = vrv_walker_send_items(&w, err);
	while (w.depth > 0)
		vrv_walker_close(w.places[--w.depth]);
	for (size_t i = 0; i < w.made; i++)
		free(w.places[i]);
	free(w.places);
	free(w.begin);
	free_links(w.links);
	vrv_buf_fini(&w.path);
	vrv_queue_done(p->batches);
	vrv_queue_done(p->items);
	return vrv_stage_end(p, rc, err);
}
