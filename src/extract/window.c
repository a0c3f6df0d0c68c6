/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "extract/extract_internal.h"
#include "task/task.h"
#include "util/mem.h"

#define THREADS_MAX 64

/* A hard link to be made when its group's first name is there. */
struct late_link {
	struct late_link *next;
	struct vrv_folder *folder;
	const char *name;
	struct vrv_group_first *group;
	uint8_t *entry; /* encoded, should it have to be written again */
	size_t entry_n;
};

struct vrv_window {
	struct vrv_arena arena; /* files and links with all they point to */
	struct vrv_plan plan;
	struct vrv_outfile *files;
	struct late_link *links, **links_end;
	struct vrv_folder *left, **left_end;
	struct vrv_group *threads; /* NULL: none were needed */
	atomic_size_t next_job;
};

struct worker {
	struct vrv_window *window;
	struct vrv_fetcher *fetcher;
};

struct vrv_windows {
	struct vrv_restore *run;
	struct vrv_window *filling, *working;
	struct vrv_outfile *spanning; /* has pieces in windows before, too */
	struct worker *workers;
	unsigned n_workers;
	size_t limit;
	uint64_t serial; /* of `filling` */
};

static struct vrv_window *
window_new(void)
{
	struct vrv_window *window = calloc(1, sizeof(*window));

	if (window != NULL) {
		window->links_end = &window->links;
		window->left_end = &window->left;
	}
	return window;
}

int
vrv_windows_new(struct vrv_restore *run, struct vrv_windows **ret,
    struct varve_err *err)
{
	struct vrv_windows *windows = calloc(1, sizeof(*windows));
	unsigned n = run->options->threads;
	int rc = 0;

	if (windows == NULL)
		return VRV_NOMEM(err, "a restore");
	n = n == 0 ? vrv_task_cpus() : n;
	n = n > THREADS_MAX ? THREADS_MAX : n;
	windows->run = run;
	windows->limit = VRV_WINDOW_FIRST;
	windows->filling = window_new();
	windows->workers = vrv_alloc_array(n, sizeof(*windows->workers));
	if (windows->filling == NULL || windows->workers == NULL)
		rc = VRV_NOMEM(err, "a restore");
	for (; rc == 0 && windows->n_workers < n; windows->n_workers++)
		rc = vrv_fetcher_new(run,
		    &windows->workers[windows->n_workers].fetcher, err);
	if (rc != 0) {
		vrv_windows_free(windows);
		return rc;
	}
	*ret = windows;
	return 0;
}

static void
abandon_files(struct vrv_restore *run, struct vrv_outfile *file)
{
	for (; file != NULL; file = file->next)
		if (!file->ended || file->started)
			vrv_outfile_abandon(run, file);
}

static void
free_files(struct vrv_outfile *files)
{
	while (files != NULL) {
		struct vrv_outfile *file = files;
		files = file->next;
		vrv_arena_fini(&file->arena);
		if (file->own)
			free(file);
	}
}

static void
window_free(struct vrv_restore *run, struct vrv_window *window)
{
	if (window == NULL)
		return;
	vrv_group_free(window->threads);
	abandon_files(run, window->files);
	free_files(window->files);
	while (window->left != NULL) {
		struct vrv_folder *folder = window->left;
		window->left = folder->next;
		vrv_folder_free(&run->folders, folder);
	}
	vrv_plan_fini(&window->plan);
	vrv_arena_fini(&window->arena);
	free(window);
}

void
vrv_windows_free(struct vrv_windows *windows)
{
	if (windows == NULL)
		return;
	/* The earlier one first: nothing may work on what the later holds. */
	window_free(windows->run, windows->working);
	abandon_files(windows->run, windows->spanning);
	free_files(windows->spanning);
	window_free(windows->run, windows->filling);
	for (unsigned i = 0; i < windows->n_workers; i++)
		vrv_fetcher_free(windows->workers[i].fetcher);
	free(windows->workers);
	free(windows);
}

/* --- working on a window --- */

static int
work(void *arg, struct varve_err *err)
{
	struct worker *worker = arg;
	struct vrv_window *window = worker->window;

	while (!vrv_group_cancelled(window->threads)) {
		size_t i = atomic_fetch_add(&window->next_job, 1);
		if (i >= window->plan.n_jobs)
			return 0;
		int rc = vrv_fetcher_do(worker->fetcher, &window->plan,
		    &window->plan.jobs[i], err);
		if (rc != 0)
			return rc;
	}
	return VARVE_CANCELLED;
}

static int
start(struct vrv_windows *windows, struct vrv_window *window,
    struct varve_err *err)
{
	size_t n = vrv_min(windows->n_workers, window->plan.n_jobs);

	int rc = vrv_plan_sort(&window->plan, err);
	if (rc != 0 || n == 0)
		return rc;
	window->threads = vrv_group_new();
	if (window->threads == NULL)
		return VRV_NOMEM(err, "threads");
	for (size_t i = 0; rc == 0 && i < n; i++) {
		windows->workers[i].window = window;
		rc = vrv_group_start(window->threads, "restore", work,
		    &windows->workers[i], err);
	}
	return rc;
}

static int make_copy(struct vrv_restore *run, const struct late_link *link,
    struct vrv_group_first *group, struct varve_err *err);
static int make_again(struct vrv_restore *run, const struct late_link *link,
    struct varve_err *err);

static int
make_link(struct vrv_restore *run, const struct late_link *link,
    struct varve_err *err)
{
	enum vrv_way way;
	struct vrv_stat st;
	static const struct vrv_attrs none = {.kind = 0}; /* equal to nothing */

	if (!atomic_load(&link->group->there))
		return make_again(run, link, err);
	if (vrv_links_is_made(run, link->group, link->folder, link->name)) {
		vrv_restore_add(run, link->folder, link->name, 1, 0);
		return 0;
	}
	int rc = vrv_way_look(run, link->folder, link->name, &none, 0, NULL,
	    &way, &st, err);
	if (rc == VARVE_EXISTS) {
		/* Maybe a copy that an earlier run had to make. */
		vrv_err_clear(err);
		return make_copy(run, link, NULL, err);
	}
	if (rc != 0)
		return vrv_restore_failed(run, link->folder, link->name, err);
	rc = vrv_links_make(run, link->group, link->folder, link->name,
	    way != VRV_WAY_CLEAR, err);
	if (rc == 0) {
		vrv_restore_add(run, link->folder, link->name, 1, 0);
		return 0;
	}
	/* Too many links, another file system, a file system without them. */
	(void)vrv_ctx(err,
	    "restored as a file of its own, not as a hard link to '%s'",
	    link->group->path);
	vrv_restore_warn(run, link->folder, link->name,
	    "hard links are restored as files of their own", err);
	vrv_err_clear(err);
	return make_again(run, link, err);
}

static int
finish_window(struct vrv_windows *windows, struct varve_err *err)
{
	struct vrv_restore *run = windows->run;
	struct vrv_window *window = windows->working;
	int rc = 0;

	if (window == NULL)
		return 0;
	if (window->threads != NULL)
		rc = vrv_group_join(window->threads, err);
	for (struct late_link *link = window->links; rc == 0 && link != NULL;
	     link = link->next)
		rc = make_link(run, link, err);
	for (struct vrv_folder *f = window->left; rc == 0 && f != NULL;
	     f = f->next)
		rc = vrv_folder_finish(run, f, err);
	if (rc != 0)
		return rc;
	windows->working = NULL;
	window_free(run, window);
	return 0;
}

static int
advance(struct vrv_windows *windows, struct varve_err *err)
{
	int rc = finish_window(windows, err);
	if (rc != 0)
		return rc;
	struct vrv_window *next = window_new();
	if (next == NULL)
		return VRV_NOMEM(err, "a restore");
	windows->working = windows->filling;
	windows->filling = next;
	windows->serial++;
	windows->limit = vrv_min(windows->limit * 4, VRV_WINDOW_PIECES);
	return start(windows, windows->working, err);
}

static bool
is_full(const struct vrv_windows *windows)
{
	const struct vrv_window *window = windows->filling;

	return window->plan.n_pieces >= windows->limit ||
	    window->arena.used >= VRV_WINDOW_BYTES;
}

int
vrv_windows_end(struct vrv_windows *windows, struct varve_err *err)
{
	int rc = advance(windows, err);
	return rc == 0 ? finish_window(windows, err) : rc;
}

void
vrv_windows_left(struct vrv_windows *windows, struct vrv_folder *folder)
{
	*windows->filling->left_end = folder;
	windows->filling->left_end = &folder->next;
	windows->filling->arena.used += sizeof(*folder) + folder->arena.used;
}

/* --- filling a window --- */

static int
find_chunk(void *arg, const uint8_t *id, struct vrv_location *ret, uint32_t max,
    uint32_t *ret_n, struct varve_err *err)
{
	struct vrv_restore *run = arg;
	struct vrv_index *index;

	int rc = vrv_repo_index(run->repo, &index, err);
	if (rc == 0)
		rc = vrv_index_find(index, id, ret, max, ret_n, err);
	/* Whatever an archive needs was named before the archive was stored:
	 * what is still missing from an index that was listed later than the
	 * archive is lost, and it is listed once for all that is. */
	bool missing = rc == VARVE_NOENT || rc == VARVE_FORMAT;
	if (rc != VARVE_CORRUPT && (!missing || run->located_again))
		return rc;
	/* A damaged cache says nothing about what is missing. */
	if (missing)
		run->located_again = true;
	return vrv_repo_locate(run->repo, id, ret, max, ret_n, err);
}

static int
add_extent(struct vrv_windows *windows, struct vrv_outfile *file,
    const struct vrv_extent *extent, uint64_t offset, struct varve_err *err)
{
	if (extent->length > file->size || offset > file->size - extent->length)
		return vrv_fail(err, VARVE_CORRUPT,
		    "its pieces do not add up to its size");
	if (extent->hole) {
		file->holes = true;
		vrv_restore_add(windows->run, file->folder, file->name, 0,
		    extent->length);
		return 0;
	}
	if (extent->length > VRV_FRAME_PLAIN_MAX)
		return vrv_fail(err, VARVE_CORRUPT, "a piece is too long");

	struct vrv_piece piece = {
	    .file = file,
	    .offset = offset,
	    .length = (uint32_t)extent->length,
	};
	memcpy(piece.id, extent->id, VRV_ID_SIZE);
	int rc = vrv_plan_add(&windows->filling->plan, &piece, find_chunk,
	    windows->run, err);
	if (rc != 0)
		return rc;
	file->n_pieces++;
	atomic_fetch_add(&file->missing, 1);
	return 0;
}

/* An error here is one of the file; *ret_fatal is that of a window. */
static int
add_content(struct vrv_windows *windows, struct vrv_outfile *file,
    const struct vrv_entry *entry, bool *ret_fatal, struct varve_err *err)
{
	struct vrv_list_iter *list;
	struct vrv_extent extent;
	uint64_t offset, end = 0;

	int rc = vrv_list_iter_new(&windows->run->source, entry->content,
	    entry->content_n, &list, err);
	if (rc != 0)
		return rc;
	for (;;) {
		rc = vrv_list_iter_next(list, &extent, &offset, err);
		if (rc == VARVE_NOENT)
			break;
		if (rc == 0)
			rc = add_extent(windows, file, &extent, offset, err);
		if (rc == 0)
			end = offset + extent.length;
		if (rc == 0 && file->own && is_full(windows)) {
			rc = advance(windows, err);
			*ret_fatal = rc != 0;
		}
		if (rc != 0) {
			vrv_list_iter_free(list);
			return rc;
		}
	}
	vrv_list_iter_free(list);
	vrv_err_clear(err);
	if (end != file->size)
		return vrv_fail(err, VARVE_CORRUPT,
		    "its pieces do not add up to its size");
	return 0;
}

static struct vrv_outfile *
new_file(struct vrv_windows *windows, const struct vrv_entry *entry,
    struct vrv_folder *folder, const char *name, struct varve_err *err)
{
	struct vrv_arena *arena = &windows->filling->arena;
	struct vrv_outfile *file;
	struct vrv_ref ref;
	struct vrv_rd rd;
	uint32_t n;
	bool own;

	if (vrv_content_get(entry->content, entry->content_n, &own, &ref, &n,
		&rd, err) != 0)
		return NULL;
	file =
	    own ? malloc(sizeof(*file)) : vrv_arena_alloc(arena, sizeof(*file));
	if (file == NULL) {
		(void)VRV_NOMEM(err, "a file");
		return NULL;
	}
	*file = (struct vrv_outfile){
	    .held = VRV_HELD_INIT,
	    .folder = folder,
	    .size = entry->size,
	    .own = own,
	    .missing = 1,
	};
	struct vrv_outfile **list =
	    own ? &windows->spanning : &windows->filling->files;
	file->next = *list;
	*list = file;
	file->name =
	    vrv_arena_dup(own ? &file->arena : arena, name, strlen(name));
	if (file->name == NULL) {
		(void)VRV_NOMEM(err, "a file");
		return NULL;
	}
	return file;
}

/* What is in its place? *ret_equal: nothing is to be done. */
static int
look(struct vrv_windows *windows, struct vrv_outfile *file, bool *ret_equal,
    struct varve_err *err)
{
	enum vrv_way way;
	struct vrv_stat st;

	int rc = vrv_way_look(windows->run, file->folder, file->name,
	    &file->attrs, file->size, NULL, &way, &st, err);
	if (rc != 0)
		return rc;
	file->replace = way == VRV_WAY_RENAME;
	*ret_equal = way == VRV_WAY_EQUAL;
	if (*ret_equal && file->group != NULL)
		vrv_group_there(file->group, &st);
	return 0;
}

static int
add_file(struct vrv_windows *windows, const struct vrv_entry *entry,
    struct vrv_folder *folder, const char *name, struct vrv_group_first *group,
    struct varve_err *err)
{
	struct vrv_restore *run = windows->run;
	struct vrv_outfile *file = new_file(windows, entry, folder, name, err);
	uint64_t serial = windows->serial;
	bool equal = false, fatal = false;

	if (file == NULL)
		return vrv_restore_failed(run, folder, name, err);
	file->group = group;
	int rc = vrv_attrs_read(run, entry, folder, file->name,
	    file->own ? &file->arena : &windows->filling->arena, &file->attrs,
	    err);
	if (rc == 0)
		rc = look(windows, file, &equal, err);
	if (equal)
		vrv_restore_add(run, folder, name, 0, file->size);
	else if (rc == 0)
		rc = add_content(windows, file, entry, &fatal, err);
	if (fatal)
		return rc;
	/* Workers may read it already if the file spans windows. */
	if (rc == 0 && serial == windows->serial)
		file->whole = true;
	if (file->own) {
		windows->spanning = NULL;
		file->next = windows->filling->files;
		windows->filling->files = file;
	}
	if (rc != 0)
		rc = vrv_outfile_fail(run, file, err);
	if (rc != 0)
		return rc;
	if (equal) {
		file->ended = true;
		vrv_restore_add(run, folder, name, 1, 0);
		return 0;
	}
	return vrv_outfile_done(run, file, 1, err);
}

static int
add_node(struct vrv_windows *windows, const struct vrv_entry *entry,
    struct vrv_folder *folder, const char *name, struct vrv_group_first *group,
    struct varve_err *err)
{
	struct vrv_restore *run = windows->run;
	struct vrv_arena *arena = &windows->filling->arena;
	struct vrv_node node = {
	    .folder = folder,
	    .name = name,
	    .group = group,
	};
	enum vrv_way way = VRV_WAY_CLEAR;
	struct vrv_stat st;
	char *target = vrv_arena_dup(arena, entry->target, entry->target_n);

	node.target = target;
	int rc = target == NULL ? VRV_NOMEM(err, "a link") : 0;
	if (rc == 0)
		rc = vrv_attrs_read(run, entry, folder, name, arena,
		    &node.attrs, err);
	if (rc == 0)
		rc = vrv_way_look(run, folder, name, &node.attrs, 0, target,
		    &way, &st, err);
	if (rc == 0 && !run->options->dry_run)
		rc = vrv_node_make(run, &node, way, err);
	if (rc == 0) {
		vrv_restore_add(run, folder, name, 1, 0);
		return 0;
	}
	if (err->sys == EPERM && !run->is_root && node.attrs.kind >= VRV_CHAR) {
		vrv_restore_warn(run, folder, name, "devices need root", err);
		vrv_err_clear(err);
		return 0;
	}
	return vrv_restore_failed(run, folder, name, err);
}

static int
add_link(struct vrv_windows *windows, const struct vrv_entry *entry,
    struct vrv_folder *folder, const char *name, struct vrv_group_first *group,
    struct varve_err *err)
{
	struct vrv_window *window = windows->filling;
	vrv_auto_buf struct vrv_buf raw = {0};
	struct late_link *link;

	vrv_entry_put(&raw, entry);
	link = vrv_arena_alloc(&window->arena, sizeof(*link));
	if (vrv_buf_check(&raw, err) != 0 || link == NULL)
		return VRV_NOMEM(err, "a hard link");
	*link = (struct late_link){
	    .folder = folder,
	    .name = vrv_arena_dup(&window->arena, name, strlen(name)),
	    .group = group,
	    .entry = vrv_arena_dup(&window->arena, raw.data, raw.len),
	    .entry_n = raw.len,
	};
	if (link->name == NULL || link->entry == NULL)
		return VRV_NOMEM(err, "a hard link");
	*window->links_end = link;
	window->links_end = &link->next;
	return 0;
}

/* The content once more. */
static int
make_copy(struct vrv_restore *run, const struct late_link *link,
    struct vrv_group_first *group, struct varve_err *err)
{
	struct vrv_rd rd = vrv_rd_over(link->entry, link->entry_n);
	struct vrv_entry entry;

	int rc = vrv_entry_get(&rd, &entry, err);
	if (rc != 0)
		return rc;
	if (entry.kind == VRV_FILE)
		return vrv_outfile_again(run, &entry, link->folder, link->name,
		    group, err);
	return add_node(run->windows, &entry, link->folder, link->name, group,
	    err);
}

/* The link cannot be one: later links of the group lead to this copy. */
static int
make_again(struct vrv_restore *run, const struct late_link *link,
    struct varve_err *err)
{
	int rc =
	    vrv_links_lead(run, link->group, link->folder, link->name, err);

	return rc == 0 ? make_copy(run, link, link->group, err) : rc;
}

int
vrv_windows_add(struct vrv_windows *windows, const struct vrv_entry *entry,
    struct vrv_folder *folder, const char *name, bool *ret_linked,
    struct varve_err *err)
{
	struct vrv_group_first *group = NULL;
	bool first = true;

	int rc = 0;
	if (is_full(windows))
		rc = advance(windows, err);
	if (rc == 0)
		rc = vrv_links_find(windows->run, entry, folder, name, &group,
		    &first, err);
	if (rc != 0)
		return rc;
	*ret_linked = !first;
	if (!first && windows->run->options->dry_run)
		return 0;
	if (!first)
		return add_link(windows, entry, folder, name, group, err);
	if (entry->kind == VRV_FILE)
		return add_file(windows, entry, folder, name, group, err);
	return add_node(windows, entry, folder, name, group, err);
}
