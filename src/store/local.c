/* SPDX-License-Identifier: BSD-2-Clause */
#include "store/store_internal.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
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
	int root; /* open directory */
	uint64_t dev, inode;
	pthread_mutex_t lock; /* protects tmp */
	int tmp;	      /* open directory; -1: nothing was put yet */
};

struct local_put {
	struct vrv_put base;
	struct vrv_newfile file;
	int dir; /* that the object will be linked into */
	uint64_t written, flushed;
	char name[VRV_STORE_NAME_MAX + 1];
};

static int
about(const struct vrv_store *store, const char *name, struct varve_err *err)
{
	return vrv_ctx(err, "%s: %s", store->location, name);
}

/* A put failed. A full disk is the one failure that everybody meets one day:
 * say what it means, and what to do. */
static int
put_failed(const struct vrv_store *store, const char *name,
    struct varve_err *err)
{
	if (err->exit == VARVE_EXIT_NO_SPACE)
		(void)vrv_hint(err,
		    "; all existing archives are intact: free space on this "
		    "file system, then run the command again");
	return about(store, name, err);
}

/* --- reading --- */

struct listing {
	const struct vrv_store *store;
	bool with_stat;
	vrv_store_item_fn *fn;
	void *arg;
};

static int
list_item(void *arg, int dirfd, const char *leaf, const char *name,
    struct varve_err *err)
{
	const struct listing *l = arg;
	struct vrv_store_item item = {.name = name};

	if (l->with_stat) {
		struct vrv_stat st;
		int rc = vrv_os_stat(dirfd, leaf, &st, err);
		if (rc == VARVE_NOENT)
			return 0;
		/* Whoever uses the object will meet this again. */
		if (rc != 0 && !vrv_err_is_unusable(err))
			return about(l->store, name, err);
		if (rc == 0 && st.kind == VRV_FILE) {
			item.size = st.size;
			item.time = vrv_local_time(&st);
		}
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
	int rc =
	    vrv_local_stat_object(local->root, name, ret_size, ret_time, err);

	return rc != 0 ? about(store, name, err) : 0;
}

static int
local_get(struct vrv_store *store, const char *name, uint64_t offset, void *to,
    size_t n, struct varve_err *err)
{
	struct local *local = (struct local *)store;
	vrv_auto_fd fd = -1;
	size_t got;

	int rc = vrv_local_open_object(local->root, name, &fd, err);
	if (rc == 0)
		rc = vrv_os_pread(fd, offset, to, n, &got, err);
	if (rc == 0 && got < n)
		rc = vrv_fail(err, VARVE_CORRUPT,
		    "ends after %zu of %zu bytes at %llu", got, n,
		    (unsigned long long)offset);
	return rc != 0 ? about(store, name, err) : 0;
}

/* --- writing --- */

/* Open tmp/ for the first put. Reading needs none, and may happen where it
 * cannot be made. */
static int
open_tmp(struct local *local, struct varve_err *err)
{
	int rc = 0;

	pthread_mutex_lock(&local->lock);
	if (local->tmp < 0) {
		rc = vrv_local_make_dir(local->root, VRV_LOCAL_TMP, &local->tmp,
		    err);
		/* Before anything is written: on a full disk it makes room. */
		if (rc == 0)
			vrv_newfile_sweep(local->tmp);
	}
	pthread_mutex_unlock(&local->lock);
	return rc;
}

static void
put_free(struct local_put *put)
{
	vrv_cleanup_fd(&put->dir);
	free(put);
}

static int
local_put_begin(struct vrv_store *store, const char *name, struct vrv_put **ret,
    struct varve_err *err)
{
	struct local *local = (struct local *)store;
	struct local_put *put = vrv_alloc_array(1, sizeof(*put));
	const char *leaf;

	if (put == NULL)
		return VRV_NOMEM(err, "an object");
	put->base.store = store;
	put->dir = -1;
	strcpy(put->name, name);
	int rc = open_tmp(local, err);
	/* It exists from the beginning, unless a copy of the repository left
	 * out empty directories. */
	if (rc == 0)
		rc = vrv_local_open_parent(local->root, name, true, &put->dir,
		    &leaf, err);
	if (rc == 0)
		rc = vrv_newfile_open(local->tmp, 0400, &put->file, err);
	if (rc != 0) {
		put_free(put);
		return put_failed(store, name, err);
	}
	*ret = &put->base;
	return 0;
}

static int
local_put_write(struct vrv_put *base, const void *bytes, size_t n,
    struct varve_err *err)
{
	struct local_put *put = (struct local_put *)base;

	int rc = vrv_os_write(put->file.fd, bytes, n, err);
	if (rc != 0)
		return put_failed(base->store, put->name, err);
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
	struct local_put *put = (struct local_put *)base;

	int rc = vrv_newfile_link(&put->file, put->dir,
	    strrchr(put->name, '/') + 1, err);
	if (rc != 0)
		rc = put_failed(base->store, put->name, err);
	put_free(put);
	return rc;
}

static void
local_put_abort(struct vrv_put *base)
{
	struct local_put *put = (struct local_put *)base;

	vrv_newfile_abort(&put->file);
	put_free(put);
}

static int
local_delete(struct vrv_store *store, const char *name, struct varve_err *err)
{
	struct local *local = (struct local *)store;

	const char *leaf;
	vrv_auto_fd dir = -1;

	int rc =
	    vrv_local_open_parent(local->root, name, false, &dir, &leaf, err);
	if (rc == 0 && unlinkat(dir, leaf, 0) != 0)
		rc = vrv_fail_sys(err, errno, "delete");
	return rc != 0 && rc != VARVE_NOENT ? about(store, name, err) : 0;
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

static int
local_release_reserve(struct vrv_store *store, bool *ret, struct varve_err *err)
{
	int rc =
	    vrv_local_reserve_release(((struct local *)store)->root, ret, err);

	return rc != 0 ? vrv_ctx(err, "%s", store->location) : 0;
}

static void
local_restore_reserve(struct vrv_store *store)
{
	vrv_local_reserve_restore(((struct local *)store)->root);
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
	pthread_mutex_destroy(&local->lock);
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
    .release_reserve = local_release_reserve,
    .restore_reserve = local_restore_reserve,
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
		vrv_fail(err, VARVE_FORMAT, "not a directory");
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

/* The directory itself, not those above it: a misspelt path should not become
 * a tree of directories. */
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
	pthread_mutex_init(&local->lock, NULL);

	int rc = create ? make_root(path, err) : 0;
	if (rc == 0)
		rc = open_root(path, local, err);
	if (rc == 0)
		rc = create ? vrv_local_create(local->root, err) :
			      vrv_local_recognize(local->root, err);
	if (rc != 0) {
		vrv_store_free(&local->base);
		return vrv_ctx(err, "%s", path);
	}
	*ret = &local->base;
	return 0;
}
