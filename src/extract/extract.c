/* SPDX-License-Identifier: BSD-2-Clause */
#include "extract/extract.h"

#include <sys/resource.h>

#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "extract/extract_internal.h"
#include "util/mem.h"

#define READER_CACHE ((size_t)16 << 20)
#define FILES_OPEN_MAX 256
#define FOLDERS_OPEN_MAX 128
#define OTHERS_OPEN 32 /* the store, the caches, what is pinned */

/* The way from the target to where the walk is: folders[0] is the target, the
 * first `n_made` exist. The rest is made when something comes into it. */
struct way {
	struct vrv_restore *run;
	struct vrv_folder **folders;
	size_t n, cap, n_made;
	uint32_t filesystems;
	struct vrv_buf path; /* below the target, of the last folder */
};

static struct vrv_folder *
last_folder(const struct way *way)
{
	return way->folders[way->n - 1];
}

static int
push(struct way *way, struct vrv_folder *take_folder, struct varve_err *err)
{
	if (vrv_room_for_one(&way->folders, way->n, &way->cap,
		sizeof(*way->folders)) != 0) {
		if (take_folder->parent != NULL)
			vrv_folder_free(&way->run->folders, take_folder);
		return VRV_NOMEM(err, "the way down");
	}
	way->folders[way->n++] = take_folder;
	if (way->path.len > 0)
		vrv_buf_u8(&way->path, '/');
	vrv_buf_bytes(&way->path, take_folder->name, take_folder->name_n);
	return vrv_buf_check(&way->path, err);
}

static void
pop(struct way *way)
{
	struct vrv_folder *folder = way->folders[--way->n];

	way->path.len -= folder->name_n;
	if (way->path.len > 0)
		way->path.len--; /* the slash */
	if (way->n_made > way->n)
		way->n_made = way->n;
	vrv_windows_left(way->run->windows, folder);
}

/* The last folder is `path` itself or holds it. */
static bool
is_above(const struct way *way, const char *path, size_t n)
{
	size_t own = way->path.len;

	return own == 0 ||
	    (n > own && path[own] == '/' &&
		memcmp(path, way->path.data, own) == 0);
}

/* Go to the folder that holds `path`; *ret_name is its last component. */
static int
go_to(struct way *way, const char *path, size_t n, const char **ret_name,
    struct varve_err *err)
{
	while (!is_above(way, path, n))
		pop(way);
	const char *at = path + way->path.len;
	at += *at == '/';
	for (const char *slash; (slash = strchr(at, '/')) != NULL;
	     at = slash + 1) {
		struct vrv_folder *folder =
		    vrv_folder_new(last_folder(way), at, (size_t)(slash - at));
		int rc = folder == NULL ? VRV_NOMEM(err, "a folder") :
					  push(way, folder, err);
		if (rc != 0)
			return rc;
	}
	*ret_name = at;
	return 0;
}

/* Make all folders down to the last. One that cannot be made is told, and
 * nothing in it will be restored. */
static int
make_way(struct way *way, struct varve_err *err)
{
	for (; way->n_made < way->n; way->n_made++) {
		struct vrv_folder *folder = way->folders[way->n_made];
		folder->lost = folder->parent->lost;
		if (folder->lost || way->run->options->dry_run)
			continue;
		int rc = vrv_folder_make(way->run, folder, err);
		if (rc == 0)
			continue;
		folder->lost = true;
		rc = vrv_restore_failed(way->run, folder, NULL, err);
		if (rc != 0)
			return rc;
	}
	return 0;
}

static int
lost(struct vrv_restore *run, const struct vrv_folder *folder, const char *name,
    struct varve_err *err)
{
	(void)vrv_fail(err, VARVE_NOENT,
	    "not restored: its folder could not be made");
	return vrv_restore_failed(run, folder, name, err);
}

/* A directory above a source that the archive does not describe: old versions
 * stored zeros for one that was reached through a symbolic link. */
static bool
is_invented(const struct vrv_entry *entry)
{
	return (entry->flags & VRV_ENTRY_WAY) != 0 && entry->inode == 0 &&
	    (entry->mode & 07777) == 0 && entry->mtime.s == 0 &&
	    entry->mtime.ns == 0;
}

static int
on_folder(struct way *way, const struct vrv_entry *entry, const char *path,
    const char *name, struct varve_err *err)
{
	struct vrv_restore *run = way->run;
	struct vrv_folder *parent = last_folder(way);
	struct vrv_folder *folder = vrv_folder_new(parent, name, strlen(name));

	if (folder == NULL)
		return VRV_NOMEM(err, "a folder");
	if ((entry->flags & VRV_ENTRY_FSROOT) != 0)
		folder->filesystem = ++way->filesystems;
	folder->is_way = (entry->flags & VRV_ENTRY_WAY) != 0;
	int rc = push(way, folder, err);
	if (rc == 0)
		rc = vrv_attrs_read(run, entry, folder, NULL, &folder->arena,
		    &folder->attrs, err);
	folder->has_attrs = rc == 0 && !is_invented(entry);
	if (rc != 0)
		rc = vrv_restore_failed(run, folder, NULL, err);
	if (rc != 0 || folder->is_way)
		return rc;
	vrv_restore_list(run, path, VRV_DIR, false);
	rc = make_way(way, err);
	if (rc == 0 && parent->lost)
		rc = lost(run, folder, NULL, err);
	else if (rc == 0 && !folder->lost)
		vrv_restore_add(run, folder, NULL, 1, 0);
	return rc;
}

static int
on_other(struct way *way, const struct vrv_entry *entry, const char *path,
    const char *name, struct varve_err *err)
{
	struct vrv_restore *run = way->run;
	struct vrv_folder *folder = last_folder(way);
	bool linked = false;

	if (entry->kind == VRV_SOCKET)
		return 0; /* whoever listened on it makes it anew */
	if (entry->kind >= VRV_CHAR && run->options->no_devices)
		return 0;
	int rc = make_way(way, err);
	if (rc == 0 && folder->lost)
		return lost(run, folder, name, err);
	if (rc == 0)
		rc = vrv_windows_add(run->windows, entry, folder, name, &linked,
		    err);
	if (rc == 0)
		vrv_restore_list(run, path, entry->kind, linked);
	return rc;
}

/* What is left of a path without its first components; NULL: nothing. */
static const char *
strip(const char *path, unsigned components)
{
	for (; components > 0 && path != NULL; components--) {
		path = strchr(path, '/');
		if (path != NULL)
			path++;
	}
	return path;
}

static int
on_root(struct way *way, const struct vrv_entry *entry, struct varve_err *err)
{
	struct vrv_folder *root = way->folders[0];

	if (!way->run->options->root_metadata ||
	    way->run->options->strip_components > 0)
		return 0;
	int rc = vrv_attrs_read(way->run, entry, root, NULL, &root->arena,
	    &root->attrs, err);
	root->has_attrs = rc == 0;
	if (rc != 0)
		return vrv_restore_failed(way->run, root, NULL, err);
	vrv_restore_list(way->run, ".", VRV_DIR, false);
	return 0;
}

static int
on_item(void *arg, const struct vrv_walk_item *item, struct varve_err *err)
{
	struct way *way = arg;
	struct vrv_restore *run = way->run;
	const char *name;

	if (run->options->stdout_fd >= 0)
		return vrv_extract_to_fd(run, item, err);
	if (item->depth == 0)
		return on_root(way, item->entry, err);
	const char *path = strip(item->path, run->options->strip_components);
	if (path == NULL)
		return 0;
	int rc = go_to(way, path, strlen(path), &name, err);
	if (rc != 0)
		return rc;
	if (item->entry->kind == VRV_DIR)
		return on_folder(way, item->entry, path, name, err);
	return on_other(way, item->entry, path, name, err);
}

static int
on_damaged(void *arg, const char *path, struct varve_err *err)
{
	struct way *way = arg;
	const char *below = strip(path, way->run->options->strip_components);

	return vrv_restore_failed_path(way->run, below == NULL ? path : below,
	    err);
}

static int
walk(struct way *way, const struct vrv_archive *archive, struct varve_err *err)
{
	struct vrv_restore *run = way->run;
	const struct vrv_walk w = {
	    .source = run->source,
	    .match = run->options->match,
	    .match_arg = run->options->match_arg,
	    .fn = on_item,
	    .arg = way,
	    .damaged = on_damaged,
	};

	int rc = vrv_walk_archive(&w, archive, err);
	if (rc != 0 || run->windows == NULL)
		return rc;
	while (way->n > 1)
		pop(way);
	rc = vrv_windows_end(run->windows, err);
	if (rc != 0)
		return rc;
	vrv_links_finish(run);
	return vrv_folder_finish(run, run->folders.root, err);
}

static int
restore(struct vrv_restore *run, const struct vrv_archive *archive,
    struct varve_err *err)
{
	struct way way = {.run = run, .n_made = 1};

	int rc = push(&way, run->folders.root, err);
	if (rc == 0 && run->options->stdout_fd < 0)
		rc = vrv_windows_new(run, &run->windows, err);
	if (rc == 0)
		rc = walk(&way, archive, err);
	/* Workers hold folders of the way, and the target is not ours. */
	vrv_windows_free(run->windows);
	while (way.n > 1)
		vrv_folder_free(&run->folders, way.folders[--way.n]);
	free(way.folders);
	vrv_buf_fini(&way.path);
	return rc;
}

static int
prepare(struct vrv_restore *run, const struct vrv_archive *archive,
    struct varve_err *err)
{
	bool by_id = run->options->numeric_ids;

	int rc = vrv_failures_new(&run->failures, err);
	if (rc == 0)
		rc = vrv_reader_new(run->repo, READER_CACHE, &run->reader, err);
	if (rc != 0)
		return rc;
	vrv_reader_remember(run->reader, run->failures);
	run->source = vrv_meta_from_reader(run->reader);
	rc = vrv_links_new(&run->links, err);
	if (rc != 0)
		return rc;
	rc = vrv_owners_new(by_id ? NULL : &run->source, archive, &run->owners,
	    err);
	if (rc == 0 || vrv_err_is_fatal(err))
		return rc;
	/* Numbers are left when the names are damaged. */
	vrv_restore_warn(run, run->folders.root, NULL,
	    "names of owners are damaged", err);
	vrv_err_clear(err);
	return vrv_owners_new(NULL, archive, &run->owners, err);
}

/* As many descriptors as the process may have, if that is less. */
static void
limit_open(struct vrv_restore *run)
{
	struct rlimit limit;
	rlim_t n = UINT_MAX;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
		n = vrv_min(limit.rlim_cur, n);
	n = n > OTHERS_OPEN + 8 ? n - OTHERS_OPEN : 8;
	run->files.cache.max = (unsigned)vrv_min(n / 2, FILES_OPEN_MAX);
	run->folders.cache.max = (unsigned)vrv_min(n / 4, FOLDERS_OPEN_MAX);
}

int
vrv_extract(struct vrv_repo *repo, const struct vrv_archive *archive,
    const struct varve_restore_options *options,
    struct varve_restore_result *ret, struct varve_err *err)
{
	struct vrv_restore run = {
	    .repo = repo,
	    .options = options,
	    .is_root = geteuid() == 0,
	    .progress = {.total = options->match == NULL ?
		    archive->sealed.bytes :
		    0},
	};
	const char *target = options->target == NULL ? "." : options->target;

	if (options->dry_run || options->stdout_fd >= 0)
		target = NULL;
	pthread_mutex_init(&run.tell, NULL);
	pthread_mutex_init(&run.files.lock, NULL);
	int rc = vrv_folders_init(&run.folders, target, err);
	limit_open(&run);
	if (rc == 0 && target != NULL)
		rc = vrv_folder_make(&run, run.folders.root, err);
	if (rc == 0)
		rc = prepare(&run, archive, err);
	if (rc == 0)
		rc = restore(&run, archive, err);
	if (rc == 0)
		vrv_restore_finished(&run);
	vrv_repeats_fini(&run.repeats);
	vrv_owners_free(run.owners);
	vrv_links_free(run.links);
	vrv_reader_free(run.reader);
	vrv_failures_free(run.failures);
	vrv_folders_fini(&run.folders);
	pthread_mutex_destroy(&run.files.lock);
	pthread_mutex_destroy(&run.tell);
	if (rc == 0)
		*ret = run.result;
	return rc;
}
