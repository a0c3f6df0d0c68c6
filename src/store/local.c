/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store_internal.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "os/file.h"
#include "os/meta.h"
#include "store/local_internal.h"
#include "util/mem.h"

/* A pack's pages go to the disk while it is still written, so that the fsync
 * at its end has little left to wait for. */
#define WRITEBACK_STEP ((uint64_t)4 << 20)

struct local {
	struct vrv_store base;
	int root, tmp; /* open folders; tmp is -1 where it cannot be made */
	uint64_t dev, inode;
	atomic_flag swept; /* abandoned temporary files: looked for once */
};

struct local_put {
	struct vrv_put base;
	struct vrv_newfile file;
	uint64_t written, flushed;
	char name[VRV_STORE_NAME_MAX + 1];
};

static int
about(const struct vrv_store *store, const char *name, struct varve_err *err)
{
	return vrv_ctx(err, "%s: %s", store->location, name);
}

/* --- reading --- */

struct listing {
	const struct vrv_store *store;
	bool with_stat;
	vrv_store_item_fn *fn;
	void *arg;
};

/* ctime, not mtime: linking sets it, so it says since when the object can be
 * seen, and nobody can set it back. */
static int
stat_object(int dirfd, const char *path, uint64_t *ret_size, int64_t *ret_time,
    struct varve_err *err)
{
	struct vrv_stat st;
	int rc = vrv_os_stat(dirfd, path, &st, err);

	if (rc == 0) {
		*ret_size = st.size;
		*ret_time = st.ctime.s;
	}
	return rc;
}

static int
list_item(void *arg, int dirfd, const char *leaf, const char *name,
    struct varve_err *err)
{
	const struct listing *l = arg;
	struct vrv_store_item item = {.name = name};

	if (l->with_stat) {
		int rc = stat_object(dirfd, leaf, &item.size, &item.time, err);
		if (rc != 0)
			return rc == VARVE_NOENT ? 0 :
						   about(l->store, name, err);
	}
	return l->fn(l->arg, &item, err);
}

static int
local_list(struct vrv_store *store, const char *prefix, bool with_stat,
    vrv_store_item_fn *fn, void *arg, struct varve_err *err)
{
	struct listing l = {store, with_stat, fn, arg};
	struct vrv_local_walk walk = {
	    .root = ((struct local *)store)->root,
	    .location = store->location,
	    .prefix = prefix,
	    .item = list_item,
	    .arg = &l,
	};

	return vrv_local_walk(&walk, err);
}

static int
local_head(struct vrv_store *store, const char *name, uint64_t *ret_size,
    int64_t *ret_time, struct varve_err *err)
{
	struct local *local = (struct local *)store;
	int rc = stat_object(local->root, name, ret_size, ret_time, err);

	return rc != 0 ? about(store, name, err) : 0;
}

static int
local_get(struct vrv_store *store, const char *name, uint64_t offset, void *to,
    size_t n, struct varve_err *err)
{
	struct local *local = (struct local *)store;
	vrv_auto_fd fd = -1;
	size_t got;

	int rc =
	    vrv_os_open(local->root, name, O_RDONLY | O_NOCTTY, 0, &fd, err);
	if (rc == 0)
		rc = vrv_os_pread(fd, offset, to, n, &got, err);
	if (rc == 0 && got < n)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "ends after %zu of %zu bytes at %llu", got, n,
		    (unsigned long long)offset);
	return rc != 0 ? about(store, name, err) : 0;
}

/* --- writing --- */

/* The folders of an object: they exist from the beginning, unless a copy of
 * the repository left out the empty ones. */
static int
make_folders(struct local *local, const char *name, struct varve_err *err)
{
	char path[VRV_STORE_NAME_MAX + 1];
	int rc = 0;

	for (size_t i = 0; rc == 0 && name[i] != '\0'; i++) {
		path[i] = name[i];
		if (name[i] != '/')
			continue;
		path[i] = '\0';
		rc = vrv_local_make_dir(local->root, path, err);
		path[i] = '/';
	}
	return rc;
}

static int
local_put_begin(struct vrv_store *store, const char *name, struct vrv_put **ret,
    struct varve_err *err)
{
	struct local *local = (struct local *)store;
	vrv_auto_free struct local_put *put = vrv_alloc_array(1, sizeof(*put));

	if (put == NULL)
		return VRV_NOMEM(err, "an object");
	put->base.store = store;
	strcpy(put->name, name);
	int rc = make_folders(local, name, err);
	if (rc == 0 && local->tmp < 0)
		rc = vrv_fail(err, VARVE_IO, "cannot write: no folder tmp/");
	/* Before anything is written: on a full disk it makes room. */
	if (rc == 0 && !atomic_flag_test_and_set(&local->swept))
		vrv_newfile_sweep(local->tmp);
	if (rc == 0)
		rc = vrv_newfile_open(local->tmp, 0400, &put->file, err);
	if (rc != 0)
		return about(store, name, err);
	*ret = &vrv_steal(&put)->base;
	return 0;
}

static int
local_put_write(struct vrv_put *base, const void *bytes, size_t n,
    struct varve_err *err)
{
	struct local_put *put = (struct local_put *)base;

	int rc = vrv_os_write(put->file.fd, bytes, n, err);
	if (rc != 0)
		return about(base->store, put->name, err);
	put->written += n;
	if (put->written - put->flushed >= WRITEBACK_STEP) {
		vrv_os_start_writeback(put->file.fd, put->flushed,
		    put->written - put->flushed);
		put->flushed = put->written;
	}
	return 0;
}

static int
local_put_commit(struct vrv_put *base, struct varve_err *err)
{
	struct local *local = (struct local *)base->store;
	struct local_put *put = (struct local_put *)base;

	int rc = vrv_newfile_link(&put->file, local->root, put->name, err);
	if (rc != 0)
		rc = about(base->store, put->name, err);
	free(put);
	return rc;
}

static void
local_put_abort(struct vrv_put *base)
{
	struct local_put *put = (struct local_put *)base;

	vrv_newfile_abort(&put->file);
	free(put);
}

static int
local_delete(struct vrv_store *store, const char *name, struct varve_err *err)
{
	struct local *local = (struct local *)store;

	if (unlinkat(local->root, name, 0) == 0 || errno == ENOENT)
		return 0;
	vrv_fail_sys(err, errno, "delete");
	return about(store, name, err);
}

static int
sync_folder(void *arg, int fd, struct varve_err *err)
{
	const struct vrv_store *store = arg;

	return vrv_os_fsync(fd, err) != 0 ? about(store, "sync", err) : 0;
}

static int
local_sync(struct vrv_store *store, const char *prefix, struct varve_err *err)
{
	struct vrv_local_walk walk = {
	    .root = ((struct local *)store)->root,
	    .location = store->location,
	    .prefix = prefix,
	    .folder = sync_folder,
	    .arg = store,
	};

	return vrv_local_walk(&walk, err);
}

static bool
local_identity(const struct vrv_store *store, uint64_t *ret_dev,
    uint64_t *ret_inode)
{
	const struct local *local = (const struct local *)store;

	*ret_dev = local->dev;
	*ret_inode = local->inode;
	return true;
}

static void
local_free(struct vrv_store *store)
{
	struct local *local = (struct local *)store;

	vrv_cleanup_fd(&local->root);
	vrv_cleanup_fd(&local->tmp);
	free(store->location);
	free(local);
}

static const struct vrv_store_ops local_ops = {
    .list = local_list,
    .head = local_head,
    .get = local_get,
    .put_begin = local_put_begin,
    .put_write = local_put_write,
    .put_commit = local_put_commit,
    .put_abort = local_put_abort,
    .delete = local_delete,
    .sync = local_sync,
    .identity = local_identity,
    .free = local_free,
};

/* --- opening --- */

static int
open_root(const char *path, struct local *local, struct varve_err *err)
{
	struct vrv_stat st;

	int rc = vrv_os_open(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, 0,
	    &local->root, err);
	if (rc == VARVE_NOENT)
		return vrv_exit(err, VARVE_EXIT_NO_REPO);
	if (rc != 0 && err->sys == ENOTDIR) {
		vrv_fail(err, VARVE_FORMAT, "not a folder");
		return vrv_exit(err, VARVE_EXIT_NOT_A_REPO);
	}
	if (rc == 0)
		rc = vrv_os_stat(local->root, "", &st, err);
	if (rc != 0)
		return rc;
	local->dev = st.dev;
	local->inode = st.inode;
	local->base.location = realpath(path, NULL);
	return local->base.location != NULL ?
	    0 :
	    vrv_fail_sys(err, errno, "absolute path");
}

/* Reading needs no tmp/, and may happen where it cannot be made. */
static int
open_tmp(struct local *local, struct varve_err *err)
{
	struct varve_err ignored;

	int rc = vrv_local_make_dir(local->root, VRV_LOCAL_TMP, &ignored);
	if (rc != 0)
		return 0;
	return vrv_os_open(local->root, VRV_LOCAL_TMP, O_RDONLY | O_DIRECTORY,
	    0, &local->tmp, err);
}

/* The folder itself, not those above it: a misspelt path should not become a
 * tree of folders. */
static int
make_root(const char *path, struct varve_err *err)
{
	if (mkdir(path, 0700) == 0)
		return vrv_os_sync_parent(AT_FDCWD, path, err);
	return errno == EEXIST ? 0 : vrv_fail_sys(err, errno, "mkdir");
}

int
vrv_store_open_local(const char *path, bool create, struct vrv_store **ret,
    struct varve_err *err)
{
	struct local *local = vrv_alloc_array(1, sizeof(*local));

	if (local == NULL)
		return VRV_NOMEM(err, "a store");
	local->base.ops = &local_ops;
	local->root = local->tmp = -1;
	atomic_flag_clear(&local->swept);

	int rc = create ? make_root(path, err) : 0;
	if (rc == 0)
		rc = open_root(path, local, err);
	if (rc == 0)
		rc = create ? vrv_local_create(local->root, err) :
			      vrv_local_recognize(local->root, err);
	if (rc == 0)
		rc = open_tmp(local, err);
	if (rc != 0) {
		vrv_store_free(&local->base);
		return vrv_ctx(err, "%s", path);
	}
	*ret = &local->base;
	return 0;
}
