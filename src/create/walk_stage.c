/* SPDX-License-Identifier: BSD-2-Clause */
#include "create/pipeline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os/owner.h"
#include "util/mem.h"

/* Directories above this many levels up are closed and opened again on the way
 * back, so that depth does not cost descriptors. */
#define OPEN_LEVELS 128

#define STDIN_MODE 0660

/* A directory the walk is in. */
struct place {
	struct vrv_source_dir *dir; /* NULL: on the way to a source, or closed */
	struct vrv_stat st;
	const struct vrv_root *root; /* where it stands among the sources */
	bool listed;		     /* below a source: what it holds is walked */
	struct vrv_arena arena;	     /* of its names */
	struct vrv_dirent *names;
	size_t n, at;
	size_t path_n; /* length of the path above it */
	struct vrv_parent_dir *parent;
};

struct walk {
	struct vrv_pipeline *p;
	struct place **places; /* kept for reuse */
	size_t depth, made, cap;
	struct vrv_buf path; /* in the archive */
	struct vrv_map *links; /* {dev, inode} of files this run reads */
};

/* --- what goes out --- */

void
vrv_items_free(struct vrv_items *items)
{
	if (items == NULL)
		return;
	for (uint32_t i = 0; i < items->n; i++)
		vrv_job_free(items->items[i].job);
	vrv_arena_fini(&items->arena);
	free(items);
}

static int
cancelled(struct varve_err *err)
{
	return vrv_fail(err, VARVE_CANCELLED, "cancelled");
}

static int
send_items(struct walk *w, struct varve_err *err)
{
	struct vrv_items *items = w->p->filling;

	if (items == NULL)
		return 0;
	if (vrv_queue_push(w->p->items, items, 0) != 0)
		return cancelled(err);
	w->p->filling = NULL;
	return 0;
}

static int
send_batch(struct walk *w, struct varve_err *err)
{
	struct vrv_batch *batch = w->p->batch;

	if (batch == NULL)
		return 0;
	if (vrv_queue_push(w->p->batches, batch, 0) != 0)
		return cancelled(err);
	w->p->batch = NULL;
	return 0;
}

/* The next item, zeroed, with its name copied. A full group goes out first:
 * its jobs must be on their way to the readers before the builder waits. */
static int
new_item(struct walk *w, enum vrv_item_type type, const char *name,
    struct vrv_item **ret, struct varve_err *err)
{
	struct vrv_pipeline *p = w->p;
	int rc = 0;

	if (p->filling != NULL && p->filling->n == VRV_GROUP_ITEMS) {
		rc = send_batch(w, err);
		if (rc == 0)
			rc = send_items(w, err);
		if (rc != 0)
			return rc;
	}
	if (p->filling == NULL) {
		p->filling = malloc(sizeof(*p->filling));
		if (p->filling == NULL)
			return VRV_NOMEM(err, "the walk");
		p->filling->arena = (struct vrv_arena){0};
		p->filling->n = 0;
	}
	struct vrv_item *item = &p->filling->items[p->filling->n];
	*item = (struct vrv_item){.type = type, .name_n = strlen(name)};
	item->name = vrv_arena_dup(&p->filling->arena, name, item->name_n);
	if (item->name == NULL)
		return VRV_NOMEM(err, "the walk");
	p->filling->n++;
	*ret = item;
	return 0;
}

static int
copy_text(struct walk *w, struct vrv_text from, struct vrv_text *to,
    struct varve_err *err)
{
	to->p = vrv_arena_dup(&w->p->filling->arena, from.p, from.n);
	to->n = from.n;
	return to->p == NULL ? VRV_NOMEM(err, "the walk") : 0;
}

static int
problem(struct walk *w, const char *name, const struct vrv_source_err *error,
    const char *reason, struct varve_err *err)
{
	struct vrv_item *item;

	int rc = new_item(w, VRV_ITEM_PROBLEM, name, &item, err);
	if (rc != 0)
		return rc;
	if (error != NULL)
		item->error = *error;
	item->reason = reason;
	return 0;
}

/* Backing up the repository into itself would never end; that it is left out
 * is said, but nothing to be warned of. */
static int
leave_out_store(struct walk *w, const char *name, struct varve_err *err)
{
	int rc = problem(w, name, NULL, "the repository itself is left out",
	    err);

	if (rc == 0)
		w->p->filling->items[w->p->filling->n - 1].is_store = true;
	return rc;
}

/* Give a file to the readers. */
static int
read_later(struct walk *w, struct vrv_item *item, struct vrv_source_dir *dir,
    const char *name, int fd, struct varve_err *err)
{
	struct vrv_pipeline *p = w->p;
	uint64_t extents =
	    item->st.size / vrv_repo_config(p->repo)->chunk_min + 1;
	struct vrv_job *job = calloc(1, sizeof(*job));
	struct vrv_batch *batch;

	item->job = job;
	if (job == NULL)
		return VRV_NOMEM(err, "the walk");
	job->name = vrv_dup(name, strlen(name));
	job->first = vrv_segment_new(extents < VRV_SEGMENT_MAX ?
		(uint32_t)extents :
		VRV_SEGMENT_MAX);
	if (job->name == NULL || job->first == NULL)
		return VRV_NOMEM(err, "the walk");
	job->st = item->st;
	job->fd = fd;
	job->dir = dir == NULL ? NULL : vrv_source_dir_ref(dir);
	if (p->batch == NULL) {
		p->batch = calloc(1, sizeof(*p->batch));
		if (p->batch == NULL)
			return VRV_NOMEM(err, "the walk");
	}
	batch = p->batch;
	if (batch->n == 0 || batch->jobs[batch->n - 1]->dir != dir)
		batch->dirs++;
	batch->jobs[batch->n++] = job;
	batch->bytes += item->st.size;
	if (batch->n == VRV_BATCH_JOBS || batch->bytes >= VRV_BATCH_BYTES ||
	    batch->dirs == VRV_BATCH_DIRS)
		return send_batch(w, err);
	return 0;
}

/* --- one thing in a directory --- */

static const char *
path_with(struct walk *w, const char *name)
{
	size_t keep = w->path.len;

	if (keep > 0 && name[0] != '\0')
		vrv_buf_u8(&w->path, '/');
	vrv_buf_bytes(&w->path, name, strlen(name));
	vrv_buf_u8(&w->path, 0);
	w->path.len = keep;
	if (w->path.failed)
		return NULL;
	const char *path = (const char *)w->path.data;
	return path[0] == '\0' ? "." : path;
}

static int
matches(struct walk *w, const char *name, bool is_dir, unsigned *ret,
    struct varve_err *err)
{
	const struct varve_backup_options *o = w->p->options;
	const char *path = path_with(w, name);

	if (path == NULL)
		return VRV_NOMEM(err, "a path");
	*ret = o->match == NULL ?
	    VARVE_MATCH_INCLUDE | VARVE_MATCH_RECURSE :
	    o->match(o->match_arg, path, is_dir);
	return 0;
}

static int
excluded(struct walk *w, const char *name, struct varve_err *err)
{
	struct vrv_item *item;

	return new_item(w, VRV_ITEM_EXCLUDED, name, &item, err);
}

/* Metadata of what is not read: links, devices, directories. A failure leaves
 * the thing out. */
static bool
take_meta(struct walk *w, struct vrv_item *item,
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

/* Several links to one inode are read once; the builder keeps the content. */
static int
already_read(struct walk *w, const struct vrv_stat *st, bool *ret,
    struct varve_err *err)
{
	const uint64_t key[2] = {st->dev, st->inode};
	bool fresh = true;

	if (st->nlink > 1) {
		uint64_t *left = vrv_map_put(w->links, key, &fresh);

		if (left == NULL)
			return VRV_NOMEM(err, "hard links");
		if (fresh)
			*left = st->nlink;
		if (--*left == 0)
			vrv_map_remove(w->links, key);
	}
	*ret = !fresh;
	return 0;
}

static int
take_file(struct walk *w, struct vrv_item *item, struct vrv_source_dir *at,
    const char *name, const struct vrv_entry *old, struct varve_err *err)
{
	struct vrv_source_err error;

	if (w->p->options->dry_run)
		return 0;
	/* Unchanged content, but other metadata: that can be told only by
	 * modes that do not look at the ctime. */
	if (old != NULL && vrv_parent_same(w->p->parent, old, &item->st)) {
		struct vrv_text content = {old->content, old->content_n};
		vrv_auto_fd fd = -1;

		if (!vrv_source_open_file(at, name, &item->st, &w->p->want,
			&fd, &error) ||
		    !vrv_source_meta(fd, "", VRV_FILE, &w->p->want,
			&w->p->filling->arena, &item->meta, &error)) {
			becomes_problem(item, &error);
			return 0;
		}
		return copy_text(w, content, &item->inherit_content, err);
	}
	bool linked;
	int rc = already_read(w, &item->st, &linked, err);
	if (rc != 0)
		return rc;
	if (!linked)
		return read_later(w, item, at, name, -1, err);
	item->linked = true;
	vrv_auto_fd fd = -1;
	if (!vrv_source_open_file(at, name, &item->st, &w->p->want, &fd,
		&error) ||
	    !vrv_source_meta(fd, "", VRV_FILE, &w->p->want,
		&w->p->filling->arena, &item->meta, &error))
		becomes_problem(item, &error);
	return 0;
}

static int
take_entry(struct walk *w, struct place *place, const char *name,
    const struct vrv_stat *st, const struct vrv_entry *old,
    const struct vrv_text *raw, struct varve_err *err)
{
	struct vrv_source_err error;
	struct vrv_item *item;

	int rc = new_item(w, VRV_ITEM_ENTRY, name, &item, err);
	if (rc != 0)
		return rc;
	item->st = *st;
	item->known = old != NULL;
	/* A special file that is read is stored as what is read from it. */
	if (w->p->want.read_special &&
	    (st->kind == VRV_FIFO || st->kind == VRV_BLOCK ||
		st->kind == VRV_CHAR)) {
		if (w->p->options->dry_run)
			return 0;
		return read_later(w, item, place->dir, name, -1, err);
	}
	if (old != NULL && vrv_parent_same(w->p->parent, old, st) &&
	    vrv_parent_same_entry(w->p->parent, old, st)) {
		item->inherited = true;
		return copy_text(w, *raw, &item->raw, err);
	}
	if (st->kind == VRV_FILE)
		return take_file(w, item, place->dir, name, old, err);
	if (!take_meta(w, item, place->dir, name, &error))
		becomes_problem(item, &error);
	return 0;
}

/* --- directories --- */

static int
new_place(struct walk *w, struct place **ret, struct varve_err *err)
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
	**ret = (struct place){.path_n = w->path.len};
	return 0;
}

static void
close_place(struct place *place)
{
	vrv_source_dir_unref(vrv_steal(&place->dir));
	vrv_arena_fini(&place->arena);
	free(vrv_steal(&place->names));
	if (place->parent != NULL)
		vrv_parent_dir_close(place->parent);
	free(vrv_steal(&place->parent));
}

/* A parent that cannot be read is as good as none: its files are read. */
static int
open_parent(struct walk *w, struct place *place, const struct vrv_entry *old,
    const struct vrv_ref *top, struct varve_err *err)
{
	const struct vrv_ref *ref = top;

	if (old != NULL && old->kind == VRV_DIR)
		ref = &old->dir;
	place->parent = calloc(1, sizeof(*place->parent));
	if (place->parent == NULL)
		return VRV_NOMEM(err, "the parent");
	int rc = vrv_parent_dir_open(w->p->parent, ref, place->parent, err);
	if (rc != 0 && rc != VARVE_NOMEM) {
		vrv_repo_note(w->p->repo, VARVE_EVENT_NOTE, NULL,
		    "cannot read a directory of the previous archive, so its "
		    "files are read again: %s",
		    err->message);
		vrv_parent_dir_give_up(place->parent);
		rc = 0;
	}
	return rc;
}

static int
find_old(struct walk *w, struct place *place, const char *name,
    const struct vrv_entry **ret, struct vrv_text *ret_raw,
    struct varve_err *err)
{
	int rc = vrv_parent_dir_find(place->parent, name, strlen(name), ret,
	    ret_raw, err);

	if (rc == 0 || rc == VARVE_NOMEM)
		return rc;
	vrv_repo_note(w->p->repo, VARVE_EVENT_NOTE, NULL,
	    "cannot read a directory of the previous archive, so its files "
	    "are read again: %s",
	    err->message);
	vrv_parent_dir_give_up(place->parent);
	*ret = NULL;
	return 0;
}

/* Names that mark a directory as not to be backed up. */
static const char *
marker(struct walk *w, const struct vrv_source_dir *dir)
{
	const struct varve_backup_options *o = w->p->options;

	if (o->exclude_caches && vrv_source_is_cache(dir))
		return "CACHEDIR.TAG";
	for (size_t i = 0; i < o->n_exclude_if_present; i++) {
		if (vrv_source_holds(dir, o->exclude_if_present[i]))
			return o->exclude_if_present[i];
	}
	return NULL;
}

/* Open and list a directory of the source; what goes wrong is the source's. */
static bool
open_listed(struct walk *w, struct place *place,
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
	*ret_mark = marker(w, place->dir);
	if (*ret_mark != NULL)
		return true;
	return vrv_source_list(place->dir, &place->arena, &place->names,
	    &place->n, error);
}

/* Of a marked directory only the mark may be kept. */
static int
keep_mark(struct place *place, const char *mark, struct varve_err *err)
{
	place->names = vrv_alloc_array(1, sizeof(*place->names));
	if (place->names == NULL)
		return VRV_NOMEM(err, "the walk");
	place->names[0] = (struct vrv_dirent){.name = mark,
	    .len = strlen(mark)};
	place->n = 1;
	return 0;
}

static bool
is_store(const struct walk *w, const struct vrv_stat *st)
{
	return w->p->store_inode != 0 && st->inode == w->p->store_inode &&
	    st->dev == w->p->store_dev;
}

/* Enter a directory. `at` and `name` say where it is; `archive_name` is its
 * name in the archive ("" for the top). */
static int
enter(struct walk *w, const struct vrv_source_dir *at, const char *name,
    const char *archive_name, const struct vrv_stat *st, unsigned flags,
    const struct vrv_root *root, bool listed, const struct vrv_entry *old,
    const struct vrv_text *raw, const struct vrv_ref *top,
    struct varve_err *err)
{
	struct vrv_source_err error = {0};
	const char *mark = NULL;
	struct vrv_item *item;
	struct place *place;
	bool readable = true;

	int rc = new_place(w, &place, err);
	if (rc != 0)
		return rc;
	w->depth++;
	place->st = *st;
	place->root = root;
	place->listed = listed;
	if (listed)
		readable = open_listed(w, place, at, name, &mark, &error);
	else if (root != NULL)
		place->n = root->n_below;
	/* What is only on the way need not be readable. */
	if (!listed && (flags & VRV_ENTRY_WAY) == 0)
		readable = vrv_source_open_dir(at, name, &place->dir, &error);
	if ((mark != NULL && !w->p->options->keep_exclude_tags) ||
	    (w->p->options->exclude_nodump && place->dir != NULL &&
		vrv_source_is_nodump(place->dir->fd))) {
		close_place(place);
		w->depth--;
		return excluded(w, archive_name, err);
	}
	if (mark != NULL)
		rc = keep_mark(place, mark, err);
	if (rc == 0 && !readable)
		rc = problem(w, archive_name, &error, NULL, err);
	if (rc == 0)
		rc = open_parent(w, place, old, top, err);
	if (rc == 0)
		rc = new_item(w, VRV_ITEM_ENTER, archive_name, &item, err);
	if (rc != 0)
		return rc;
	item->st = *st;
	item->flags = flags;
	if (old != NULL && raw != NULL && flags == 0 &&
	    vrv_parent_same_entry(w->p->parent, old, st)) {
		item->inherited = true;
		rc = copy_text(w, *raw, &item->raw, err);
	} else if (place->dir != NULL && !w->p->options->dry_run &&
	    !vrv_source_meta(place->dir->fd, "", VRV_DIR, &w->p->want,
		&w->p->filling->arena, &item->meta, &error)) {
		item->meta = (struct vrv_source_meta){.lost = 1};
	}
	if (w->path.len > 0)
		vrv_buf_u8(&w->path, '/');
	vrv_buf_bytes(&w->path, archive_name, strlen(archive_name));
	if (w->depth > OPEN_LEVELS) {
		struct place *far = w->places[w->depth - 1 - OPEN_LEVELS];

		vrv_source_dir_unref(vrv_steal(&far->dir));
	}
	return rc == 0 ? vrv_buf_check(&w->path, err) : rc;
}

/* The directory above was closed on the way down: open it again. If that
 * cannot be done, what is left in it is left out. */
static int
reopen_above(struct walk *w, struct place *place, struct varve_err *err)
{
	struct vrv_source_err error;
	struct place *above;

	if (w->depth < 2)
		return 0;
	above = w->places[w->depth - 2];
	if (!above->listed || above->dir != NULL || above->names == NULL)
		return 0;
	/* Without this one there is no way back to those above it either. */
	error = (struct vrv_source_err){ESTALE, "return to the parent"};
	if (place->dir != NULL && vrv_source_open_parent(place->dir,
		&above->st, &above->dir, &error))
		return 0;
	above->at = above->n;
	return problem(w, "..", &error, NULL, err);
}

/* Sources that were named below this one, but are not there. */
static int
tell_missing(struct walk *w, const struct place *place, struct varve_err *err)
{
	static const struct vrv_source_err gone = {ENOENT, "stat"};
	const struct vrv_root *root = place->root;
	size_t at = 0;
	int rc = 0;

	if (root == NULL || !place->listed)
		return 0;
	for (size_t i = 0; rc == 0 && i < root->n_below; i++) {
		const char *name = root->below[i]->name;

		while (at < place->n && strcmp(place->names[at].name, name) < 0)
			at++;
		if (at == place->n || strcmp(place->names[at].name, name) != 0)
			rc = problem(w, name, &gone, NULL, err);
	}
	return rc;
}

static int
leave(struct walk *w, struct varve_err *err)
{
	struct place *place = w->places[w->depth - 1];
	struct vrv_item *item;

	int rc = tell_missing(w, place, err);
	if (rc == 0)
		rc = reopen_above(w, place, err);
	if (rc == 0)
		rc = new_item(w, VRV_ITEM_LEAVE, "", &item, err);
	if (rc == 0 && place->parent->ids.len > 0) {
		struct vrv_text ids = {place->parent->ids.data,
		    place->parent->ids.len}, copy;

		rc = copy_text(w, ids, &copy, err);
		if (rc == 0) {
			item->forget = copy.p;
			item->forget_n = copy.n;
		}
	}
	w->path.len = place->path_n;
	close_place(place);
	w->depth--;
	return rc;
}

/* --- going on --- */

static int
visit_dir(struct walk *w, struct place *place, const char *name,
    const struct vrv_stat *st, unsigned match, const struct vrv_entry *old,
    const struct vrv_text *raw, struct varve_err *err)
{
	/* A source may be named below another: it is wanted as such, and what
	 * leads to it is gone along. */
	const struct vrv_root *root = place->root == NULL ?
	    NULL :
	    vrv_roots_find(place->root, name);
	bool crosses = st->dev != place->st.dev;
	bool stays = !w->p->options->one_file_system || !crosses ||
	    (root != NULL && root->source);

	if (is_store(w, st))
		return leave_out_store(w, name, err);
	if ((match & VARVE_MATCH_INCLUDE) == 0) {
		int rc = excluded(w, name, err);

		if (rc != 0 || (match & VARVE_MATCH_RECURSE) == 0)
			return rc;
	}
	unsigned flags = crosses ? VRV_ENTRY_FSROOT : 0;
	if ((match & VARVE_MATCH_INCLUDE) == 0)
		flags |= VRV_ENTRY_WAY;
	if (!stays || (match & VARVE_MATCH_RECURSE) == 0)
		return enter(w, place->dir, name, name, st, flags, root, false,
		    root == NULL ? NULL : old, NULL, NULL, err);
	return enter(w, place->dir, name, name, st, flags, root, true, old,
	    raw, NULL, err);
}

/* The next name of a listed directory. */
static int
visit(struct walk *w, struct place *place, struct varve_err *err)
{
	const char *name = place->names[place->at++].name;
	const struct vrv_entry *old;
	struct vrv_source_err error;
	struct vrv_text raw;
	struct vrv_stat st;
	unsigned match;

	if (!vrv_source_stat(place->dir, name, &st, &error))
		return problem(w, name, &error, NULL, err);
	int rc = matches(w, name, st.kind == VRV_DIR, &match, err);
	if (rc == 0 && (match & VARVE_MATCH_INCLUDE) == 0 &&
	    st.kind != VRV_DIR)
		return excluded(w, name, err);
	if (rc == 0)
		rc = find_old(w, place, name, &old, &raw, err);
	if (rc != 0)
		return rc;
	/* It may be here from a run that did not leave such files out. */
	if (old != NULL && w->p->options->exclude_nodump &&
	    ((old->iflags & VRV_NODUMP) != 0 || !w->p->parent->same_options))
		old = NULL;
	if (st.kind == VRV_DIR)
		return visit_dir(w, place, name, &st, match, old, &raw, err);
	return take_entry(w, place, name, &st, old, &raw, err);
}

/* Standard input becomes a file of the mode and owner that were asked for. */
static int
visit_stdin(struct walk *w, const struct vrv_root *root,
    struct varve_err *err)
{
	const struct varve_backup_options *o = w->p->options;
	unsigned mode = o->stdin_mode != 0 ? o->stdin_mode & 07777 :
					     STDIN_MODE;
	struct vrv_stat st = {.kind = VRV_FILE,
	    .mode = (uint16_t)mode,
	    .nlink = 1,
	    .mtime = vrv_time_now()};
	struct vrv_item *item;

	if ((o->stdin_user != NULL &&
		!vrv_os_owner_id(false, o->stdin_user, &st.uid)) ||
	    (o->stdin_group != NULL &&
		!vrv_os_owner_id(true, o->stdin_group, &st.gid)))
		return vrv_fail(err, VARVE_USAGE,
		    "no user or group of the name that was given for '%s'",
		    root->name);
	int rc = new_item(w, VRV_ITEM_ENTRY, root->name, &item, err);
	if (rc != 0)
		return rc;
	item->st = st;
	return o->dry_run ? 0 :
			    read_later(w, item, NULL, root->name, o->stdin_fd,
				err);
}

/* A source, or a directory on the way to one. */
static int
visit_root(struct walk *w, struct place *place, const struct vrv_root *root,
    struct varve_err *err)
{
	const struct vrv_entry *old;
	struct vrv_source_err error;
	struct vrv_text raw;
	struct vrv_stat st;
	unsigned match = VARVE_MATCH_INCLUDE | VARVE_MATCH_RECURSE;

	if (root->stdin_)
		return visit_stdin(w, root, err);
	bool there = root->path != NULL &&
	    vrv_source_stat(NULL, root->path, &st, &error);
	if (!there && root->source)
		return problem(w, root->name, &error, NULL, err);
	/* On the way there may be a link to a directory, or nothing: what is
	 * to be found below will tell. */
	if (!there || (!root->source && st.kind != VRV_DIR))
		st = (struct vrv_stat){.kind = VRV_DIR};
	int rc = 0;
	if (root->source)
		rc = matches(w, root->name, st.kind == VRV_DIR, &match, err);
	if (rc == 0)
		rc = find_old(w, place, root->name, &old, &raw, err);
	if (rc != 0)
		return rc;
	/* The top has no file system of its own: that of its first source. */
	if (place->st.dev == 0)
		place->st.dev = st.dev;
	if (st.kind == VRV_DIR) {
		if (is_store(w, &st))
			return leave_out_store(w, root->name, err);
		if ((match & VARVE_MATCH_RECURSE) == 0)
			return excluded(w, root->name, err);
		unsigned flags =
		    st.dev != place->st.dev ? VRV_ENTRY_FSROOT : 0;
		if (!root->source || (match & VARVE_MATCH_INCLUDE) == 0)
			flags |= VRV_ENTRY_WAY;
		return enter(w, NULL, root->path, root->name, &st, flags,
		    root, root->source && root->recurse, old, &raw, NULL,
		    err);
	}
	if ((match & VARVE_MATCH_INCLUDE) == 0)
		return excluded(w, root->name, err);
	if (root->n_below > 0)
		return problem(w, root->name, NULL, "is not a directory", err);

	/* A single file: its folder is opened for it. */
	vrv_auto_free char *folder = vrv_dup(root->path, strlen(root->path));
	if (folder == NULL)
		return VRV_NOMEM(err, "a path");
	char *slash = strrchr(folder, '/');
	const char *name = slash == NULL ? root->path : root->path +
		(slash - folder) + 1;
	struct place in = {0};
	if (slash != NULL)
		slash[slash == folder ? 1 : 0] = '\0';
	if (!vrv_source_open_folder(slash == NULL ? "." : folder, &in.dir,
		&error))
		return problem(w, root->name, &error, NULL, err);
	rc = take_entry(w, &in, name, &st, old, &raw, err);
	vrv_source_dir_unref(in.dir);
	return rc;
}

static int
step(struct walk *w, struct varve_err *err)
{
	struct place *place = w->places[w->depth - 1];

	if (place->at == place->n)
		return leave(w, err);
	if (place->listed)
		return visit(w, place, err);
	return visit_root(w, place, place->root->below[place->at++], err);
}

/* The top stands for the archive's root: a source itself (".", "/"), or only
 * on the way to the sources. */
static int
begin(struct walk *w, struct varve_err *err)
{
	const struct vrv_root *top = &w->p->roots->top;
	const struct vrv_archive *archive = w->p->parent->archive;
	struct vrv_source_err error;
	struct vrv_entry old;
	struct vrv_stat st = {.kind = VRV_DIR};
	bool has_old = false;

	if (!top->source)
		return enter(w, NULL, "", "", &st, VRV_ENTRY_WAY, top, false,
		    NULL, NULL, archive == NULL ? NULL : &archive->sealed.root,
		    err);
	if (!vrv_source_stat(NULL, top->path, &st, &error)) {
		char word[128];

		return vrv_fail(err, VARVE_USAGE, "'%s': %s", top->path,
		    strerror_r(error.sys, word, sizeof(word)));
	}
	if (archive != NULL && archive->sealed.root_entry.n > 0)
		has_old = vrv_root_entry_get(archive->sealed.root_entry.p,
			      archive->sealed.root_entry.n, &old, err) == 0;
	if (has_old)
		old.dir = archive->sealed.root;
	return enter(w, NULL, top->path, "", &st, 0, top, true,
	    has_old ? &old : NULL, NULL,
	    archive == NULL ? NULL : &archive->sealed.root, err);
}

int
vrv_stage_walk(void *arg, struct varve_err *err)
{
	struct vrv_pipeline *p = arg;
	struct walk w = {.p = p};

	w.links = vrv_map_new(2 * sizeof(uint64_t), sizeof(uint64_t));
	int rc = w.links == NULL ? VRV_NOMEM(err, "the walk") : begin(&w, err);
	while (rc == 0 && w.depth > 0)
		rc = step(&w, err);
	if (rc == 0)
		rc = send_batch(&w, err);
	if (rc == 0)
		rc = send_items(&w, err);
	while (w.depth > 0)
		close_place(w.places[--w.depth]);
	for (size_t i = 0; i < w.made; i++)
		free(w.places[i]);
	free(w.places);
	vrv_map_free(w.links);
	vrv_buf_fini(&w.path);
	vrv_queue_done(p->batches);
	vrv_queue_done(p->items);
	return rc;
}
